"""The snapshot of a week: open and closed, of the records as they stood at the cut-off, under one database snapshot."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db import connection, transaction

from registry.closed_room import open_closed_room
from registry.exceptions import NotFound
from registry.models import Trial, WeeklyReport, system_actor
from registry.outcomes.arms import Arm, ArmTable
from registry.outcomes.closed_counts import read_closed_half, seal_closed_events
from registry.outcomes.code_version import code_version
from registry.outcomes.counting import judging_parameters, open_cells
from registry.outcomes.endpoints import fill_endpoints
from registry.outcomes.payload import Circumstances, closed_payload, open_payload
from registry.outcomes.plans import CheckedPlan, current_plan
from registry.outcomes.recruitment import read_recruited
from registry.reports.conduct import Conducted, events_of, read_conducted, sessions_of
from registry.reports.looking_back import know_sizes, look_back, set_endpoints_aside
from registry.roles import Permission
from registry.rules.report_weeks import ReportWeek
from registry.selectors.outcome_payload import canonical, digest
from registry.selectors.report_payload import Conduct, ConductOfArm, ReportPayload, Week
from registry.services.sealing import SealedState, seal_changes, sealing_lock


@dataclass(frozen=True)
class WeekSnapshot:
    """Both payloads; `text_of` is what is hashed and stored."""

    opened: ReportPayload
    closed: ReportPayload


def week_snapshot(report: WeeklyReport, *, now: datetime) -> WeekSnapshot:
    """Compute a report's snapshot from the records before its cut-off; raise NotFound where there was no analysis plan."""
    with sealing_lock():
        closed_seal = seal_closed_events(report.trial)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            trial = Trial.objects.get(pk=report.trial_id)
            sealed = seal_changes()
            set_endpoints_aside()
            if report.cutoff < now:
                look_back(report.cutoff)
            plan = current_plan(trial)
            if plan is None:
                raise NotFound(f"{trial.name} had no analysis plan at the end of {report.week}, so there is nothing to report.")
            return _computed(report, trial, plan, sealed, closed_seal)


def _computed(report: WeeklyReport, trial: Trial, plan: CheckedPlan, sealed: SealedState, closed_seal: int | None) -> WeekSnapshot:
    cutoff = report.cutoff
    fill_endpoints(trial, plan, cutoff=cutoff)
    know_sizes()
    about = Circumstances(trial, plan, cutoff, sealed.number, sealed.hash, code_version(), read_recruited(connection, trial, cutoff))
    counted, judged = open_cells(connection, plan, judging_parameters(trial, plan, cutoff))
    conducted = read_conducted(trial, cutoff)
    opened = cast("ReportPayload", open_payload(about, counted))
    opened["week"] = week_of(report, trial)
    minimum = plan.row.small_cell_minimum
    opened["conduct"] = {"sessions": sessions_of(conducted), "events": events_of(conducted, minimum=minimum)}
    half = read_closed_half(trial, plan, judged, None)
    closed = cast("ReportPayload", closed_payload(about, half.counted, half.arms))
    closed["closed_seal"], closed["open_sha256"] = closed_seal, digest(text_of(opened))
    closed["week"] = opened["week"]
    closed["conduct"] = _closed_conduct(trial, half.arms, conducted)
    return WeekSnapshot(opened, closed)


def _closed_conduct(trial: Trial, arms: ArmTable, conducted: Conducted) -> Conduct:
    """Return sessions and events by arm, of everybody where there is none; in full, however few there are (specification 2.6)."""
    if not arms.arms:
        return {"sessions": sessions_of(conducted), "events": events_of(conducted, minimum=0)}
    given = _given(trial, {row[0] for row in conducted.sessions} | {row[0] for row in conducted.events})
    return {"arms": [_by_arm(arm, conducted, given) for arm in arms.arms]}


def text_of(payload: ReportPayload) -> str:
    """Return the one text of a payload."""
    return canonical(payload)


def week_of(report: WeeklyReport, trial: Trial) -> Week:
    """Return what the snapshot says of the week."""
    week = ReportWeek.read(report.week)
    return {
        "iso": str(week),
        "first_day": week.monday.isoformat(),
        "last_day": week.sunday.isoformat(),
        "over": report.cutoff >= week.ends_at(trial.zone),
    }


def _by_arm(arm: Arm, conducted: Conducted, given: dict[int, int]) -> ConductOfArm:
    own = conducted.of({enrolment for enrolment, its in given.items() if its == arm.id})
    return {"code": arm.name, "label": arm.shown_label, "sessions": sessions_of(own), "events": events_of(own, minimum=0)}


def _given(trial: Trial, enrolments: Collection[int]) -> dict[int, int]:
    """Return the arm of each of these patients who has one."""
    with ExitStack() as stack:
        room = open_closed_room(by=system_actor("scheduler"), permission=Permission.OUTCOMES_CLOSED, trial=trial)
        with stack.enter_context(room).cursor() as cursor:
            cursor.execute(
                "SELECT enrolment_id, arm_id FROM closed.allocation WHERE stage = 1 AND enrolment_id = ANY(%s)", [sorted(enrolments)]
            )
            return dict(cursor.fetchall())
