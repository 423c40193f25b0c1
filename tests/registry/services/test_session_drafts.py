"""Drafts of sessions: one for each patient and number, saved by version, gone into the record or discarded."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from registry.exceptions import Conflict, NotAllowed
from registry.models import Disposition, ScreeningAttempt, SessionDraft, StimulationSession, Trial
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.session_drafts import DraftConflict, discard_draft, next_session_number, open_draft, open_drafts, save_draft
from registry.services.stimulation import record_sessions, void_session
from tests.registry.services.stimulation_scene import given, measure, prescribe
from tests.trials import make_enrolment


@pytest.fixture
def threshold(trial: Any, enrolment: Any, setup_actor: Any) -> Any:
    prescribe(trial, setup_actor)
    return measure(enrolment, setup_actor)


def test_a_draft_is_the_next_session_and_shared_until_it_is_saved(
    trial: Any, enrolment: Any, threshold: Any, oscar: Any, alice: Any, now: datetime
) -> None:
    draft = open_draft(enrolment=enrolment, by=oscar, now=now)
    assert (draft.number, draft.version, draft.answers, draft.opened_by, draft.opened_at) == (1, 1, {}, oscar, now)
    assert open_draft(enrolment=enrolment, by=alice, now=now) == draft
    assert open_draft(enrolment=enrolment, by=oscar, now=now, number=3).number == 3
    (session,) = record_sessions(trial=trial, rows=[given(threshold, record=draft.uuid)], by=oscar, now=now, complete=True).sessions
    draft.refresh_from_db()
    assert (session.record, draft.submitted_at, draft.answers) == (draft.uuid, now, {})
    assert open_draft(enrolment=enrolment, by=oscar, now=now).number == 2


def test_the_next_number_is_the_smallest_without_a_record(trial: Any, enrolment: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    sessions = record_sessions(trial=trial, rows=[given(threshold, number=number) for number in (1, 2, 4)], by=oscar, now=now).sessions
    assert next_session_number(enrolment) == 3
    void_session(sessions[0], reason=Reason("typing_error"), by=oscar, now=now)
    assert (next_session_number(enrolment), next_session_number(enrolment, period=2)) == (1, 1)


def test_a_recorded_number_is_not_opened_again(trial: Any, enrolment: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    record_sessions(trial=trial, rows=[given(threshold)], by=oscar, now=now)
    with pytest.raises(Conflict, match="Session 1 of P-0001 is on record"):
        open_draft(enrolment=enrolment, by=oscar, now=now, number=1)


def test_a_save_names_the_version_it_saw_and_gets_both_sides_otherwise(enrolment: Any, oscar: Any, alice: Any, now: datetime) -> None:
    draft = open_draft(enrolment=enrolment, by=oscar, now=now)
    other = SessionDraft.objects.get(pk=draft.pk)
    saved = save_draft(draft, answers={"pain_before": ["6"]}, by=oscar, now=now, seen_version=1)
    assert (saved.version, saved.answers, saved.updated_by) == (2, {"pain_before": ["6"]}, oscar)
    with pytest.raises(DraftConflict) as caught:
        save_draft(other, answers={"pain_before": ["7"]}, by=alice, now=now, seen_version=1)
    assert (caught.value.mine, caught.value.theirs, caught.value.version) == ({"pain_before": ["7"]}, {"pain_before": ["6"]}, 2)
    assert save_draft(other, answers={"pain_before": ["7"]}, by=alice, now=now, seen_version=2).version == 3
    assert save_draft(draft, answers={}, by=oscar, now=now).version == 4


def test_what_is_saved_or_discarded_is_no_draft_any_more(trial: Any, enrolment: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    first = open_draft(enrolment=enrolment, by=oscar, now=now)
    discard_draft(first, by=oscar, now=now)
    second = open_draft(enrolment=enrolment, by=oscar, now=now)
    assert second != first
    assert list(open_drafts(enrolment)) == [second]
    with pytest.raises(Conflict, match="discarded"):
        save_draft(first, answers={}, by=oscar, now=now)
    record_sessions(trial=trial, rows=[given(threshold, record=second.uuid)], by=oscar, now=now)
    with pytest.raises(Conflict, match="saved already"):
        save_draft(second, answers={}, by=oscar, now=now, seen_version=1)
    with pytest.raises(Conflict, match="saved already"):
        discard_draft(second, by=oscar, now=now)


@pytest.mark.parametrize("kind", ["withdrawal_of_consent", "stop_of_stimulation", "death", "completion"])
def test_nothing_is_planned_after_the_end_but_what_was_given_is_recorded(
    trial: Any, enrolment: Any, threshold: Any, oscar: Any, setup_actor: Any, now: datetime, kind: str
) -> None:
    with audited(by=setup_actor, reason="end"):
        Disposition.objects.create(enrolment=enrolment, kind=kind, happened_on=date(2026, 11, 18))
    with pytest.raises(Conflict, match="No session is planned"):
        open_draft(enrolment=enrolment, by=oscar, now=now)
    assert open_draft(enrolment=enrolment, by=oscar, now=now, delivered=True).number == 1
    assert record_sessions(trial=trial, rows=[given(threshold)], by=oscar, now=now).sessions


def test_screening_comes_first(enrolment: Any, oscar: Any, setup_actor: Any, now: datetime) -> None:
    with audited(by=setup_actor, reason="screening"):
        ScreeningAttempt.objects.create(enrolment=enrolment, number=1, screened_on=date(2026, 11, 1), result="pending")
    with pytest.raises(Conflict, match="screening says"):
        open_draft(enrolment=enrolment, by=oscar, now=now)
    with audited(by=setup_actor, reason="finished"):
        Trial.objects.filter(pk=enrolment.trial_id).update(conduct="retrospective")
    enrolment.trial.refresh_from_db()
    assert open_draft(enrolment=enrolment, by=oscar, now=now).number == 1


def test_a_draft_belongs_to_its_site(trial: Any, enrolment: Any, oscar: Any, charlie: Any, setup_actor: Any, now: datetime) -> None:
    draft = open_draft(enrolment=enrolment, by=oscar, now=now)
    for act in (
        lambda: open_draft(enrolment=enrolment, by=charlie, now=now),
        lambda: save_draft(draft, answers={"x": ["1"]}, by=charlie, now=now),
        lambda: discard_draft(draft, by=charlie, now=now),
    ):
        with pytest.raises(NotAllowed):
            act()
    draft.refresh_from_db()
    assert (draft.answers, draft.discarded_at) == ({}, None)


def test_a_draft_of_another_patient_is_not_taken_along(
    trial: Any, enrolment: Any, threshold: Any, oscar: Any, setup_actor: Any, now: datetime
) -> None:
    other = make_enrolment(trial, "P-0002", site="N", by=setup_actor)
    draft = open_draft(enrolment=other, by=oscar, now=now)
    with pytest.raises(Conflict, match="another"):
        record_sessions(trial=trial, rows=[given(threshold, record=draft.uuid)], by=oscar, now=now + timedelta(minutes=1))
    draft.refresh_from_db()
    assert draft.submitted_at is None
    assert not StimulationSession.objects.exists()
