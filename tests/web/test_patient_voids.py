"""A patient entered by mistake is voided on a page, stands in no list, and is brought back; who has records stays."""

from __future__ import annotations

import re

import pytest

from registry.models import Enrolment, Membership
from registry.services.auditing import audited
from tests.trials import make_diary

LIST = "/t/calm-m1/patients/"
PATIENT = f"{LIST}P-0001/"
WHY = {"reason_code": "wrong_patient", "reason_text": ""}


@pytest.fixture
def client(enrolment, alice, signed_in):
    return signed_in(alice)


def words(answer):
    return " ".join(answer.content.decode().split())


def press(client, act, **more):
    address = f"{PATIENT}{act}/"
    seen = re.search(r'name="seen_version" value="(\d+)"', words(client.get(address))).group(1)
    return client.post(address, {**WHY, "seen_version": seen, **more})


def test_patient_is_voided_and_restored(client):
    assert f"{PATIENT}void/" in words(client.get(PATIENT))
    answer = press(client, "void")
    assert (answer.status_code, answer.url) == (303, LIST)
    found = words(client.get(LIST))
    assert "Patient P-0001 voided. The study number stays taken." in found
    assert f'href="{PATIENT}"' not in found
    assert client.get(PATIENT).status_code == 404
    assert f"{PATIENT}restore/" in words(client.get(f"{LIST}voided/"))
    assert press(client, "void").status_code == 303, "a second press changes nothing"
    answer = press(client, "restore")
    assert (answer.status_code, answer.url) == (303, PATIENT)
    assert "Patient P-0001 restored." in words(client.get(PATIENT))
    assert "Entered for the wrong patient" in words(client.get(f"{PATIENT}history/"))
    assert "No patient is voided." in words(client.get(f"{LIST}voided/"))


def test_a_reason_is_asked(client):
    answer = press(client, "void", reason_code="")
    assert answer.status_code == 400
    assert words(answer).count("Choose why the record is changed.") >= 2
    assert Enrolment.objects.filter(patient_code="P-0001").exists()


def test_who_has_records_stays_and_the_page_says_why(client, enrolment, setup_actor):
    make_diary(enrolment, {1: "6"}, by=setup_actor)
    answer = press(client, "void")
    assert answer.status_code == 409
    assert "This patient has 1 pain score. Void these first" in words(answer)
    assert Enrolment.objects.filter(patient_code="P-0001").exists()


def test_form_made_before_another_change_is_a_conflict(client):
    press(client, "void")
    assert client.post(f"{PATIENT}restore/", {**WHY, "seen_version": "0"}).status_code == 409
    assert not Enrolment.objects.filter(patient_code="P-0001").exists()


def test_voided_patients_of_another_site_are_neither_listed_nor_restored(other_site_enrolment, client, alice, setup_actor, now):
    code, trial = other_site_enrolment.patient_code, other_site_enrolment.trial
    with audited(by=setup_actor, reason="entered twice"):
        Enrolment.objects.filter(pk=other_site_enrolment.pk).update(voided_at=now)
        assert code in words(client.get(f"{LIST}voided/"))
        Membership.objects.filter(user=alice).update(site=trial.sites.get(code="N"))
    assert "No patient is voided." in words(client.get(f"{LIST}voided/"))
    assert client.get(f"{LIST}{code}/restore/").status_code == 404
