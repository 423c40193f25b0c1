"""A count of events and its exact Poisson interval."""

from collections.abc import Callable
from math import exp, fsum, lgamma, log

from registry.stats.proportions import Interval


def poisson_interval(count: int, confidence: float = 0.95) -> Interval:
    """Return the exact two-sided interval of the expected count (Garwood); its lower limit at 0 is exactly 0.

    The lower limit is where so many or more have probability alpha/2, the upper where so many or fewer have.

    Raises
    ------
    ValueError
        If the count is negative or no integer, or confidence lies outside (0, 1).

    References
    ----------
    Garwood F. Biometrika 1936;28:437-442.

    Examples
    --------
    >>> limits = poisson_interval(10)
    >>> round(limits.low, 4), round(limits.high, 4)
    (4.7954, 18.3904)
    """
    if type(count) is not int or count < 0 or not 0 < confidence < 1:
        raise ValueError(f"a count is a whole number from 0 and confidence lies between 0 and 1, not {count!r} and {confidence}")
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else _falling_to(1 - tail, lambda mean: at_most(count - 1, mean))
    return Interval(low, _falling_to(tail, lambda mean: at_most(count, mean)))


def at_most(count: int, mean: float) -> float:
    """Return the probability of so many events or fewer."""
    if mean == 0:
        return 1.0
    return fsum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))


def _falling_to(probability: float, falling: Callable[[float], float]) -> float:
    """Return where a falling function of the mean reaches a probability, to the last bit."""
    low, high = 0.0, 1.0
    while falling(high) > probability:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if falling(middle) > probability else (low, middle)
    return middle
