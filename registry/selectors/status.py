"""How the registry is: what somebody on duty looks at. Whole numbers and times, nothing of any patient or arm."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Exists, Min, OuterRef

from registry.marks import swept_at
from registry.models import Job, User, WorkerHeartbeat
from registry.roles import Permission
from registry.vocabulary import JobKind, JobState

LAST_BACKUP = "last-backup.json"
SHOWN_FAILURES = 50


@dataclass(frozen=True)
class FailedJob:
    """A job that ended without its work done, and why."""

    number: int
    kind: str
    trial: str
    failed_at: datetime | None
    attempts: int
    cause: str


@dataclass(frozen=True)
class SeenWorker:
    """A worker by its node name, and when it last said that it lives."""

    name: str
    beat_at: datetime
    is_well: bool


@dataclass(frozen=True)
class Status:
    """The state of the registry at one moment; None for what was never seen."""

    at: datetime
    version: str
    worked_at: datetime | None
    workers: list[SeenWorker]
    swept_at: datetime | None
    jobs: dict[str, int]
    waiting_since: datetime | None
    failed: list[FailedJob]
    disk_free: int
    disk_total: int
    mail_server: str
    mails_in_files: int
    backup_at: datetime | None

    def age_s(self, moment: datetime | None) -> int | None:
        """Return how long ago a moment is in whole seconds, never negative: two machines' clocks differ a little."""
        return None if moment is None else max(0, int((self.at - moment).total_seconds()))

    @property
    def worker_is_well(self) -> bool:
        age = self.age_s(self.worked_at)
        return age is not None and age <= settings.HEARTBEAT_STALE_AFTER_S

    @property
    def workers_are_well(self) -> bool:
        """Whoever was here within a day and did not end in order is here still."""
        return bool(self.workers) and all(worker.is_well for worker in self.workers)

    @property
    def sweep_is_well(self) -> bool:
        age = self.age_s(self.swept_at)
        return age is not None and age <= max(settings.HEARTBEAT_STALE_AFTER_S, 6 * settings.SWEEP_INTERVAL_S)

    @property
    def queue_is_well(self) -> bool:
        """Nothing failed for good, and no job has waited for longer than a worker with time takes to begin."""
        return not self.failed and (self.age_s(self.waiting_since) or 0) <= settings.QUEUE_OLD_AFTER_S

    @property
    def disk_is_well(self) -> bool:
        return self.disk_free >= settings.DISK_LOW_BYTES

    @property
    def backup_is_well(self) -> bool:
        age = self.age_s(self.backup_at)
        return age is not None and age <= settings.BACKUP_OLD_AFTER_S


def status_for(user: User, *, now: datetime) -> Status:
    """Return the status for somebody who holds the right to operate the registry."""
    user.check_can(Permission.REGISTRY_OPERATE)
    return status(now=now)


def status(*, now: datetime) -> Status:
    """Return the status; for a caller that has shown in another way that it may know."""
    disk = shutil.disk_usage(settings.DATA)
    beats = list(WorkerHeartbeat.objects.order_by("worker"))
    silent_since = now - timedelta(seconds=settings.HEARTBEAT_STALE_AFTER_S)
    counted = dict(Job.objects.values_list("state").annotate(Count("pk")))
    return Status(
        at=now,
        version=settings.VERSION,
        worked_at=max((beat.worked_at for beat in beats if beat.worked_at), default=None),
        workers=[SeenWorker(beat.worker, beat.beat_at, beat.beat_at >= silent_since) for beat in beats],
        swept_at=swept_at(),
        jobs={state: counted.get(state, 0) for state in JobState},
        waiting_since=Job.objects.filter(state=JobState.QUEUED).aggregate(first=Min("created_at"))["first"],
        failed=failed_jobs(),
        disk_free=disk.free,
        disk_total=disk.total,
        mail_server=settings.EMAIL_HOST,
        mails_in_files=0 if settings.EMAIL_HOST else sum(1 for _ in Path(settings.EMAIL_FILE_PATH).glob("*.log")),
        backup_at=backup_at(Path(settings.DATA)),
    )


def failed_jobs() -> list[FailedJob]:
    """Return failed jobs whose work no later one has taken over, the last first."""
    later = Job.objects.filter(kind=OuterRef("kind"), trial=OuterRef("trial"), pk__gt=OuterRef("pk"))
    failed = Job.objects.filter(~Exists(later), state=JobState.FAILED).select_related("trial").order_by("-pk")
    return [
        FailedJob(job.pk, JobKind(job.kind).label, job.trial.name if job.trial else "", job.finished_at, job.attempts, job.failure)
        for job in failed[:SHOWN_FAILURES]
    ]


def backup_at(data: Path) -> datetime | None:
    """Return when the last backup was finished, by the note it leaves in the data directory."""
    try:
        return datetime.fromisoformat(json.loads((data / LAST_BACKUP).read_text())["finished_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
