"""The difference of two proportions, and the number needed to treat with its sign rule."""

from dataclasses import dataclass
from fractions import Fraction
from math import hypot, inf

from registry.stats.proportions import Interval, wilson


@dataclass(frozen=True, slots=True)
class RiskDifference:
    """First proportion minus second, with its interval."""

    estimate: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class NumberNeededToTreat:
    """Signed reciprocals of a risk difference and of its limits; a reciprocal of 0 is infinite.

    A positive number is one needed to benefit (NNTB), a negative one, without its sign, a number needed to harm (NNTH).
    `through_infinity` tells that no difference lies inside the interval: the range then runs over infinity and
    has no inside between its two ends.
    """

    estimate: float
    at_upper: float
    at_lower: float
    through_infinity: bool

    @property
    def text(self) -> str:
        """Say the range in words: `NNTB a to NNTB b`, or `NNTB a to Inf to NNTH b` over infinity."""
        return self._range("NNTB", "NNTH")

    @property
    def neutral_text(self) -> str:
        """Say the range of A minus B for readers who may not know which arm is which."""
        return self._range("A better", "B better")

    def _range(self, positive: str, negative: str) -> str:
        joint = " to Inf to " if self.through_infinity else " to "
        return joint.join(_end(number, positive, negative) for number in (self.at_upper, self.at_lower))


def newcombe(x1: int, n1: int, x2: int, n2: int, confidence: float = 0.95) -> RiskDifference:
    """Return x1/n1 - x2/n2 with Newcombe's hybrid score interval (method 10, no continuity correction).

    With Wilson limits (l1, u1) and (l2, u2) and d = p1 - p2:
    ``d - sqrt((p1 - l1)^2 + (u2 - p2)^2)`` to ``d + sqrt((u1 - p1)^2 + (p2 - l2)^2)``.

    Raises
    ------
    ValueError
        If a group is empty or a count lies outside its group.

    References
    ----------
    Newcombe RG. Stat Med 1998;17:873-890, method 10.

    Examples
    --------
    >>> difference = newcombe(56, 70, 48, 80)
    >>> round(difference.interval.low, 4), round(difference.interval.high, 4)
    (0.0524, 0.3339)
    """
    first, second = wilson(x1, n1, confidence), wilson(x2, n2, confidence)
    p1, p2 = x1 / n1, x2 / n2
    # One rounding only: two floats subtracted can miss an exact 0.
    estimate = float(Fraction(x1, n1) - Fraction(x2, n2))
    low = estimate - hypot(p1 - first.low, second.high - p2)
    high = estimate + hypot(first.high - p1, p2 - second.low)
    # The method never leaves [-1, 1]; the last bit of a float can.
    return RiskDifference(estimate, Interval(max(low, -1.0), min(high, 1.0)))


def number_needed_to_treat(difference: RiskDifference) -> NumberNeededToTreat:
    """Return 1/d with the limits inverted; infinite at d = 0.

    Where 0 lies inside the interval (limits included) the range goes through infinity, from benefit to harm.

    Raises
    ------
    ValueError
        If the limits are out of order or do not enclose the estimate.

    References
    ----------
    Altman DG. BMJ 1998;317:1309-1312.

    Examples
    --------
    >>> number_needed_to_treat(RiskDifference(0.1, Interval(-0.05, 0.25))).text
    'NNTB 4.0000 to Inf to NNTH 20.0000'
    """
    if difference.estimate not in difference.interval:
        raise ValueError(f"the interval {difference.interval} does not enclose the estimate {difference.estimate}")
    return NumberNeededToTreat(
        estimate=_reciprocal(difference.estimate),
        at_upper=_reciprocal(difference.interval.high),
        at_lower=_reciprocal(difference.interval.low),
        through_infinity=0 in difference.interval,
    )


def _reciprocal(difference: float) -> float:
    return 1 / difference if difference else inf


def _end(number: float, positive: str, negative: str) -> str:
    if number == inf:
        return "Inf"
    return f"{positive if number > 0 else negative} {abs(number):.4f}"
