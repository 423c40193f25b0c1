"""From exact counts to what is printed: rates, means, differences, numbers needed to treat."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import isfinite

from registry.outcomes.cells import Cell
from registry.selectors.outcome_payload import Completeness, Contrast, Counts, Mean, Rate
from registry.stats.differences import NumberNeededToTreat, newcombe, number_needed_to_treat
from registry.stats.proportions import proportion
from registry.stats.student import mean_interval
from registry.vocabulary import EndpointStatus, MissingReason, MissingRule

Thresholds = tuple[int, ...]


def counts(cell: Cell, thresholds: Thresholds) -> Counts:
    """Return who is where, after checking that the parts add up (R18)."""
    cell.check(thresholds)
    responders = {str(cut): cell.responders[MissingRule.NRI, cut] for cut in thresholds}
    observed = cell.statuses[EndpointStatus.OBSERVED]
    return {
        "population": cell.population,
        "due": cell.due,
        "not_due": cell.statuses[EndpointStatus.NOT_DUE],
        "statuses": {str(status): cell.statuses[status] for status in EndpointStatus},
        "reasons": {str(reason): cell.missing[reason] for reason in MissingReason},
        "completeness": _completeness(cell),
        "responders": responders,
        "observed_non_responders": {cut: observed - number for cut, number in responders.items()},
    }


def completeness(cell: Cell, thresholds: Thresholds) -> Counts:
    """Return who is where without what depends on response: 'observed' has a value, whether stopped for a listed reason or not."""
    cell.check(thresholds)
    missing = cell.missing + cell.stopped_missing
    statuses = {str(status): cell.statuses[status] for status in EndpointStatus if status != EndpointStatus.COMPOSITE_STOP}
    statuses |= {str(EndpointStatus.OBSERVED): cell.with_value, str(EndpointStatus.MISSING): missing.total()}
    return {
        "population": cell.population,
        "due": cell.due,
        "not_due": cell.statuses[EndpointStatus.NOT_DUE],
        "statuses": statuses,
        "reasons": {str(reason): missing[reason] for reason in MissingReason},
        "completeness": _completeness(cell),
    }


def rates(cell: Cell, thresholds: Thresholds) -> list[Rate]:
    """Return responders among the denominator, for every threshold and rule."""
    return [_rate(cell, threshold, rule) for threshold, rule in product(thresholds, MissingRule)]


def means(cell: Cell) -> list[Mean]:
    """Return mean, interval and SD of baseline, value and change for every rule that has means."""
    return list(_means(cell))


def contrasts(names: tuple[str, str], cells: tuple[Cell, Cell], thresholds: Thresholds, *, coded: bool) -> list[Contrast]:
    """Return first minus second, for every threshold and rule; coded arms are 'better', never of benefit or harm."""
    return [_contrast(names, cells, threshold, rule, coded=coded) for threshold, rule in product(thresholds, MissingRule)]


def _completeness(cell: Cell) -> Completeness:
    return {"complete": cell.with_value, "due": cell.due, "share": cell.with_value / cell.due if cell.due else None}


def _rate(cell: Cell, threshold: int, rule: MissingRule) -> Rate:
    x, n = cell.responders[rule, threshold], cell.denominator(rule)
    found = proportion(x, n) if n else None
    return {
        "threshold_tenths": threshold,
        "rule": rule.value,
        "responders": x,
        "n": n,
        "rate": found.estimate if found else None,
        "low": found.interval.low if found else None,
        "high": found.interval.high if found else None,
    }


def _means(cell: Cell) -> Iterator[Mean]:
    for rule, sums in cell.sums.items():
        for measure in sums.totals:
            found = sums.moments(measure)
            limits = mean_interval(found)
            yield {
                "rule": rule.value,
                "measure": measure,
                "n": found.n,
                "mean": found.mean,
                "low": limits.low if limits else None,
                "high": limits.high if limits else None,
                "sd": found.sd,
            }


def _contrast(names: tuple[str, str], cells: tuple[Cell, Cell], threshold: int, rule: MissingRule, *, coded: bool) -> Contrast:
    (x1, n1), (x2, n2) = ((cell.responders[rule, threshold], cell.denominator(rule)) for cell in cells)
    difference = newcombe(x1, n1, x2, n2) if n1 and n2 else None
    needed = number_needed_to_treat(difference) if difference else None
    return {
        "first": names[0],
        "second": names[1],
        "threshold_tenths": threshold,
        "rule": rule.value,
        "first_responders": x1,
        "first_n": n1,
        "second_responders": x2,
        "second_n": n2,
        "difference": difference.estimate if difference else None,
        "low": difference.interval.low if difference else None,
        "high": difference.interval.high if difference else None,
        "nnt": needed.estimate if needed and isfinite(needed.estimate) else None,
        "nnt_text": _needed_text(needed, names, coded=coded) if needed else "",
    }


def _needed_text(needed: NumberNeededToTreat, names: tuple[str, str], *, coded: bool) -> str:
    if not coded:
        return needed.text
    # The neutral text speaks of A and B; with more than two arms the pair may have other letters.
    return needed.neutral_text.replace("A better", "{0} better").replace("B better", "{1} better").format(*names)
