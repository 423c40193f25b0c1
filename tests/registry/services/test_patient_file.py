"""One row of a patient's file: added, corrected, taken out of use and brought back; what others hang on stays."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction

from registry.exceptions import Conflict, InvalidInput, NotAllowed
from registry.models import Allocation, Disposition, Enrolment, EnrolmentPain, PainDiagnosis, PainScore, StaleMark, Trial
from registry.selectors.history import patient_history
from registry.services import patient_file as file
from registry.services.auditing import audited
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.dispositions import NewDisposition
from registry.services.reasons import Reason
from tests.trials import ENROLLED_ON, make_diary

WHY = Reason("other", "entered for somebody else")
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def act(enrolment: Enrolment, alice: Any, now: Any) -> dict[str, Any]:
    """What every act says: whose file, who, when."""
    return {"enrolment": enrolment, "by": alice, "now": now}


@pytest.fixture
def second(act: dict[str, Any]) -> tuple[PainDiagnosis, EnrolmentPain]:
    """A second diagnosis with the pain followed under it."""
    diagnosis = file.add_diagnosis(row=NewDiagnosis("P-0001", "low_back", "D2"), **act)
    return diagnosis, file.add_pain(row=NewPain("P-0001", 2, "D2", "back", "midline"), **act)


def allocate(enrolment: Enrolment, by: Any) -> None:
    with audited(by=by, reason="allocated"):
        treatment = enrolment.trial.treatments.get(code="m1")
        Allocation.objects.create(enrolment=enrolment, treatment=treatment, analysis_site=enrolment.site, allocated_on=ENROLLED_ON)


def told(user: Any, enrolment: Enrolment, one: int = 0) -> str:
    return patient_history(user, enrolment)[one].sentence


def test_correction_of_what_was_read_before_another_change_is_a_conflict(act, second):
    diagnosis, pain = second
    as_read = PainDiagnosis.objects.get(pk=diagnosis.pk), EnrolmentPain.objects.get(pk=pain.pk)
    why = Reason("typing_error")
    file.correct_diagnosis(diagnosis=diagnosis, changes={"icd10": "M54.5"}, reason=why, **act)
    file.correct_pain(pain=pain, changes={"side": "left"}, reason=why, **act)
    with pytest.raises(Conflict, match="while you were looking"):
        file.correct_diagnosis(diagnosis=as_read[0], changes={"certainty": "probable"}, reason=why, **act)
    with pytest.raises(Conflict, match="while you were looking"):
        file.correct_pain(pain=as_read[1], changes={"body_region": "leg"}, reason=why, **act)
    assert PainDiagnosis.objects.get(code="D2").icd10 == "M54.5"
    assert EnrolmentPain.objects.get(rank=2).side == "left"


def test_next_code_and_rank_are_drawn_where_the_file_is_held(act, second):
    found = file.add_next_diagnosis(condition="fibromyalgia", **act)
    pain = file.add_next_pain(diagnosis="D3", body_region="head", **act)
    assert (found.code, pain.rank) == ("D3", 3)


class TestDiagnoses:
    def test_its_way_is_told_in_the_history(self, act, alice, enrolment):
        one = file.add_diagnosis(row=NewDiagnosis("P-0001", "low_back", "D2"), **act)
        file.correct_diagnosis(diagnosis=one, changes={"icd10": "M54.5"}, reason=Reason("typing_error"), **act)
        assert one.icd10 == "M54.5"
        assert told(alice, enrolment) == "Changed in the diagnosis (Low back pain): ICD-10 from nothing to M54.5."
        file.void_diagnosis(diagnosis=one, reason=WHY, **act)
        assert told(alice, enrolment) == "Voided the diagnosis (Low back pain)."
        assert not PainDiagnosis.objects.filter(code="D2").exists()
        file.restore_diagnosis(diagnosis=one, reason=Reason("typing_error"), **act)
        assert told(alice, enrolment) == "Restored the diagnosis (Low back pain), which had been voided."
        assert PainDiagnosis.objects.get(code="D2").icd10 == "M54.5"

    def test_a_taken_code_and_a_wrong_field_are_named(self, act):
        with pytest.raises(Conflict, match="another diagnosis"):
            file.add_diagnosis(row=NewDiagnosis("P-0001", "low_back", "D1"), **act)
        with pytest.raises(InvalidInput) as refused:
            file.add_diagnosis(row=NewDiagnosis("P-0001", "low_back", "D2", onset="2027"), **act)
        assert [problem.field for problem in refused.value.problems] == ["onset"]

    def test_one_with_a_pain_stays_until_the_pain_goes(self, act, second):
        with pytest.raises(Conflict, match=r"rank 2"):
            file.void_diagnosis(diagnosis=second[0], reason=WHY, **act)
        file.void_pain(pain=second[1], reason=WHY, **act)
        file.void_diagnosis(diagnosis=second[0], reason=WHY, **act)
        with pytest.raises(Conflict, match="diagnosis of this pain is voided"):
            file.restore_pain(pain=second[1], reason=WHY, **act)

    def test_its_code_is_free_for_another_and_then_it_stays_out(self, act, second):
        file.void_pain(pain=second[1], reason=WHY, **act)
        file.void_diagnosis(diagnosis=second[0], reason=WHY, **act)
        file.add_diagnosis(row=NewDiagnosis("P-0001", "fibromyalgia", "D2"), **act)
        with pytest.raises(Conflict, match="another diagnosis D2"):
            file.restore_diagnosis(diagnosis=second[0], reason=WHY, **act)
        pain = file.add_pain(row=NewPain("P-0001", 2, "D2", "back", "midline"), **act)
        assert pain.diagnosis.condition == "fibromyalgia"

    def test_twice_is_a_conflict_and_so_is_correcting_a_voided_one(self, act, second):
        file.void_pain(pain=second[1], reason=WHY, **act)
        file.void_diagnosis(diagnosis=second[0], reason=WHY, **act)
        for again in (file.void_diagnosis, file.correct_diagnosis):
            more = {"changes": {"icd10": "M54.5"}} if again is file.correct_diagnosis else {}
            with pytest.raises(Conflict):
                again(diagnosis=second[0], reason=WHY, **more, **act)
        file.restore_diagnosis(diagnosis=second[0], reason=WHY, **act)
        with pytest.raises(Conflict, match="not voided any more"):
            file.restore_diagnosis(diagnosis=second[0], reason=WHY, **act)

    def test_the_same_row_again_is_told_to_be_voided(self, act, second):
        file.void_pain(pain=second[1], reason=WHY, **act)
        with pytest.raises(Conflict, match="Restore it"):
            file.add_pain(row=NewPain("P-0001", 2, "D2", "back", "midline"), **act)


class TestPains:
    def test_a_second_one_goes_and_comes_back(self, act, second, alice, enrolment):
        file.void_pain(pain=second[1], reason=WHY, **act)
        assert told(alice, enrolment) == "Voided the pain (2)."
        assert [pain.rank for pain in enrolment.pains.all()] == [1]
        file.restore_pain(pain=second[1], reason=WHY, **act)
        assert [pain.rank for pain in enrolment.pains.all()] == [1, 2]
        assert StaleMark.objects.filter(enrolment=enrolment).exists()

    def test_the_primary_one_goes_only_as_the_last_and_comes_back_first(self, act, second, enrolment):
        primary = enrolment.pains.get(rank=1)
        with pytest.raises(Conflict, match="exactly one primary"):
            file.void_pain(pain=primary, reason=WHY, **act)
        file.void_pain(pain=second[1], reason=WHY, **act)
        file.void_pain(pain=primary, reason=WHY, **act)
        with pytest.raises(Conflict, match="no primary pain"):
            file.restore_pain(pain=second[1], reason=WHY, **act)
        file.restore_pain(pain=primary, reason=WHY, **act)
        file.restore_pain(pain=second[1], reason=WHY, **act)

    def test_one_that_scores_are_about_stays(self, act, second, enrolment, setup_actor):
        make_diary(enrolment, {0: "5", 1: "6"}, by=setup_actor)
        with audited(by=setup_actor, reason="about that pain"):
            PainScore.objects.update(pain=second[1])
        with pytest.raises(Conflict, match="2 scores"):
            file.void_pain(pain=second[1], reason=WHY, **act)

    def test_a_taken_rank_is_a_conflict(self, act, second):
        file.void_pain(pain=second[1], reason=WHY, **act)
        file.add_pain(row=NewPain("P-0001", 2, "D1", "arm", "left"), **act)
        with pytest.raises(Conflict, match="another pain of rank 2"):
            file.restore_pain(pain=second[1], reason=WHY, **act)

    def test_the_primary_one_is_frozen_at_allocation(self, act, enrolment, setup_actor):
        primary = enrolment.pains.get(rank=1)
        allocate(enrolment, setup_actor)
        with pytest.raises(Conflict, match="frozen"):
            file.void_pain(pain=primary, reason=WHY, **act)
        with pytest.raises(InvalidInput) as refused:
            file.correct_pain(pain=primary, changes={"side": "right"}, reason=WHY, **act)
        assert [problem.field for problem in refused.value.problems] == ["side"]
        file.correct_pain(pain=primary, changes={"body_region": "left hand"}, reason=WHY, **act)

    def test_a_pain_corrected_to_what_a_voided_one_said_is_corrected(self, act, second):
        file.void_pain(pain=second[1], reason=WHY, **act)
        other = file.add_pain(row=NewPain("P-0001", 2, "D2", "neck", "left"), **act)
        file.correct_pain(pain=other, changes={"body_region": "back", "side": "midline"}, reason=WHY, **act)
        assert (other.body_region, other.side) == ("back", "midline")


class TestDispositions:
    def test_its_way(self, act, alice, enrolment):
        one = file.add_disposition(row=NewDisposition("P-0001", "lost", date(2026, 11, 2)), **act)
        file.correct_disposition(disposition=one, changes={"happened_on": date(2026, 11, 3)}, reason=WHY, **act)
        assert one.happened_on == date(2026, 11, 3)
        file.void_disposition(disposition=one, reason=WHY, **act)
        assert told(alice, enrolment).startswith("Voided the disposition")
        assert not Disposition.objects.filter(voided_at__isnull=True).exists()
        file.add_disposition(row=NewDisposition("P-0001", "lost", date(2026, 11, 9)), **act)
        with pytest.raises(Conflict, match="Another turn of this kind"):
            file.restore_disposition(disposition=one, reason=WHY, **act)

    def test_a_reason_of_another_kind_names_its_field(self, act):
        with pytest.raises(InvalidInput) as refused:
            file.add_disposition(row=NewDisposition("P-0001", "completion", reason="lack_of_effect"), **act)
        assert [problem.field for problem in refused.value.problems] == ["reason"]


def test_who_may_not_edit_patients_voids_nothing(act, second, oscar):
    for verb, row in ((file.void_diagnosis, {"diagnosis": second[0]}), (file.void_pain, {"pain": second[1]})):
        with pytest.raises(NotAllowed):
            verb(**row, reason=WHY, **{**act, "by": oscar})


def test_a_locked_trial_keeps_its_rows(act, second, enrolment, setup_actor, now):
    with audited(by=setup_actor, reason="locked"):
        Trial.objects.update(locked_at=now)
    enrolment.trial.refresh_from_db()
    with pytest.raises(Conflict, match="locked"):
        file.void_pain(pain=second[1], reason=WHY, **act)


@pytest.mark.usefixtures("committed_db")
class TestTheDatabase:
    """What the service says is held by the database for every other way."""

    def state_of(self, statement: str, by: Any) -> str | None:
        try:
            with audited(by=by, reason="a try"), connections["default"].cursor() as cursor:
                cursor.execute(statement)
                transaction.set_rollback(True)
        except DatabaseError as error:
            return str(getattr(error.__cause__, "sqlstate", None))
        return None

    def test_a_diagnosis_and_its_pain(self, act, second, setup_actor):
        out = "UPDATE {} SET voided_at = now() WHERE {}"
        diagnosis = out.format("registry_paindiagnosis", "code = 'D2'")
        assert self.state_of(diagnosis, setup_actor) == "RT007"
        file.void_pain(pain=second[1], reason=WHY, **act)
        file.void_diagnosis(diagnosis=second[0], reason=WHY, **act)
        assert self.state_of("UPDATE registry_enrolmentpain SET voided_at = NULL WHERE rank = 2", setup_actor) == "RT006"
        added = f"""INSERT INTO registry_enrolmentpain (enrolment_id, diagnosis_id, rank, body_region, side)
                    VALUES ({act["enrolment"].pk}, {second[0].pk}, 3, '', 'left')"""
        assert self.state_of(added, setup_actor) == "RT006"

    def test_a_pain_and_its_scores(self, act, second, enrolment, setup_actor):
        make_diary(enrolment, {0: "5"}, by=setup_actor)
        with audited(by=setup_actor, reason="about that pain"):
            PainScore.objects.update(pain=second[1])
        assert self.state_of("UPDATE registry_enrolmentpain SET voided_at = now() WHERE rank = 2", setup_actor) == "RT007"

    def test_the_frozen_primary_pain(self, enrolment, setup_actor):
        allocate(enrolment, setup_actor)
        assert self.state_of("UPDATE registry_enrolmentpain SET voided_at = now() WHERE rank = 1", setup_actor) == "RT005"

    def test_a_pain_under_way_is_waited_for(self, act, second, enrolment, alice, setup_actor):
        """A pain is added while its diagnosis is voided: whoever comes second sees the first."""
        file.void_pain(pain=second[1], reason=WHY, **act)
        refused: list[str] = []

        def void() -> None:
            try:
                file.void_diagnosis(diagnosis=second[0], reason=WHY, **act)
            except Conflict as conflict:
                refused.append(conflict.sentence)
            finally:
                connections.close_all()

        thread = threading.Thread(target=void)
        with audited(by=setup_actor, reason="pain added"):
            EnrolmentPain.objects.create(enrolment=enrolment, diagnosis=second[0], rank=4)
            thread.start()
            thread.join(timeout=1)
            assert thread.is_alive()
        thread.join(timeout=60)
        assert [sentence.partition("(")[2][:6] for sentence in refused] == ["rank 4"]
