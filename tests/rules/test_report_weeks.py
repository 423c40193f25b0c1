"""Report weeks: where they begin and end, when their report is due, which are caught up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from registry.exceptions import InvalidInput
from registry.rules.report_weeks import ReportWeek, weeks_due
from registry.vocabulary import ReportDay

BERLIN, AUCKLAND, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland"), ZoneInfo("UTC")
W47 = ReportWeek.read("2026-W47")


def due(now: datetime, *, made: str | None = None, first: str = "2026-W01", day: ReportDay = ReportDay.MONDAY, zone: ZoneInfo = BERLIN):
    last = ReportWeek.read(made) if made else None
    return [str(week) for week in weeks_due(now=now, day=day, hour=6, zone=zone, first=ReportWeek.read(first), last_made=last)]


def test_a_week_is_read_and_written():
    assert (W47.monday, W47.sunday, str(W47)) == (date(2026, 11, 16), date(2026, 11, 22), "2026-W47")
    assert (str(W47.next), str(W47.before)) == ("2026-W48", "2026-W46")
    assert str(ReportWeek.read(" 2026-W53 ").next) == "2027-W01"


@pytest.mark.parametrize(
    "text", ["", "2026-47", "2026-W00", "2026-W54", "2027-W53", "W47", "2026-W47x", "0000-W01", "0001-W01", "9999-W52"]
)
def test_what_is_no_week_is_refused_with_an_example(text):
    with pytest.raises(InvalidInput, match="2026-W47"):
        ReportWeek.read(text)


def test_monday_midnight_belongs_to_the_new_week():
    midnight = datetime(2026, 11, 15, 23, tzinfo=UTC)  # Monday 00:00 in Berlin
    assert ReportWeek.of(midnight, BERLIN) == W47
    assert str(ReportWeek.of(midnight - timedelta(microseconds=1), BERLIN)) == "2026-W46"
    assert W47.begins_at(BERLIN) == midnight


@pytest.mark.parametrize(
    ("week", "zone", "hours"),
    [
        ("2026-W13", BERLIN, 167),
        ("2026-W43", BERLIN, 169),
        ("2026-W47", BERLIN, 168),
        ("2026-W39", AUCKLAND, 167),
        ("2026-W14", AUCKLAND, 169),
    ],
    ids=str,
)
def test_a_week_with_a_clock_change_has_an_hour_less_or_more(week, zone, hours):
    found = ReportWeek.read(week)
    assert found.ends_at(zone) - found.begins_at(zone) == timedelta(hours=hours)
    assert found.ends_at(zone) == found.next.begins_at(zone)


def test_the_hour_is_the_local_one_on_both_sides_of_a_clock_change():
    at = [ReportWeek.read(week).report_at(ReportDay.MONDAY, 6, BERLIN) for week in ("2026-W12", "2026-W13", "2026-W42", "2026-W43")]
    assert [moment.hour for moment in at if moment] == [5, 4, 4, 5]
    assert W47.report_at(ReportDay.SUNDAY, 6, BERLIN) == datetime(2026, 11, 29, 5, tzinfo=UTC)
    assert W47.report_at(ReportDay.NONE, 6, BERLIN) is None


def test_a_week_is_due_from_its_hour_on():
    at = datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert due(at - timedelta(microseconds=1), made="2026-W46") == []
    assert due(at, made="2026-W46") == ["2026-W47"]
    assert due(at, made="2026-W47") == []


def test_every_week_missed_is_caught_up_oldest_first():
    later = datetime(2026, 12, 15, 12, tzinfo=UTC)
    assert due(later, made="2026-W46") == ["2026-W47", "2026-W48", "2026-W49", "2026-W50"]


def test_before_the_first_report_only_the_week_that_ended_last_is_due():
    later = datetime(2026, 12, 15, 12, tzinfo=UTC)
    assert due(later) == ["2026-W50"]
    assert due(later, first="2026-W51") == []


def test_a_trial_without_a_report_day_has_none_due():
    assert due(datetime(2026, 12, 15, 12, tzinfo=UTC), made="2026-W01", day=ReportDay.NONE) == []
