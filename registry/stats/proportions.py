"""One proportion and its Wilson interval."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits of a two-sided confidence interval."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Proportion:
    """`x` of `n` with the estimate and its interval."""

    x: int
    n: int
    estimate: float
    interval: Interval


def wilson(x: int, n: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval for x events among n.

    The limits are the roots of ``(p - t)^2 = z^2 t (1 - t) / n``. The lower one is taken from the product of the roots,
    the upper one by symmetry, so nothing cancels and the limits are exactly 0 at x = 0 and exactly 1 at x = n.

    Raises
    ------
    ValueError
        If n < 1, x lies outside 0..n, or confidence outside (0, 1).

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927;22:209-212. Newcombe RG. Stat Med 1998;17:857-872, method 3.

    Examples
    --------
    >>> limits = wilson(81, 263)
    >>> round(limits.low, 4), round(limits.high, 4)
    (0.2553, 0.3662)
    """
    check_counts(x, n)
    z = normal_quantile(confidence)
    return Interval(_lower_root(x, n, z), 1 - _lower_root(n - x, n, z))


def proportion(x: int, n: int, confidence: float = 0.95) -> Proportion:
    """Return x of n as an estimate with its Wilson interval; raise ValueError like `wilson`.

    Examples
    --------
    >>> proportion(0, 20).interval.low
    0.0
    """
    interval = wilson(x, n, confidence)
    return Proportion(x=x, n=n, estimate=x / n, interval=interval)


def normal_quantile(confidence: float) -> float:
    """Return z such that a standard normal lies within -z and z with this probability."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def check_counts(x: int, n: int) -> None:
    """Raise ValueError unless x and n are whole numbers with n >= 1 and 0 <= x <= n."""
    if type(x) is not int or type(n) is not int:
        raise ValueError(f"x and n must be integers, not {x!r} and {n!r}")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}: a proportion of nobody is not defined")
    if not 0 <= x <= n:
        raise ValueError(f"x must lie between 0 and n = {n}, not {x}")


def _lower_root(x: int, n: int, z: float) -> float:
    upper = (2 * x + z * z + z * sqrt(z * z + 4 * x * (n - x) / n)) / (2 * (n + z * z))
    return x * x / (n * (n + z * z)) / upper
