"""A set of rows about patients on its way in: checked, staged, laid beside what is on record, written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from django.db import connections

from registry.models import Trial, User
from registry.roles import Permission
from registry.services.patient_codes import Known, allowed_sites, known_patients, note_unknown, scope_sql
from registry.services.row_sets import Merge, RowChecks, RowsRefused, Tally, check_open, stage


class PatientRow(Protocol):
    """Any row that belongs to a patient."""

    @property
    def patient(self) -> str:
        """Return the study number."""


Row = TypeVar("Row", bound=PatientRow)


class RowsIntake(ABC, Generic[Row]):
    """One table's intake. To be used inside `audited`.

    `write` leaves out rows with a problem: whoever wants all or nothing calls `write_all`, or rolls back.
    """

    merge: ClassVar[Merge]
    columns: ClassVar[dict[str, str]]
    key: ClassVar[tuple[str, ...]]
    # The column of the table, and of Enrolment, by which rows belong to a patient.
    owner: ClassVar[tuple[str, str]] = ("enrolment_id", "pk")
    permission: ClassVar[Permission] = Permission.PATIENT_EDIT

    def __init__(self, *, trial: Trial, rows: Sequence[Row], by: User, now: datetime, using: str = "default") -> None:
        check_open(trial)
        self.trial, self.by, self.now, self.using = trial, by, now, using
        self.checks = RowChecks()
        self.patients = known_patients(trial, by, {row.patient for row in rows}, using)
        self._allowed = allowed_sites(trial, by, self.permission, using)
        self.load(rows)
        self.checks.note_repeats((tuple(getattr(row, name) for name in self.key) for row in rows), self.key)
        staged = [self._staged(number, row) for number, row in enumerate(rows)]
        bad = self.checks.bad_rows()
        with connections[using].cursor() as cursor:
            stage(cursor, self.merge.staged, self.columns, (row for row in staged if row is not None and row[0] not in bad))

    def load(self, rows: Sequence[Row]) -> None:
        """Read what the rows refer to, in a number of queries that does not depend on them."""

    @abstractmethod
    def resolve(self, number: int, row: Row, patient: Known) -> tuple[object, ...] | None:
        """Return the staged columns after `line`, or None having noted a problem."""

    def _staged(self, number: int, row: Row) -> tuple[object, ...] | None:
        patient = note_unknown(self.checks, number, row.patient, self.patients, self._allowed)
        resolved = None if patient is None else self.resolve(number, row, patient)
        return None if resolved is None else (number, *resolved)

    def tally(self) -> Tally:
        """Count the rows; absent are those on record for visible patients that the set does not hold."""
        column, field = self.owner
        with connections[self.using].cursor() as cursor:
            scope = scope_sql(cursor, self.trial, self.by, self.using, field)
            return self.merge.tally(cursor, f"t.{column} IN ({scope})")

    def write(self) -> None:
        """Write the sound rows."""
        with connections[self.using].cursor() as cursor:
            self.merge.write(cursor)

    def write_all(self) -> Tally:
        """Write every row and return what became of them; raise RowsRefused if there is a problem with any."""
        if self.checks.problems:
            raise RowsRefused(self.checks.problems)
        tally = self.tally()
        self.write()
        return tally
