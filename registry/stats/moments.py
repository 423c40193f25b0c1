"""Mean and standard deviation of exact numbers, rounded once at the end."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

Exact = int | Fraction

# The root then has over 60 bits: 53 for a double and enough beyond that rounding to odd, then to nearest, rounds once.
_ROOT_BITS = 128


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and sample standard deviation of n values; no mean at n = 0, no deviation below n = 2."""

    n: int
    mean: float | None
    sd: float | None


def moments(values: Iterable[Exact]) -> Moments:
    """Return n, mean and sample SD of exact values.

    Examples
    --------
    >>> moments([Fraction(22, 7), Fraction(11, 5)])
    Moments(n=2, mean=2.6714285714285713, sd=0.6667006794044591)
    """
    n, total, squares = 0, Fraction(), Fraction()
    for value in values:
        _refuse_inexact(value)
        n, total, squares = n + 1, total + value, squares + value * value
    return moments_from_sums(n, total, squares)


def moments_of_means(pairs: Iterable[tuple[int, int]]) -> Moments:
    """Return n, mean and sample SD of the values sum/count; raise ValueError where a count is below 1.

    Examples
    --------
    >>> moments_of_means([(22, 7), (11, 5)]).mean
    2.6714285714285713
    """
    return moments(_mean_of(total, count) for total, count in pairs)


def moments_from_sums(n: int, total: Exact, squares: Exact, unit: Exact = 1) -> Moments:
    """Return mean and sample SD from n, the sum and the sum of squares, all exact.

    ``mean = S/n`` and ``sd = sqrt((Q - S^2/n)/(n - 1))``; in exact numbers the subtraction loses nothing.
    `unit` is what one step of the sums is worth, so that sums kept in 10^-6 steps give moments on the scale.

    Raises
    ------
    ValueError
        If n is negative, a number is not exact, the unit is not positive, or no n values have these sums.

    Examples
    --------
    >>> moments_from_sums(3, 6, 14)
    Moments(n=3, mean=2.0, sd=1.0)
    """
    for number in (n, total, squares, unit):
        _refuse_inexact(number)
    # n times the sum of squared deviations; Cauchy-Schwarz keeps it from being negative for real values.
    spread = n * squares - total * total
    if n < 0 or unit <= 0 or spread < 0 or (n == 0 and (total or squares)) or (n == 1 and spread):
        raise ValueError(f"no {n} values have the sum {total} and the sum of squares {squares} in units of {unit}")
    mean = float(Fraction(total) * unit / n) if n else None
    sd = exact_sqrt(Fraction(spread) * unit * unit / (n * (n - 1))) if n > 1 else None
    return Moments(n, mean, sd)


def exact_sqrt(value: Fraction) -> float:
    """Return the float nearest to the square root of a fraction; raise ValueError below 0.

    Examples
    --------
    >>> exact_sqrt(Fraction(1, 4))
    0.5
    """
    shift = (value.denominator.bit_length() - value.numerator.bit_length() + _ROOT_BITS) // 2
    scaled = value * Fraction(4) ** shift
    whole = scaled.numerator // scaled.denominator
    root = isqrt(whole)
    # An odd last bit marks that something was cut off, which keeps the final rounding on the right side.
    root |= root * root != scaled
    return float(Fraction(root) / Fraction(2) ** shift)


def _mean_of(total: int, count: int) -> Fraction:
    if count < 1:
        raise ValueError(f"a mean needs at least one value, not {count}")
    return Fraction(total, count)


def _refuse_inexact(value: object) -> None:
    if type(value) is not int and not isinstance(value, Fraction):
        raise ValueError(f"{value!r} is not an exact number: give an integer or a Fraction")
