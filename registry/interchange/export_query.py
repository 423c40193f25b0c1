"""How one table of a trial folder is asked of the database, and the pieces its cells are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.rules.tables.columns import Table

BY_PATIENT = 'e.patient_code COLLATE "C"'


def text(name: str) -> str:
    """Return a text, NULL for an empty one."""
    return f"nullif({name}, '')"


def free_text(name: str) -> str:
    """Return a text that people typed, NULL for an empty one and where the person may not read it."""
    return f"CASE WHEN {{reads_text}} THEN nullif({name}, '') END"


def instant(expression: str) -> str:
    """Return a time as 2026-03-01T20:15:00Z: PostgreSQL's own text of it, with other marks."""
    return f"replace(replace(({expression})::text, ' ', 'T'), '+00', 'Z')"


def yes_no(expression: str) -> str:
    """Return yes or no, NULL for neither."""
    return f"CASE {expression} WHEN true THEN 'yes' WHEN false THEN 'no' END"


@dataclass(frozen=True)
class ExportQuery:
    """One table: where its rows come from, in which order, and the text of each column.

    Names in braces in `source` and in free text stand for what the person may see: `{enrolments}`, `{scores}`, `{sessions}` and so on.
    """

    table: Table
    source: str
    order: str
    cells: dict[str, str]

    def names(self, *, concealed: bool) -> tuple[str, ...]:
        """Return the columns that a file has, with or without those that only some may see."""
        return tuple(column.name for column in self.table.columns if concealed or not column.concealed)

    def sql(self, names: Sequence[str]) -> str:
        """Return the query for some of the columns."""
        return f"SELECT {', '.join(self.cells[name] for name in names)} FROM {self.source} ORDER BY {self.order}"

    def texts_sql(self, names: Sequence[str], *more: str) -> str:
        """Return the same with every cell as text and '' for none, after other expressions."""
        cells = [*more, *(f"coalesce(({self.cells[name]})::text, '')" for name in names)]
        return f"SELECT {', '.join(cells)} FROM {self.source} ORDER BY {self.order}"
