"""What a session form still lacks or has wrong: the problems of reading it and those of the rules, each told once."""

from __future__ import annotations

from collections.abc import Iterable

from registry.exceptions import Problem
from registry.rules.stimulation import session_problems
from web.session_form_reading import Reading

# What the rules find missing only because an entry beside it could not be read, and how the names of those entries begin.
TOLD_ALREADY = {
    "blocks": "block",
    "threshold": "threshold_",
    "pain_before": "pain_before_why",
    "pain_after": "pain_after_why",
}


def all_problems(reading: Reading, *, complete: bool) -> list[Problem]:
    """Return what is wrong with the entries and with the session they make, each thing once."""
    unread = tuple(problem.field for problem in reading.problems)
    found = session_problems(reading.row, complete=complete)
    told = {name for name, start in TOLD_ALREADY.items() if any(field.startswith(start) for field in unread)}
    return [*reading.problems, *(problem for problem in found if problem.field not in told)]


def open_questions(problems: Iterable[Problem]) -> int:
    """Return how many questions wait for an answer."""
    return len({problem.field for problem in problems if problem.code == "required"})
