"""What workers say of themselves: that they live, and that they work."""

from __future__ import annotations

from datetime import datetime, timedelta

from registry.models import WorkerHeartbeat

# A worker that was cut off is shown as gone for so long; then it is taken as dismissed.
FORGOTTEN_AFTER = timedelta(days=1)


def note_life(worker: str, now: datetime) -> None:
    """Note that a worker lives."""
    WorkerHeartbeat.objects.update_or_create(worker=worker, defaults={"beat_at": now})


def note_work(worker: str, now: datetime) -> None:
    """Note that a worker lives and did the heartbeat task."""
    WorkerHeartbeat.objects.update_or_create(worker=worker, defaults={"beat_at": now, "worked_at": now})


def note_end(worker: str) -> None:
    """Forget a worker that ended in order."""
    WorkerHeartbeat.objects.filter(worker=worker).delete()


def forget_gone_workers(now: datetime) -> None:
    """Forget workers that have been gone for a day."""
    WorkerHeartbeat.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()
