"""Pain diagnoses of patients, and the pains a trial follows: record and correct sets of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import connections

from registry.models import Enrolment, Trial, User
from registry.services.auditing import audited
from registry.services.intake import RowsIntake
from registry.services.jobs import mark_stale
from registry.services.patient_codes import Known
from registry.services.row_sets import Merge, Tally, latest_date
from registry.vocabulary import Conduct, DiagnosticCertainty, MechanismClass, PainCondition, Side

DIAGNOSES = Merge(
    "registry_paindiagnosis",
    "staged_diagnoses",
    ("patient_id", "code"),
    ("condition", "condition_text", "certainty", "mechanism", "onset", "icd10", "icd11"),
    standing="t.voided_at IS NULL",
    voided="t.voided_at IS NOT NULL",
)
DIAGNOSIS_COLUMNS = {"line": "bigint", "patient_id": "bigint", "code": "varchar(20)", **dict.fromkeys(DIAGNOSES.values, "varchar(200)")}
PAINS = Merge(
    "registry_enrolmentpain",
    "staged_pains",
    ("enrolment_id", "rank"),
    ("diagnosis_id", "body_region", "side"),
    standing="t.voided_at IS NULL",
    voided="t.voided_at IS NOT NULL",
)
PAIN_COLUMNS = {
    "line": "bigint",
    "enrolment_id": "bigint",
    "rank": "smallint",
    "diagnosis_id": "bigint",
    "body_region": "varchar(80)",
    "side": "varchar(40)",
}


@dataclass(frozen=True, slots=True)
class NewDiagnosis:
    """A pain diagnosis to record."""

    patient: str
    condition: str
    diagnosis: str = "D1"
    condition_text: str = ""
    certainty: str = DiagnosticCertainty.NOT_GRADED
    mechanism: str = MechanismClass.NOT_CLASSIFIED
    onset: str = ""
    icd10: str = ""
    icd11: str = ""


@dataclass(frozen=True, slots=True)
class NewPain:
    """A pain to follow, of a diagnosis on record; rank 1 is the primary one."""

    patient: str
    rank: int = 1
    diagnosis: str = "D1"
    body_region: str = ""
    side: str = Side.NOT_RECORDED


def record(
    *,
    trial: Trial,
    diagnoses: Sequence[NewDiagnosis] = (),
    pains: Sequence[NewPain] = (),
    by: User,
    now: datetime,
    reason: str = "",
    using: str = "default",
) -> tuple[Tally, Tally]:
    """Record or correct diagnoses and then pains; return what became of both. Raises RowsRefused."""
    with audited(by=by, reason=reason or "diagnoses recorded", using=using):
        first = DiagnosisIntake(trial=trial, rows=diagnoses, by=by, now=now, using=using)
        tally = first.write_all()
        second = PainIntake(trial=trial, rows=pains, by=by, now=now, using=using)
        tallies = tally, second.write_all()
        concerned = {known.id for intake in (first, second) for known in intake.patients.values()}
        mark_stale(trial, by=by, enrolment_ids=concerned, using=using)
        mark_elsewhere({known.patient_id for known in first.patients.values()}, trial, by=by, using=using)
    return tallies


def mark_elsewhere(patient_ids: Collection[int], trial: Trial, *, by: User, using: str = "default") -> None:
    """Mark people's endpoints in their other trials: a diagnosis is the person's, whatever trial it was written in."""
    rows = Enrolment.objects.using(using).filter(patient_id__in=patient_ids).exclude(trial=trial).select_related("trial")
    for other, enrolments in groupby(rows.order_by("trial_id"), key=lambda row: row.trial):
        mark_stale(other, by=by, enrolment_ids=[row.pk for row in enrolments], using=using)


class DiagnosisIntake(RowsIntake[NewDiagnosis]):
    """Diagnoses on their way in."""

    merge = DIAGNOSES
    columns = DIAGNOSIS_COLUMNS
    key = ("patient", "diagnosis")
    owner = ("patient_id", "patient_id")

    def load(self, rows: Sequence[NewDiagnosis]) -> None:
        with connections[self.using].cursor() as cursor:
            cursor.execute(_FROZEN_CONDITIONS, [[known.patient_id for known in self.patients.values()]])
            self._frozen = {(patient_id, code): words for patient_id, code, *words in cursor.fetchall()}

    def resolve(self, number: int, row: NewDiagnosis, patient: Known) -> tuple[object, ...] | None:
        if row.condition == PainCondition.OTHER and not row.condition_text:
            self.checks.note(number, "condition_text", "", "is empty although the condition is 'other'", "Name the condition")
            return None
        if row.onset and row.onset > latest_date(self.now).isoformat():
            self.checks.note(number, "onset", row.onset, "is in the future", "Enter when the pain began, as exactly as known")
            return None
        if self._differs_from_frozen(number, row, patient):
            return None
        words = (row.condition, row.condition_text, row.certainty, row.mechanism, row.onset, row.icd10, row.icd11)
        return (patient.patient_id, row.diagnosis, *map(str, words))

    def _differs_from_frozen(self, number: int, row: NewDiagnosis, patient: Known) -> bool:
        """Note a condition other than that of the primary pain somebody was allocated with."""
        frozen = self._frozen.get((patient.patient_id, row.diagnosis))
        for column, kept in zip(("condition", "condition_text"), frozen or (), strict=False):
            given = str(getattr(row, column))
            if given != kept:
                wrong = f"differs from the condition of the primary pain, {kept or 'empty'}, which is frozen at allocation"
                remedy = f"Keep {kept or 'it empty'}; record what was found later as another diagnosis"
                self.checks.note(number, column, given, wrong, remedy)
                return True
        return False


class PainIntake(RowsIntake[NewPain]):
    """Pains on their way in."""

    merge = PAINS
    columns = PAIN_COLUMNS
    key = ("patient", "rank")

    def load(self, rows: Sequence[NewPain]) -> None:
        people = [known.patient_id for known in self.patients.values()]
        enrolments = [known.id for known in self.patients.values()]
        with connections[self.using].cursor() as cursor:
            cursor.execute(_DIAGNOSES, [people])
            self._keep_diagnoses(cursor.fetchall())
            cursor.execute(_PAINS, [enrolments])
            pains = cursor.fetchall()
            cursor.execute(_PRIMARY, [enrolments])
            primary = cursor.fetchall()
        self._voided = {tuple(pain) for *pain, stands in pains if not stands}
        self._ranks = {(enrolment_id, rank) for enrolment_id, rank, *_, stands in pains if stands}
        self._has_primary = {enrolment_id for enrolment_id, *_ in primary}
        self._frozen = {enrolment_id: diagnosis_id for enrolment_id, diagnosis_id, _, is_allocated in primary if is_allocated}
        follows = self.trial.conduct == Conduct.PROSPECTIVE
        self._side = {enrolment_id: side for enrolment_id, _, side, is_allocated in primary if is_allocated and follows}
        known = ((row, self.patients[row.patient]) for row in rows if row.rank == 1 and row.patient in self.patients)
        self._brought = {row.patient for row, patient in known if not self._voided_twin(row, patient)}

    def _keep_diagnoses(self, rows: Sequence[tuple[int, str, int, bool]]) -> None:
        self._diagnoses = {(patient_id, code): pk for patient_id, code, pk, stands in rows if stands}
        self._voided_diagnoses: dict[tuple[int, str], list[int]] = {}
        for patient_id, code, pk, stands in rows:
            if not stands:
                self._voided_diagnoses.setdefault((patient_id, code), []).append(pk)

    def _voided_twin(self, row: NewPain, patient: Known) -> tuple[object, ...] | None:
        """Return the voided pain that a row repeats where no other has its rank; it is neither new nor brought back."""
        if (patient.id, row.rank) in self._ranks:
            return None
        key = patient.patient_id, row.diagnosis
        standing = self._diagnoses.get(key)
        meant = self._voided_diagnoses.get(key, []) if standing is None else [standing]
        twins = ((patient.id, row.rank, pk, row.body_region, str(row.side)) for pk in meant)
        return next((twin for twin in twins if twin in self._voided), None)

    def resolve(self, number: int, row: NewPain, patient: Known) -> tuple[object, ...] | None:
        if twin := self._voided_twin(row, patient):
            return twin
        diagnosis_id = self._diagnoses.get((patient.patient_id, row.diagnosis))
        if diagnosis_id is None:
            codes = [code for patient_id, code in self._diagnoses if patient_id == patient.patient_id]
            remedy = f"Use one of: {', '.join(codes)}" if codes else "Add the diagnosis to diagnoses.csv first"
            self.checks.note(number, "diagnosis", row.diagnosis, "is no diagnosis of this patient", remedy)
            return None
        if row.rank == 1 and self._differs_from_frozen(number, row, patient, diagnosis_id):
            return None
        if row.patient not in self._brought and patient.id not in self._has_primary:
            self.checks.note(
                number, "rank", row.rank, "is there, but the patient has no primary pain", "Give one of the patient's pains rank 1"
            )
            return None
        return patient.id, row.rank, diagnosis_id, row.body_region, str(row.side)

    def _differs_from_frozen(self, number: int, row: NewPain, patient: Known, diagnosis_id: int) -> bool:
        """Note another pain than the one somebody was allocated with."""
        if self._frozen.get(patient.id, diagnosis_id) != diagnosis_id:
            wrong = "differs from the primary pain, which is frozen at allocation"
            self.checks.note(number, "diagnosis", row.diagnosis, wrong, _FREEZE_REMEDY)
            return True
        side = self._side.get(patient.id, Side.NOT_RECORDED)
        if side not in (Side.NOT_RECORDED, row.side):
            wrong = f"differs from the side of the primary pain, {side}, which is frozen at allocation"
            self.checks.note(number, "side", row.side, wrong, f"Keep {side}; follow a pain found later under another rank")
            return True
        return False


_FREEZE_REMEDY = "Keep the diagnosis; record a corrected factor beside the stratum"
_PRIMARY = """
    SELECT p.enrolment_id, p.diagnosis_id, p.side, EXISTS (SELECT FROM registry_allocation a WHERE a.enrolment_id = p.enrolment_id)
    FROM registry_enrolmentpain p WHERE p.rank = 1 AND p.voided_at IS NULL AND p.enrolment_id = ANY(%s)
"""
_DIAGNOSES = "SELECT patient_id, code, id, voided_at IS NULL FROM registry_paindiagnosis WHERE patient_id = ANY(%s)"
_PAINS = """
    SELECT enrolment_id, rank, diagnosis_id, body_region, side, voided_at IS NULL FROM registry_enrolmentpain
    WHERE enrolment_id = ANY(%s)
"""
_FROZEN_CONDITIONS = """
    SELECT d.patient_id, d.code, d.condition, d.condition_text FROM registry_paindiagnosis d
    WHERE d.patient_id = ANY(%s) AND d.voided_at IS NULL AND EXISTS (
        SELECT FROM registry_enrolmentpain p JOIN registry_enrolment e ON e.id = p.enrolment_id
        JOIN registry_trial t ON t.id = e.trial_id JOIN registry_allocation a ON a.enrolment_id = e.id
        WHERE p.diagnosis_id = d.id AND p.rank = 1 AND p.voided_at IS NULL AND t.conduct = 'prospective'
    )
"""
