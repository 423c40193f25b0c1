"""What is wrong with a cell, a row or a file, always with what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

SHOWN_CHARACTERS = 60
SHOWN_NAMES = 12


class BadCell(Exception):
    """A cell that cannot be read: what is wrong with it, and what would be right."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.right = right


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Something wrong in one row of a set, by its index in the set; `column` is empty where it is the row as a whole."""

    row: int
    column: str
    value: str
    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Something wrong in a file; `line` counts from 1, 0 where the file as a whole is meant."""

    file: str
    line: int
    column: str
    value: str
    wrong: str
    right: str

    @property
    def sentence(self) -> str:
        """Return where, what and the remedy in one line."""
        place = f"{self.file}, line {self.line}" if self.line else self.file
        where = f"{place}, {self.column}" if self.column else place
        return f"{where}: {shown(self.value)}{self.wrong}. {self.right}."


def shown(value: str) -> str:
    """Return a value in quotes, cut off and without bytes that no terminal can print."""
    if not value:
        return ""
    printable = value.encode("utf-8", "replace").decode()
    printable = "".join(letter if letter.isprintable() else "?" for letter in printable)
    cut = printable if len(printable) <= SHOWN_CHARACTERS else printable[:SHOWN_CHARACTERS] + "..."
    return f"'{cut}' "


def name_remedy(name: str, known: Iterable[str], noun: str) -> str:
    """Return what to write instead of an unknown name: the nearest known one first."""
    names = list(known)
    if not names:
        return f"The trial has no {noun} yet; add it to trial.toml"
    close = get_close_matches(name.lower(), [one.lower() for one in names], n=1, cutoff=0.6)
    listed = ", ".join(names[:SHOWN_NAMES]) + (", ..." if len(names) > SHOWN_NAMES else "")
    nearest = next((one for one in names if close and one.lower() == close[0]), None)
    return f"Use one of: {listed}" if nearest is None else f"Perhaps you mean '{nearest}'; use one of: {listed}"
