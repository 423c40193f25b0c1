"""Student's t: its quantiles, and the interval of a mean."""

from functools import cache
from math import exp, lgamma, log, sqrt

from registry.stats.moments import Moments
from registry.stats.proportions import Interval

_TINY, _CLOSE, _STEPS = 1e-300, 1e-16, 1000


def mean_interval(found: Moments, confidence: float = 0.95) -> Interval | None:
    """Return the t interval of a mean, None below two values.

    Examples
    --------
    >>> limits = mean_interval(Moments(n=10, mean=5.0, sd=2.0))
    >>> round(limits.low, 4), round(limits.high, 4)
    (3.5693, 6.4307)
    """
    if found.mean is None or found.sd is None:
        return None
    reach = t_quantile(found.n - 1, confidence) * found.sd / sqrt(found.n)
    return Interval(found.mean - reach, found.mean + reach)


@cache
def t_quantile(df: int, confidence: float = 0.95) -> float:
    """Return t such that Student's t with so many degrees of freedom lies within -t and t with this probability.

    Raises
    ------
    ValueError
        If there is no degree of freedom, or confidence lies outside (0, 1).

    Examples
    --------
    >>> round(t_quantile(10), 4)
    2.2281
    """
    if df < 1 or not 0 < confidence < 1:
        raise ValueError(f"t needs at least one degree of freedom and a confidence between 0 and 1, not {df} and {confidence}")
    low, high = 0.0, 1.0
    while outside(high, df) > 1 - confidence:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if outside(middle, df) > 1 - confidence else (low, middle)
    return middle


def outside(t: float, df: int) -> float:
    """Return the probability that Student's t lies beyond -t or t: the incomplete beta function at df/(df + t^2)."""
    x, rest = df / (df + t * t), t * t / (df + t * t)
    a, b = df / 2, 0.5
    if rest == 0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest))
    # The fraction converges quickly on one side of the distribution's mean; the other side is its complement.
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, rest) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method (Abramowitz and Stegun 26.5.8)."""
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d
    for step in range(1, _STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d, c = 1 / _away_from_zero(1 + term * d), _away_from_zero(1 + term / c)
            result *= d * c
        if abs(d * c - 1) < _CLOSE:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
