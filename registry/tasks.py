"""Alarm clocks of the worker: each takes an id or nothing, calls one function, and may run twice."""

from __future__ import annotations

from celery import Task, shared_task
from django.utils import timezone

from registry.interchange.export_jobs import make_export
from registry.interchange.upload_jobs import check_upload, import_upload
from registry.marks import note_sweep
from registry.outcomes import jobs
from registry.reports.mailing import send_report_mail
from registry.reports.making import make_reports
from registry.reports.schedule import schedule_reports
from registry.services.exports import tidy_exports
from registry.services.heartbeats import forget_gone_workers, note_work
from registry.services.old_jobs import tidy_jobs
from registry.services.report_mail import tell_of_reports_given_up
from registry.services.uploads import tidy_uploads
from registry.vocabulary import JobKind

OTHER_WORK = {
    JobKind.CHECK_UPLOAD: check_upload,
    JobKind.IMPORT_UPLOAD: import_upload,
    JobKind.EXPORT: make_export,
    JobKind.REPORT: make_reports,
    JobKind.REPORT_MAIL: send_report_mail,
}


@shared_task(name="registry.run_job")
def run_job(job_id: int) -> None:
    """Do one job."""
    jobs.run_job(job_id, OTHER_WORK)


@shared_task(name="registry.sweep")
def sweep() -> None:
    """Send again whatever a crash left behind."""
    jobs.sweep(timezone.now())
    tidy_uploads(timezone.now())
    tidy_exports(timezone.now())
    tell_of_reports_given_up(jobs.MAX_ATTEMPTS)
    tidy_jobs(timezone.now())
    forget_gone_workers(timezone.now())
    note_sweep(timezone.now())


@shared_task(name="registry.schedule_reports")
def ask_for_due_reports() -> None:
    """Ask for the weekly reports that are due."""
    schedule_reports(timezone.now())


@shared_task(name="registry.heartbeat", bind=True)
def heartbeat(self: Task[[], None]) -> None:
    """Note which worker did this, and that it is alive."""
    note_work(self.request.hostname or "worker", timezone.now())
