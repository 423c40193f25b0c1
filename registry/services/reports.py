"""Asking for weekly reports: one row for each version of a week, and a job that makes what is due. Nothing is computed here."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.models import AnalysisPlan, Job, Trial, User, WeeklyReport, system_actor
from registry.roles import Permission
from registry.rules.report_weeks import ReportWeek
from registry.services.acts import log_act
from registry.services.jobs import request_job
from registry.services.reasons import MINIMUM_REASON
from registry.vocabulary import Act, JobKind, JobState, ReportState

AT_WORK = (ReportState.DUE, ReportState.MAKING)


@transaction.atomic
def ask_for_report(*, trial: Trial, week: ReportWeek, reason: str, by: User, now: datetime) -> WeeklyReport:
    """Ask for the next version of a week's report; of a week that is not over, with the records of now.

    Raises InvalidInput for a week that has not begun or had no plan, or a further version without a reason, and Conflict
    while one is being made.
    """
    by.check_can(Permission.OUTCOMES_OPEN, trial=trial)
    check_week(trial, week, now)
    lock_reports(trial)
    made = WeeklyReport.objects.filter(trial=trial, week=str(week))
    if made.filter(state__in=AT_WORK).exists() and is_under_way(trial):
        raise Conflict(f"A report of {week} is being made already: it will be here in a moment.")
    if made.exists() and len(reason.strip()) < MINIMUM_REASON:
        raise InvalidInput([Problem("reason", f"Say in at least {MINIMUM_REASON} characters why it is made again.", "too_short")])
    report = WeeklyReport.objects.create(
        trial=trial,
        week=str(week),
        version=_next_version(trial, week),
        cutoff=min(week.ends_at(trial.zone), now),
        requested_by=by,
        requested_at=now,
        reason=reason.strip(),
    )
    log_act(Act.REPORT_ASKED, by=by, trial=trial, target=str(report), reason=report.reason)
    request_job(JobKind.REPORT, trial, by=by)
    return report


@transaction.atomic
def schedule_report(*, trial: Trial, week: ReportWeek, now: datetime) -> bool:
    """Ask for a week's report on schedule unless that was done before, by whichever scheduler; tell whether it was asked now."""
    lock_reports(trial)
    scheduler = system_actor("scheduler")
    if WeeklyReport.objects.filter(trial=trial, week=str(week), by_schedule=True).exists():
        return False
    WeeklyReport.objects.create(
        trial=trial,
        week=str(week),
        version=_next_version(trial, week),
        cutoff=week.ends_at(trial.zone),
        by_schedule=True,
        requested_by=scheduler,
        requested_at=now,
    )
    request_job(JobKind.REPORT, trial, by=scheduler)
    return True


def check_week(trial: Trial, week: ReportWeek, now: datetime) -> None:
    """Raise InvalidInput for a week that cannot be reported, saying which can."""
    if week.begins_at(trial.zone) > now:
        raise InvalidInput([Problem("week", f"{week} has not begun. The present week is {ReportWeek.of(now, trial.zone)}.")])
    first = AnalysisPlan.objects.filter(trial=trial).order_by("created_at").first()
    if first is None:
        raise InvalidInput([Problem("week", "The trial has no analysis plan, so there is nothing to report. Add one in the settings.")])
    if first.created_at >= week.ends_at(trial.zone):
        earliest = ReportWeek.of(first.created_at, trial.zone)
        raise InvalidInput([Problem("week", f"The trial had no analysis plan before the end of {week}. The first week is {earliest}.")])


def is_under_way(trial: Trial) -> bool:
    """Tell whether a worker is at the trial's reports or will be; a job given up leaves its report unmade."""
    return Job.objects.filter(kind=JobKind.REPORT, trial=trial, state__in=[JobState.QUEUED, JobState.RUNNING]).exists()


def lock_reports(trial: Trial) -> None:
    """Let one at a time number a trial's reports, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('registry_report'), %s)", [trial.pk])


def _next_version(trial: Trial, week: ReportWeek) -> int:
    last = WeeklyReport.objects.filter(trial=trial, week=str(week)).aggregate(last=Max("version"))["last"]
    return (last or 0) + 1
