"""Which week's report holds a look of the charter, and which look comes next."""

from __future__ import annotations

from datetime import date

import pytest

from registry.rules.charter import Look, looks_in, next_look
from registry.rules.report_weeks import ReportWeek

W47 = ReportWeek(date(2026, 11, 16))
INTERIM = Look("interim1", "interim 1", date(2026, 11, 23))
FINAL = Look("final", "final", date(2026, 12, 9))


@pytest.mark.parametrize(
    ("planned_on", "week"),
    [
        (date(2026, 11, 22), "2026-W47"),
        (date(2026, 11, 23), "2026-W47"),
        (date(2026, 11, 24), "2026-W48"),
        (date(2026, 11, 30), "2026-W48"),
        (date(2027, 1, 4), "2026-W53"),
    ],
    ids=str,
)
def test_the_first_week_whose_cut_off_is_the_day_or_later_holds_the_look(planned_on: date, week: str) -> None:
    look = Look("a", "a", planned_on)
    assert str(look.week) == week
    assert look.week.next.monday >= planned_on > look.week.monday


def test_a_week_holds_its_own_looks_alone() -> None:
    assert looks_in([INTERIM, FINAL], W47) == [INTERIM]
    assert looks_in([INTERIM, FINAL], W47.next) == []


def test_a_look_called_off_is_in_no_report() -> None:
    off = Look(INTERIM.code, INTERIM.label, INTERIM.planned_on, called_off=True)
    assert looks_in([off, FINAL], W47) == []
    assert next_look([off, FINAL], W47) == FINAL


def test_the_next_look_is_the_earliest_that_is_not_over() -> None:
    assert next_look([FINAL, INTERIM], W47) == INTERIM
    assert next_look([FINAL, INTERIM], W47.next) == FINAL
    assert next_look([FINAL, INTERIM], FINAL.week.next) is None
