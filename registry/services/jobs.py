"""Work to be done later: a row in the writing transaction, a message after commit that carries only its id."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from registry.closed_room import current_alias
from registry.exceptions import Conflict
from registry.models import Job, Trial, User
from registry.postgresql.prepared import cursor_of
from registry.roles import Permission
from registry.services.auditing import current_request_id
from registry.vocabulary import JobKind, JobState

log = structlog.get_logger(__name__)


# A second waiting job of the same kind is served by the first. One that runs serves as well where it looks for marks once more
# before it ends; any other may have read already what it was to do.
SERVED_BY_A_RUNNING_ONE = (JobKind.REFRESH,)
REQUEST = """INSERT INTO registry_job (kind, trial_id, state, requested_by_id, request_id, attempts, failure)
    VALUES (%(kind)s::text, %(trial)s::bigint, 'queued', %(by)s::bigint, %(request)s::text, 0, '')
    ON CONFLICT (kind, trial_id) WHERE state = 'queued' DO NOTHING RETURNING id"""
AGAIN = """INSERT INTO registry_job (kind, trial_id, state, requested_by_id, request_id, attempts, failure)
    SELECT %(kind)s::text, %(trial)s::bigint, 'queued', %(by)s::bigint, %(request)s::text, 0, ''
    WHERE NOT EXISTS (
        SELECT FROM registry_job WHERE kind = %(kind)s::text AND trial_id = %(trial)s::bigint AND state = ANY(%(states)s::text[])
    )
    ON CONFLICT (kind, trial_id) WHERE state = 'queued' DO NOTHING RETURNING id"""
MARK = "INSERT INTO registry_stalemark (trial_id, enrolment_id) SELECT %(trial)s::bigint, unnest(%(enrolments)s::bigint[])"


def mark_stale(trial: Trial, *, by: User, enrolment_ids: Iterable[int] | None = None, using: str | None = None) -> None:
    """Mark endpoints of some enrolments (None: of the whole trial) as stale and ask for one refresh, in this transaction."""
    marks: list[int | None] = [None] if enrolment_ids is None else list(enrolment_ids)
    _request(f"WITH marked AS ({MARK}) {REQUEST}", JobKind.REFRESH, trial, by, using or current_alias(), enrolments=marks)


def request_job(kind: JobKind, trial: Trial, *, by: User, using: str | None = None) -> None:
    """Store one waiting job and announce it after commit.

    One that waits already may be done before this transaction commits, without what it writes; so somebody served looks again
    afterwards.
    """
    _request(REQUEST, kind, trial, by, using or current_alias())


def _request(statement: str, kind: JobKind, trial: Trial, by: User, using: str, **values: list[int | None]) -> None:
    request_id = current_request_id.get()
    with cursor_of(using) as cursor:
        cursor.execute(statement, {"kind": kind.value, "trial": trial.pk, "by": by.pk, "request": request_id, **values})
        row = cursor.fetchone()
    after = partial(announce, row[0]) if row else partial(_ask_again, kind, trial.pk, by.pk, request_id, using)
    transaction.on_commit(after, using=using)


def request_own_job(kind: JobKind, *, by: User, using: str | None = None) -> Job:
    """Store a job that no other one can serve, announce it after commit, and return it; whoever asked keeps which it is."""
    using = using or current_alias()
    job = Job.objects.using(using).create(kind=kind, requested_by_id=by.pk, request_id=current_request_id.get())
    transaction.on_commit(partial(announce, job.pk), using=using)
    return job


def _ask_again(kind: JobKind, trial_id: int, by_id: int, request_id: str, using: str) -> None:
    """Store and announce a job unless one waits, or runs that will see to it; a job that finds nothing to do harms nobody."""
    states = [JobState.QUEUED, *([JobState.RUNNING] if kind in SERVED_BY_A_RUNNING_ONE else [])]
    with cursor_of(using) as cursor:
        values: dict[str, Any] = {
            "kind": kind.value,
            "trial": trial_id,
            "by": by_id,
            "request": request_id,
            "states": [state.value for state in states],
        }
        cursor.execute(AGAIN, values)
        row = cursor.fetchone()
    if row:
        announce(row[0])


def announce(job_id: int) -> None:
    """Send the job's id to the worker. A broker that is away loses nothing: the sweep sends the id again."""
    try:
        current_app.send_task("registry.run_job", args=[job_id], retry=False)
    except OperationalError as error:
        log.warning("broker_away", job_id=job_id, reason=type(error).__name__)


def unfinished_jobs() -> list[int]:
    """Return the ids of jobs that are waiting or were left running, oldest first."""
    return list(Job.objects.filter(state__in=["queued", "running"]).order_by("created_at").values_list("pk", flat=True))


@transaction.atomic
def retry_job(job_id: int, *, by: User) -> None:
    """Let a failed job be done again, with all its attempts; a job that did not fail, or whose work waits already, is a Conflict."""
    by.check_can(Permission.REGISTRY_OPERATE)
    job = Job.objects.select_for_update().filter(pk=job_id, state=JobState.FAILED).first()
    if job is None:
        raise Conflict("This job is not a failed one any more: load the page again.")
    if job.trial is not None and Job.objects.filter(kind=job.kind, trial=job.trial, state=JobState.QUEUED).exists():
        raise Conflict("The same work waits already in a later job: it will be done by that one.")
    Job.objects.filter(pk=job_id).update(state=JobState.QUEUED, attempts=0, failure="", requested_by=by)
    log.info("job_retried", job_id=job_id, user_id=by.pk)
    transaction.on_commit(partial(announce, job_id))
