"""Alarm clocks of the worker: each takes an id or nothing, calls one function, and may run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from registry.marks import note_sweep
from registry.models import WorkerHeartbeat
from registry.outcomes import jobs


@shared_task(name="registry.run_job")
def run_job(job_id: int) -> None:
    """Do one job."""
    jobs.run_job(job_id)


@shared_task(name="registry.sweep")
def sweep() -> None:
    """Send again whatever a crash left behind."""
    jobs.sweep(timezone.now())
    note_sweep(timezone.now())


@shared_task(name="registry.heartbeat")
def heartbeat() -> None:
    """Note that the worker is alive."""
    WorkerHeartbeat.objects.update_or_create(pk=1, defaults={"beat_at": timezone.now()})
