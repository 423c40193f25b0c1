"""Diagnoses and pains on the patient's page: added, corrected after a look, voided, restored; what is frozen says so."""

from __future__ import annotations

import re

import pytest

from registry.models import Allocation, EnrolmentPain, PainDiagnosis
from registry.services.auditing import audited
from tests.trials import ENROLLED_ON

PATIENT = "/t/calm-m1/patients/P-0001/"
WHY = {"reason_code": "typing_error", "reason_text": ""}
BACK_PAIN = {"condition": "low_back", "certainty": "definite", "mechanism": "not_classified", "onset": "2019"}


@pytest.fixture
def client(enrolment, alice, signed_in):
    return signed_in(alice)


def words(answer):
    return " ".join(answer.content.decode().split())


def diagnosis(code="D1"):
    return PainDiagnosis.with_voided.get(code=code)


def pain(rank=1):
    return EnrolmentPain.with_voided.get(rank=rank)


def seen(client, address):
    """Return the number of what the form shows."""
    return re.search(r'name="seen_version" value="(\d+)"', words(client.get(address))).group(1)


def page_of(row, act):
    folder = "diagnoses" if isinstance(row, PainDiagnosis) else "pains"
    return f"{PATIENT}{folder}/{row.uuid}/{act}/"


def post(client, row, act, **answers):
    address = page_of(row, act)
    return client.post(address, {**WHY, "seen_version": seen(client, address), **answers})


@pytest.fixture
def second(client):
    """Add a second diagnosis and follow a pain under it."""
    assert client.post(f"{PATIENT}diagnoses/add/", BACK_PAIN).status_code == 303
    assert client.post(f"{PATIENT}pains/add/", {"diagnosis": "D2", "body_region": "head", "side": "both"}).status_code == 303
    return diagnosis("D2"), pain(2)


@pytest.fixture
def allocated(enrolment, setup_actor):
    with audited(by=setup_actor, reason="allocated"):
        treatment = enrolment.trial.treatments.get(code="m1")
        Allocation.objects.create(enrolment=enrolment, treatment=treatment, analysis_site=enrolment.site, allocated_on=ENROLLED_ON)


def test_diagnosis_and_pain_are_added_after_enrolment(client, second):
    found, followed = second
    assert (found.code, found.condition, found.certainty, found.onset) == ("D2", "low_back", "definite", "2019")
    assert (followed.rank, followed.diagnosis, followed.body_region, followed.side) == (2, found, "head", "both")
    page = words(client.get(PATIENT))
    assert "Diagnosis added." in page
    assert "Pain added." in page
    assert "Low back pain" in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"condition": ""}, "Choose the condition."),
        ({"condition": "other"}, "condition"),
        ({"onset": "long ago"}, "Use YYYY, YYYY-MM or YYYY-MM-DD."),
        ({"onset": "2099"}, "future"),
        ({"icd10": "pain"}, "Use an ICD-10 code"),
        ({"icd11": "?"}, "Use an ICD-11 stem code"),
    ],
)
def test_wrong_entry_is_named_above_and_beside_its_field(client, changed, sentence):
    answer = client.post(f"{PATIENT}diagnoses/add/", {**BACK_PAIN, **changed})
    page = words(answer)
    assert answer.status_code == 400
    assert page.count(sentence) >= 2
    assert PainDiagnosis.objects.count() == 1


def test_correction_shows_old_and_new_and_the_reason_before_it_saves(client):
    answers = {"condition": "fibromyalgia", "certainty": "probable", "mechanism": "not_classified", "onset": "2020-05"}
    look = post(client, diagnosis(), "correct", **answers)
    page = words(look)
    assert look.status_code == 200
    assert look.context["changes"][0][0] == "Condition"
    assert [(old, new) for _label, old, new in look.context["changes"]][1] == ("Definite", "Probable")
    assert "Typing error" in page
    assert diagnosis().condition == "phantom_limb"
    assert post(client, diagnosis(), "correct", **answers, confirm="yes").status_code == 303
    assert (diagnosis().condition, diagnosis().certainty) == ("fibromyalgia", "probable")
    history = words(client.get(f"{PATIENT}history/"))
    assert "Typing error" in history
    assert "certainty" in history.lower()


def test_look_can_be_taken_back_to_the_form(client):
    answer = post(client, pain(), "correct", diagnosis="D1", body_region="arm", side="left", edit="yes")
    assert answer.context["form"]["body_region"].value() == "arm"
    assert "Check the change" in words(answer)
    assert pain().body_region == "hand"


def test_correction_needs_a_change_and_a_reason(client):
    same = {"diagnosis": "D1", "body_region": "hand", "side": "left"}
    assert "Nothing is changed yet." in words(post(client, pain(), "correct", **same, confirm="yes"))
    answer = post(client, pain(), "correct", **{**same, "body_region": "arm"}, reason_code="", confirm="yes")
    assert "Choose why the record is changed." in words(answer)
    assert pain().body_region == "hand"


def test_correction_of_what_changed_meanwhile_is_a_conflict(client):
    number = seen(client, page_of(pain(), "correct"))
    answers = {"diagnosis": "D1", "body_region": "arm", "side": "left"}
    post(client, pain(), "correct", **answers, confirm="yes")
    again = {**WHY, **answers, "body_region": "wrist", "seen_version": number, "confirm": "yes"}
    assert client.post(page_of(pain(), "correct"), again).status_code == 409
    assert pain().body_region == "arm"


def test_pain_and_diagnosis_are_voided_and_restored(client, second):
    found, followed = second
    assert post(client, found, "void").status_code == 409
    assert post(client, followed, "void").status_code == 303
    assert post(client, found, "void").status_code == 303
    page = words(client.get(PATIENT))
    assert "Voided diagnoses and pains" in page
    assert "Diagnosis D2: Low back pain" in page
    assert page.count("by Alice Example: Typing error") == 2
    assert PainDiagnosis.objects.count() == EnrolmentPain.objects.count() == 1
    assert post(client, found, "restore").status_code == 303
    assert post(client, followed, "restore").status_code == 303
    assert post(client, found, "restore").status_code == 303, "a second press changes nothing"
    assert PainDiagnosis.objects.count() == EnrolmentPain.objects.count() == 2


def test_next_diagnosis_has_a_code_of_its_own(client, second):
    found, followed = second
    post(client, followed, "void")
    post(client, found, "void")
    client.post(f"{PATIENT}diagnoses/add/", {**BACK_PAIN, "condition": "fibromyalgia"})
    assert diagnosis("D3").condition == "fibromyalgia"


def test_primary_pain_is_frozen_at_allocation_and_the_page_says_so(client, second, allocated):
    page = words(client.get(PATIENT))
    assert "The primary pain is frozen since the patient was allocated" in page
    assert page_of(pain(), "void") not in page
    assert page_of(pain(2), "void") in page
    form = client.get(page_of(pain(), "correct"))
    assert "Diagnosis and a known side are frozen" in words(form)
    assert [name for name, field in form.context["form"].fields.items() if field.disabled] == ["diagnosis", "side"]
    answer = post(client, pain(), "correct", diagnosis="D2", side="right", body_region="arm", confirm="yes")
    assert answer.status_code == 303
    assert (pain().diagnosis.code, pain().side, pain().body_region) == ("D1", "left", "arm")
    assert post(client, pain(), "void").status_code == 409


def test_condition_of_the_primary_pain_is_frozen_too(client, allocated):
    form = client.get(page_of(diagnosis(), "correct"))
    assert "The condition is frozen" in words(form)
    answers = {"condition": "low_back", "certainty": "probable", "mechanism": "not_classified", "onset": "2020-05"}
    assert post(client, diagnosis(), "correct", **answers, confirm="yes").status_code == 303
    assert (diagnosis().condition, diagnosis().certainty) == ("phantom_limb", "probable")


def test_who_may_not_edit_patients_sees_no_way_to(enrolment, oscar, signed_in):
    client = signed_in(oscar)
    page = words(client.get(PATIENT))
    assert "/correct/" not in page.split('id="h-dx"')[1].split("</section>")[0]
    assert client.get(page_of(diagnosis(), "correct")).status_code == 403
