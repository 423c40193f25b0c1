"""Rows of a table laid beside the records they are about: the same text is no change, another is a correction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from registry.interchange.export_query import ExportQuery
from registry.rules.tables.cells import read_instant
from registry.rules.tables.columns import Table
from registry.rules.tables.problems import BadCell
from registry.services.row_sets import RowChecks, Tally

Cells = dict[str, str]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A record on record: its identifier, whether it was taken out of use, and its canonical cells."""

    record: UUID
    voided: bool
    cells: Cells


@dataclass
class Matches:
    """What rows are: their records where they have one, and which of them change something."""

    records: dict[int, UUID] = field(default_factory=dict)
    new: list[int] = field(default_factory=list)
    corrected: list[int] = field(default_factory=list)
    voided: list[int] = field(default_factory=list)
    standing: int = 0

    def tally(self) -> Tally:
        """Count the rows, and the records that no row is about."""
        unchanged = len(self.records) - len(self.corrected)
        return Tally(len(self.new), unchanged, len(self.corrected), self.standing - len(self.records), len(self.voided))


def latest(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Keep standing versions, and voided ones that are the last of their record."""
    later = rows.model._default_manager.filter(record=OuterRef("record"), version__gt=OuterRef("version"))
    return rows.filter(Q(ended_at__isnull=True) | Q(Q(voided=True), ~Exists(later)))


def stored_records(cursor: Any, query: ExportQuery, scopes: dict[str, str]) -> list[Stored]:
    """Return what is on record, in the canonical text that an export would write."""
    names = query.table.names
    cursor.execute(query.texts_sql(names, "t.record", "t.voided").format(**scopes))
    return [Stored(record, voided, dict(zip(names, cells, strict=True))) for record, voided, *cells in cursor.fetchall()]


def match(
    table: Table,
    rows: Sequence[Cells],
    stored: Collection[Stored],
    *,
    said: Collection[str],
    key: Callable[[Cells], Key],
    changed: Callable[[int, Stored], bool],
    checks: RowChecks,
    moot: Collection[str] = (),
) -> Matches:
    """Find each row's record; `said` are the columns the file has, `changed` tells what a row changes beyond its cells.

    An empty cell of a column whose default depends on the row says nothing. `moot` columns count only where the record
    holds something in them; so do all where it is voided, since what belonged to it went with it.
    """
    standing, voided = _by_key(stored, key, voided=False), _by_key(stored, key, voided=True)
    compared = [column for column in table.columns if column.name in said or not (column.default_doc or column.concealed)]
    found = Matches(standing=sum(not one.voided for one in stored))
    seen: set[Key] = set()

    def differs(number: int, row: Cells, one: Stored) -> bool:
        explicit = (column.name for column in compared if row[column.name] or not column.default_doc)
        compared_here = (name for name in explicit if one.cells[name] or not (one.voided or name in moot))
        return any(row[name] != one.cells[name] for name in compared_here) or changed(number, one)

    for number, row in enumerate(rows):
        own = key(row)
        if own in seen:
            columns = ("row_id",) if row.get("row_id") else table.key
            checks.note(number, columns[-1], row.get("row_id", ""), "is a row that stands above already", _KEEP_ONE)
            continue
        seen.add(own)
        if own in standing:
            one = standing[own]
            found.records[number] = one.record
            found.corrected += [number] if differs(number, row, one) else []
        elif own in voided and not differs(number, row, voided[own]):
            found.voided.append(number)
        else:
            found.new.append(number)
    return found


_KEEP_ONE = "Keep one of them, or give each its own row_id if both are right"


def _by_key(stored: Collection[Stored], key: Callable[[Cells], Key], *, voided: bool) -> dict[Key, Stored]:
    return {key(one.cells): one for one in reversed(list(stored)) if one.voided == voided}


def row_key(table: Table) -> Callable[[Cells], Key]:
    """Return how a table's rows are told apart: by their row_id where they have one, else by all other columns of the key."""

    def key(cells: Cells) -> Key:
        if cells["row_id"]:
            return ("row_id", cells["patient"], cells["row_id"])
        return tuple(cells[name] for name in table.key)

    return key


def session_key(cells: Cells) -> Key:
    """Return what makes two rows the same session: the row_id, else the number, else day and start."""
    if cells["row_id"]:
        return ("row_id", cells["patient"], cells["row_id"])
    if cells["number"]:
        return (cells["patient"], cells["period"], cells["number"])
    return (cells["patient"], cells["period"], "", cells["for_date"], cells["started_at"])


def session_name(cells: Cells) -> str:
    """Return how other tables name a session."""
    if cells["number"]:
        return cells["number"] if cells["period"] == "1" else f"{cells['period']}.{cells['number']}"
    return cells["row_id"] or cells["started_at"] or cells["for_date"]


def canonical_name(text: str) -> str:
    """Return a name as a record bears it: one that is a time, in UTC."""
    try:
        return read_instant(text) if text else ""
    except BadCell:
        return text
