"""The history of one patient in sentences."""

from __future__ import annotations

from decimal import Decimal

import pytest

from registry.models import PainScore
from registry.selectors.history import history_of
from registry.services.auditing import audited
from registry.services.scores import Reason, correct_score, restore_score, void_score
from tests.trials import make_diary

HISTORY = "/t/calm-m1/patients/P-0001/history/"


def sentences(user, enrolment):
    return [sentence for happening in history_of(user, enrolment) for sentence in happening.sentences]


def test_enrolment_is_told_with_its_data(enrolment, alice):
    told = sentences(alice, enrolment)
    assert "Added the enrolment: patient code P-0001, site Northfield, cohort Patients, enrolled on 2026-10-19." in told
    assert "Added the patient's data: birth year 1961, sex Male, handedness Right-handed." in told


def test_change_of_a_record_tells_old_and_new(enrolment, alice):
    with audited(by=alice, reason="asked again"):
        enrolment.patient.birth_year = 1962
        enrolment.patient.save()
    latest = history_of(alice, enrolment)[0]
    assert latest.sentences == ["Changed in the patient's data: birth year from 1961 to 1962."]
    assert (latest.who, latest.reason) == ("Alice Example", "asked again")


def test_few_scores_are_told_one_by_one_and_many_as_a_number(enrolment, alice, setup_actor):
    make_diary(enrolment, {1: "7"}, by=setup_actor)
    make_diary(enrolment, dict.fromkeys(range(2, 30), "6"), by=setup_actor)
    told = sentences(alice, enrolment)
    assert "Recorded a pain score of 7 for 2026-10-20." in told
    assert "Recorded 28 pain scores, from 2026-10-21 to 2026-11-17." in told


def test_correction_voiding_and_restoring_are_told(enrolment, alice, setup_actor, now):
    make_diary(enrolment, {1: "7"}, by=setup_actor)
    corrected = correct_score(PainScore.objects.get(), value=Decimal(3), reason=Reason("typing_error"), by=alice, now=now)
    void_score(corrected, reason=Reason("other", "Entered twice by mistake"), by=alice, now=now)
    restore_score(PainScore.objects.get(pk=corrected.pk), reason=Reason("patient_corrected"), by=alice, now=now)
    assert [happening.sentences for happening in history_of(alice, enrolment)[:3]] == [
        ["Restored the voided pain score of 3 for 2026-10-20."],
        ["Voided the pain score of 3 for 2026-10-20."],
        ["Corrected the pain score for 2026-10-20 from 7 to 3."],
    ]


def test_scores_a_role_may_not_see_are_not_told(enrolment, setup_actor, oscar, charlie):
    make_diary(enrolment, {1: "7"}, by=setup_actor)
    assert "Recorded a pain score of 7 for 2026-10-20." in sentences(oscar, enrolment)
    assert not [sentence for sentence in sentences(charlie, enrolment) if "pain score" in sentence]


@pytest.mark.parametrize("person", ["alice", "oscar"])
def test_page_tells_it_with_readable_days(enrolment, person, signed_in, request):
    page = signed_in(request.getfixturevalue(person)).get(HISTORY).content.decode()
    assert "enrolled on Mon 19 Oct 2026." in page
    assert "Set-up" in page


def test_role_without_the_right_sees_no_history(enrolment, uma, signed_in):
    assert signed_in(uma).get(HISTORY).status_code == 403
