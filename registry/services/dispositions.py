"""Turns of patients' ways through a trial: record and correct sets of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from registry.models import Trial, User
from registry.services.auditing import audited
from registry.services.intake import RowsIntake
from registry.services.jobs import mark_stale
from registry.services.patient_codes import Known
from registry.services.row_sets import Merge, Tally
from registry.vocabulary import ALWAYS_ALLOWED_REASONS, DISPOSITION_REASONS, DispositionKind, DispositionReason

DISPOSITIONS = Merge(
    "registry_disposition",
    "staged_dispositions",
    ("enrolment_id", "kind"),
    ("happened_on", "reason", "note"),
    standing="t.voided_at IS NULL",
    voided="t.voided_at IS NOT NULL",
)
COLUMNS = {
    "line": "bigint",
    "enrolment_id": "bigint",
    "kind": "varchar(40)",
    "happened_on": "date",
    "reason": "varchar(40)",
    "note": "varchar(500)",
}


@dataclass(frozen=True, slots=True)
class NewDisposition:
    """A turn to record; a kind stands once for a patient."""

    patient: str
    kind: str
    happened_on: date | None = None
    reason: str = DispositionReason.NOT_RECORDED
    note: str = ""


def record(*, trial: Trial, rows: Sequence[NewDisposition], by: User, now: datetime, reason: str = "", using: str = "default") -> Tally:
    """Record or correct dispositions and return what became of them. Raises RowsRefused."""
    with audited(by=by, reason=reason or "dispositions recorded", using=using):
        intake = DispositionIntake(trial=trial, rows=rows, by=by, now=now, using=using)
        tally = intake.write_all()
        mark_stale(trial, by=by, enrolment_ids={known.id for known in intake.patients.values()}, using=using)
    return tally


class DispositionIntake(RowsIntake[NewDisposition]):
    """Dispositions on their way in."""

    merge = DISPOSITIONS
    columns = COLUMNS
    key = ("patient", "kind")

    def resolve(self, number: int, row: NewDisposition, patient: Known) -> tuple[object, ...] | None:
        allowed = (*DISPOSITION_REASONS[DispositionKind(row.kind)], *ALWAYS_ALLOWED_REASONS)
        if row.reason not in allowed:
            self.checks.note(number, "reason", row.reason, f"is no reason for {row.kind}", f"Use one of: {', '.join(allowed)}")
            return None
        self.checks.note_future(number, "happened_on", row.happened_on, self.now)
        return patient.id, str(row.kind), row.happened_on, str(row.reason), row.note
