"""Health: is the process alive, and can the registry do its work."""

from collections.abc import Callable
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

TIMEOUT_S = 2


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process answers; touches nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether database, broker and worker do their part, with status 200 or 503; never raises."""
    checks = {name: as_result(check()) for name, check in CHECKS.items()}
    ready = all(result["ok"] for result in checks.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": checks}, status=200 if ready else 503)


def as_result(reason: str) -> dict[str, Any]:
    """Return a check's outcome; the reasons are fixed words, for an error's text may name accounts and addresses."""
    return {"ok": False, "reason": reason} if reason else {"ok": True}


def database() -> str:
    """Return why the database does not answer, or an empty string."""
    return ask("SELECT true", "does not answer", "does not answer")


def worker() -> str:
    """Return why no worker can be relied on, or an empty string; one whose processes are all busy with long jobs lives."""
    statement = f"SELECT max(beat_at) > now() - interval '{settings.HEARTBEAT_STALE_AFTER_S} s' FROM registry_workerheartbeat"
    return ask(statement, f"no heartbeat within {settings.HEARTBEAT_STALE_AFTER_S} s", "its heartbeat cannot be read")


def ask(statement: str, if_not: str, if_failed: str) -> str:
    """Ask a yes-or-no question over a connection of its own: the pool's may all be busy, and its wait is long."""
    parameters = {**connections["default"].get_connection_params(), "connect_timeout": TIMEOUT_S, "autocommit": True}
    parameters.pop("pool", None)
    try:
        with psycopg.connect(**parameters) as connection:
            connection.execute(f"SET statement_timeout = {TIMEOUT_S * 1000}")
            row = connection.execute(statement).fetchone()
    except (psycopg.Error, OSError):
        return if_failed
    return "" if row and row[0] else if_not


def broker() -> str:
    """Return why the broker does not answer, or an empty string."""
    url = settings.BROKER_URL.replace("redis+socket://", "unix://", 1)  # Celery's word for a socket, and the client's
    client = redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
    try:
        client.ping()
    except (redis.RedisError, OSError):
        return "does not answer"
    finally:
        client.close()
    return ""


CHECKS: dict[str, Callable[[], str]] = {"database": database, "broker": broker, "worker": worker}
