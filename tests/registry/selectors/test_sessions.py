"""Reading sessions: who sees which, each version with what it said, pains and side effects beside them, the course in numbers."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.exceptions import NotFound
from registry.models import StimulationSession
from registry.rules.stimulation import NewSession, NewSideEffect
from registry.selectors.sessions import (
    Course,
    contents_of,
    course_of,
    pains_of,
    session_visible_to,
    sessions_of,
    side_effects_of,
    versions_of,
)
from registry.services import accounts
from registry.services.reasons import Reason
from registry.services.stimulation import correct_session, record_sessions, void_session
from registry.vocabulary import AdverseEventTerm, SessionReason, SessionStatus, Severity
from tests.registry.services.stimulation_scene import allocate, block, given, measure, prescribe

HEADACHE = NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MILD)
TYPING_ERROR = Reason("typing_error")


@pytest.fixture
def row(trial: Any, enrolment: Any, setup_actor: Any) -> NewSession:
    prescribe(trial, setup_actor)
    return given(measure(enrolment, setup_actor), side_effects=(HEADACHE,))


def record(trial: Any, by: Any, now: datetime, *rows: NewSession) -> list[StimulationSession]:
    return record_sessions(trial=trial, rows=rows, by=by, now=now).sessions


def test_sessions_are_seen_at_their_site_only(
    trial: Any, enrolment: Any, row: NewSession, oscar: Any, charlie: Any, eve: Any, now: datetime
) -> None:
    (session,) = record(trial, oscar, now, row)
    assert sessions_of(oscar, enrolment) == [session]
    assert session_visible_to(oscar, session.record, trial) == session
    for stranger in (charlie, eve):
        assert sessions_of(stranger, enrolment) == []
        assert versions_of(stranger, session.record) == contents_of(stranger, session.record) == []
        with pytest.raises(NotFound):
            session_visible_to(stranger, session.record, trial)
    with pytest.raises(NotFound):
        session_visible_to(oscar, uuid.uuid4(), trial)


def test_a_session_is_found_in_its_own_trial_only(trial: Any, other_trial: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    (session,) = record(trial, oscar, now, row)
    with pytest.raises(NotFound):
        session_visible_to(oscar, session.record, other_trial)


def test_each_version_says_what_it_said(trial: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    (first,) = record(trial, oscar, now, row)
    changed = replace(row, pain_before=Decimal(7), side_effects=(replace(HEADACHE, severity=Severity.SEVERE),), note="Late")
    second = correct_session(first, row=changed, reason=TYPING_ERROR, by=oscar, now=now + timedelta(hours=1))
    void_session(second, reason=TYPING_ERROR, by=oscar, now=now + timedelta(hours=2))
    found = contents_of(oscar, first.record)
    assert [one.session.version for one in found] == [1, 2]
    assert [(one.content.pain_before, one.content.note) for one in found] == [(6, ""), (7, "Late")]
    assert [[effect.grade for effect in one.content.side_effects or ()] for one in found] == [[1], [3]]
    assert session_visible_to(oscar, first.record).voided


def test_pains_and_side_effects_stand_beside_their_sessions(trial: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    first, second = record(trial, oscar, now, row, replace(row, number=2, pain_after=None, side_effects=()))
    pains, effects = pains_of(oscar, [first, second]), side_effects_of(oscar, [first, second])
    assert pains[first.record].before is not None
    assert (pains[first.record].before.value, pains[second.record].after) == (6, None)
    assert {record_: [one.term for one in events] for record_, events in effects.items()} == {first.record: ["headache"]}
    void_session(first, reason=TYPING_ERROR, by=oscar, now=now + timedelta(hours=1))
    voided = session_visible_to(oscar, first.record)
    # What a voided session said stays readable beside it.
    assert pains_of(oscar, [voided])[first.record].before is not None
    assert [one.term for one in side_effects_of(oscar, [voided])[first.record]] == ["headache"]


def test_masked_readers_without_duty_to_patients_see_no_pain_after_allocation(
    trial: Any, enrolment: Any, row: NewSession, setup_actor: Any, oscar: Any, now: datetime
) -> None:
    allocate(enrolment, setup_actor, kit_code="")
    (session,) = record(trial, oscar, now, row)
    reader = accounts.create_user(email="rita@example.org", name="Rita", password="correct horse battery", by=setup_actor)
    accounts.add_membership(
        user=reader, role="researcher", trial=trial, site=None, by=setup_actor, valid_from=(now - timedelta(days=1)).date()
    )
    seen = pains_of(reader, sessions_of(reader, enrolment))[session.record]
    assert (seen.before, seen.after) == (None, None)
    (version,) = contents_of(reader, session.record)
    assert (version.content.pain_before, version.content.pain_after) == (None, None)


def test_the_course_in_numbers(trial: Any, enrolment: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    stopped = {"status": SessionStatus.PARTIAL, "reason": SessionReason.TECHNICAL, "as_planned": False}
    record(
        trial, oscar, now, row,
        replace(row, number=2, **stopped, blocks=(block(trains=24),)),
        replace(row, number=3, **stopped, blocks=(block(trains=23),)),
        NewSession(patient="P-0001", number=4, status=SessionStatus.NOT_GIVEN, reason=SessionReason.ILL, for_date=now.date()),
        NewSession(patient="P-0001", number=5, status=SessionStatus.MISSED, reason=SessionReason.NO_SHOW, for_date=now.date()),
    )  # fmt: skip
    assert course_of(sessions_of(oscar, enrolment)) == Course(
        given=1, partial=2, not_given=1, missed=1, received=2, pulses=7700, pulses_planned=15_000
    )
    assert course_of([]) == Course(0, 0, 0, 0, 0, 0, None)


def test_reading_many_sessions_takes_no_more_queries(trial: Any, enrolment: Any, row: NewSession, oscar: Any, now: datetime) -> None:
    counts = []
    for numbers in (range(1, 2), range(2, 12)):
        record(trial, oscar, now, *[replace(row, number=number) for number in numbers])
        with CaptureQueriesContext(connection) as statements:
            sessions = sessions_of(oscar, enrolment)
            pains_of(oscar, sessions)
            side_effects_of(oscar, sessions)
            for session in sessions:
                assert len(session.blocks.all()) == 1
        counts.append(len(statements))
    assert counts[0] == counts[1]
