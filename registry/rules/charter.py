"""When efficacy by arm may be looked at: the dates of the safety board's charter against the weeks of reports (decision 0014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from registry.rules.report_weeks import ReportWeek


class CharterState(StrEnum):
    """Whether dates decide: none are set, they are in force, or the trial has ended or was decoded and they hold no more."""

    NO_DATES = "no_dates"
    IN_FORCE = "in_force"
    ENDED = "ended"


@dataclass(frozen=True)
class Look:
    """One look that the charter plans."""

    code: str
    label: str
    planned_on: date
    called_off: bool = False

    @property
    def week(self) -> ReportWeek:
        """Return the week whose report holds it: the first whose cut-off, the Monday after it, is the planned day or later."""
        last = self.planned_on - timedelta(days=1)
        return ReportWeek(last - timedelta(days=last.weekday()))


def looks_in(looks: Sequence[Look], week: ReportWeek) -> list[Look]:
    """Return the looks that the report of a week is to hold."""
    return [look for look in looks if look.week == week and not look.called_off]


def next_look(looks: Sequence[Look], week: ReportWeek) -> Look | None:
    """Return the first look whose report is that of this week or a later one, None where none is left."""
    ahead = [look for look in looks if look.week >= week and not look.called_off]
    return min(ahead, key=lambda look: (look.planned_on, look.code), default=None)
