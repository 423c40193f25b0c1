"""Sections of a trial as a form holds them: the same reading as trial.toml, but each problem names its field and not a line."""

from __future__ import annotations

from registry.exceptions import Problem
from registry.rules.tables.problems import shown
from registry.rules.tables.section_reader import SectionReader

ADD_TO_FILE, ADD_HERE = "add it to trial.toml", "add one first"


class SectionChecks(SectionReader):
    """Reads sections that came out of a form and collects what is wrong, as `section[number].key`."""

    def __init__(self) -> None:
        super().__init__("")
        self.found: list[Problem] = []

    def problem(self, section: str, number: int, key: str, value: object, wrong: str, right: str) -> None:
        """Note a problem of one field, in a sentence that can stand beside it."""
        super().problem(section, number, key, value, wrong, right)
        self.found.append(Problem(f"{section}[{number}].{key}", sentence_for("" if value is None else str(value), wrong, right)))


def sentence_for(value: str, wrong: str, right: str) -> str:
    """Return wrong and right as sentences; an empty field is told only what to enter."""
    remedy = f"{right.replace(ADD_TO_FILE, ADD_HERE)}."
    if not value and wrong == "is empty":
        return remedy
    said = f"{shown(value)}{wrong}"
    # A field's own name stands as it is: `time_points[W12] overlaps ...`.
    is_plain = said.split(" ", 1)[0].isalpha()
    return f"{said[:1].upper() if is_plain else said[:1]}{said[1:]}. {remedy}"
