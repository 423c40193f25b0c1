"""The goals of the project's measurements, as ratios to what runs beside them. Set for 100,000 patients."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """At most, or at least, a number."""

    code: str
    limit: float
    at_least: bool = False

    def holds(self, value: float, slack: float = 1.0) -> bool:
        """Tell whether a value is within the goal, or within so many times of it."""
        return value * slack >= self.limit if self.at_least else value <= self.limit * slack

    def __str__(self) -> str:
        return f"{self.code} {'>=' if self.at_least else '<='} {self.limit:.4g}"


DEEPEST_PAGE = Goal("A6", 1.5)
PAGES_AGAINST_PEER = Goal("A6", 5, at_least=True)
NOTHING_NEW = Goal("A7", 0.001)
SMALL_DELTA = Goal("A7", 0.005)
TABLE_FROM_ROWS = Goal("B1", 0.05)
TABLE_FROM_SNAPSHOT = Goal("B1", 0.002)
GROWTH_OF_READING = Goal("B2", 0.1)
WRONG_CELLS = Goal("B3", 0)
WRITE_WITH_UPKEEP = Goal("B4", 1.5)
DASHBOARD_AGAINST_HELLO = Goal("C1", 3)
DASHBOARD_GROWTH = Goal("C1", 1.3)
DASHBOARD_AGAINST_LIVE = Goal("C2", 1 / 300)
HEAVY_MODULES = Goal("C3", 0)
FIRST_VISIT_KB = Goal("C4", 450)
POST_AGAINST_PEER = Goal("D1", 2, at_least=True)
POST_AGAINST_FLOOR = Goal("D2", 0.3, at_least=True)
IMPORT_AGAINST_PEER = Goal("D3", 100, at_least=True)
OVERLOAD_ERRORS = Goal("D4", 0)
OVERLOAD_WAIT = Goal("D4", 2)
MEMORY_MB = Goal("A2", 8)
