"""The plan of recruitment: none on the eve of its first day, all on its last, whole people in between."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.rules.recruitment_plan import RecruitmentPlan

PLAN = RecruitmentPlan(160, date(2026, 1, 5), date(2026, 12, 31))
LAST = PLAN.ends_on or date.max


@pytest.mark.parametrize(
    ("on", "planned"),
    [
        (date(2025, 6, 1), 0),
        (date(2026, 1, 4), 0),
        (date(2026, 1, 5), 0),  # 160/361 of a person
        (date(2026, 1, 7), 1),
        (date(2026, 7, 4), 80),  # 181 of 361 days: 80.2
        (date(2026, 12, 30), 159),
        (date(2026, 12, 31), 160),
        (date(2030, 1, 1), 160),
    ],
)
def test_planned_by_a_day(on, planned):
    assert PLAN.by(on) == planned


@given(st.integers(1, 5000), st.integers(1, 2000), st.integers(-50, 2100))
def test_plan_rises_evenly_and_ends_at_all(people, days, day):
    first = date(2026, 1, 1)
    plan = RecruitmentPlan(people, first, first + timedelta(days=days))
    planned = plan.by(first + timedelta(days=day))
    assert planned == min(max(people * (day + 1) // (days + 1), 0), people)


def test_plan_without_days_is_due_at_no_time():
    assert RecruitmentPlan(160).by(LAST) is None
    assert RecruitmentPlan(160, starts_on=date(2026, 1, 5)).by(LAST) is None


@pytest.mark.parametrize(
    ("total", "per_week", "reached"),
    [(100, Fraction(2), date(2027, 7, 29)), (159, Fraction(1, 3), date(2027, 1, 21)), (160, Fraction(2), None), (100, Fraction(0), None)],
)
def test_day_on_which_all_are_there(total, per_week, reached):
    assert PLAN.reached_on(total, per_week, LAST) == reached


@pytest.mark.parametrize("people", [40_000, 1_000_000])
def test_day_beyond_fifty_years_is_none(people):
    assert RecruitmentPlan(people).reached_on(100, Fraction(1, 12), LAST) is None


def test_fifty_years_are_the_furthest():
    assert RecruitmentPlan(2607).reached_on(0, Fraction(1), LAST) == LAST + timedelta(weeks=2607)
    assert RecruitmentPlan(2608).reached_on(0, Fraction(1), LAST) is None
