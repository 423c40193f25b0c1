"""Allocations made elsewhere, brought into the closed room: arms, and who got which. Nothing here is ever changed again.

Everything runs on the closed alias, inside the transaction that brings the patients.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from string import ascii_uppercase
from typing import Any

from registry.closed_room import CLOSED_ALIAS, open_closed_room
from registry.models import Site, Treatment, Trial, User
from registry.roles import Permission
from registry.rules.tables.problems import name_remedy
from registry.services.intake import RowsIntake
from registry.services.patient_codes import Known
from registry.services.row_sets import Merge, RowChecks, Tally, check_open, stage

ARM_COLUMNS = {
    "line": "bigint",
    "trial_id": "bigint",
    "code": "varchar(40)",
    "label": "varchar(200)",
    "treatment_id": "bigint",
    "part": "varchar(40)",
    "letter": "char(1)",
    "position": "smallint",
}
ALLOCATION_COLUMNS = {
    "line": "bigint",
    "enrolment_id": "bigint",
    "stage": "smallint",
    "treatment_id": "bigint",
    "analysis_site_id": "bigint",
    "stratum": "varchar(200)",
    "kit_code": "varchar(20)",
    "allocated_on": "date",
    "allocated_at": "timestamptz",
    "arm_id": "bigint",
}
VISIBLE = ("enrolment_id", "stage", "treatment_id", "analysis_site_id", "stratum", "kit_code", "allocated_on", "allocated_at")


@dataclass(frozen=True, slots=True)
class ImportedArm:
    """An arm, in the codes of the trial."""

    arm: str
    label: str = ""
    treatment: str = ""
    part: str = ""
    position: int | None = None


@dataclass(frozen=True, slots=True)
class ImportedAllocation:
    """Who got which arm, when, under which stratum."""

    patient: str
    arm: str
    stage: int = 1
    analysis_site: str = ""
    stratum: str = ""
    kit_code: str = ""
    allocated_on: date | None = None
    allocated_at: datetime | None = None


class ArmIntake:
    """Arms on their way in. Arms on record are never exchanged."""

    def __init__(self, *, trial: Trial, rows: Sequence[ImportedArm], by: User) -> None:
        check_open(trial)
        self.trial, self.by = trial, by
        self.checks = RowChecks()
        self._treatments = dict(Treatment.objects.using(CLOSED_ALIAS).filter(trial=trial).values_list("code", "pk"))
        self._rows = [self._complete(row, number) for number, row in enumerate(rows, start=1)]
        with open_closed_room(by=by, permission=Permission.ALLOCATION_MANAGE, trial=trial) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT code, label, treatment_id, part, position, letter FROM closed.arm WHERE trial_id = %s ORDER BY position, code",
                [trial.pk],
            )
            self._on_record = {row[0]: row for row in cursor.fetchall()}
        self._check()

    def _complete(self, row: ImportedArm, number: int) -> ImportedArm:
        """Fill in what a row leaves open."""
        only = next(iter(self._treatments), "") if len(self._treatments) == 1 else ""
        return replace(
            row,
            label=row.label or row.arm,
            treatment=row.treatment or only,
            part=row.part or row.arm,
            position=row.position or number,
        )

    def _check(self) -> None:
        self.checks.note_repeats(((row.arm,) for row in self._rows), ("arm",))
        self.checks.note_repeats(((row.position,) for row in self._rows), ("position",))
        for number, row in enumerate(self._rows):
            if row.treatment not in self._treatments:
                remedy = name_remedy(row.treatment, self._treatments, "treatment")
                self.checks.note(number, "treatment", row.treatment, "is no treatment of the trial", remedy)
            elif row.arm in self._on_record and self._on_record[row.arm][:5] != self._values(row):
                self.checks.note(number, "arm", row.arm, "differs from the arm on record", "Arms cannot be exchanged; keep it as it was")
        if len(self._on_record.keys() | {row.arm for row in self._rows}) > len(ascii_uppercase):
            self.checks.note(len(self._rows) - 1, "arm", "", "is one arm too many", f"Use at most {len(ascii_uppercase)} arms")

    def _values(self, row: ImportedArm) -> tuple[object, ...]:
        return row.arm, row.label, self._treatments[row.treatment], row.part, row.position

    def tally(self) -> Tally:
        """Count the arms."""
        brought = {row.arm for row in self._rows}
        new = len(brought - self._on_record.keys())
        return Tally(new=new, unchanged=len(brought) - new, absent=len(self._on_record.keys() - brought))

    def write(self) -> None:
        """Add the new arms, each under a letter drawn at random from those that are free."""
        bad = self.checks.bad_rows()
        new = [row for number, row in enumerate(self._rows) if number not in bad and row.arm not in self._on_record]
        taken = {row[5] for row in self._on_record.values()}
        free = [letter for letter in ascii_uppercase[: len(new) + len(taken)] if letter not in taken]
        letters = secrets.SystemRandom().sample(free, len(new))
        rows = [
            (number, self.trial.pk, *self._values(row)[:4], letter, row.position)
            for number, (row, letter) in enumerate(zip(new, letters, strict=True))
        ]
        with open_closed_room(by=self.by, permission=Permission.ALLOCATION_MANAGE, trial=self.trial) as connection:
            with connection.cursor() as cursor:
                stage(cursor, "staged_arms", ARM_COLUMNS, rows)
                names = ", ".join(name for name in ARM_COLUMNS if name != "line")
                cursor.execute(f"INSERT INTO closed.arm ({names}) SELECT {names} FROM pg_temp.staged_arms ORDER BY position")


class AllocationIntake(RowsIntake[ImportedAllocation]):
    """Allocations on their way in. One on record is never changed, so a row that differs is a problem."""

    merge = Merge("registry_allocation", "staged_allocations", ("enrolment_id", "stage"), VISIBLE[2:])
    columns = ALLOCATION_COLUMNS
    key = ("patient", "stage")
    permission = Permission.ALLOCATION_MANAGE

    def __init__(self, *, trial: Trial, rows: Sequence[ImportedAllocation], by: User, now: datetime) -> None:
        super().__init__(trial=trial, rows=rows, by=by, now=now, using=CLOSED_ALIAS)
        with self._cursor() as cursor:
            cursor.execute(_CHANGED)
            for line, patient in cursor.fetchall():
                self.checks.note(
                    line, "patient", patient, "is allocated already, and otherwise", "Keep the row as it was; document errors apart"
                )
            cursor.execute(_NEW_IN_LISTED_TRIAL, [trial.pk])
            for line, patient in cursor.fetchall():
                self.checks.note(
                    line, "patient", patient, "is not allocated yet, and the trial has an allocation list", "Allocate by the list"
                )

    def _cursor(self) -> Any:
        with open_closed_room(by=self.by, permission=Permission.ALLOCATION_MANAGE, trial=self.trial) as connection:
            return connection.cursor()

    def load(self, rows: Sequence[ImportedAllocation]) -> None:
        self._sites = dict(Site.objects.using(self.using).filter(trial=self.trial).values_list("code", "pk"))
        with self._cursor() as cursor:
            cursor.execute("SELECT code, id, treatment_id FROM closed.arm WHERE trial_id = %s ORDER BY position, code", [self.trial.pk])
            self._arms = {code: (arm_id, treatment_id) for code, arm_id, treatment_id in cursor.fetchall()}

    def resolve(self, number: int, row: ImportedAllocation, patient: Known) -> tuple[object, ...] | None:
        if row.arm not in self._arms:
            remedy = name_remedy(row.arm, self._arms, "arm") if self._arms else "Describe the arms in arms.csv"
            self.checks.note(number, "arm", row.arm, "is no arm of the trial", remedy)
            return None
        if row.analysis_site and row.analysis_site not in self._sites:
            remedy = name_remedy(row.analysis_site, self._sites, "site")
            self.checks.note(number, "analysis_site", row.analysis_site, "is no site of the trial", remedy)
            return None
        self.checks.note_future(number, "allocated_on", row.allocated_on, self.now)
        arm_id, treatment_id = self._arms[row.arm]
        site_id = self._sites[row.analysis_site] if row.analysis_site else patient.site_id
        return patient.id, row.stage, treatment_id, site_id, row.stratum, row.kit_code, row.allocated_on, row.allocated_at, arm_id

    def write(self) -> None:
        """Add the new allocations, the visible half and the concealed one."""
        with self._cursor() as cursor:
            cursor.execute(_ADD_CONCEALED)
            cursor.execute(_ADD_VISIBLE)


_CHANGED = f"""
    SELECT s.line, e.patient_code FROM pg_temp.staged_allocations s
    JOIN registry_enrolment e ON e.id = s.enrolment_id
    JOIN registry_allocation a ON a.enrolment_id = s.enrolment_id AND a.stage = s.stage
    LEFT JOIN closed.allocation c ON c.enrolment_id = s.enrolment_id AND c.stage = s.stage
    WHERE ({", ".join(f"a.{name}" for name in VISIBLE)}, c.arm_id) IS DISTINCT FROM ({", ".join(f"s.{name}" for name in VISIBLE)}, s.arm_id)
    ORDER BY s.line
"""
# Beside a list, an allocation from elsewhere would take a place that the list does not know of.
_NEW_IN_LISTED_TRIAL = """
    SELECT s.line, e.patient_code FROM pg_temp.staged_allocations s JOIN registry_enrolment e ON e.id = s.enrolment_id
    WHERE EXISTS (SELECT FROM closed.allocation_list l WHERE l.trial_id = %s AND l.stage = s.stage)
      AND NOT EXISTS (SELECT FROM registry_allocation a WHERE a.enrolment_id = s.enrolment_id AND a.stage = s.stage)
    ORDER BY s.line
"""
_ADD_CONCEALED = """
    INSERT INTO closed.allocation (enrolment_id, stage, arm_id)
    SELECT enrolment_id, stage, arm_id FROM pg_temp.staged_allocations s
    WHERE NOT EXISTS (SELECT FROM closed.allocation a WHERE a.enrolment_id = s.enrolment_id AND a.stage = s.stage)
    ORDER BY s.enrolment_id, s.stage
"""
_ADD_VISIBLE = f"""
    INSERT INTO registry_allocation ({", ".join(VISIBLE)})
    SELECT {", ".join(VISIBLE)} FROM pg_temp.staged_allocations s
    WHERE NOT EXISTS (SELECT FROM registry_allocation a WHERE a.enrolment_id = s.enrolment_id AND a.stage = s.stage)
    ORDER BY s.enrolment_id, s.stage
"""
