"""Reading a table of a trial folder as CSV: the header checked, small tables as typed rows, every problem with its line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from operator import getitem
from typing import Any, TextIO

from registry.rules.tables.cells import CellValue, read_cell, value_of
from registry.rules.tables.columns import Column, Table
from registry.rules.tables.problems import BadCell, FileProblem, name_remedy

DELIMITERS = (",", ";", "\t")
LONGEST_CELL = 100_000
# A row cannot be longer than its cells; a file without line ends must not be taken for one row and fill the memory.
LONGEST_LINE = 40 * LONGEST_CELL
# A table is held in memory whole, about 3 KB a row, but for scores, which are streamed. More comes in several folders: rows that
# a folder does not hold stay as they are.
MOST_ROWS = 250_000
LARGEST_TABLE = 256 * 1024**2
# Past so many nobody reads on, and each takes memory too.
MOST_PROBLEMS = 10_000
IN_PARTS = "Split the tables by patient and bring them in as several folders, each with trial.toml"


class LineRows:
    """The rows of a CSV text, which know the line they end on; a broken quote ends the text and is a problem."""

    def __init__(self, file: str, stream: TextIO) -> None:
        csv.field_size_limit(LONGEST_CELL)
        self.file = file
        self.broken: FileProblem | None = None
        first = stream.readline(LONGEST_LINE)
        lines = iter(partial(stream.readline, LONGEST_LINE), "")
        self._reader = csv.reader(chain([first] if first else [], lines), delimiter=_delimiter(first), strict=True)

    @property
    def line_num(self) -> int:
        """Return the line of the row given last."""
        return self._reader.line_num

    def __iter__(self) -> Iterator[list[str]]:
        """Return the rows that are left."""
        try:
            yield from self._reader
        except csv.Error as error:
            wrong = f"cannot be read: {error}"
            right = "Close the quotes of each cell, and double a quote inside one"
            self.broken = FileProblem(self.file, self._reader.line_num, "", "", wrong, right)

    def header(self) -> list[str]:
        """Return the first row's cells."""
        try:
            cells = next(self._reader, [])
        except csv.Error as error:
            self.broken = FileProblem(
                self.file, 1, "", "", f"cannot be read: {error}", "Write the names of the columns into the first line"
            )
            return []
        return [cell.strip() for cell in cells]


def _delimiter(header: str) -> str:
    """Return the delimiter of a header: spreadsheets with a decimal comma write semicolons."""
    return max(DELIMITERS, key=header.count)


def header_problems(table: Table, header: list[str]) -> list[FileProblem]:
    """Return what is wrong with the names of the columns."""
    found = []
    for number, name in enumerate(header, start=1):
        if not name:
            right = "Name the column, or delete it"
            found.append(FileProblem(table.file, 1, "", "", f"column {number} of the header has no name", right))
        elif name not in table.names:
            found.append(FileProblem(table.file, 1, name, "", "is no column of this table", name_remedy(name, table.names, "column")))
        elif name in header[: number - 1]:
            found.append(FileProblem(table.file, 1, name, "", "stands twice in the header", "Delete one of the two columns"))
    missing = [column for column in table.columns if (column.required or column.name == "value") and column.name not in header]
    return found + [FileProblem(table.file, 1, column.name, "", "is missing from the header", "Add the column") for column in missing]


@dataclass
class TableRows:
    """A small table: each sound row as typed values under the column's name, with its line."""

    table: Table
    values: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    # Keys of rows that could not be read, by their first column's text.
    unread: set[str] = field(default_factory=set)
    rows: int = 0
    # Whether reading ended before the table did; nothing can be said of what refers to it then.
    broken_off: bool = False

    def break_off(self, line: int, wrong: str, right: str) -> None:
        """Note why reading ends here, and forget the rows."""
        self.problems.append(FileProblem(self.table.file, line, "", "", wrong, right))
        self.broken_off = True
        self.values.clear()
        self.lines.clear()

    @property
    def is_readable(self) -> bool:
        """Tell whether the header allowed reading any row."""
        return not any(problem.line == 1 for problem in self.problems)


class ValueCache(dict[str, CellValue]):
    """Reads each distinct text of a column once."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, text: str) -> CellValue:
        found = self[text] = value_of(self._column, read_cell(self._column, text))
        return found


class TextCache(dict[str, str]):
    """Reads each distinct text of a column once into its canonical text."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, text: str) -> str:
        found = self[text] = read_cell(self._column, text)
        return found


class CanonicalValues(dict[str, CellValue]):
    """Turns each distinct canonical text of a column into its value once."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, canonical: str) -> CellValue:
        found = self[canonical] = value_of(self._column, canonical)
        return found


Caches = Sequence[ValueCache | TextCache]


def read_table(table: Table, stream: TextIO, *, canonical: bool = False, size: int = 0) -> TableRows:
    """Read a whole table, as values or as canonical texts; `size` is that of the file in bytes.

    Columns that the file does not have are left to the defaults of whoever takes the rows.
    """
    found = TableRows(table)
    if size > LARGEST_TABLE:
        found.break_off(0, f"has {size // 1024**2} MB, and at most {LARGEST_TABLE // 1024**2} are read", IN_PARTS)
        return found
    rows = LineRows(table.file, stream)
    header = rows.header()
    found.problems += [rows.broken] if rows.broken else header_problems(table, header)
    if not found.problems:
        cache = TextCache if canonical else ValueCache
        _read_rows(found, rows, header, [cache(table.column(name)) for name in header])
        found.problems += [rows.broken] if rows.broken else []
    return found


def _read_rows(found: TableRows, rows: LineRows, header: list[str], caches: Caches) -> None:
    width, values, lines = len(header), found.values, found.lines
    for row in rows:
        if not row:
            continue
        found.rows += 1
        if found.rows > MOST_ROWS:
            found.break_off(rows.line_num, f"is past the {MOST_ROWS} rows that a table may have", IN_PARTS)
            return
        if len(found.problems) >= MOST_PROBLEMS:
            found.break_off(rows.line_num, f"was not read: {len(found.problems)} cells above it are wrong", "Mend those first")
            return
        try:
            cells = list(map(getitem, caches, row))
        except BadCell:
            _note_row(found, rows.line_num, row, header, caches)
            continue
        if len(row) != width:
            _note_row(found, rows.line_num, row, header, caches)
            continue
        values.append(dict(zip(header, cells, strict=True)))
        lines.append(rows.line_num)


def _note_row(found: TableRows, line: int, row: list[str], header: list[str], caches: Caches) -> None:
    """Note everything that is wrong with a row."""
    if len(row) != len(header):
        right = f"Write {len(header)} cells, as in the header; put quotes around a cell that holds a comma"
        found.problems.append(FileProblem(found.table.file, line, "", "", f"the row has {len(row)} cells", right))
        found.unread.add(row[0].strip())
        return
    for name, cache, text in zip(header, caches, row, strict=True):
        try:
            cache[text]
        except BadCell as wrong:
            found.problems.append(FileProblem(found.table.file, line, name, text, wrong.wrong, wrong.right))
    key = found.table.key[0]
    found.unread |= {text.strip() for name, text in zip(header, row, strict=True) if name == key}
