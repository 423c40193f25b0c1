"""The charter's looks at efficacy by arm: what is planned, what was changed, and which report holds the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db.models import Min, Q

from registry.models import CharterLook, ReportDocument, Trial, WeeklyReport
from registry.rules.charter import CharterState, Look, next_look
from registry.rules.report_weeks import ReportWeek
from registry.vocabulary import ReportState


@dataclass(frozen=True)
class LookChange:
    """A look set or changed: as it was, None for a new one, as it became, when and why."""

    at: datetime
    was: Look | None
    became: Look
    reason: str


@dataclass(frozen=True)
class Charter:
    """The looks on record, and the changes made since efficacy by arm was first shown."""

    looks: tuple[Look, ...]
    late_changes: tuple[LookChange, ...]


@dataclass(frozen=True)
class LookAhead:
    """What stands where efficacy by arm is not shown: the report that holds it as last shown, and the next look, if any."""

    last: WeeklyReport | None
    next: Look | None


def charter_state(trial: Trial) -> CharterState:
    """Tell whether dates decide when efficacy by arm is shown; one called off counts, for a charter there is."""
    if trial.charter_has_ended:
        return CharterState.ENDED
    return CharterState.IN_FORCE if CharterLook.objects.filter(trial=trial).exists() else CharterState.NO_DATES


def charter_of(trial: Trial, *, known_before: datetime | None = None) -> Charter:
    """Return the charter from its history, by all of it or by what was written before an instant."""
    shown_at = _first_shown(trial, known_before)
    looks: dict[int, Look] = {}
    changes = []
    for row in _history(trial, known_before):
        look = Look(row.code, row.label, row.planned_on, row.called_off)
        if shown_at is not None and row.pgh_created_at > shown_at:
            changes.append(LookChange(row.pgh_created_at, looks.get(row.pgh_obj_id), look, row.change.reason))
        looks[row.pgh_obj_id] = look
    return Charter(tuple(sorted(looks.values(), key=lambda look: (look.planned_on, look.code))), tuple(changes))


def _history(trial: Trial, known_before: datetime | None) -> Any:
    events = cast("Any", CharterLook).history.rel.related_model.objects.filter(trial_id=trial.pk)
    if known_before is not None:
        events = events.filter(pgh_created_at__lt=known_before)
    return events.select_related("change").order_by("pgh_id")


def _first_shown(trial: Trial, known_before: datetime | None) -> datetime | None:
    """Return when a closed document with efficacy by arm was first made."""
    before = Q(made_at__lt=known_before) if known_before is not None else Q()
    kept = ReportDocument.objects.filter(before, report__trial=trial, efficacy_by_arm=True)
    return cast("datetime | None", kept.aggregate(first=Min("made_at"))["first"])


def look_ahead(trial: Trial, *, now: datetime) -> LookAhead | None:
    """Return where efficacy by arm stands and when it comes next; None where no dates are in force."""
    if charter_state(trial) != CharterState.IN_FORCE:
        return None
    made = list(
        WeeklyReport.objects.filter(trial=trial, state=ReportState.MADE, document__efficacy_by_arm=True).order_by("-cutoff", "-version")
    )
    weeks = {report.week for report in made}
    waiting = [look for look in charter_of(trial).looks if str(look.week) not in weeks]
    # The report of the week that ended last may not be made yet.
    ahead = next_look(waiting, ReportWeek.of(now, trial.zone).before)
    return LookAhead(made[0] if made else None, ahead)
