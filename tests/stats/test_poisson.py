"""The exact interval of a count against tables and against its definition in decimals."""

from decimal import Decimal, getcontext

import pytest

from registry.stats.poisson import poisson_interval

# As printed tables of the Poisson distribution have them, to three decimals.
PRINTED = {
    0: (0, 3.689), 1: (0.025, 5.572), 3: (0.619, 8.767), 5: (1.623, 11.668), 10: (4.795, 18.390), 20: (12.217, 30.888),
    100: (81.364, 121.627),
}  # fmt: skip


@pytest.mark.parametrize(("count", "limits"), PRINTED.items())
def test_limits_equal_printed_tables(count, limits):
    found = poisson_interval(count)
    assert (round(found.low, 3), round(found.high, 3)) == limits


def at_most(count: int, mean: float) -> Decimal:
    """Return the probability of so many or fewer in 60 digits, term by term."""
    getcontext().prec = 60
    exact = Decimal(mean)
    term = total = (-exact).exp()
    for k in range(1, count + 1):
        term *= exact / k
        total += term
    return total


@pytest.mark.parametrize("count", [0, 1, 2, 7, 24, 150, 900])
def test_limits_are_where_the_definition_says(count):
    found = poisson_interval(count)
    assert float(at_most(count, found.high)) == pytest.approx(0.025, rel=1e-9)
    if count:
        assert float(1 - at_most(count - 1, found.low)) == pytest.approx(0.025, rel=1e-9)
    assert found.low <= count < found.high


def test_nobody_has_a_lower_limit_of_exactly_nothing():
    assert poisson_interval(0).low == 0.0


@pytest.mark.parametrize("count", [-1, 2.0, True])
def test_what_is_no_count_is_refused(count):
    with pytest.raises(ValueError, match="whole number"):
        poisson_interval(count)
