"""Adverse events: what is written, what is refused, versions, who may."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound
from registry.models import AdverseEvent, StimulationSession, Trial
from registry.rules.adverse_events import NewAdverseEvent
from registry.services.adverse_events import (
    correct_adverse_event,
    record_adverse_events,
    restore_adverse_event,
    void_adverse_event,
)
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.vocabulary import AdverseEventTerm, EventOutcome, GradingScheme, SeriousCriterion, SessionReason, SessionStatus

ROW = NewAdverseEvent(patient="P-0001", term=AdverseEventTerm.HEADACHE, grade=1, onset_on=date(2026, 11, 12))
HOSPITAL = (SeriousCriterion.HOSPITAL,)
TYPING_ERROR = Reason("typing_error")


def record(trial: Any, by: Any, now: datetime, *rows: NewAdverseEvent) -> list[AdverseEvent]:
    return record_adverse_events(trial=trial, rows=rows or [ROW], by=by, now=now).events


def missed_session(enrolment: Any, by: Any, now: datetime) -> StimulationSession:
    with audited(by=by):
        session = StimulationSession.objects.create(
            enrolment=enrolment,
            status=SessionStatus.MISSED,
            reason=SessionReason.ILL,
            for_date=date(2026, 11, 12),
            recorded_at=now,
            recorded_by=by,
        )
    return StimulationSession.objects.get(pk=session.pk)


def test_an_event_is_written_with_its_local_day(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    onset_at = datetime(2026, 11, 11, 23, 30, tzinfo=UTC)
    (row,) = record(trial, alice, now, replace(ROW, onset_on=None, onset_at=onset_at, serious=True, serious_criteria=HOSPITAL))
    stored = AdverseEvent.objects.get(record=row.record)
    assert (stored.onset_on, stored.serious_criteria, stored.recorded_by) == (date(2026, 11, 12), ["hospital"], alice)


def test_statements_do_not_grow_with_the_rows(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    alice.current_memberships()
    counts = []
    for rows in (1, 50):
        with CaptureQueriesContext(connection) as statements:
            record(trial, alice, now, *[ROW] * rows)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_the_same_record_again_changes_nothing_and_another_content_conflicts(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    row = replace(ROW, record=uuid.uuid4())
    record(trial, alice, now, row)
    assert record_adverse_events(trial=trial, rows=[row], by=alice, now=now).repeated == 1
    with pytest.raises(Conflict, match="another one"):
        record(trial, alice, now, replace(row, grade=2))
    assert AdverseEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"grade": 4}, "grade", id="grade beyond three steps"),
        pytest.param({"grade": 0}, "grade", id="grade 0"),
        pytest.param({"term": AdverseEventTerm.OTHER}, "term_text", id="other without words"),
        pytest.param({"serious": True}, "serious_criteria", id="serious without criterion"),
        pytest.param({"serious_criteria": HOSPITAL}, "serious", id="criterion without serious"),
        pytest.param({"outcome": EventOutcome.FATAL}, "serious", id="fatal"),
        pytest.param({"onset_on": None}, "onset_on", id="no onset"),
        pytest.param({"onset_on": date(2026, 11, 20)}, "onset_on", id="future onset"),
        pytest.param({"resolved_on": date(2026, 11, 11)}, "resolved_on", id="ended before it began"),
        pytest.param({"session": uuid.UUID(int=7)}, "session", id="unknown session"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_written(
    trial: Any, enrolment: Any, alice: Any, now: datetime, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        record(trial, alice, now, ROW, replace(ROW, **change))
    assert [problem.field for problem in refusal.value.problems] == [f"rows[1].{field}"]
    assert not AdverseEvent.objects.exists()


def test_grades_go_by_the_trials_one_scheme(trial: Any, enrolment: Any, alice: Any, setup_actor: Any, now: datetime) -> None:
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(grading_scheme=GradingScheme.CTCAE)
    trial.refresh_from_db()
    assert record(trial, alice, now, replace(ROW, grade=4))
    with pytest.raises(InvalidInput, match="Grade 5 is death"):
        record(trial, alice, now, replace(ROW, grade=5))


def test_a_session_must_be_the_patients_own(
    trial: Any, enrolment: Any, other_site_enrolment: Any, alice: Any, setup_actor: Any, now: datetime
) -> None:
    own, other = (missed_session(one, setup_actor, now) for one in (enrolment, other_site_enrolment))
    (event,) = record(trial, alice, now, replace(ROW, session=own.record, solicited=True))
    assert (event.session_record, event.solicited) == (own.record, True)
    with pytest.raises(InvalidInput, match="no session of the patient"):
        record(trial, alice, now, replace(ROW, session=other.record))


def test_a_correction_is_a_version_and_voiding_can_be_undone(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    (first,) = record(trial, alice, now)
    second = correct_adverse_event(first, row=replace(ROW, grade=2), reason=TYPING_ERROR, by=alice, now=now)
    with pytest.raises(Conflict, match="Somebody changed"):
        void_adverse_event(first, reason=TYPING_ERROR, by=alice, now=now)
    void_adverse_event(second, reason=TYPING_ERROR, by=alice, now=now)
    assert not AdverseEvent.objects.current().exists()
    back = restore_adverse_event(AdverseEvent.objects.get(pk=second.pk), reason=TYPING_ERROR, by=alice, now=now)
    assert (back.version, back.grade, back.voided) == (3, 2, False)


def test_another_sites_patient_does_not_exist_and_a_reader_may_not_write(
    trial: Any, enrolment: Any, charlie: Any, uma: Any, now: datetime
) -> None:
    with pytest.raises(NotFound, match="P-0001"):
        record(trial, charlie, now)
    with pytest.raises(NotAllowed):
        record(trial, uma, now)
