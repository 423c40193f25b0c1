"""Adding one patient as a person does at a screen: study number, diagnoses, pains and, for who may, the identity; all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from registry.exceptions import InvalidInput, Problem
from registry.models import Enrolment, Trial, User
from registry.roles import Permission
from registry.rules.tables.patient_sections import DIAGNOSIS_COLUMNS, NEW_PAINS, NEW_PATIENT, PAIN_COLUMNS
from registry.rules.tables.problems import RowProblem
from registry.rules.tables.section_checks import SectionChecks, sentence_for
from registry.services import diagnoses
from registry.services.auditing import audited
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.identity import Identity, store_identity
from registry.services.patients import NewPatient, enrol
from registry.services.row_sets import RowsRefused
from registry.vocabulary import Cohort

Values = Mapping[str, Any]


def add_patient(
    *, trial: Trial, patient: Values, pains: Sequence[Values], by: User, now: datetime, identity: Identity | None = None
) -> Enrolment:
    """Enrol a patient with their pains, the primary one first; raise InvalidInput naming fields as `patients[0].patient`, `pains[1].side`.

    A patient of the trial needs at least one pain; somebody of a comparison group needs none.
    """
    reader = SectionChecks()
    person = reader.read(NEW_PATIENT, 0, patient)
    rows = [reader.read(NEW_PAINS, number, one) for number, one in enumerate(pains)]
    if not rows and person["cohort"] == Cohort.PATIENTS:
        reader.found.append(Problem("pains[0].condition", "Choose the condition of the primary pain.", "required"))
    if reader.found:
        raise InvalidInput(reader.found)
    site = trial.sites.filter(code=person["site"]).first()
    by.check_can(Permission.PATIENT_EDIT, trial=trial, site=site)
    with audited(by=by, reason="patient added"):
        enrolment = _enrol(trial, NewPatient(**person), by, now)
        _record_pains(trial, enrolment.patient_code, rows, by, now)
        if identity is not None and identity != Identity():
            store_identity(enrolment, identity, by=by)
    return enrolment


def _enrol(trial: Trial, patient: NewPatient, by: User, now: datetime) -> Enrolment:
    try:
        return enrol(trial=trial, rows=[patient], by=by, now=now)[patient.patient]
    except RowsRefused as refusal:
        raise InvalidInput(_named("patients", refusal.rows)) from refusal


def _record_pains(trial: Trial, code: str, rows: Sequence[Values], by: User, now: datetime) -> None:
    """Record each pain with a diagnosis of its own."""
    found = [
        NewDiagnosis(patient=code, diagnosis=f"D{number}", **{column.name: row[column.name] for column in DIAGNOSIS_COLUMNS})
        for number, row in enumerate(rows, start=1)
    ]
    followed = [
        NewPain(patient=code, rank=number, diagnosis=f"D{number}", **{column.name: row[column.name] for column in PAIN_COLUMNS})
        for number, row in enumerate(rows, start=1)
    ]
    try:
        diagnoses.record(trial=trial, diagnoses=found, pains=followed, by=by, now=now)
    except RowsRefused as refusal:
        raise InvalidInput(_named("pains", refusal.rows)) from refusal


def _named(section: str, rows: Sequence[RowProblem]) -> list[Problem]:
    """Return refused cells under the names of a form's fields."""
    return [Problem(f"{section}[{one.row}].{one.column}", sentence_for(one.value, one.wrong, one.right)) for one in rows]
