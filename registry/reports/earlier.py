"""The report before: what this week is compared with."""

from __future__ import annotations

import json
from typing import cast

from registry.closed_room import open_closed_room
from registry.models import WeeklyReport, system_actor
from registry.roles import Permission
from registry.selectors.outcome_payload import FORMAT
from registry.selectors.report_payload import REPORT_FORMAT, ReportPayload
from registry.vocabulary import ReportState


def last_open(report: WeeklyReport) -> ReportPayload | None:
    """Return the open snapshot of the latest made report of an earlier week; None for the first, or one of another format."""
    before = _before(report)
    return _comparable(before.document.payload) if before else None


def last_closed(report: WeeklyReport) -> ReportPayload | None:
    """Return the closed snapshot of that report."""
    before = _before(report)
    if before is None:
        return None
    room = open_closed_room(by=system_actor("scheduler"), permission=Permission.OUTCOMES_CLOSED, trial=report.trial)
    with room as closed, closed.cursor() as cursor:
        cursor.execute("SELECT payload FROM closed.report_document WHERE report_id = %s", [before.pk])
        return _comparable(cursor.fetchone()[0])


def _comparable(text: str) -> ReportPayload | None:
    payload = json.loads(text)
    return cast("ReportPayload", payload) if (payload["format"], payload.get("report_format")) == (FORMAT, REPORT_FORMAT) else None


def _before(report: WeeklyReport) -> WeeklyReport | None:
    made = WeeklyReport.objects.filter(trial=report.trial_id, week__lt=report.week, state=ReportState.MADE)
    if report.made_at is not None:
        # Computed anew: what was made since was not there to compare with.
        made = made.filter(made_at__lt=report.made_at)
    return made.select_related("document").order_by("-week", "-version").first()
