"""Mean and deviation: exact to the last bit, whatever the size of the numbers."""

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.stats.moments import Moments, exact_sqrt, moments, moments_from_sums, moments_of_means

fractions = st.fractions(min_value=-1000, max_value=1000, max_denominator=420)


def test_moments_of_a_textbook_row() -> None:
    # Student's sleep data, extra hours under drug 2 less drug 1: mean 1.58, SD 1.2300 (Biometrika 1908;6:1-25).
    hours = [Fraction(tenths, 10) for tenths in (12, 24, 13, 13, 0, 10, 18, 8, 46, 14)]
    found = moments(hours)
    assert (found.n, found.mean, round(found.sd or 0, 4)) == (10, 1.58, 1.23)


def test_means_of_unequal_counts_are_not_pooled() -> None:
    assert moments_of_means([(22, 7), (11, 5)]) == moments([Fraction(22, 7), Fraction(11, 5)])


def test_no_value_has_no_mean_and_one_has_no_deviation() -> None:
    assert moments([]) == Moments(0, None, None)
    assert moments([7]) == Moments(1, 7.0, None)


def test_equal_values_deviate_by_exactly_nothing() -> None:
    assert moments([Fraction(1, 3)] * 5).sd == 0.0


def test_a_large_offset_loses_nothing() -> None:
    # Squares of 10^9 + 1 and + 2 differ beyond the 53 bits of a double.
    assert moments([10**9 + 1, 10**9 + 2, 10**9 + 3]) == Moments(3, 1e9 + 2, 1.0)


def test_unit_brings_sums_in_small_steps_back_to_the_scale() -> None:
    assert moments_from_sums(3, 6_000_000, 14 * 10**12, unit=Fraction(1, 10**6)) == Moments(3, 2.0, 1.0)


@given(st.lists(fractions, min_size=2, max_size=20))
def test_moments_round_once(values: list[Fraction]) -> None:
    found = moments(values)
    assert found.mean == float(sum(values) / len(values))
    assert found.sd == exact_sqrt(statistics.variance(values))


@given(st.lists(fractions, max_size=20))
def test_sums_and_values_agree(values: list[Fraction]) -> None:
    from_sums = moments_from_sums(len(values), sum(values, Fraction()), sum((value**2 for value in values), Fraction()))
    assert from_sums == moments(values)


@given(st.fractions(min_value=0))
def test_square_root_is_the_nearest_float(value: Fraction) -> None:
    root = exact_sqrt(value)
    below, above = Fraction(math.nextafter(root, -math.inf)), Fraction(math.nextafter(root, math.inf))
    assert ((below + Fraction(root)) / 2) ** 2 <= value or below < 0
    assert value <= ((above + Fraction(root)) / 2) ** 2


def test_square_root_a_hair_beyond_halfway_is_not_rounded_down() -> None:
    halfway = 1 + Fraction(1, 2**53)
    assert exact_sqrt(halfway**2) == 1.0
    assert exact_sqrt(halfway**2 + Fraction(1, 2**300)) == math.nextafter(1.0, 2)


def test_square_root_refuses_what_has_none() -> None:
    with pytest.raises(ValueError, match="nonneg"):
        exact_sqrt(Fraction(-1))


@pytest.mark.parametrize("value", [0.5, True, "1"])
def test_moments_refuse_inexact_numbers(value: object) -> None:
    with pytest.raises(ValueError, match="exact"):
        moments([value])  # type: ignore[list-item]


@pytest.mark.parametrize(("n", "total", "squares"), [(-1, 0, 0), (0, 1, 1), (1, 2, 5), (3, 6, 11)])
def test_impossible_sums_are_refused(n: int, total: int, squares: int) -> None:
    with pytest.raises(ValueError, match="values have the sum"):
        moments_from_sums(n, total, squares)


def test_a_unit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="units of 0"):
        moments_from_sums(2, 2, 2, unit=0)


def test_a_mean_of_no_values_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        moments_of_means([(0, 0)])
