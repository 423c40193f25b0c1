"""Student's t against tables, against its closed form at whole degrees of freedom, and the interval of a mean."""

from fractions import Fraction
from math import atan, cos, fsum, pi, sin, sqrt

import pytest

from registry.stats.moments import Moments, moments
from registry.stats.student import mean_interval, outside, t_quantile

# Two-sided 95 % points as tables print them, ten digits.
PRINTED = {
    1: 12.70620474, 2: 4.302652730, 3: 3.182446305, 5: 2.570581836, 10: 2.228138852, 20: 2.085963447, 30: 2.042272456,
    60: 2.000297822, 120: 1.979930405, 1000: 1.962339081,
}  # fmt: skip


@pytest.mark.parametrize(("df", "quantile"), PRINTED.items())
def test_quantile_equals_printed_tables(df, quantile):
    assert t_quantile(df) == pytest.approx(quantile, rel=5e-10)


def within(t: float, df: int) -> float:
    """Return P(-t < T < t) by the finite series for whole df (Abramowitz and Stegun 26.7.3 and 26.7.4): no beta function in it."""
    angle = atan(t / sqrt(df))
    factor, terms = 1.0, []
    for power in range(df % 2, df - 1, 2):
        terms.append(factor * cos(angle) ** power)
        factor *= (power + 1) / (power + 2)
    series = sin(angle) * fsum(terms)
    return 2 / pi * (angle + series) if df % 2 else series


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 8, 29, 30, 99, 500, 5001])
def test_tails_equal_the_closed_form(df):
    for t in (0.01, 0.5, 1, 1.96, 2.5, 8):
        assert outside(t, df) == pytest.approx(1 - within(t, df), abs=2e-12)
    assert within(t_quantile(df), df) == pytest.approx(0.95, abs=1e-11)


def test_many_degrees_of_freedom_come_to_the_normal_quantile():
    assert t_quantile(10**6) == pytest.approx(1.959964 + 2.37e-6, abs=1e-6)


def test_interval_of_a_mean_lies_around_it_and_needs_two_values():
    found = moments([Fraction(n) for n in (3, 5, 7, 9)])
    limits = mean_interval(found)
    assert limits is not None
    assert (limits.low + limits.high) / 2 == pytest.approx(6)
    assert limits.high - 6 == pytest.approx(3.182446305 * sqrt(20 / 3) / 2)
    assert mean_interval(moments([3])) is None
    assert mean_interval(Moments(0, None, None)) is None


def test_equal_values_have_an_interval_of_no_width():
    limits = mean_interval(moments([4, 4, 4]))
    assert limits is not None
    assert (limits.low, limits.high) == (4, 4)


@pytest.mark.parametrize(("df", "confidence"), [(0, 0.95), (5, 0.0), (5, 1.0)])
def test_nonsense_is_refused(df, confidence):
    with pytest.raises(ValueError, match="degree of freedom"):
        t_quantile(df, confidence)
