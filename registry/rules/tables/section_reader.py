"""Reading sections of trial.toml by their tables: every key known, every value of its kind, every problem with its line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from registry.rules.tables.cells import CellValue, read_cell, value_of
from registry.rules.tables.columns import Column, Kind, Table
from registry.rules.tables.problems import BadCell, FileProblem, name_remedy
from registry.rules.tables.toml_lines import TomlLines

TRIAL_FILE = "trial.toml"

Values = dict[str, Any]


class SectionReader:
    """Reads the sections of one text and collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        self.problems: list[FileProblem] = []
        self._lines = TomlLines.of(text)

    def problem(self, section: str, number: int, key: str, value: object, wrong: str, right: str) -> None:
        """Note a problem of a key, under its full name."""
        name = ".".join(part for part in (section, key) if part)
        text = "" if value is None else str(value)
        self.problems.append(FileProblem(TRIAL_FILE, self._lines.line(section, number, key), name, text, wrong, right))

    def read(self, table: Table, number: int, data: object, *, inner: tuple[str, ...] = ()) -> Values:
        """Return every key of a section with its value or default; `inner` are keys of sections inside it.

        A value that cannot be read is noted and left at its default.
        """
        if not isinstance(data, Mapping):
            self.problem(table.name, number, "", None, "is no section", f"Write it as [{table.name}] with keys below it")
            data = {}
        self._check_keys(table, number, data, inner)
        return {column.name: self._value(table, number, column, data.get(column.name)) for column in table.columns}

    def read_list(self, table: Table, data: object, *, first: int = 0) -> list[Values]:
        """Return the values of each section of a list; `first` is the number of its first one in the file."""
        if data is None:
            return []
        if not isinstance(data, list):
            self.problem(table.name, first, "", None, "is no list of sections", f"Write each as [[{table.name}]] with keys below it")
            return []
        rows = [self.read(table, number, one) for number, one in enumerate(data, start=first)]
        self._check_repeats(table, rows, first)
        return rows

    def _check_keys(self, table: Table, number: int, data: Mapping[str, object], inner: tuple[str, ...]) -> None:
        for key in data:
            if key not in table.names and key not in inner:
                known = (*table.names, *inner)
                self.problem(table.name, number, key, None, f"there is no key '{key}' in [{table.name}]", name_remedy(key, known, "key"))

    def _check_repeats(self, table: Table, rows: list[Values], first: int) -> None:
        seen = set()
        for number, row in enumerate(rows, start=first):
            key = tuple(row[name] for name in table.key)
            if table.key and key in seen:
                self.problem(table.name, number, table.key[0], key[0], "stands twice", "Give each its own code")
            seen.add(key)

    def _value(self, table: Table, number: int, column: Column, given: object) -> CellValue | tuple[CellValue, ...]:
        """Return the value of a key: a tuple where the key holds a list, in the order given."""
        if column.many:
            return self._list(table, number, column, given)
        return self._single(table, number, column, given)

    def _list(self, table: Table, number: int, column: Column, given: object) -> tuple[CellValue, ...]:
        if given is None:
            return ()
        if not isinstance(given, list):
            self.problem(table.name, number, column.name, given, "is no list", f"Write it in brackets: {column.name} = [{_literal(given)}]")
            return ()
        return tuple(self._single(table, number, column, one) for one in given)

    def _single(self, table: Table, number: int, column: Column, given: object) -> CellValue:
        try:
            return value_of(column, read_cell(column, _text(column, given)))
        except BadCell as bad:
            self.problem(table.name, number, column.name, given, bad.wrong, bad.right)
            return value_of(column, column.default)


def _text(column: Column, given: object) -> str:
    """Return a TOML value as the text a cell would hold."""
    if given is None:
        return ""
    if (column.kind is Kind.YES_NO) != isinstance(given, bool):
        right = "Write true or false, without quotes" if column.kind is Kind.YES_NO else "Write it in quotes or as a number"
        raise BadCell("is of the wrong type", right)
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, Decimal):
        return f"{given:f}"
    if isinstance(given, date | datetime):
        return given.isoformat()
    if isinstance(given, str | int):
        return str(given)
    raise BadCell("is of the wrong type", "Write a single value")


def _literal(given: object) -> str:
    return f'"{given}"' if isinstance(given, str) else str(given)
