"""A pattern out of the keys of a section or the cells of a row, with problems told as wrong and right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from registry.exceptions import InvalidInput, Problem
from registry.rules.stimulation import NewBlock, Pattern, PatternInput, block_problems, read_pattern
from registry.vocabulary import IntensityReference

PATTERN_KEYS = ("frequency_hz", "trains", "gap_s", "pulses_per_train", "bursts_per_train", "train_s", "pulses_per_burst", "intra_burst_hz")


@dataclass(frozen=True, slots=True)
class Complaint:
    """A problem of one key or column; `value` is empty where the sentence names it by itself."""

    column: str
    value: str
    wrong: str
    right: str


def complaint(problem: Problem, values: Mapping[str, Any]) -> Complaint:
    """Return a rule's sentence as what is wrong and what would be right, with the value given."""
    wrong, _, right = problem.message.rstrip(".").partition(". ")
    if right:
        return Complaint(problem.field, "", wrong[:1].lower() + wrong[1:], right)
    given = values.get(problem.field)
    missing = given is None or given == ""
    return Complaint(problem.field, "" if missing else str(given), "is empty" if missing else "is not possible", wrong)


def read_block(values: Mapping[str, Any]) -> tuple[Pattern | None, list[Complaint]]:
    """Return the pattern that values hold, or None with what is wrong with it or with its intensity."""
    try:
        pattern = read_pattern(PatternInput(**{name: values[name] for name in PATTERN_KEYS}))
    except InvalidInput as refused:
        return None, [complaint(problem, values) for problem in refused.problems]
    intensity = values["intensity_percent"]
    if intensity != round(intensity, 1):
        return None, [Complaint("intensity_percent", f"{intensity:f}", "has more than one decimal", "Round it to one decimal")]
    problems = block_problems(NewBlock(pattern, Decimal(intensity), IntensityReference(values["intensity_reference"])))
    return (None if problems else pattern), [complaint(problem, values) for problem in problems]
