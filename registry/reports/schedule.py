"""Which weeks are due: every few minutes each trial is looked at, and every week without its report is asked for once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import structlog

from registry.models import Snapshot, Trial, WeeklyReport
from registry.rules.report_weeks import ReportWeek, weeks_due
from registry.services.reports import schedule_report
from registry.vocabulary import ReportDay

log = structlog.get_logger(__name__)


def schedule_reports(now: datetime) -> int:
    """Ask for the reports that are due and were not asked for; return how many."""
    trials = Trial.objects.exclude(report_day=ReportDay.NONE).filter(plans__isnull=False).distinct().order_by("pk")
    asked = [(trial, week) for trial in trials for week in due_weeks(trial, now) if schedule_report(trial=trial, week=week, now=now)]
    for trial, week in asked:
        log.info("report_due", trial=trial.slug, week=str(week))
    return len(asked)


def due_weeks(trial: Trial, now: datetime) -> list[ReportWeek]:
    """Return the weeks of a trial that should have been asked for by now, oldest first.

    Switched off and on again, they begin with the week in which they came on. Of a finished or locked trial only weeks in which
    its outcomes changed: there is nothing new to tell of others.
    """
    snapshots = Snapshot.objects.filter(trial=trial).order_by("number")
    oldest = snapshots.first()
    if oldest is None:
        return []
    last = WeeklyReport.objects.filter(trial=trial, by_schedule=True).order_by("-week").first()
    due = list(
        weeks_due(
            now=now,
            day=ReportDay(trial.report_day),
            hour=trial.report_hour,
            zone=trial.zone,
            first=ReportWeek.of(max(oldest.cutoff, _switched_on(trial) or oldest.cutoff), trial.zone),
            last_made=ReportWeek.read(last.week) if last else None,
        )
    )
    if not trial.all_due or not due:
        return due
    cutoffs = snapshots.filter(cutoff__gte=due[0].begins_at(trial.zone)).values_list("cutoff", flat=True)
    changed = {ReportWeek.of(cutoff, trial.zone) for cutoff in cutoffs}
    return [week for week in due if week in changed]


def _switched_on(trial: Trial) -> datetime | None:
    """Return when weekly reports were last switched on after a time without, None if there was none."""
    history = cast("Any", trial).history.order_by("pgh_id")
    without = history.filter(report_day=ReportDay.NONE).last()
    on_again = history.filter(pgh_id__gt=without.pgh_id).first() if without else None
    return on_again.pgh_created_at if on_again else None
