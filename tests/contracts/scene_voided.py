"""Rows of patients' files in the scene that were taken out of use, and some that can be."""

from __future__ import annotations

from datetime import date, datetime

from registry.models import Enrolment, User
from registry.services import patient_file as file
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.dispositions import NewDisposition
from registry.services.patient_voids import void_patient
from registry.services.reasons import Reason

WRONG = Reason("wrong_patient")
SPARE, GONE = "D8", "D9"
SPARE_RANK, GONE_RANK = 8, 9
GONE_PATIENT = "P-0900"


def void_rows(of: Enrolment, mistaken: Enrolment, by: User, now: datetime) -> None:
    """Give a patient a diagnosis and a pain more, both once voided and once to void, a voided turn; void another patient."""
    act = {"enrolment": of, "by": by, "now": now}
    code = of.patient_code
    file.add_diagnosis(row=NewDiagnosis(code, "low_back", SPARE), **act)
    gone = file.add_diagnosis(row=NewDiagnosis(code, "fibromyalgia", GONE), **act)
    file.add_pain(row=NewPain(code, SPARE_RANK, "D1", "arm"), **act)
    pain = file.add_pain(row=NewPain(code, GONE_RANK, "D1", "back"), **act)
    turn = file.add_disposition(row=NewDisposition(code, "lost", date(2026, 11, 3)), **act)
    file.void_pain(pain=pain, reason=WRONG, **act)
    file.void_diagnosis(diagnosis=gone, reason=WRONG, **act)
    file.void_disposition(disposition=turn, reason=WRONG, **act)
    void_patient(enrolment=mistaken, reason=WRONG, by=by, now=now)
