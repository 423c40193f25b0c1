"""The primary pain of a prospective trial is frozen at allocation: by the service in a sentence, by the database for any other way."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections, transaction

from registry.models import Allocation, Enrolment, EnrolmentPain, PainDiagnosis, Trial
from registry.services import diagnoses
from registry.services.auditing import audited
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.row_sets import RowsRefused
from tests.trials import ENROLLED_ON

pytestmark = pytest.mark.usefixtures("committed_db")
FROZEN = "RT005"


def allocate(enrolment: Enrolment, by: Any) -> None:
    with audited(by=by, reason="allocated"):
        treatment = enrolment.trial.treatments.get(code="m1")
        Allocation.objects.create(enrolment=enrolment, treatment=treatment, analysis_site=enrolment.site, allocated_on=ENROLLED_ON)


@pytest.fixture
def second(enrolment: Enrolment, setup_actor: Any) -> PainDiagnosis:
    """Another diagnosis of the patient, followed as second pain."""
    with audited(by=setup_actor, reason="second pain"):
        found = PainDiagnosis.objects.create(patient=enrolment.patient, code="D2", condition="low_back")
        EnrolmentPain.objects.create(enrolment=enrolment, diagnosis=found, rank=2, side="midline")
    return found


def state_of(statement: str, by: Any, *values: object) -> str | None:
    """Return the state a statement is refused with, None where it passes; nothing stays."""
    try:
        with audited(by=by, reason="a try"), connections["default"].cursor() as cursor:
            cursor.execute(statement, values)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(getattr(error.__cause__, "sqlstate", None))
    return None


CHANGES = (
    "UPDATE registry_enrolmentpain SET diagnosis_id = (SELECT id FROM registry_paindiagnosis WHERE code = 'D2') WHERE rank = 1",
    "UPDATE registry_enrolmentpain SET rank = 3 WHERE rank = 1",
    "UPDATE registry_enrolmentpain SET side = 'right' WHERE rank = 1",
    "UPDATE registry_paindiagnosis SET condition = 'crps_1' WHERE code = 'D1'",
)
STILL_POSSIBLE = (
    "UPDATE registry_enrolmentpain SET body_region = 'left hand' WHERE rank = 1",
    "UPDATE registry_enrolmentpain SET side = 'left', rank = 3 WHERE rank = 2",
    "UPDATE registry_paindiagnosis SET certainty = 'probable', icd10 = 'G54.6' WHERE code = 'D1'",
    "UPDATE registry_paindiagnosis SET condition = 'crps_1' WHERE code = 'D2'",
)


def test_nothing_is_frozen_before_allocation(second: PainDiagnosis, setup_actor: Any) -> None:
    assert [state_of(statement, setup_actor) for statement in (*CHANGES, *STILL_POSSIBLE)] == [None] * 8


def test_what_hurts_most_is_frozen_at_allocation_and_the_rest_is_not(enrolment: Any, second: PainDiagnosis, setup_actor: Any) -> None:
    allocate(enrolment, setup_actor)
    assert [state_of(statement, setup_actor) for statement in CHANGES] == [FROZEN] * 4
    assert [state_of(statement, setup_actor) for statement in STILL_POSSIBLE] == [None] * 4


def test_the_owner_cannot_change_it_either(
    enrolment: Any, second: PainDiagnosis, setup_actor: Any, owner_connection: psycopg.Connection[Any]
) -> None:
    allocate(enrolment, setup_actor)
    for statement in (*CHANGES, "DELETE FROM registry_enrolmentpain WHERE rank = 1"):
        with pytest.raises(psycopg.Error) as caught:
            owner_connection.execute(statement)
        assert caught.value.sqlstate == FROZEN


def test_a_side_nobody_recorded_may_be_filled_in_once(enrolment: Any, setup_actor: Any) -> None:
    with audited(by=setup_actor, reason="no side"):
        EnrolmentPain.objects.filter(enrolment=enrolment).update(side="not_recorded")
    allocate(enrolment, setup_actor)
    with audited(by=setup_actor, reason="a side"):
        EnrolmentPain.objects.filter(enrolment=enrolment).update(side="left")
    assert state_of(CHANGES[2], setup_actor) == FROZEN


def test_a_finished_trial_brought_in_later_is_corrected_like_everything_else(
    trial: Trial, enrolment: Any, second: PainDiagnosis, setup_actor: Any
) -> None:
    with audited(by=setup_actor, reason="finished"):
        Trial.objects.filter(pk=trial.pk).update(conduct="retrospective")
    allocate(enrolment, setup_actor)
    assert [state_of(statement, setup_actor) for statement in CHANGES] == [None] * 4


def test_an_allocation_under_way_is_waited_for(enrolment: Any, second: PainDiagnosis, setup_actor: Any) -> None:
    found: list[str | None] = []

    def change() -> None:
        found.append(state_of(CHANGES[3], setup_actor))
        connections.close_all()

    with audited(by=setup_actor, reason="allocated"):
        Allocation.objects.create(
            enrolment=enrolment, treatment=enrolment.trial.treatments.get(code="m1"), analysis_site=enrolment.site, allocated_on=ENROLLED_ON
        )
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
    thread.join(timeout=10)
    assert found == [FROZEN]


def test_the_service_says_it_in_a_sentence(
    trial: Trial, enrolment: Any, second: PainDiagnosis, alice: Any, setup_actor: Any, now: Any
) -> None:
    allocate(enrolment, setup_actor)
    with pytest.raises(RowsRefused) as caught:
        diagnoses.record(trial=trial, diagnoses=[NewDiagnosis("P-0001", "crps_1")], by=alice, now=now)
    (row,) = caught.value.rows
    assert (row.column, row.value) == ("condition", "crps_1")
    assert "Keep phantom_limb; record what was found later as another diagnosis" in caught.value.sentence
    for pain, column in ((NewPain("P-0001", diagnosis="D2", side="left"), "diagnosis"), (NewPain("P-0001", side="right"), "side")):
        with pytest.raises(RowsRefused) as caught:
            diagnoses.record(trial=trial, pains=[pain], by=alice, now=now)
        assert [row.column for row in caught.value.rows] == [column]
