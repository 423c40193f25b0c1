"""A group at one time point, counted (R15, R18)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.rules.response.endpoint import Endpoint
from registry.rules.response.verdict import verdict
from registry.vocabulary import EndpointStatus, MissingRule

PERCENT_CUTS = range(0, 1001, 10)


@dataclass(frozen=True, slots=True)
class Counts:
    """Who is where at one threshold: due = responders + observed non-responders + reasons; due + not due = population."""

    population: int
    due: int
    not_due: int
    responders: int
    observed_non_responders: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RuleCounts:
    """Responders and denominator under one rule."""

    responders: int
    n: int


def population_counts(group: Iterable[Endpoint], threshold: int) -> Counts:
    """Count a group's endpoints of one time point; raise ValueError where R18 would not hold."""
    all_of_them = list(group)
    statuses = Counter(endpoint.status for endpoint in all_of_them)
    responders = rule_counts(all_of_them, MissingRule.NRI, threshold).responders
    counts = Counts(
        population=len(all_of_them),
        due=len(all_of_them) - statuses[EndpointStatus.NOT_DUE],
        not_due=statuses[EndpointStatus.NOT_DUE],
        responders=responders,
        observed_non_responders=statuses[EndpointStatus.OBSERVED] - responders,
        reasons=_reasons(all_of_them),
    )
    if counts.due != responders + counts.observed_non_responders + sum(counts.reasons.values()):
        raise ValueError(f"the parts do not add up to those due: {counts}")
    return counts


def rule_counts(group: Iterable[Endpoint], rule: MissingRule, threshold: int) -> RuleCounts:
    """Count responders and denominator under one rule at one threshold."""
    found = [verdict(endpoint, rule, threshold) for endpoint in group]
    return RuleCounts(sum(one.responder for one in found), sum(one.counted for one in found))


def cumulative_curve(group: Sequence[Endpoint], rule: MissingRule, thresholds: Iterable[int]) -> dict[int, RuleCounts]:
    """Return the counts at each whole percent from 0 to 100 and at the plan's thresholds (R15)."""
    return {cut: rule_counts(group, rule, cut) for cut in sorted({*PERCENT_CUTS, *thresholds})}


def _reasons(group: Iterable[Endpoint]) -> dict[str, int]:
    """Count those due that were neither observed responders nor observed non-responders, by name."""
    names = (
        str(endpoint.reason or endpoint.status)
        for endpoint in group
        if endpoint.status not in (EndpointStatus.NOT_DUE, EndpointStatus.OBSERVED)
    )
    return dict(sorted(Counter(names).items()))
