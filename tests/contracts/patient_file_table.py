"""Rows of the permission table: diagnoses and pains of a patient, after enrolment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.contracts.api_table import DIAGNOSIS, GONE_DIAGNOSIS, GONE_PAIN, PAIN, SPARE_DIAGNOSIS, SPARE_PAIN
from tests.contracts.rows import NOT_THERE, Row
from tests.contracts.scene import NOW, SLUG
from tests.contracts.scene_voided import GONE_PATIENT
from web.patient_file import version_of
from web.patient_voids import version_of as version_of_patient

PATIENT = {"trial": SLUG, "patient_code": "P-0001"}
# Nothing was done to the first yet; the second is voided.
MISTAKEN, VOIDED = ({"trial": SLUG, "patient_code": code} for code in ("P-0099", GONE_PATIENT))
ENROL = frozenset({"coordinator", "data_manager"})
REASON = {"reason_code": "typing_error", "reason_text": ""}
OF_DIAGNOSIS = {
    **{"condition": "low_back", "condition_text": "", "certainty": "not_graded", "mechanism": "not_classified"},
    **{"onset": "", "icd10": "", "icd11": ""},
}
FIRST_DIAGNOSIS = {**OF_DIAGNOSIS, "condition": "phantom_limb", "certainty": "definite", "onset": "2020-05"}
FIRST_PAIN = {"diagnosis": "D1", "body_region": "hand", "side": "left"}
SPARE = {"diagnosis": "D1", "body_region": "arm", "side": "not_recorded"}
VOIDED_AT = NOW - timedelta(days=1)


def page(route: str, record: Callable[[], UUID] | None = None, **more: Any) -> Row:
    """Return a row about the file of a patient of site N, whom staff of site S must not find."""
    kwargs = PATIENT if record is None else {**PATIENT, "record": record}
    return replace(Row(route, roles=ENROL, kwargs=kwargs, elsewhere=NOT_THERE, stranger=NOT_THERE), **more)


def sent(route: str, data: dict[str, str], record: Callable[[], UUID] | None = None, *, writes: bool = True) -> Row:
    """Return the row of a form that saves and leads on."""
    return page(route, record, method="POST", data=data, allowed=303, writes=writes)


def seen(values: dict[str, str], voided_at: Any = None, **more: str) -> dict[str, str]:
    """Return a reason with the mark of what the form showed."""
    return {**REASON, "seen_version": str(version_of(values, voided_at)), **more}


FILE_TABLE: tuple[Row, ...] = (
    page("diagnosis_add"),
    sent("diagnosis_add", OF_DIAGNOSIS),
    page("diagnosis_correct", DIAGNOSIS),
    sent("diagnosis_correct", {**FIRST_DIAGNOSIS, **seen(FIRST_DIAGNOSIS, icd10="G54.6", confirm="yes")}, DIAGNOSIS),
    page("diagnosis_void", SPARE_DIAGNOSIS),
    sent("diagnosis_void", seen(OF_DIAGNOSIS), SPARE_DIAGNOSIS),
    page("diagnosis_restore", GONE_DIAGNOSIS),
    sent("diagnosis_restore", seen({**OF_DIAGNOSIS, "condition": "fibromyalgia"}, VOIDED_AT), GONE_DIAGNOSIS),
    page("pain_add"),
    sent("pain_add", {"diagnosis": "D1", "body_region": "leg", "side": "left"}),
    page("pain_correct", PAIN),
    sent("pain_correct", {**FIRST_PAIN, **seen(FIRST_PAIN, body_region="palm", confirm="yes")}, PAIN),
    page("pain_void", SPARE_PAIN),
    sent("pain_void", seen(SPARE), SPARE_PAIN),
    page("pain_restore", GONE_PAIN),
    sent("pain_restore", seen({**SPARE, "body_region": "back"}, VOIDED_AT), GONE_PAIN),
    Row("patients_voided", roles=ENROL, kwargs={"trial": SLUG}, elsewhere=200, stranger=NOT_THERE),
    replace(page("patient_void"), kwargs=MISTAKEN),
    replace(sent("patient_void", {**REASON, "seen_version": str(version_of_patient(None))}), kwargs=MISTAKEN),
    replace(page("patient_restore"), kwargs=VOIDED),
    replace(sent("patient_restore", {**REASON, "seen_version": str(version_of_patient(VOIDED_AT))}), kwargs=VOIDED),
)
