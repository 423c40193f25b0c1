"""The rows of the demonstration, by table, and the shapes of the people they are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

Row = dict[str, str]


@dataclass
class DemonstrationTables:
    """The rows of a trial folder, by table."""

    patients: list[Row] = field(default_factory=list)
    diagnoses: list[Row] = field(default_factory=list)
    pains: list[Row] = field(default_factory=list)
    allocations: list[Row] = field(default_factory=list)
    dispositions: list[Row] = field(default_factory=list)
    pain_scores: list[Row] = field(default_factory=list)
    motor_thresholds: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    session_blocks: list[Row] = field(default_factory=list)
    adverse_events: list[Row] = field(default_factory=list)


@dataclass
class Person:
    """One synthetic patient: where, in which arm since when, how strong the pain and how much of it yields."""

    code: str
    site: str
    arm: str
    kit: str
    side: str
    allocated_on: date
    baseline: float
    relief: float
    # The last study days on which a diary is kept, and on which stimulation is given.
    diary_until: int = 0
    stimulated_until: int = 0

    def pain(self, day: int) -> float:
        """Return the level of pain on a study day: relief sets in over three weeks and partly wears off after six."""
        onset = min(max(day, 0) / 21, 1) * (1 - 0.25 * max(day - 42, 0) / 42)
        return self.baseline * (1 - self.relief * onset)


def on_scale(value: float) -> int:
    """Return a level of pain as a whole number from 0 to 10."""
    return min(10, max(0, round(value)))
