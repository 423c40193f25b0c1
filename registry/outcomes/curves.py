"""How many reach each cut of the cumulative curve (R15): counted once by the largest tenth of a percent reached, added up from above."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from registry.rules.response.counts import PERCENT_CUTS
from registry.selectors import outcome_payload as shape
from registry.vocabulary import EndpointStatus

# For each time point (1 is the first) and arm (None where nobody asks): endpoints by the largest tenth of a percent they reach.
Reached = Mapping[tuple[int, int | None], Counter[int]]


def reached_query(rows: str, arm: str) -> str:
    """Return the query that counts observed endpoints by the tenths of a percent they reach; who got worse reaches none.

    A composite stop, a death, a missing value or baseline never reaches any cut, so only observed values are looked at.
    """
    return f"""
        SELECT place, {arm} AS arm_id, 1000 * (baseline_sum * used_n - used_sum * baseline_n) / (baseline_sum * used_n) AS tenths,
               count(*) AS endpoints
        FROM {rows} WHERE status = '{EndpointStatus.OBSERVED}' AND used_sum * baseline_n <= baseline_sum * used_n GROUP BY 1, 2, 3
    """


def reached_from(rows: Iterable[tuple[int, int | None, int, int]]) -> Reached:
    """Return the counts of the query's rows."""
    found: dict[tuple[int, int | None], Counter[int]] = {}
    for place, arm, tenths, endpoints in rows:
        found.setdefault((place, arm), Counter())[tenths] += endpoints
    return found


@dataclass(frozen=True)
class CurveMaker:
    """Turns counts of one time point into the curve that is printed."""

    reached: Reached
    place: int
    thresholds: tuple[int, ...]

    def curve(self, due: int, arm: int | None = None) -> shape.Curve:
        """Return who is at or above every whole percent and every threshold of the plan, among those due."""
        counts = self.reached.get((self.place, arm), Counter())
        cuts = sorted({*PERCENT_CUTS, *self.thresholds})
        responders = responders_at(counts, cuts)
        rates = [number / due for number in responders] if due else []
        return {"n": due, "cuts_tenths": cuts, "responders": responders, "rates": rates}


def responders_at(counts: Mapping[int, int], cuts: list[int]) -> list[int]:
    """Return for rising cuts how many lie at or above each.

    Examples
    --------
    >>> responders_at({0: 1, 299: 2, 300: 4, 1000: 8}, [0, 300, 310, 1000])
    [15, 12, 8, 8]
    """
    between = [0] * len(cuts)
    for tenths, number in counts.items():
        if at := bisect_right(cuts, tenths):
            between[at - 1] += number
    return list(accumulate(reversed(between)))[::-1]
