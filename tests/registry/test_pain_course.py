from datetime import timedelta
from fractions import Fraction

import pytest

from registry.models import Endpoint, PlanTimePoint
from registry.rules.pain_course import DayValue, change_percent, trailing_means, week_number, weekly_means
from registry.selectors.pain_course import number, pain_course, signed_percent
from tests.trials import ENROLLED_ON, make_diary


def test_trailing_mean_needs_three_values_within_seven_days():
    days = [DayValue(day, Fraction(value)) for day, value in ((0, 6), (1, 5), (2, 4), (9, 3), (10, 3))]
    assert trailing_means(days) == [None, None, Fraction(5), None, None]


@pytest.mark.parametrize(("day", "week"), [(-8, -1), (-7, 0), (-1, 0), (0, 1), (6, 1), (7, 2)])
def test_weeks_begin_at_the_anchor(day, week):
    assert week_number(day) == week


def test_weekly_means_are_exact():
    assert weekly_means([DayValue(0, Fraction(1)), DayValue(1, Fraction(2)), DayValue(2, Fraction(2))])[0].mean == Fraction(5, 3)


def test_change_from_a_baseline_of_zero_is_undefined():
    assert change_percent(Fraction(0), Fraction(3)) is None


@pytest.mark.parametrize(
    ("change", "text"), [(Fraction(-2963, 100), "−29 %"), (Fraction(-30), "−30 %"), (Fraction(1, 3), "0 %"), (Fraction(121, 10), "+12 %")]
)
def test_a_reduction_is_never_rounded_up(change, text):
    assert signed_percent(change) == text


def test_numbers_round_half_up():
    assert number(Fraction(405, 100)) == "4.1"


def test_course_of_a_diary(enrolment, oscar, setup_actor):
    make_diary(enrolment, {**dict.fromkeys(range(-7, 0), "7"), **dict.fromkeys(range(7), "4")}, by=setup_actor)
    Endpoint.objects.create(
        enrolment=enrolment,
        time_point=PlanTimePoint.objects.get(code="W4"),
        baseline_sum_units=49_000_000,
        baseline_n=7,
        value_sum_units=0,
        value_n=0,
    )
    course = pain_course(oscar, enrolment)
    assert (course.latest, course.baseline, course.change, course.reached_percent) == ("4.0", "7.0", "−42 %", [30])
    assert course.latest_label == f"7 days to {(ENROLLED_ON + timedelta(days=6)).isoformat()}"
    assert [(row.label, row.n, row.mean) for row in course.rows] == [("Week before day 0", 7, "7.0"), ("Week 1", 7, "4.0")]
    assert course.figure["lines"] == [{"percent": 30, "at": 4.9}, {"percent": 50, "at": 3.5}]


def test_course_hides_another_sites_scores(other_site_enrolment, oscar, setup_actor):
    make_diary(other_site_enrolment, {1: "7"}, by=setup_actor)
    assert pain_course(oscar, other_site_enrolment).is_empty
