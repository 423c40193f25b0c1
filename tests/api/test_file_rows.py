"""Patients, diagnoses, pains and turns over REST: added, corrected, voided and restored, and shown as what they are."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from registry.models import Enrolment, PainScore
from tests.trials import make_diary

pytestmark = pytest.mark.django_db
WHY = {"change_reason": "wrong_patient"}
OF_PATIENT = {"trial": "calm-m1", "patient": "P-0001"}
NEW = {
    "diagnoses": {**OF_PATIENT, "diagnosis": "D2", "condition": "low_back"},
    "pains": {**OF_PATIENT, "rank": 2, "body_region": "arm"},
    "dispositions": {**OF_PATIENT, "kind": "lost", "happened_on": "2026-11-02"},
    "patients": {"trial": "calm-m1", "patient": "P-0500", "site": "N"},
}


@pytest.mark.parametrize("name", NEW)
def test_a_row_goes_and_comes_back(api: Any, alice: Any, enrolment: Any, name: str) -> None:
    client = api(alice)
    made = client.post(f"{name}/", NEW[name])
    assert (made.status_code, made.json()["voided"]) == (201, False), made.content
    path, before = made["Location"], client.rows(f"{name}/")
    gone = client.post(f"{path}void/", WHY, If_Match=made["ETag"])
    assert (gone.status_code, gone.json()["voided"], gone.json()["version"]) == (200, True, 2), gone.content
    assert client.get(path).json() == gone.json()
    assert len(client.rows(f"{name}/")) == len(before) - 1
    assert [row["id"] for row in client.rows(f"{name}/?voided=true")] == [made.json()["id"]]
    assert client.rows(f"{name}/?voided=any") == [*client.rows(f"{name}/"), gone.json()]
    assert gone.json() in client.rows(f"{name}/?changed_since=2026-01-01T00:00:00Z")
    assert client.post(f"{path}void/", WHY, If_Match=made["ETag"]).status_code == 412
    again = client.post(f"{path}void/", WHY, If_Match="*")
    assert (again.status_code, again.json()["type"]) == (409, "/api/v1/problems/conflict/")
    back = client.post(f"{path}restore/", WHY, If_Match=gone["ETag"])
    assert (back.status_code, back.json()["voided"]) == (200, False), back.content
    assert client.rows(f"{name}/") == [row if row["id"] != made.json()["id"] else back.json() for row in before]


@pytest.mark.parametrize("name", NEW)
def test_voided_rows_are_corrected_only_after_they_are_restored(api: Any, alice: Any, enrolment: Any, name: str) -> None:
    client = api(alice)
    path = client.post(f"{name}/", NEW[name])["Location"]
    change = {
        "diagnoses": {"icd10": "M54.5"},
        "pains": {"side": "left"},
        "dispositions": {"note": "by phone"},
        "patients": {"birth_year": 1960},
    }
    client.post(f"{path}void/", WHY, If_Match="*")
    assert client.patch(path, {**WHY, **change[name]}, If_Match="*").status_code == 409
    client.post(f"{path}restore/", WHY, If_Match="*")
    assert client.patch(path, {**WHY, **change[name]}, If_Match="*").status_code == 200


def test_rows_of_a_voided_patient_are_shown_nowhere(api: Any, alice: Any, enrolment: Any) -> None:
    client = api(alice)
    path = f"patients/{enrolment.uuid}/"
    own = [f"{name}/{row['id']}/" for name in ("diagnoses", "pains") for row in client.rows(f"{name}/")]
    assert client.post(f"{path}void/", WHY, If_Match="*").status_code == 200
    assert [client.get(address).status_code for address in (*own, f"enrolments/{enrolment.uuid}/")] == [404] * 3
    assert [client.rows(f"{name}/?voided=any") for name in ("diagnoses", "pains")] == [[], []]
    assert client.rows("enrolments/") == []
    assert client.post("pains/", NEW["pains"]).status_code == 404


def test_a_patient_with_scores_stays_and_the_answer_says_why(api: Any, alice: Any, enrolment: Any, setup_actor: Any) -> None:
    make_diary(enrolment, {0: "5"}, by=setup_actor)
    answer = api(alice).post(f"patients/{enrolment.uuid}/void/", WHY, If_Match="*")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "This patient has 1 pain score. Void these first, each with its reason.",
    )
    assert PainScore.objects.filter(ended_at=None).exists()


def test_pages_walk_over_rows_of_one_rank(api: Any, alice: Any, enrolment: Any) -> None:
    client = api(alice)
    for region in ("arm", "leg", "back"):
        path = client.post("pains/", {**NEW["pains"], "body_region": region})["Location"]
        client.post(f"{path}void/", WHY, If_Match="*")
    found, page = [], client.get("pains/?voided=any&page_size=1")
    while True:
        found += [row["body_region"] for row in page.json()["results"]]
        if not page.json()["next"]:
            break
        page = client.get(page.json()["next"].removeprefix("http://testserver"))
    assert found == ["hand", "arm", "leg", "back"]


def test_errors_name_the_field(api: Any, alice: Any, enrolment: Any) -> None:
    answer = api(alice).post("dispositions/", {**NEW["dispositions"], "kind": "completion", "reason": "no_contact"})
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/reason"]


def test_what_the_database_refuses_is_a_conflict(api: Any, alice: Any, enrolment: Any) -> None:
    """As when the patient is voided between a service's look and its writing."""
    client = api(alice)
    client.post(f"patients/{enrolment.uuid}/void/", WHY, If_Match="*")
    with mock.patch("registry.models.Enrolment.objects", Enrolment.with_voided):
        answer = client.post("pains/", NEW["pains"])
    assert (answer.status_code, answer.json()["type"]) == (409, "/api/v1/problems/conflict/"), answer.content
