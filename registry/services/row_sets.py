"""Writing a set of rows: what became of them, what is wrong with them, and one way to lay them beside what is on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.models import Trial
from registry.rules.tables.problems import RowProblem

# The date line: at any instant the latest civil date anywhere is that of UTC+14.
AHEAD_OF_UTC = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Tally:
    """How the rows of a set compare with what is on record. `voided` ones are on record, taken out of use, and left so."""

    new: int = 0
    unchanged: int = 0
    corrected: int = 0
    absent: int = 0
    voided: int = 0


class RowsRefused(InvalidInput):
    """Rows that break a rule. Nothing was written."""

    def __init__(self, rows: Sequence[RowProblem]) -> None:
        super().__init__([Problem(f"rows[{one.row}].{one.column}", f"{one.value!r} {one.wrong}. {one.right}.") for one in rows])
        self.rows = rows


@dataclass
class RowChecks:
    """The problems of a set, and which of its rows are sound; all are counted, the first so many are kept."""

    kept: int | None = None
    count: int = 0
    problems: list[RowProblem] = field(default_factory=list)

    def note(self, row: int, column: str, value: object, wrong: str, right: str) -> None:
        """Note a problem of one row."""
        self.count += 1
        if self.kept is None or len(self.problems) < self.kept:
            self.problems.append(RowProblem(row, column, "" if value is None else str(value), wrong, right))

    def bad_rows(self) -> set[int]:
        """Return the indices of rows with a problem."""
        return {problem.row for problem in self.problems}

    def note_repeats(self, keys: Iterable[tuple[object, ...]], columns: tuple[str, ...]) -> None:
        """Note every row whose key stood before."""
        seen: set[tuple[object, ...]] = set()
        for row, key in enumerate(keys):
            if key in seen:
                shown = " ".join(str(part) for part in key)
                self.note(row, columns[-1], shown, "stands in an earlier row already", f"Keep one row for each {' and '.join(columns)}")
            seen.add(key)

    def note_future(self, row: int, column: str, on: date | None, now: datetime) -> None:
        """Note a date that has not come anywhere yet."""
        if on is not None and on > latest_date(now):
            self.note(row, column, on, "is in the future", "Enter the day it happened")


def latest_date(now: datetime) -> date:
    """Return the latest civil date anywhere at that instant."""
    return (now + AHEAD_OF_UTC).date()


def check_open(trial: Trial) -> None:
    """Raise Conflict when the trial's records are locked."""
    if trial.locked_at is not None:
        raise Conflict("The trial's records are locked. They can be changed only after they have been unlocked.")


def stage(cursor: Any, name: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> None:
    """Copy rows into a temporary table that ends with the transaction."""
    create_staging(cursor, name, columns)
    with cursor.copy(f"COPY pg_temp.{name} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    cursor.execute(f"ANALYZE pg_temp.{name}")


def create_staging(cursor: Any, name: str, columns: Mapping[str, str]) -> None:
    """Create an empty temporary table, throwing away one of the same name."""
    cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
    declared = ", ".join(f"{column} {sql_type}" for column, sql_type in columns.items())
    cursor.execute(f"CREATE TEMPORARY TABLE {name} ({declared}) ON COMMIT DROP")


@dataclass(frozen=True)
class Merge:
    """Staged rows against a table: same key and values is unchanged, same key alone is a correction, else the row is new.

    `standing` and `voided` are conditions on `t`, the table: which of its rows count, and which were taken out of use.
    A staged row equal to a voided one is neither new nor brought back.
    """

    table: str
    staged: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    standing: str = "TRUE"
    voided: str = "FALSE"

    def tally(self, cursor: Any, scope: str = "FALSE") -> Tally:
        """Count; `scope` is the condition on `t` within which rows on record that are not staged count as absent."""
        cursor.execute(
            f"""SELECT count(*) FILTER (WHERE t.id IS NULL AND NOT {self._has_voided_twin}),
                       count(*) FILTER (WHERE t.id IS NOT NULL AND {self._same}),
                       count(*) FILTER (WHERE t.id IS NOT NULL AND NOT {self._same}),
                       (SELECT count(*) FROM {self.table} t WHERE {self.standing} AND {scope}
                        AND NOT EXISTS (SELECT FROM pg_temp.{self.staged} s WHERE {self._same_key})),
                       count(*) FILTER (WHERE t.id IS NULL AND {self._has_voided_twin})
                FROM pg_temp.{self.staged} s LEFT JOIN {self.table} t ON {self._same_key} AND {self.standing}"""
        )
        return Tally(*cursor.fetchone())

    def write(self, cursor: Any) -> None:
        """Add the new rows and correct the changed ones, in two statements.

        New rows are added in the order of their key: the order of a file may tell who got which arm, and numbers that
        grow with time would hand it on.
        """
        self.update(cursor)
        columns = ", ".join((*self.key, *self.values))
        cursor.execute(
            f"""INSERT INTO {self.table} ({columns}) SELECT {columns} FROM pg_temp.{self.staged} s
                WHERE NOT EXISTS (SELECT FROM {self.table} t WHERE {self._same_key} AND {self.standing}) AND NOT {self._has_voided_twin}
                ORDER BY {", ".join(f"s.{name}" for name in self.key)}"""
        )

    def update(self, cursor: Any) -> None:
        """Correct the changed rows; unchanged ones are not touched."""
        assignments = ", ".join(f"{name} = s.{name}" for name in self.values)
        cursor.execute(
            f"""UPDATE {self.table} t SET {assignments} FROM pg_temp.{self.staged} s
                WHERE {self._same_key} AND {self.standing} AND NOT {self._same}"""
        )

    @property
    def _same_key(self) -> str:
        return " AND ".join(f"t.{name} = s.{name}" for name in self.key)

    @property
    def _same(self) -> str:
        mine = ", ".join(f"s.{name}" for name in self.values)
        theirs = ", ".join(f"t.{name}" for name in self.values)
        return f"(({theirs}) IS NOT DISTINCT FROM ({mine}))"

    @property
    def _has_voided_twin(self) -> str:
        return f"EXISTS (SELECT FROM {self.table} t WHERE {self._same_key} AND {self.voided} AND {self._same})"
