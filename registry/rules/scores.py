"""What a pain score must be: on its scale, on a step of it, with a day or a visit, not in the future."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from registry.exceptions import Problem
from registry.vocabulary import AnswerState, Rater, RecallPeriod, ScoreContext, ScoreSource
from registry.wording import _

UNITS_PER_POINT = 1_000_000


@dataclass(frozen=True, slots=True)
class ScaleRange:
    """The range and step of a scale; no step means up to six decimals."""

    minimum: Decimal
    maximum: Decimal
    step: Decimal | None


@dataclass(frozen=True, slots=True)
class NewScore:
    """One score to record, in the codes of its trial. `pain_rank` None means overall pain; `record` makes a repeat harmless."""

    patient: str
    scale: str
    value: Decimal
    context: ScoreContext
    recall: RecallPeriod
    source: ScoreSource
    scale_version: str = "1"
    rater: Rater = Rater.PATIENT
    pain_rank: int | None = None
    visit: str | None = None
    for_date: date | None = None
    observed_at: datetime | None = None
    recorded_at: datetime | None = None
    scheduled: bool = True
    answer_state: AnswerState = AnswerState.ON_TIME
    row_id: str = ""
    record: UUID | None = None


def value_problem(value: Decimal, scale: ScaleRange) -> Problem | None:
    """Return what is wrong with a value on its scale, or None."""
    if not value.is_finite() or not scale.minimum <= value <= scale.maximum:
        return Problem(
            "value",
            _("Enter a value from %(low)s to %(high)s.")
            % {"low": f"{scale.minimum.normalize():f}", "high": f"{scale.maximum.normalize():f}"},
            "out_of_range",
        )
    if scale.step is not None and (value - scale.minimum) % scale.step != 0:
        return Problem("value", _("Enter a value in steps of %(step)s.") % {"step": f"{scale.step.normalize():f}"}, "off_step")
    if value != round(value, 6):
        return Problem("value", _("Enter at most six decimals."), "too_many_decimals")
    return None


def day_problem(context: ScoreContext, for_date: date | None, visit: str | None, today: date) -> Problem | None:
    """Return what is wrong with the day of a score, or None."""
    if for_date is not None and for_date > today:
        return Problem(
            "for_date", _("%(for_date)s is in the future. Enter the day the pain was felt.") % {"for_date": for_date.isoformat()}, "future"
        )
    if context is ScoreContext.DIARY and for_date is None:
        return Problem("for_date", _("A diary value needs its day. Enter the day it is about."), "required")
    if for_date is None and visit is None:
        return Problem("for_date", _("Enter the day of the score or the visit it belongs to."), "required")
    return None


def value_units(value: Decimal) -> int:
    """Return a value in 10^-6 units, exactly."""
    return int(value * UNITS_PER_POINT)
