"""A patient whose day 0 is 2 March 2026, and a plan with diary weeks 4 and 8; tests change one thing at a time."""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from registry.rules.response import Cutoff, Disposition, Endpoint, PatientRecord, Plan, Scale, Score, Session, TimePoint, endpoints
from registry.vocabulary import DispositionKind, DispositionReason, RecallPeriod

DAY0 = date(2026, 3, 2)
WEEK4 = TimePoint.diary("W4", 28)
WEEK8 = TimePoint.diary("W8", 56)
PLAN = Plan(scale=Scale("nrs"), recall=RecallPeriod.AVERAGE_24H, time_points=(WEEK4, WEEK8))


def on(day: int) -> date:
    """Return the date of a day number."""
    return DAY0 + timedelta(days=day)


def at(day: int, hour: int = 20, minute: int = 0) -> datetime:
    """Return an instant of a day number."""
    return datetime.combine(on(day), time(hour, minute), UTC)


def score(day: int | None, value: float | Fraction, **changes: Any) -> Score:
    """Make a diary answer given at 20:00 of its day; an undated one was recorded on day 0."""
    given: dict[str, Any] = {
        "record": 1000 if day is None else 1000 + day,
        "value_units": int(Fraction(value) * 10**6),
        "recorded_at": at(day or 0),
        "scale": "nrs",
        "for_date": None if day is None else on(day),
    }
    return Score(**(given | changes))


def week(last_day: int, *values: float) -> tuple[Score, ...]:
    """Make answers on consecutive days, the last on `last_day`."""
    return tuple(score(last_day - len(values) + 1 + place, value) for place, value in enumerate(values))


def session(day: int, *, pulses: int = 1800, **changes: Any) -> Session:
    """Make a session that started at 10:00 of its day and was recorded an hour later."""
    given: dict[str, Any] = {"on": on(day), "pulses": pulses, "started_at": at(day, 10), "recorded_at": at(day, 11)}
    return Session(**(given | changes))


def patient(*scores: Score, **changes: Any) -> PatientRecord:
    """Make a patient enrolled ten days before, allocated and first stimulated on day 0."""
    given: dict[str, Any] = {
        "enrolled_on": on(-10),
        "allocated": True,
        "allocated_on": DAY0,
        "scores": scores,
        "sessions": (session(0),),
    }
    return PatientRecord(**(given | changes))


def turn(kind: DispositionKind, day: int | None, reason: DispositionReason = DispositionReason.NOT_RECORDED) -> Disposition:
    """Make a disposition on a day number."""
    return Disposition(kind, None if day is None else on(day), reason)


def end_of_day(day: int, *, all_due: bool = False) -> Cutoff:
    """Make the cut-off at the midnight that ends a day."""
    return Cutoff(at(day + 1, 0), UTC, all_due)


def at_week4(record: PatientRecord, plan: Plan = PLAN, cutoff: Cutoff | None = None) -> Endpoint:
    """Return the first endpoint; by default seen long after everything was due."""
    return endpoints(plan, record, cutoff or end_of_day(200))[0]
