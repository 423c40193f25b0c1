"""Ratios that stand noise: each candidate is taken between two runs of its yardstick and divided by their mean.

Machines are shared and clocks drift, so seconds do not carry over from one run to another; such ratios do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Take = Callable[[], float]


@dataclass(frozen=True)
class Sandwich:
    """What one candidate came to: its own values, those of its yardstick around it, and the ratios."""

    own: tuple[float, ...]
    yardstick: tuple[float, ...]
    ratios: tuple[float, ...]


def sandwiches(yardstick: Take, candidates: Mapping[str, Take], repeats: int) -> dict[str, Sandwich]:
    """Return a sandwich for each candidate; both sides give seconds, or both a rate. The first round warms up and is thrown away."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    before = yardstick()
    for number in range(repeats + 1):
        for name, take in candidates.items():
            own = take()
            after = yardstick()
            if number:
                found[name].append((own, (before + after) / 2))
            before = after
    return {name: sandwich_of(pairs) for name, pairs in found.items()}


def sandwich_of(pairs: list[tuple[float, float]]) -> Sandwich:
    """Return the sandwich of pairs of a value and the yardstick around it."""
    return Sandwich(tuple(own for own, _ in pairs), tuple(yard for _, yard in pairs), tuple(own / yard for own, yard in pairs))


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def timing(action: Callable[[], object], *, before: Callable[[], object] = lambda: None) -> Take:
    """Return what times an action, after something that is not timed."""

    def take() -> float:
        before()
        return timed(action)

    return take


def many(action: Callable[[], object], times: int) -> Take:
    """Return what times an action done so often, for one: for what is too short to be timed alone."""

    def take() -> float:
        return timed(lambda: [action() for _ in range(times)]) / times

    return take


def median_of_each(action: Callable[[], object], times: int) -> Take:
    """Return what takes the median time of an action done so often."""

    def take() -> float:
        return statistics.median(timed(action) for _ in range(times))

    return take
