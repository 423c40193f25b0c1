"""Settings rounded half up, refusals above the stimulator's output, thresholds of another coil, the dose of a course."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.rules.stimulation import (
    Block,
    Pattern,
    block_setting,
    coil_threshold_problem,
    converted_threshold,
    course_pulses,
    delivered_percent,
    hemisphere_for,
    is_received,
    live_values,
    output_problem,
    round_half_up,
    stimulator_setting,
    threshold_problem,
)
from registry.vocabulary import Hemisphere, HemisphereRule, IntensityReference, Side, StimulationTarget
from tests.rules.stimulation.patterns import decimals

D = Decimal
BLOCK = Block(StimulationTarget.M1_HAND, Hemisphere.LEFT, Pattern(D(10), 100, 30, D(20)), D(80))


def test_half_a_percent_rounds_up() -> None:
    assert stimulator_setting(45, D(90)) == 41  # 40.5, which Python's round would make 40
    assert round(40.5) == 40


@given(st.integers(1, 100), decimals("0", "150"))
def test_a_setting_is_never_further_off_than_half(threshold: int, intensity: Decimal) -> None:
    exact = Fraction(threshold) * Fraction(intensity) / 100
    setting = stimulator_setting(threshold, intensity)
    assert Fraction(-1, 2) < setting - exact <= Fraction(1, 2)
    assert abs(delivered_percent(setting, threshold) - Fraction(intensity)) <= Fraction(50, threshold)
    assert delivered_percent(setting, threshold) * threshold == 100 * setting


@given(st.integers(1, 100), decimals("0", "150"), decimals("0", "150"))
def test_more_intensity_never_lowers_the_setting(threshold: int, one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert stimulator_setting(threshold, low) <= stimulator_setting(threshold, high)


@given(st.fractions())
def test_half_up_is_the_floor_of_half_more(value: Fraction) -> None:
    half_more = value + Fraction(1, 2)
    assert round_half_up(value) == half_more.numerator // half_more.denominator


def test_above_the_output_is_refused_with_a_remedy() -> None:
    assert output_problem(100, D(120)) is None
    problem = output_problem(101, D(120))
    assert problem is not None
    assert (problem.field, problem.code) == ("intensity_percent", "above_output")
    assert "101 %" in problem.message
    assert "record the session as not given" in problem.message


def test_percent_of_output_needs_no_threshold() -> None:
    block = Block(BLOCK.target, BLOCK.hemisphere, BLOCK.pattern, D("55.5"), IntensityReference.MSO)
    assert block_setting(block, None) == 56
    assert block_setting(BLOCK, None) is None
    assert block_setting(BLOCK, 54) == 43


@pytest.mark.parametrize("threshold", [0, 101, D("NaN")], ids=str)
def test_a_threshold_outside_its_range(threshold: int | Decimal) -> None:
    problem = threshold_problem(threshold)
    assert problem is not None
    assert problem.message == "Enter a value from 1 to 100 % MSO."


def test_a_threshold_of_another_coil_is_converted_by_a_stated_factor_or_refused() -> None:
    assert coil_threshold_problem("Figure 70 mm", "Figure 70 mm", None) is None
    refused = coil_threshold_problem("Figure 70 mm", "H-coil", None)
    assert refused is not None
    assert (refused.field, refused.code) == ("threshold", "other_coil")
    assert coil_threshold_problem("Figure 70 mm", "H-coil", D("1.1")) is None


def test_a_converted_threshold_is_rounded_once_only() -> None:
    # 47 * 1.05 = 49.35; at 90 % that is 44.415 -> 44, while a threshold rounded to 49.4 or 50 first would drift.
    assert converted_threshold(47, D("1.05")) == D("49.35")
    assert stimulator_setting(converted_threshold(47, D("1.05")), D(90)) == 44
    assert stimulator_setting(50, D(90)) == 45


def test_received_is_eighty_percent_of_the_planned_pulses() -> None:
    assert is_received(2400, 3000)
    assert not is_received(2399, 3000)
    assert is_received(1, 3000, percent=0)
    assert not is_received(0, 3000, percent=0)


def test_the_dose_of_a_course_is_the_sum_of_its_pulses() -> None:
    assert course_pulses([3000] * 10) == 30_000
    assert course_pulses([]) == 0


def test_live_values_of_the_worked_example() -> None:
    live = live_values([BLOCK], 54, 36_000)
    assert (live.pulses, live.length_text, live.setting, live.course_pulses) == (3000, "14 min 40 s", 43, 39_000)
    assert live.delivered_percent == Fraction(4300, 54)


def test_what_is_not_known_is_never_zero() -> None:
    nothing = live_values([], None, None)
    assert (nothing.pulses, nothing.length_text, nothing.setting, nothing.delivered_percent, nothing.course_pulses) == (
        None,
        "–",
        None,
        None,
        None,
    )
    assert live_values([BLOCK], None, 0).setting is None
    assert live_values([BLOCK], None, None).course_pulses is None


@pytest.mark.parametrize(
    ("rule", "side", "hemisphere"),
    [
        (HemisphereRule.CONTRALATERAL, Side.LEFT, Hemisphere.RIGHT),
        (HemisphereRule.CONTRALATERAL, Side.RIGHT, Hemisphere.LEFT),
        (HemisphereRule.IPSILATERAL, Side.LEFT, Hemisphere.LEFT),
        (HemisphereRule.CONTRALATERAL, Side.BOTH, None),
        (HemisphereRule.CONTRALATERAL, None, None),
        (HemisphereRule.LEFT, None, Hemisphere.LEFT),
        (HemisphereRule.BOTH, Side.LEFT, Hemisphere.BOTH),
    ],
    ids=str,
)
def test_the_hemisphere_follows_the_side_of_the_pain_or_stays_open(
    rule: HemisphereRule, side: Side | None, hemisphere: Hemisphere | None
) -> None:
    assert hemisphere_for(rule, side) is hemisphere
