"""A patient entered by mistake: out of every list, count and file, and back; whoever was treated or allocated stays."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connections

from registry.exceptions import Conflict, NotAllowed
from registry.models import Allocation, Disposition, Enrolment, EnrolmentPain, MotorThreshold, PainScore, SessionDraft, StaleMark
from registry.selectors.history import patient_history
from registry.selectors.patients import PatientFilter, list_patients
from registry.services import patient_file, patients
from registry.services.auditing import audited
from registry.services.diagnoses import NewDiagnosis
from registry.services.patient_voids import restore_patient, void_patient
from registry.services.patients import NewPatient
from registry.services.reasons import Reason
from registry.services.row_sets import RowsRefused
from registry.services.scores import void_score
from tests.registry.services.stimulation_scene import measure
from tests.trials import ENROLLED_ON, make_diary

WHY = Reason("wrong_patient")
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def act(enrolment: Enrolment, alice: Any, now: Any) -> dict[str, Any]:
    return {"enrolment": enrolment, "reason": WHY, "by": alice, "now": now}


def test_it_leaves_lists_and_counts_and_comes_back(act, alice, trial, enrolment, other_site_enrolment):
    void_patient(**act)
    listed = list_patients(alice, trial, PatientFilter())
    assert ([row.patient_code for row in listed.rows], listed.total) == (["P-0002"], 1)
    assert not EnrolmentPain.objects.filter(enrolment__in=Enrolment.objects.all(), enrolment=enrolment).exists()
    assert StaleMark.objects.filter(enrolment=enrolment).exists()
    assert patient_history(alice, enrolment)[0].sentence == "Voided the enrolment."
    restore_patient(**act)
    assert list_patients(alice, trial, PatientFilter()).total == 2
    assert patient_history(alice, enrolment)[0].sentence == "Restored the enrolment, which had been voided."
    assert [pain.rank for pain in enrolment.pains.all()] == [1]


def test_twice_is_a_conflict(act):
    void_patient(**act)
    with pytest.raises(Conflict):
        void_patient(**act)
    restore_patient(**act)
    with pytest.raises(Conflict):
        restore_patient(**act)


def test_who_was_allocated_stays(act, enrolment, setup_actor):
    with audited(by=setup_actor, reason="allocated"):
        treatment = enrolment.trial.treatments.get(code="m1")
        Allocation.objects.create(enrolment=enrolment, treatment=treatment, analysis_site=enrolment.site, allocated_on=ENROLLED_ON)
    with pytest.raises(Conflict, match="never undone"):
        void_patient(**act)


def test_whose_records_stand_stays_until_these_are_voided(act, enrolment, alice, setup_actor, now):
    make_diary(enrolment, {0: "5", 1: "6"}, by=setup_actor)
    measure(enrolment, setup_actor)
    with pytest.raises(Conflict, match="2 pain scores and 1 motor threshold"):
        void_patient(**act)
    with audited(by=setup_actor, reason="threshold"):
        MotorThreshold.objects.update(ended_at=now, voided=True)
    for score in PainScore.objects.all():
        void_score(score, reason=WHY, by=alice, now=now)
    void_patient(**act)


def test_a_session_that_was_begun_comes_first(act, enrolment, alice):
    draft = SessionDraft.objects.create(enrolment=enrolment, opened_by=alice, updated_by=alice)
    with pytest.raises(Conflict, match="a session that was begun"):
        void_patient(**act)
    SessionDraft.objects.filter(pk=draft.pk).update(discarded_at=act["now"])
    void_patient(**act)


def test_the_study_number_stays_theirs(act, trial, alice, oscar, now):
    void_patient(**act)
    with pytest.raises(RowsRefused, match="Restore that patient"):
        patients.enrol(trial=trial, rows=[NewPatient("P-0001", "N")], by=alice, now=now)


def test_a_number_voided_at_another_site_is_told_as_any_other(act, trial, now, setup_actor):
    from tests.conftest import _person

    void_patient(**act)
    cora = _person("Cora", ("coordinator", trial, trial.sites.get(code="S")), by=setup_actor)
    with pytest.raises(RowsRefused, match="is taken in this trial"):
        patients.enrol(trial=trial, rows=[NewPatient("P-0001", "S")], by=cora, now=now)


def test_nothing_is_added_to_their_file(act, enrolment):
    void_patient(**act)
    about = {name: act[name] for name in ("enrolment", "by", "now")}
    with pytest.raises(Conflict, match="This patient is voided"):
        patient_file.add_diagnosis(row=NewDiagnosis("P-0001", "low_back", "D2"), **about)


def test_who_may_not_enrol_voids_nobody(act, oscar):
    with pytest.raises(NotAllowed):
        void_patient(**{**act, "by": oscar})


@pytest.mark.usefixtures("committed_db")
class TestTheDatabase:
    @pytest.mark.parametrize(
        "add",
        [
            lambda enrolment, by: make_diary(enrolment, {0: "5"}, by=by),
            lambda enrolment, by: measure(enrolment, by),
            lambda enrolment, by: SessionDraft.objects.create(enrolment=enrolment, opened_by=by, updated_by=by),
            lambda enrolment, by: Disposition.objects.create(enrolment=enrolment, kind="lost"),
        ],
        ids=["score", "threshold", "draft", "disposition"],
    )
    def test_no_record_is_added_to_a_voided_patient(self, act, enrolment, setup_actor, add):
        void_patient(**act)
        with pytest.raises(DatabaseError) as refused, audited(by=setup_actor, reason="a try"):
            add(enrolment, setup_actor)
        assert refused.value.__cause__.sqlstate == "RT006"

    def test_no_patient_with_a_standing_record_is_voided(self, enrolment, setup_actor):
        make_diary(enrolment, {0: "5"}, by=setup_actor)
        with pytest.raises(DatabaseError) as refused, audited(by=setup_actor, reason="a try"), connections["default"].cursor() as cursor:
            cursor.execute("UPDATE registry_enrolment SET voided_at = now()")
        assert refused.value.__cause__.sqlstate == "RT007"

    def test_a_record_under_way_is_waited_for(self, act, enrolment, setup_actor):
        refused: list[str] = []

        def void() -> None:
            try:
                void_patient(**act)
            except Conflict as conflict:
                refused.append(conflict.sentence)
            finally:
                connections.close_all()

        thread = threading.Thread(target=void)
        with audited(by=setup_actor, reason="a diary"):
            make_diary(enrolment, {0: "5"}, by=setup_actor)
            thread.start()
            thread.join(timeout=1)
            assert thread.is_alive()
        thread.join(timeout=60)
        assert refused == ["This patient has 1 pain score. Void these first, each with its reason."]
