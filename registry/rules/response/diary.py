"""Which day an answer stands for, and whether it came in time (R2, R7)."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from registry.vocabulary import AnswerState

DAY_STARTS_AT = timedelta(hours=4)
ON_TIME_UNTIL = time(12)
REFUSED_AFTER = timedelta(hours=48)


def diary_day(recorded_at: datetime, zone: tzinfo) -> date:
    """Return the diary day of an instant: the local clock's date four hours back.

    The four hours are taken from the clock on the wall, so 04:00 begins a new day on clock-change nights too.
    """
    return (_wall_clock(recorded_at, zone) - DAY_STARTS_AT).date()


def score_day(observed_at: datetime, zone: tzinfo) -> date:
    """Return the civil date of any score that is not a diary answer."""
    return _wall_clock(observed_at, zone).date()


def answer_state(for_date: date, submitted_at: datetime, zone: tzinfo) -> AnswerState | None:
    """Return whether a diary answer is on time or late; None where the link refuses it.

    On time to 12:00 by the clock of the next day, late to 48 elapsed hours after the midnight that ends the day, both
    inclusive. Before the day begins (midnight) nobody can rate it: refused.
    """
    _wall_clock(submitted_at, zone)
    if submitted_at < _instant(for_date, time(), zone):
        return None
    next_day = for_date + timedelta(days=1)
    if submitted_at <= _instant(next_day, ON_TIME_UNTIL, zone):
        return AnswerState.ON_TIME
    return AnswerState.LATE if submitted_at <= _instant(next_day, time(), zone) + REFUSED_AFTER else None


def _wall_clock(instant: datetime, zone: tzinfo) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(zone).replace(tzinfo=None)


def _instant(day: date, clock: time, zone: tzinfo) -> datetime:
    # In UTC, because Python compares and adds within one zone by the wall clock.
    return datetime.combine(day, clock, zone).astimezone(UTC)
