"""Enrolling sets of patients, recording their diagnoses and dispositions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.exceptions import NotAllowed
from registry.models import Enrolment, EnrolmentPain, PainDiagnosis
from registry.services import diagnoses, dispositions, patients
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.dispositions import NewDisposition
from registry.services.patients import NewPatient
from registry.services.row_sets import RowsRefused, Tally


def test_patients_are_enrolled_by_study_number(trial: Any, alice: Any, now: datetime) -> None:
    rows = [NewPatient("P-02", "S", birth_year=1970), NewPatient("P-01", "N", sex="female", protocol="1.0")]
    enrolled = patients.enrol(trial=trial, rows=rows, by=alice, now=now)
    assert enrolled["P-01"].pk < enrolled["P-02"].pk
    stored = Enrolment.objects.select_related("patient", "site", "protocol_version").get(patient_code="P-01")
    assert (stored.site.code, stored.patient.sex, stored.cohort, stored.protocol_version.version) == ("N", "female", "patients", "1.0")


def test_statements_do_not_grow_with_the_patients(trial: Any, alice: Any, now: datetime) -> None:
    counts = []
    alice.current_memberships()  # read once for each person
    for first, last in ((0, 1), (1, 41)):
        rows = [NewPatient(f"P-{number:02}", "N") for number in range(first, last)]
        with CaptureQueriesContext(connection) as statements:
            patients.enrol(trial=trial, rows=rows, by=alice, now=now)
        counts.append(len(statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("row", "column", "wrong"),
    [
        (NewPatient("P-0001", "N"), "patient", "is enrolled already"),
        (NewPatient("P-9", "X"), "site", "is no site of the trial"),
        (NewPatient("P-9"), "site", "is no site of the trial"),
        (NewPatient("P-9", "N", protocol="9"), "protocol", "is no protocol version of the trial"),
        (NewPatient("P-9", "N", enrolled_on=date(2026, 12, 1)), "enrolled_on", "is in the future"),
    ],
)
def test_a_wrong_row_refuses_the_whole_set(
    trial: Any, enrolment: Enrolment, alice: Any, now: datetime, row: NewPatient, column: str, wrong: str
) -> None:
    with pytest.raises(RowsRefused) as refused:
        patients.enrol(trial=trial, rows=[NewPatient("P-8", "N"), row], by=alice, now=now)
    assert [(one.row, one.column, one.wrong) for one in refused.value.rows] == [(1, column, wrong)]
    assert refused.value.problems[0].field == f"rows[1].{column}"
    assert Enrolment.objects.count() == 1


def test_an_operator_may_not_enrol(trial: Any, oscar: Any, now: datetime) -> None:
    with pytest.raises(NotAllowed, match=r"patient\.edit"):
        patients.enrol(trial=trial, rows=[NewPatient("P-01", "N")], by=oscar, now=now)


def test_a_diagnosis_and_its_pain_are_recorded_and_corrected(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    new = {"diagnoses": [NewDiagnosis("P-0001", "low_back", "D2")], "pains": [NewPain("P-0001", 2, "D2", "lumbar", "both")]}
    assert diagnoses.record(trial=trial, by=alice, now=now, **new) == (Tally(new=1, absent=1), Tally(new=1, absent=1))
    assert diagnoses.record(trial=trial, by=alice, now=now, **new) == (Tally(unchanged=1, absent=1), Tally(unchanged=1, absent=1))
    corrected = [NewDiagnosis("P-0001", "low_back", "D2", icd10="M54.5")]
    assert diagnoses.record(trial=trial, diagnoses=corrected, by=alice, now=now)[0].corrected == 1
    assert PainDiagnosis.objects.get(code="D2").history.count() == 2
    assert EnrolmentPain.objects.get(rank=2).diagnosis.icd10 == "M54.5"


def test_a_disposition_keeps_to_its_reasons(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    with pytest.raises(RowsRefused, match="is no reason for lost"):
        dispositions.record(trial=trial, rows=[NewDisposition("P-0001", "lost", reason="rescue")], by=alice, now=now)
    rows = [NewDisposition("P-0001", "stop_of_stimulation", date(2026, 11, 1), "rescue")]
    assert dispositions.record(trial=trial, rows=rows, by=alice, now=now) == Tally(new=1)


def test_another_sites_patient_is_no_patient(trial: Any, enrolment: Enrolment, alice: Any, setup_actor: Any, now: datetime) -> None:
    from registry.services import accounts

    bob = accounts.create_user(email="bob@example.org", name="Bob", password="correct horse battery", by=setup_actor)
    accounts.add_membership(
        user=bob, role="coordinator", trial=trial, site=trial.sites.get(code="S"), by=setup_actor, valid_from=date(2026, 1, 1)
    )
    with pytest.raises(RowsRefused, match="no patient you can see"):
        dispositions.record(trial=trial, rows=[NewDisposition("P-0001", "lost")], by=bob, now=now)
