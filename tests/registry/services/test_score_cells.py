"""Days and lateness of imported diaries are those of the rules, in every zone and on every night."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from registry.rules.response import answer_state, diary_day, score_day
from registry.rules.tables.cells import canonical_instant
from registry.services.score_cells import ScoreCells, on_time_until

ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "Australia/Lord_Howe")
CELLS = ScoreCells(SimpleNamespace(), datetime(2030, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]  # no references are asked for

days = st.dates(date(2015, 1, 1), date(2029, 1, 1))


@given(days, st.integers(-2_000_000, 2_000_000), st.sampled_from(ZONES))
@example(date(2026, 3, 28), 0, "Europe/Berlin")
@example(date(2026, 3, 28), 1, "Europe/Berlin")
@example(date(2026, 10, 24), -1, "Europe/Berlin")
def test_an_answer_is_late_exactly_when_the_rule_says_so(for_date: date, off_by_microseconds: int, name: str) -> None:
    moment = on_time_until(for_date, ZoneInfo(name)) + timedelta(microseconds=off_by_microseconds)
    assert CELLS.answer_state(for_date.isoformat(), canonical_instant(moment), name) == answer_state(for_date, moment, ZoneInfo(name))


@given(st.datetimes(datetime(2015, 1, 1), datetime(2029, 1, 1)), st.sampled_from(ZONES))
def test_the_day_of_a_time_is_that_of_the_rule(moment: datetime, name: str) -> None:
    at = moment.replace(tzinfo=UTC)
    assert CELLS.day_of("diary", "", canonical_instant(at), name) == diary_day(at, ZoneInfo(name)).isoformat()
    assert CELLS.day_of("visit", canonical_instant(at), "", name) == score_day(at, ZoneInfo(name)).isoformat()
