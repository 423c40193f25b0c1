"""What was voided leaves the trial folder, and a folder from before does not bring it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from registry.interchange.exporter import take_out
from registry.models import Enrolment, EnrolmentPain, User
from registry.services import patient_file as file
from registry.services.patient_voids import void_patient
from registry.services.reasons import Reason
from tests.interchange.folders import PATIENTS, SCORES, TRIAL, read_table, write_folder
from tests.interchange.test_import_trial import tallies

WHY = Reason("wrong_patient")
PROSPECTIVE = TRIAL.replace('"retrospective"', '"prospective"')
MANY = {
    "patients": [*PATIENTS, {"patient": "P-03", "site": "N"}],
    "diagnoses": [
        {"patient": "P-01", "diagnosis": "D1", "condition": "crps_1"},
        {"patient": "P-01", "diagnosis": "D2", "condition": "low_back"},
        {"patient": "P-03", "diagnosis": "D1", "condition": "fibromyalgia"},
    ],
    "pains": [{"patient": "P-01", "rank": "1", "diagnosis": "D1"}, {"patient": "P-01", "rank": "2", "diagnosis": "D2"}],
    "dispositions": [{"patient": "P-01", "kind": "lost", "happened_on": "2026-03-01"}],
    "pain_scores": SCORES,
}


@pytest.fixture
def manager(bring: Callable[..., Any], tmp_path: Path, admin: Any) -> User:
    """Import the folder; who brought it in is its data manager."""
    assert bring(write_folder(tmp_path / "f", PROSPECTIVE, **MANY)).imported
    return User.objects.get(pk=admin.pk)


@pytest.fixture
def voided(manager: User, now: datetime) -> Enrolment:
    """Void the second pain with its diagnosis, and the turn."""
    first = Enrolment.objects.select_related("trial", "site").get(patient_code="P-01")
    act: dict[str, Any] = {"enrolment": first, "reason": WHY, "by": manager, "now": now}
    pain = EnrolmentPain.objects.select_related("diagnosis").get(enrolment=first, rank=2)
    file.void_pain(pain=pain, **act)
    file.void_diagnosis(diagnosis=pain.diagnosis, **act)
    file.void_disposition(disposition=first.dispositions.get(), **act)
    return first


def test_the_folder_is_without_it(voided: Enrolment, manager: User, now: datetime, tmp_path: Path) -> None:
    void_patient(enrolment=Enrolment.objects.select_related("trial", "site").get(patient_code="P-03"), reason=WHY, by=manager, now=now)
    take_out("calm-m1", tmp_path / "out", by=User.objects.get(pk=manager.pk), with_allocations=False)
    assert {row["patient"] for row in read_table(tmp_path / "out" / "patients.csv")} == {"P-01", "P-02"}
    assert [(row["patient"], row["diagnosis"]) for row in read_table(tmp_path / "out" / "diagnoses.csv")] == [("P-01", "D1")]
    assert [row["rank"] for row in read_table(tmp_path / "out" / "pains.csv")] == ["1"]
    assert not (tmp_path / "out" / "dispositions.csv").exists() or read_table(tmp_path / "out" / "dispositions.csv") == []


def test_the_same_folder_again_changes_nothing(voided: Enrolment, bring: Callable[..., Any], tmp_path: Path) -> None:
    again = bring(write_folder(tmp_path / "g", PROSPECTIVE, **MANY))
    assert again.imported, [problem.sentence for problem in again.problems]
    assert tallies(again)["pains"] == (0, 1, 0, 0)
    assert tallies(again)["diagnoses"] == (0, 2, 0, 0)
    assert {table.file: table.tally.voided for table in again.tables if table.tally.voided} == {
        "diagnoses.csv": 1, "pains.csv": 1, "dispositions.csv": 1,
    }  # fmt: skip
    assert [pain.rank for pain in voided.pains.all()] == [1]


def test_rows_of_a_voided_patient_are_refused_by_name(
    manager: User, problems: Callable[..., list[str]], now: datetime, tmp_path: Path
) -> None:
    void_patient(enrolment=Enrolment.objects.select_related("trial", "site").get(patient_code="P-03"), reason=WHY, by=manager, now=now)
    [sentence] = problems(write_folder(tmp_path / "g", PROSPECTIVE, **MANY))
    assert sentence == (
        "patients.csv, line 4, patient: 'P-03' is the number of a patient who was voided. "
        "Restore that patient and correct the record, or use another study number."
    )
