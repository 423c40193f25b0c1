"""The snapshot of a week: open and closed, of the records as they stood at the cut-off, under one database snapshot."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from django.db import connection, transaction

from registry.exceptions import NotFound
from registry.models import Trial, WeeklyReport
from registry.outcomes.closed_counts import read_closed_half, seal_closed_events
from registry.outcomes.code_version import code_version
from registry.outcomes.counting import judging_parameters, open_cells
from registry.outcomes.disclosure import Disclosure
from registry.outcomes.endpoints import fill_endpoints
from registry.outcomes.payload import Circumstances, closed_payload, open_payload
from registry.outcomes.plans import current_plan
from registry.outcomes.recruitment import read_recruited
from registry.reports.charter import charter_of_week
from registry.reports.conduct import Conducted, lines_of_cohorts, listing, read_conducted
from registry.reports.looking_back import know_sizes, look_back, set_endpoints_aside
from registry.reports.received import conduct_by_arm
from registry.rules.report_weeks import ReportWeek
from registry.selectors.outcome_payload import canonical, digest
from registry.selectors.report_payload import REPORT_FORMAT, Charter, Conduct, ReportPayload, Week
from registry.services.sealing import seal_what_is_seen, sealer
from registry.vocabulary import ReportDay


@dataclass(frozen=True)
class WeekSnapshot:
    """Both payloads; `text_of` is what is hashed and stored."""

    opened: ReportPayload
    closed: ReportPayload


def week_snapshot(
    report: WeeklyReport, *, now: datetime, disclosure: Disclosure | None = None, known_before: datetime | None = None
) -> WeekSnapshot:
    """Compute a report's snapshot from the records before its cut-off; raise NotFound where there was no analysis plan.

    The trial itself is that of the cut-off too, but what may be disclosed is what it allows now, unless said otherwise;
    of the charter's dates all count, or those written before an instant.
    """
    with ExitStack() as whole:
        with sealer() as sealing:
            closed_seal = seal_closed_events(report.trial)
            whole.enter_context(transaction.atomic())
            sealed = seal_what_is_seen(by=sealing)
        trial = Trial.objects.get(pk=report.trial_id)
        allowed = disclosure or Disclosure.of(trial)
        set_endpoints_aside()
        if report.cutoff < now:
            look_back(trial.pk, report.cutoff)
            trial = Trial.objects.filter(pk=report.trial_id).first() or trial
        plan = current_plan(trial)
        if plan is None:
            raise NotFound(f"{trial.name} had no analysis plan at the end of {report.week}, so there is nothing to report.")
        recruited = read_recruited(connection, trial, report.cutoff)
        charter = charter_of_week(report, trial, allowed.charter, known_before)
        # The report of a look has what the weeks between have not.
        allowed = replace(allowed, efficacy_by_arm=allowed.efficacy_by_arm or bool(charter["shown"]))
        about = Circumstances(trial, plan, report.cutoff, sealed.number, sealed.hash, code_version(), recruited, allowed)
        return _computed(report, about, closed_seal, charter)


def _computed(report: WeeklyReport, about: Circumstances, closed_seal: int | None, charter: Charter) -> WeekSnapshot:
    trial, plan, cutoff = about.trial, about.plan, about.cutoff
    fill_endpoints(trial, plan, cutoff=cutoff)
    know_sizes()
    counted, judged = open_cells(connection, plan, judging_parameters(trial, plan, cutoff))
    conducted, week = read_conducted(trial, cutoff), week_of(report, trial)
    opened = cast("ReportPayload", open_payload(about, counted))
    opened["report_format"], opened["week"] = REPORT_FORMAT, week
    opened["conduct"] = _conduct_of_everybody(conducted, minimum=plan.row.small_cell_minimum)
    if about.disclosure.efficacy:
        # Rows beyond one's own patients: under the same setting as pooled response (specification 2.4).
        opened["conduct"]["serious"] = listing(conducted)
    half = read_closed_half(trial, plan, judged, None, about.disclosure)
    closed = cast("ReportPayload", closed_payload(about, half.counted, half.arms))
    closed["report_format"], closed["week"], closed["charter"] = REPORT_FORMAT, week, charter
    closed["closed_seal"], closed["open_sha256"] = closed_seal, digest(text_of(opened))
    # In full, however few there are (specification 2.6).
    closed["conduct"] = {**_conduct_of_everybody(conducted, minimum=0), "serious": listing(conducted, {})}
    if half.arms.arms:
        closed["conduct"] = conduct_by_arm(trial, half.arms, conducted, cutoff)
    return WeekSnapshot(opened, closed)


def _conduct_of_everybody(conducted: Conducted, *, minimum: int) -> Conduct:
    return {"by_arm": False, "lines": list(lines_of_cohorts(conducted, minimum=minimum)), "serious": None}


def text_of(payload: ReportPayload) -> str:
    """Return the one text of a payload."""
    return canonical(payload)


def week_of(report: WeeklyReport, trial: Trial) -> Week:
    """Return what the snapshot says of the week."""
    week = ReportWeek.read(report.week)
    due = week.report_at(ReportDay(trial.report_day), trial.report_hour, trial.zone)
    return {
        "iso": str(week),
        "first_day": week.monday.isoformat(),
        "last_day": week.sunday.isoformat(),
        "over": report.cutoff >= week.ends_at(trial.zone),
        "due": due.isoformat() if due else None,
    }
