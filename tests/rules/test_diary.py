"""Which day an answer stands for and whether it came in time, clock-change nights included."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from registry.rules.response import answer_state, diary_day, score_day
from registry.vocabulary import AnswerState

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
# An ordinary night and both clock changes of 2026: the date that begins at midnight.
NIGHTS = [
    (BERLIN, date(2026, 6, 10)),
    (BERLIN, date(2026, 3, 29)),
    (BERLIN, date(2026, 10, 25)),
    (NEW_YORK, date(2026, 6, 10)),
    (NEW_YORK, date(2026, 3, 8)),
    (NEW_YORK, date(2026, 11, 1)),
]
nights = pytest.mark.parametrize(("zone", "new_day"), NIGHTS, ids=lambda value: str(value))


def clock(day: date, hour: int, minute: int, zone: tzinfo, fold: int = 0) -> datetime:
    """Return the instant a clock on the wall shows a time, as the registry keeps it."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=fold).astimezone(UTC)


@nights
def test_diary_day_turns_at_four_by_the_clock(zone: ZoneInfo, new_day: date) -> None:
    old_day = new_day - timedelta(days=1)
    assert diary_day(clock(old_day, 23, 50, zone), zone) == old_day
    assert diary_day(clock(new_day, 0, 30, zone), zone) == old_day
    assert diary_day(clock(new_day, 3, 59, zone), zone) == old_day
    assert diary_day(clock(new_day, 4, 0, zone), zone) == new_day
    assert diary_day(clock(new_day, 23, 50, zone), zone) == new_day


def test_an_hour_that_comes_twice_belongs_to_the_day_before_both_times() -> None:
    for fold in (0, 1):
        assert diary_day(clock(date(2026, 10, 25), 2, 30, BERLIN, fold), BERLIN) == date(2026, 10, 24)
        assert diary_day(clock(date(2026, 11, 1), 1, 30, NEW_YORK, fold), NEW_YORK) == date(2026, 10, 31)


def test_one_instant_is_two_days_in_two_places() -> None:
    instant = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
    assert diary_day(instant, BERLIN) == date(2026, 6, 10)
    assert diary_day(instant, NEW_YORK) == date(2026, 6, 9)


def test_a_clinic_score_stands_for_the_civil_date() -> None:
    assert score_day(clock(date(2026, 6, 10), 0, 30, BERLIN), BERLIN) == date(2026, 6, 10)


@nights
def test_answers_are_on_time_to_noon_of_the_next_day(zone: ZoneInfo, new_day: date) -> None:
    # The clocks change between the day asked about and noon.
    asked = new_day - timedelta(days=1)
    noon = clock(new_day, 12, 0, zone)
    assert answer_state(asked, noon, zone) == AnswerState.ON_TIME
    assert answer_state(asked, noon + timedelta(seconds=1), zone) == AnswerState.LATE


@nights
@pytest.mark.parametrize("days_before_the_night", [0, 1, 2])
def test_the_link_closes_48_elapsed_hours_after_the_day(zone: ZoneInfo, new_day: date, days_before_the_night: int) -> None:
    asked = new_day - timedelta(days=days_before_the_night)
    end = clock(asked + timedelta(days=1), 0, 0, zone)
    assert answer_state(asked, end + timedelta(hours=47, minutes=59), zone) == AnswerState.LATE
    assert answer_state(asked, end + timedelta(hours=48), zone) == AnswerState.LATE
    assert answer_state(asked, end + timedelta(hours=48, minutes=1), zone) is None


def test_an_answer_before_its_day_is_refused() -> None:
    day = date(2026, 6, 10)
    assert answer_state(day, clock(date(2026, 6, 9), 23, 59, BERLIN), BERLIN) is None
    assert answer_state(day, clock(day, 0, 0, BERLIN), BERLIN) == AnswerState.ON_TIME


def test_instants_without_a_zone_are_refused() -> None:
    naive = datetime(2026, 6, 10, 12)
    with pytest.raises(ValueError, match="time zone"):
        diary_day(naive, BERLIN)
    with pytest.raises(ValueError, match="time zone"):
        answer_state(date(2026, 6, 10), naive, BERLIN)
