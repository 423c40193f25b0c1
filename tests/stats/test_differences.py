"""Newcombe's interval and the number needed to treat against printed values and their own symmetries."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.stats.differences import RiskDifference, newcombe, number_needed_to_treat
from registry.stats.proportions import Interval

# Newcombe RG. Interval estimation for the difference between independent proportions. Stat Med 1998;17:873-890,
# method 10: table II (a), (b), (c), (d) and the rows with empty cells; 84/101 v 89/105 from the DescTools tests.
PRINTED = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
    (10, 10, 0, 10, 0.6075, 1.0),
    (84, 101, 89, 105, -0.1177, 0.0851),
    # SAS PROC FREQ, printed by the CAMIS project.
    (36, 154, 12, 77, -0.0361, 0.1751),
    # Malavera 2016 responders, 19/27 v 11/27.
    (19, 27, 11, 27, 0.0319, 0.5092),
]

group = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("x1", "n1", "x2", "n2", "low", "high"), PRINTED)
def test_newcombe_gives_the_printed_limits(x1: int, n1: int, x2: int, n2: int, low: float, high: float) -> None:
    difference = newcombe(x1, n1, x2, n2)
    assert difference.estimate == pytest.approx(x1 / n1 - x2 / n2, abs=1e-15)
    assert (round(difference.interval.low, 4), round(difference.interval.high, 4)) == (low, high)


def test_newcombe_reaches_one_exactly_when_all_and_none_respond() -> None:
    assert newcombe(10, 10, 0, 20).interval.high == 1.0
    assert newcombe(0, 20, 10, 10).interval.low == -1.0


def test_equal_rates_in_unequal_groups_differ_by_exactly_nothing() -> None:
    assert newcombe(1, 10, 3, 30).estimate == 0.0
    assert newcombe(7, 49, 9, 63).estimate == 0.0


@given(group, group)
def test_newcombe_stays_within_bounds_and_encloses_the_estimate(one: tuple[int, int], other: tuple[int, int]) -> None:
    difference = newcombe(*one, *other)
    assert difference.estimate in difference.interval
    assert difference.interval.low >= -1
    assert difference.interval.high <= 1


@given(group, group)
def test_swapping_the_groups_changes_the_sign(one: tuple[int, int], other: tuple[int, int]) -> None:
    forth, back = newcombe(*one, *other), newcombe(*other, *one)
    assert forth.estimate == -back.estimate
    assert forth.interval == Interval(-back.interval.high, -back.interval.low)


@pytest.mark.parametrize("counts", [(1, 0, 1, 2), (1, 2, 1, 0), (3, 2, 1, 2)])
def test_newcombe_refuses_an_empty_group_or_too_many_events(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        newcombe(*counts)


def test_number_needed_to_treat_inverts_the_limits() -> None:
    # An example printed in CMAJ 2002: 16.6 % (0.9 to 32.2) is 6.0 (3.1 to 111.1).
    needed = number_needed_to_treat(RiskDifference(0.166, Interval(0.009, 0.322)))
    assert (round(needed.estimate, 1), round(needed.at_upper, 1), round(needed.at_lower, 1)) == (6.0, 3.1, 111.1)
    assert needed.text == "NNTB 3.1056 to NNTB 111.1111"
    assert not needed.through_infinity


def test_number_needed_to_treat_goes_through_infinity_when_no_difference_is_inside() -> None:
    # The example of Newcombe's letter on Altman DG, BMJ 1998;317:1309: -5 % to +25 %.
    needed = number_needed_to_treat(RiskDifference(0.10, Interval(-0.05, 0.25)))
    assert needed.text == "NNTB 4.0000 to Inf to NNTH 20.0000"
    assert needed.neutral_text == "A better 4.0000 to Inf to B better 20.0000"
    assert needed.through_infinity


def test_number_needed_to_harm_when_all_of_the_interval_is_below_nothing() -> None:
    needed = number_needed_to_treat(RiskDifference(-0.2, Interval(-0.4, -0.1)))
    assert needed.estimate == -5.0
    assert needed.text == "NNTH 10.0000 to NNTH 2.5000"
    assert needed.neutral_text == "B better 10.0000 to B better 2.5000"


def test_no_difference_needs_infinitely_many() -> None:
    needed = number_needed_to_treat(newcombe(8, 16, 8, 16))
    assert needed.estimate == math.inf
    assert needed.text == "NNTB 3.2141 to Inf to NNTH 3.2141"


def test_a_limit_of_exactly_nothing_reads_as_infinity() -> None:
    assert number_needed_to_treat(RiskDifference(0.25, Interval(0.0, 0.5))).text == "NNTB 2.0000 to Inf to Inf"
    assert number_needed_to_treat(RiskDifference(-0.25, Interval(-0.5, 0.0))).text == "Inf to Inf to NNTH 2.0000"


def test_number_needed_to_treat_refuses_an_interval_elsewhere() -> None:
    with pytest.raises(ValueError, match="enclose"):
        number_needed_to_treat(RiskDifference(0.5, Interval(0.1, 0.4)))


@given(group, group)
def test_neutral_words_swap_with_the_arms_and_say_nothing_else(one: tuple[int, int], other: tuple[int, int]) -> None:
    forth = number_needed_to_treat(newcombe(*one, *other)).neutral_text
    back = number_needed_to_treat(newcombe(*other, *one)).neutral_text
    swapped = back.translate(str.maketrans("AB", "BA")).split(" to ")
    assert forth.split(" to ") == swapped[::-1]
    assert "NNT" not in forth
