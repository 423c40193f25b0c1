"""What a table of a trial folder is made of: columns with a kind, a unit, allowed values and a sentence of documentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from registry.vocabulary import Word


class Kind(StrEnum):
    """How the text of a cell is read; each has one parser in `cells`."""

    PATIENT = "patient code"
    CODE = "code"
    SLUG = "short name"
    KIT = "kit code"
    TEXT = "text"
    WORD = "word"
    WORDS = "words"
    INTEGER = "whole number"
    DECIMAL = "number"
    DATE = "date"
    PARTIAL_DATE = "date, month or year"
    INSTANT = "time with offset"
    YES_NO = "yes or no"
    ZONE = "time zone"
    ICD_10 = "ICD-10 code"
    ICD_11 = "ICD-11 code"
    PAIN = "rank of a pain, or overall"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, or one key of a section of trial.toml.

    An empty cell means `default`; where that depends on the row or the trial, `default_doc` says on what. `many` marks a
    key that holds a list. `nothing` is the word by which a cell of words says that it holds none. A `concealed` column
    travels only with the right to see allocations.
    """

    name: str
    kind: Kind
    doc: str
    required: bool = False
    unit: str = ""
    words: type[Word] | None = None
    default: str = ""
    default_doc: str = ""
    least: int | None = None
    most: int | None = None
    longest: int = 200
    many: bool = False
    nothing: str = ""
    concealed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a trial folder: its columns, what makes a row the same row, and who may bring or take it."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    concealed: bool = False
    # The names of the columns in their order.
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))

    @property
    def file(self) -> str:
        """Return the file's name."""
        return f"{self.name}.csv"

    def column(self, name: str) -> Column:
        """Return a column by its name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
