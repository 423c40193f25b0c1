"""Exact response at a threshold, and how percents are printed."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registry.rules.response import Measurement, percent_floor_tenth, percent_text, reaches, reduction

units = st.integers(0, 10**9)
counts = st.integers(1, 400)


@pytest.mark.parametrize(
    ("baseline", "value", "threshold", "responds"),
    [
        # 30 % of 10 is 7; 30 % of 7 is 4.9, where binary fractions say 29.999... %.
        ((10, 1), (7, 1), 300, True),
        ((70, 1), (49, 1), 300, True),
        ((7, 1), (5, 1), 300, False),
        ((60, 1), (42, 1), 300, True),
        ((50, 1), (35, 1), 300, True),
        ((80, 1), (56, 1), 300, True),
        ((66, 1), (33, 1), 500, True),
        # Means of a week: 22/7 to 11/5 is exactly 30 %, 27/4 to 19/4 is 29.63 %.
        ((22, 7), (11, 5), 300, True),
        ((22, 7), (11, 5), 301, False),
        ((27, 4), (19, 4), 300, False),
        ((27, 4), (19, 4), 296, True),
        ((5, 1), (5, 1), 1, False),
        ((5, 1), (0, 1), 1000, True),
    ],
)
def test_response_on_and_beside_the_line(baseline: tuple[int, int], value: tuple[int, int], threshold: int, responds: bool) -> None:
    assert reaches(*baseline, *value, threshold) == responds


def test_the_week_on_the_line_is_lost_in_binary_fractions() -> None:
    assert (22 / 7 - 11 / 5) / (22 / 7) < 0.3
    assert reduction(Measurement(22, 7), Measurement(11, 5)) == Fraction(3, 10)


@pytest.mark.parametrize(
    ("baseline", "value", "text"),
    [
        ((27, 4), (19, 4), "29.6"),
        ((22, 7), (11, 5), "30.0"),
        ((3, 1), (2, 1), "33.3"),
        ((5, 1), (5, 1), "0.0"),
        ((3, 1), (4, 1), "-33.4"),
        ((100_000, 1), (100_001, 1), "-0.1"),
        ((1, 1), (0, 1), "100.0"),
        ((1, 1), (11, 1), "-1000.0"),
    ],
)
def test_percents_are_rounded_down_on_the_responder_scale(baseline: tuple[int, int], value: tuple[int, int], text: str) -> None:
    assert percent_text(percent_floor_tenth(*baseline, *value)) == text


@given(units.filter(bool), counts, units, counts, st.integers(-1000, 1000))
@example(22, 7, 11, 5, 300)
@example(27, 4, 19, 4, 300)
def test_whole_numbers_fractions_and_print_agree(baseline_sum: int, baseline_n: int, value_sum: int, value_n: int, threshold: int) -> None:
    sums = (baseline_sum, baseline_n, value_sum, value_n)
    exact = reduction(Measurement(baseline_sum, baseline_n), Measurement(value_sum, value_n)) >= Fraction(threshold, 1000)
    assert reaches(*sums, threshold) == exact
    assert (percent_floor_tenth(*sums) >= threshold) == exact


@given(st.integers(1, 10**6), counts, st.integers(1, 1000))
def test_exactly_the_threshold_always_responds(tenths_of_baseline: int, value_n: int, threshold: int) -> None:
    # A baseline of 1000 k and a value of (1000 - T) k lie on the line of T, whatever the count of equal days.
    baseline, value = 1000 * tenths_of_baseline, (1000 - threshold) * tenths_of_baseline
    assert reaches(baseline, 1, value * value_n, value_n, threshold)
    assert not reaches(baseline, 1, value * value_n + 1, value_n, threshold)


@pytest.mark.parametrize("sums", [(0, 1, 0, 1), (5, 0, 5, 1), (5, 1, 0, 0), (-5, 1, 0, 1)])
def test_no_reduction_without_values_or_above_nothing(sums: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="baseline above 0"):
        reaches(*sums, 300)
    with pytest.raises(ValueError, match="baseline above 0"):
        percent_floor_tenth(*sums)
    with pytest.raises(ValueError, match="baseline above 0"):
        reduction(Measurement(*sums[:2]), Measurement(*sums[2:]))
