"""How the registry is, for Prometheus: the numbers of the status page, for a token of the operator's or a signed-in administrator."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from registry.exceptions import NotAllowed
from registry.models import User
from registry.roles import Permission
from registry.selectors.status import Status, status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@require_safe
@never_cache
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the metrics, 401 to strangers and 403 to people without the right."""
    if not shows_token(request):
        user = request.user
        if not isinstance(user, User):
            return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
        if not user.can(Permission.REGISTRY_OPERATE):
            raise NotAllowed("Only an administrator reads the metrics: ask one.")
    return HttpResponse("".join(lines(status(now=timezone.now()))), content_type=CONTENT_TYPE)


def shows_token(request: HttpRequest) -> bool:
    """Tell whether the request carries the operator's token; without one in the settings none fits."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return bool(settings.METRICS_TOKEN) and scheme == "Bearer" and hmac.compare_digest(shown.encode(), settings.METRICS_TOKEN.encode())


def lines(state: Status) -> list[str]:
    """Return the metrics in Prometheus' text format; what was never seen is left out, so that an alert on its absence fires."""
    gauges = [
        ("rtms_worker_heartbeat_age_seconds", "Since a worker last did its heartbeat task", state.age_s(state.worked_at)),
        ("rtms_sweep_age_seconds", "Since jobs left behind were last looked for", state.age_s(state.swept_at)),
        ("rtms_oldest_waiting_job_age_seconds", "Age of the job that waits longest, 0 without one", state.age_s(state.waiting_since) or 0),
        ("rtms_unresolved_failed_jobs", "Failed jobs whose work no later one has taken over", len(state.failed)),
        ("rtms_disk_free_bytes", "Free on the disk of the data directory", state.disk_free),
        ("rtms_disk_size_bytes", "Size of the disk of the data directory", state.disk_total),
        ("rtms_mail_server_configured", "1 if mail is sent, 0 if it is written to files", int(bool(state.mail_server))),
        ("rtms_backup_age_seconds", "Since the last backup was finished", state.age_s(state.backup_at)),
    ]
    seen = [f'rtms_worker_seen_age_seconds{{worker="{label(one.name)}"}} {state.age_s(one.beat_at)}\n' for one in state.workers]
    jobs = [f'rtms_jobs{{state="{word}"}} {count}\n' for word, count in state.jobs.items()]
    return [
        *gauge("rtms_info", "The release that answers", f'{{version="{state.version}"}} 1'),
        "# HELP rtms_jobs Jobs on record by state\n# TYPE rtms_jobs gauge\n",
        *jobs,
        "# HELP rtms_worker_seen_age_seconds Since each worker last said that it lives\n# TYPE rtms_worker_seen_age_seconds gauge\n",
        *seen,
        *(line for name, what, value in gauges if value is not None for line in gauge(name, what, f" {value}")),
    ]


def label(text: str) -> str:
    """Return a text as the value of a label."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def gauge(name: str, what: str, value: str) -> list[str]:
    """Return one gauge with its explanation."""
    return [f"# HELP {name} {what}\n# TYPE {name} gauge\n{name}{value}\n"]
