"""What was taken out of use is listed with who did it, when and why, for those who read the patient's history."""

from __future__ import annotations

import pytest
from django.utils import timezone

from registry.models import AdverseEvent, MotorThreshold, PainScore, StimulationSession
from registry.services import accounts
from registry.services.adverse_events import void_adverse_event
from registry.services.patient_voids import void_patient
from registry.services.reasons import Reason
from registry.services.scores import void_score
from registry.services.stimulation import restore_session, void_session
from registry.services.thresholds import void_threshold
from tests.web.session_answers import OPEN, PATIENT, make_due, six

TOLD = "by Oscar Example: Typing error: entered twice"
WHY = Reason("typing_error", "entered twice")


def words(answer):
    return " ".join(answer.content.decode().split())


@pytest.fixture
def client(enrolment, setup_actor, oscar, signed_in):
    """The client of an operator who saved one session with a headache."""
    make_due(enrolment, setup_actor)
    client = signed_in(oscar)
    client.post(client.post(OPEN)["Location"], six(effects=["headache"], severity_headache="mild"))
    return client


@pytest.mark.parametrize(
    ("model", "void", "page"),
    [
        (PainScore, void_score, "scores/"),
        (MotorThreshold, void_threshold, "thresholds/"),
        (AdverseEvent, void_adverse_event, "events/"),
        (StimulationSession, void_session, "sessions/"),
    ],
    ids=["score", "threshold", "event", "session"],
)
def test_lists_say_who_voided_a_record_when_and_why(client, oscar, model, void, page):
    before = words(client.get(f"{PATIENT}{page}"))
    void(model.objects.order_by("pk").first(), reason=WHY, by=oscar, now=timezone.now())
    found = words(client.get(f"{PATIENT}{page}"))
    assert (before.count("Voided "), found.count(TOLD)) == (0, 1)


def test_last_voiding_is_told(client, oscar):
    session = StimulationSession.objects.get()
    void_session(session, reason=WHY, by=oscar, now=timezone.now())
    again = restore_session(session, reason=Reason("other", "it did take place"), by=oscar, now=timezone.now())
    assert "Voided sessions" not in words(client.get(f"{PATIENT}sessions/"))
    void_session(again, reason=Reason("wrong_patient"), by=oscar, now=timezone.now())
    found = words(client.get(f"{PATIENT}sessions/"))
    assert (found.count("Session 1, "), TOLD in found, "by Oscar Example: Entered for the wrong patient" in found) == (1, False, True)
    assert "by Oscar Example: Entered for the wrong patient" in words(client.get(f"{PATIENT}sessions/{session.record}/"))


def test_voided_patients_are_listed_with_who_when_and_why(enrolment, alice, signed_in):
    void_patient(enrolment=enrolment, reason=WHY, by=alice, now=timezone.now())
    found = words(signed_in(alice).get("/t/calm-m1/patients/voided/"))
    for text in ("P-0001", "Alice Example", "entered twice", f"{timezone.localdate():%Y}"):
        assert text in found


def test_who_reads_no_history_learns_only_when(client, trial, oscar, setup_actor, signed_in):
    void_score(PainScore.objects.order_by("pk").first(), reason=WHY, by=oscar, now=timezone.now())
    user = accounts.create_user(email="rosa@example.org", name="Rosa", password="correct horse battery", by=setup_actor)
    accounts.add_membership(user=user, role="researcher", trial=trial, by=setup_actor, valid_from=timezone.localdate())
    found = words(signed_in(user).get(f"{PATIENT}scores/"))
    assert "Oscar" not in found
    assert "entered twice" not in found
