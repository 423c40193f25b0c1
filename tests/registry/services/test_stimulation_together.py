"""The same session from several real connections at once is there once; two patients do not wait for each other."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from registry.exceptions import Conflict
from registry.models import PainScore, SessionDraft, StimulationSession
from registry.rules.stimulation import NewSession
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.session_drafts import open_draft
from registry.services.stimulation import correct_session, record_sessions
from registry.services.stimulation_recording import hold_patients
from tests.registry.services.stimulation_scene import given, measure, prescribe
from tests.trials import make_enrolment

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def row(trial: Any, enrolment: Any, setup_actor: Any) -> NewSession:
    prescribe(trial, setup_actor)
    return given(measure(enrolment, setup_actor), record=uuid.uuid4())


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do each act on a connection of its own, all starting together; return results, refusals among them."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait(timeout=10)
        try:
            return act()
        except Conflict as conflict:
            return conflict
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_a_session_posted_many_times_at_once_is_stored_once(trial: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    answers = at_once(*[lambda: record_sessions(trial=trial, rows=[row], by=oscar, now=now, complete=True)] * 6)
    assert sorted(answer.repeated for answer in answers) == [0, 1, 1, 1, 1, 1]
    assert StimulationSession.objects.count() == 1
    assert PainScore.objects.count() == 2


def test_of_two_sessions_with_one_number_one_is_stored(trial: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    other = replace(row, record=uuid.uuid4(), pain_before=Decimal(9))
    answers = at_once(*[lambda one=one: record_sessions(trial=trial, rows=[one], by=oscar, now=now) for one in (row, other)])
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    assert StimulationSession.objects.count() == 1


def test_one_identifier_for_two_patients_is_stored_once(trial: Any, row: NewSession, setup_actor: Any, alice: Any, now: datetime) -> None:
    make_enrolment(trial, "P-0002", site="S", by=setup_actor)
    other = replace(row, patient="P-0002", threshold=None)
    answers = at_once(*[lambda one=one: record_sessions(trial=trial, rows=[one], by=alice, now=now) for one in (row, other)])
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    assert StimulationSession.objects.count() == 1


def test_two_tablets_open_one_draft(enrolment: Any, oscar: Any, now: datetime) -> None:
    drafts = at_once(*[lambda: open_draft(enrolment=enrolment, by=oscar, now=now)] * 4)
    assert len({draft.uuid for draft in drafts}) == 1
    assert SessionDraft.objects.count() == 1


def test_of_two_corrections_at_once_one_stands(trial: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    (session,) = record_sessions(trial=trial, rows=[row], by=oscar, now=now).sessions

    def correct(value: int) -> Any:
        return correct_session(session, row=replace(row, pain_before=Decimal(value)), reason=Reason("typing_error"), by=oscar, now=now)

    answers = at_once(lambda: correct(7), lambda: correct(8))
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
    assert StimulationSession.objects.filter(record=session.record, ended_at__isnull=True).count() == 1
    assert PainScore.objects.filter(record=session.pain_before_record, ended_at__isnull=True).count() == 1


def test_a_patient_under_way_holds_back_no_other(trial: Any, row: NewSession, setup_actor: Any, alice: Any, now: datetime) -> None:
    other = make_enrolment(trial, "P-0002", site="S", by=setup_actor)
    elsewhere = replace(row, patient="P-0002", record=uuid.uuid4(), threshold=None)
    with audited(by=setup_actor, reason="held"):
        hold_patients([trial.enrolments.get(patient_code="P-0001").pk])
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(lambda: at_once(lambda: record_sessions(trial=trial, rows=[elsewhere], by=alice, now=now)))
            assert done.result(timeout=10)[0].sessions[0].enrolment_id == other.pk
