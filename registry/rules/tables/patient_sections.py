"""A new patient as a form holds them: the person, and each pain together with its diagnosis."""

from __future__ import annotations

from registry.rules.tables.columns import Column, Table
from registry.rules.tables.definitions import DIAGNOSES, PAINS, PATIENTS


def _own(table: Table, *left_out: str) -> tuple[Column, ...]:
    return tuple(column for column in table.columns if column.name not in left_out)


NEW_PATIENT = Table("patients", PATIENTS.doc, PATIENTS.columns)
DIAGNOSIS_COLUMNS = _own(DIAGNOSES, "patient", "diagnosis")
PAIN_COLUMNS = _own(PAINS, "patient", "diagnosis", "rank")
# One row for each pain with the diagnosis behind it; the first is the primary pain.
NEW_PAINS = Table("pains", "The pains to follow, the primary one first.", (*DIAGNOSIS_COLUMNS, *PAIN_COLUMNS))
