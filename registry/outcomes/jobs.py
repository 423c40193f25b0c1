"""Running jobs: the row says what is to be done and how far it is, a session lock says that somebody is at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from registry.models import Job, Snapshot, StaleMark, Trial, system_actor
from registry.outcomes.breaking_off import MayBreakOff
from registry.outcomes.code_version import code_version
from registry.outcomes.locks import job_lock, lock_if_free
from registry.outcomes.refresh import refresh_trial
from registry.services.auditing import current_job_id, current_request_id
from registry.services.jobs import announce, mark_stale, request_job
from registry.vocabulary import Conduct, JobKind, JobState

MAX_ATTEMPTS = 5
# A message that was not answered by then is lost as far as anybody can tell.
ANNOUNCE_AGAIN_AFTER = timedelta(seconds=5)
# A failed job waits 20 s, then 40 s, 80 s, 160 s: an outage of minutes costs no attempt too many.
BACK_OFF = timedelta(seconds=10)

# Allowed moves; whoever makes one finds the row in the state before it (compare and set).
MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING}),
    # A job whose worker was killed is still 'running' and is taken up again by the next one.
    JobState.RUNNING: frozenset({JobState.RUNNING, JobState.DONE, JobState.FAILED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.DONE: frozenset(),
}


# What a kind of job is done by, where that is not the outcomes' own work.
Work = Callable[[Job], None]


def run_job(job_id: int, other_work: Mapping[JobKind, Work] | None = None) -> None:
    """Do a job unless it is done or somebody is at it; a failure is kept on the row, for the sweep to try again."""
    with lock_if_free(job_lock(job_id)) as free:
        job = Job.objects.select_related("trial").filter(pk=job_id).first()
        if not free or job is None or not _move(job, JobState.RUNNING, started_at=timezone.now(), attempts=F("attempts") + 1):
            return
        request, current = current_request_id.set(job.request_id), current_job_id.set(job.pk)
        try:
            _do(job, other_work or {})
        finally:
            current_request_id.reset(request)
            current_job_id.reset(current)


def _do(job: Job, other_work: Mapping[JobKind, Work]) -> None:
    with MayBreakOff("job_failed", "The work", job_id=job.pk) as doing:
        if job.kind == JobKind.REFRESH and job.trial_id is not None:
            refresh_trial(job.trial_id)
        elif work := other_work.get(JobKind(job.kind)):
            work(job)
    if doing.cause:
        _fail(job, doing.cause)
        return
    _move(job, JobState.DONE, finished_at=timezone.now(), failure="")
    if job.trial is not None and StaleMark.objects.filter(trial=job.trial).exists():
        # Somebody wrote while this ran, and found the job still waiting.
        request_job(JobKind.REFRESH, job.trial, by=job.requested_by)


def _fail(job: Job, cause: str) -> None:
    if connection.is_usable():
        _move(job, JobState.FAILED, finished_at=timezone.now(), failure=cause[:2000])


def _move(job: Job, to: JobState, **changes: object) -> bool:
    """Move a job if its row is in a state that allows it; tell whether it did."""
    before = [state for state, moves in MOVES.items() if to in moves]
    return bool(Job.objects.filter(pk=job.pk, state__in=before).update(state=to, **changes))


def sweep(now: datetime) -> None:
    """See that nothing is left behind: lost messages, killed workers, failed jobs, marks without a job, a new day, an upgrade."""
    for job_id in dict.fromkeys([*_requeue_failed(now), *_left_behind(now)]):
        announce(job_id)
    scheduler = system_actor("scheduler")
    for trial in [*_marked_without_job(), *_trials_with_a_new_day(now)]:
        request_job(JobKind.REFRESH, trial, by=scheduler)
    for trial in _computed_by_other_code():
        mark_stale(trial, by=scheduler)


def _left_behind(now: datetime) -> list[int]:
    """Return jobs that wait for longer than a message takes, and running ones that nobody is at."""
    waiting = Job.objects.filter(state=JobState.QUEUED, created_at__lt=now - ANNOUNCE_AGAIN_AFTER).values_list("pk", flat=True)
    return [*waiting, *(job.pk for job in Job.objects.filter(state=JobState.RUNNING) if _is_abandoned(job, now))]


def _is_abandoned(job: Job, now: datetime) -> bool:
    """Tell whether a running job has no worker any more; one that took several down with it is given up."""
    with lock_if_free(job_lock(job.pk)) as free:
        if free and job.attempts >= MAX_ATTEMPTS:
            cause = f"The worker ended {job.attempts} times while doing this. Look at its log for the reason."
            _move(job, JobState.FAILED, finished_at=now, failure=cause)
            return False
        return free


def _requeue_failed(now: datetime) -> list[int]:
    """Queue failed jobs again whose time to wait is over, unless one of the kind waits already; return their ids."""
    waiting = Job.objects.filter(kind=OuterRef("kind"), trial=OuterRef("trial"), state=JobState.QUEUED)
    newer = Job.objects.filter(kind=OuterRef("kind"), trial=OuterRef("trial"), pk__gt=OuterRef("pk"))
    failed = Job.objects.filter(~Exists(waiting), ~Exists(newer), state=JobState.FAILED, attempts__lt=MAX_ATTEMPTS)
    ripe = [job for job in failed if job.finished_at and job.finished_at + BACK_OFF * 2**job.attempts <= now]
    return [job.pk for job in ripe if _move(job, JobState.QUEUED, failure="")]


def _marked_without_job() -> list[Trial]:
    """Return trials with stale marks and no job to see to them, given-up ones aside."""
    at_work = Job.objects.filter(kind=JobKind.REFRESH, trial=OuterRef("pk"), state__in=[JobState.QUEUED, JobState.RUNNING, JobState.FAILED])
    # A failed job counts until a later one was done: retrying is the sweep's business, at its own pace.
    later = Job.objects.filter(kind=JobKind.REFRESH, trial=OuterRef("trial"), pk__gt=OuterRef("pk"), state=JobState.DONE)
    marked = StaleMark.objects.filter(trial=OuterRef("pk"))
    return list(Trial.objects.filter(Exists(marked), ~Exists(at_work.filter(~Exists(later)))))


def _trials_with_a_new_day(now: datetime) -> list[Trial]:
    """Return running trials with a plan for which nothing was asked since their midnight: what is due depends on the date."""
    trials = Trial.objects.filter(~Q(conduct=Conduct.RETROSPECTIVE), locked_at__isnull=True, plans__isnull=False).distinct()
    return [trial for trial in trials if not _asked_today(trial, now)]


def _computed_by_other_code() -> list[Trial]:
    """Return trials whose outcomes another version of the registry computed and that are not marked yet: after an upgrade, all."""
    latest = Snapshot.objects.filter(trial=OuterRef("pk")).order_by("-number").values("code_version")[:1]
    marked = StaleMark.objects.filter(trial=OuterRef("pk"))
    old = ~Q(made_by=code_version()) & Q(made_by__isnull=False)
    return list(Trial.objects.annotate(made_by=Subquery(latest)).filter(old, ~Exists(marked)))


def _asked_today(trial: Trial, now: datetime) -> bool:
    midnight = datetime.combine(now.astimezone(trial.zone).date(), time(), trial.zone)
    return Job.objects.filter(trial=trial, kind=JobKind.REFRESH, created_at__gte=midnight).exists()
