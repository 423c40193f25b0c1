"""Responder or not, under each way of treating missing values (R9, R12 to R16)."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from registry.rules.response.candidates import Measurement
from registry.rules.response.endpoint import Endpoint
from registry.rules.response.plan import Plan
from registry.vocabulary import EndpointStatus, MissingRule


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an endpoint is in the denominator, and whether it is a responder."""

    counted: bool
    responder: bool


_LEFT_OUT = Verdict(counted=False, responder=False)
_NON_RESPONDER = Verdict(counted=True, responder=False)


def reduction(baseline: Measurement, value: Measurement) -> Fraction:
    """Return the reduction as an exact fraction of the baseline; negative where pain grew.

    Raises
    ------
    ValueError
        If there is no value, no baseline, or a baseline that is not above 0.
    """
    _check_reducible(baseline.sum_units, baseline.n, value.n)
    return (baseline.mean - value.mean) / baseline.mean


def reaches(baseline_sum: int, baseline_n: int, value_sum: int, value_n: int, threshold: int) -> bool:
    """Tell by whole numbers whether the reduction is at least the threshold in tenths of a percent (R9).

    Examples
    --------
    >>> reaches(22, 7, 11, 5, 300)
    True
    >>> reaches(27, 4, 19, 4, 300)
    False
    """
    _check_reducible(baseline_sum, baseline_n, value_n)
    return 1000 * (baseline_sum * value_n - value_sum * baseline_n) >= threshold * baseline_sum * value_n


def percent_floor_tenth(baseline_sum: int, baseline_n: int, value_sum: int, value_n: int) -> int:
    """Return the reduction in tenths of a percent, rounded down, so that it reaches exactly the thresholds it shows.

    Examples
    --------
    >>> percent_floor_tenth(27, 4, 19, 4)
    296
    >>> percent_floor_tenth(3, 1, 4, 1)
    -334
    """
    _check_reducible(baseline_sum, baseline_n, value_n)
    return 1000 * (baseline_sum * value_n - value_sum * baseline_n) // (baseline_sum * value_n)


def percent_text(tenths: int) -> str:
    """Return tenths of a percent as people read them.

    Examples
    --------
    >>> percent_text(296), percent_text(-4)
    ('29.6', '-0.4')
    """
    whole, tenth = divmod(abs(tenths), 10)
    return f"{'-' if tenths < 0 else ''}{whole}.{tenth}"


def verdict(endpoint: Endpoint, rule: MissingRule, threshold: int) -> Verdict:
    """Return how one endpoint counts under one rule at one threshold in tenths of a percent.

    A composite stop is non-response in NRI alone; the other rules look at its value, or treat it as missing.
    """
    if endpoint.status == EndpointStatus.NOT_DUE:
        return _LEFT_OUT
    if rule == MissingRule.NRI:
        observed = endpoint.status == EndpointStatus.OBSERVED
        return Verdict(counted=True, responder=observed and _responds(endpoint, endpoint.value, threshold))
    if endpoint.status in (EndpointStatus.DIED, EndpointStatus.NO_BASELINE, EndpointStatus.BASELINE_ZERO):
        return _LEFT_OUT
    if endpoint.value.enough:
        return Verdict(counted=True, responder=_responds(endpoint, endpoint.value, threshold))
    return _without_value(endpoint, rule, threshold)


def measured(endpoint: Endpoint, rule: MissingRule) -> Measurement | None:
    """Return the value that enters means of value and change under a rule; None leaves the endpoint out.

    A baseline of 0 and a composite stop stay in (R13, R14); death and a lacking baseline do not. NRI means are observed ones.
    """
    if endpoint.has_change:
        return endpoint.value
    if not endpoint.could_change or rule in (MissingRule.NRI, MissingRule.OC):
        return None
    return endpoint.carried or endpoint.baseline if rule == MissingRule.LOCF else endpoint.baseline


def verdicts(endpoint: Endpoint, plan: Plan) -> dict[tuple[MissingRule, int], Verdict]:
    """Return the verdict for every rule and every threshold of the plan."""
    return {(rule, threshold): verdict(endpoint, rule, threshold) for rule, threshold in product(MissingRule, plan.thresholds)}


def _without_value(endpoint: Endpoint, rule: MissingRule, threshold: int) -> Verdict:
    """Return how a missing value counts (R15, R16); a baseline carried forward reaches no threshold, 0 included."""
    if rule == MissingRule.OC:
        return _LEFT_OUT
    if rule == MissingRule.LOCF and endpoint.carried is not None:
        return Verdict(counted=True, responder=_responds(endpoint, endpoint.carried, threshold))
    return _NON_RESPONDER


def _responds(endpoint: Endpoint, value: Measurement, threshold: int) -> bool:
    return reduction(endpoint.baseline, value) >= Fraction(threshold, 1000)


def _check_reducible(baseline_sum: int, baseline_n: int, value_n: int) -> None:
    if baseline_n < 1 or value_n < 1 or baseline_sum <= 0:
        raise ValueError(
            f"a reduction needs values and a baseline above 0, not a baseline of {baseline_sum} in {baseline_n} and {value_n} values"
        )
