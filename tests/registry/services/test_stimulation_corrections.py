"""Correcting, voiding and restoring sessions: versions of the session and of its pains and side effects; previews; sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound
from registry.models import AdverseEvent, EnrolmentPain, MaskingGuess, PainScore, ProtocolVersion, StaleMark, StimulationSession
from registry.rules.stimulation import NewSession, NewSideEffect
from registry.services import accounts, rows_together
from registry.services.adverse_events import correct_adverse_event
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.scores import correct_score, void_score
from registry.services.stimulation import (
    correct_session,
    correct_sessions,
    preview_correction,
    record_sessions,
    restore_session,
    void_session,
)
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationReason,
    NoAnswer,
    Relatedness,
    Severity,
    TreatmentGuess,
)
from tests.registry.services.stimulation_scene import STARTED, allocate, block, given, measure, prescribe
from tests.trials import make_enrolment

D = Decimal
TYPING_ERROR = Reason("typing_error")
HEADACHE = NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MILD)
TWITCHING = NewSideEffect(AdverseEventTerm.TWITCHING, Severity.MILD)


@pytest.fixture
def row(trial: Any, enrolment: Any, setup_actor: Any) -> NewSession:
    prescribe(trial, setup_actor)
    return given(measure(enrolment, setup_actor), side_effects=(HEADACHE,))


@pytest.fixture
def session(trial: Any, row: NewSession, oscar: Any, now: datetime) -> StimulationSession:
    (written,) = record_sessions(trial=trial, rows=[row], by=oscar, now=now, complete=True).sessions
    return StimulationSession.objects.get(pk=written.pk)


@pytest.fixture
def later(now: datetime) -> datetime:
    return now + timedelta(hours=2)


def standing_pain(session: StimulationSession, question: str = "before") -> PainScore:
    return PainScore.objects.get(record=getattr(session, f"pain_{question}_record"), ended_at__isnull=True)


def effects(session: StimulationSession) -> list[tuple[str, int, int]]:
    """Return term, grade and version of the standing side effects."""
    rows = AdverseEvent.objects.filter(session_record=session.record, ended_at__isnull=True).order_by("term")
    return [(one.term, one.grade, one.version) for one in rows]


def test_a_correction_is_a_version_with_a_dose_of_its_own(
    session: StimulationSession, row: NewSession, oscar: Any, later: datetime
) -> None:
    entered = replace(row, as_planned=False, blocks=(block(intensity_percent=D(70)),), deviation_reason=DeviationReason.OPERATOR_ERROR)
    corrected = correct_session(session, row=entered, reason=Reason("read_from_device"), by=oscar, now=later)
    session.refresh_from_db()
    assert (session.ended_at, session.voided, session.blocks.get().setting_percent_mso) == (later, False, 43)
    assert (corrected.record, corrected.version, corrected.blocks.get().setting_percent_mso) == (session.record, 2, 38)
    assert (corrected.recorded_by, corrected.recorded_at, corrected.operator) == (oscar, later, oscar)
    assert [one.kind for one in corrected.deviations.all()] == ["intensity"]
    assert not session.deviations.exists()
    # Nothing was said about pains and side effects, so they are what they were.
    assert (standing_pain(corrected).version, effects(corrected)) == (1, [("headache", 1, 1)])


def test_a_corrected_pain_is_the_next_version_of_its_score(
    session: StimulationSession, row: NewSession, oscar: Any, later: datetime
) -> None:
    corrected = correct_session(session, row=replace(row, pain_before=D(7)), reason=TYPING_ERROR, by=oscar, now=later)
    assert corrected.pain_before_record == session.pain_before_record
    versions = PainScore.objects.filter(record=session.pain_before_record).order_by("version")
    assert [(one.value, one.value_units, one.ended_at) for one in versions] == [(6, 6_000_000, later), (7, 7_000_000, None)]
    assert versions[0].submitted_at == versions[1].submitted_at
    assert StaleMark.objects.filter(enrolment_id=session.enrolment_id).count() >= 2


def test_a_pain_taken_out_is_voided_and_one_added_is_new(session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    without = replace(row, pain_after=None, pain_after_no_answer=NoAnswer.ASLEEP)
    second = correct_session(session, row=without, reason=TYPING_ERROR, by=oscar, now=later)
    assert second.pain_after_record is None
    assert PainScore.objects.get(record=session.pain_after_record).voided
    third = correct_session(second, row=row, reason=TYPING_ERROR, by=oscar, now=later + timedelta(minutes=1))
    assert third.pain_after_record not in (None, session.pain_after_record)
    assert standing_pain(third, "after").value == 4


def test_pains_move_with_the_day_of_their_session(session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    start = STARTED - timedelta(hours=23)
    moved = replace(row, started_at=start, ended_at=start + timedelta(minutes=20))
    corrected = correct_session(session, row=moved, reason=TYPING_ERROR, by=oscar, now=later)
    assert corrected.for_date == date(2026, 11, 18)
    score = standing_pain(corrected)
    assert (score.for_date, score.value, score.version) == (date(2026, 11, 18), 6, 2)
    assert score.observed_at is not None
    assert score.observed_at < start
    event = AdverseEvent.objects.get(session_record=session.record, ended_at__isnull=True)
    assert (event.onset_on, event.onset_at, event.version) == (date(2026, 11, 18), start, 2)


def test_the_time_a_pain_was_asked_stays_until_the_session_moves(
    trial: Any, row: NewSession, oscar: Any, now: datetime, later: datetime
) -> None:
    asked = STARTED - timedelta(minutes=7)
    (first,) = record_sessions(trial=trial, rows=[replace(row, pain_before_at=asked)], by=oscar, now=now).sessions
    second = correct_session(first, row=replace(row, note="x"), reason=TYPING_ERROR, by=oscar, now=later)
    assert (standing_pain(second).observed_at, standing_pain(second).version) == (asked, 1)
    earlier = replace(row, note="x", pain_before_at=asked - timedelta(minutes=1))
    third = correct_session(second, row=earlier, reason=TYPING_ERROR, by=oscar, now=later)
    assert (standing_pain(third).observed_at, standing_pain(third).version) == (asked - timedelta(minutes=1), 2)
    start = STARTED - timedelta(hours=1)
    fourth = correct_session(third, row=replace(row, note="x", started_at=start), reason=TYPING_ERROR, by=oscar, now=later)
    assert standing_pain(fourth).observed_at == start - timedelta(seconds=1)


def test_a_corrected_session_keeps_the_protocol_it_was_made_under(
    trial: Any, session: StimulationSession, row: NewSession, setup_actor: Any, oscar: Any, later: datetime
) -> None:
    with audited(by=setup_actor, reason="amendment"):
        ProtocolVersion.objects.create(trial=trial, version="2.0", effective_from=date(2026, 11, 1))
    prescribe(trial, setup_actor, version="2.0", trains=20)
    second = correct_session(session, row=replace(row, note="x"), reason=TYPING_ERROR, by=oscar, now=later)
    assert (second.prescription, second.pulses_delivered) == (session.prescription, 3000)
    amended = replace(row, note="x", protocol_version="2.0")
    lines = {line.field: line.new for line in preview_correction(second, row=amended, by=oscar, now=later)}
    assert (lines["protocol"], lines["pulses"]) == ("2.0", "2\u2009000")
    (new,) = record_sessions(trial=trial, rows=[replace(row, number=2)], by=oscar, now=later).sessions
    assert new.pulses_delivered == 2000


def test_side_effects_are_corrected_taken_out_and_added(session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    stronger = replace(HEADACHE, severity=Severity.SEVERE, relation=Relatedness.POSSIBLE)
    second = correct_session(session, row=replace(row, side_effects=(stronger, TWITCHING)), reason=TYPING_ERROR, by=oscar, now=later)
    assert effects(second) == [("headache", 3, 2), ("twitching", 1, 1)]
    headache = AdverseEvent.objects.get(session_record=session.record, term="headache", version=2)
    assert (headache.needs_report, headache.relatedness, headache.recorded_by) == (True, "possible", oscar)
    third = correct_session(second, row=replace(row, side_effects=(TWITCHING,)), reason=TYPING_ERROR, by=oscar, now=later)
    assert effects(third) == [("twitching", 1, 1)]
    fourth = correct_session(third, row=replace(row, side_effects=(TWITCHING, HEADACHE)), reason=TYPING_ERROR, by=oscar, now=later)
    assert effects(fourth) == [("headache", 1, 1), ("twitching", 1, 1)]
    assert AdverseEvent.objects.filter(session_record=session.record, term="headache").values("record").distinct().count() == 2


def test_what_a_report_refined_stays(
    trial: Any, session: StimulationSession, row: NewSession, alice: Any, oscar: Any, later: datetime
) -> None:
    from registry.rules.adverse_events import NewAdverseEvent

    event = AdverseEvent.objects.get(session_record=session.record)
    refined = NewAdverseEvent(
        patient="P-0001", term=AdverseEventTerm.HEADACHE, grade=1, onset_on=event.onset_on, relatedness=Relatedness.PROBABLE,
        session=session.record, solicited=True, note="Paracetamol", record=event.record,
    )  # fmt: skip
    correct_adverse_event(event, row=refined, reason=TYPING_ERROR, by=alice, now=later)
    correct_session(session, row=replace(row, note="Late start"), reason=TYPING_ERROR, by=oscar, now=later)
    kept = AdverseEvent.objects.get(session_record=session.record, ended_at__isnull=True)
    assert (kept.note, kept.relatedness, kept.version) == ("Paracetamol", "probable", 2)


def test_an_import_leaves_side_effects_alone(trial: Any, session: StimulationSession, row: NewSession, alice: Any, later: datetime) -> None:
    pairs = [(session, replace(row, side_effects=(), note="As printed"))]
    (corrected,) = correct_sessions(trial=trial, pairs=pairs, by=alice, now=later, reason="import", events_apart=True)
    assert (corrected.note, effects(corrected)) == ("As printed", [("headache", 1, 1)])


def test_a_corrected_threshold_leaves_sessions_as_they_were_given(
    session: StimulationSession, row: NewSession, setup_actor: Any, oscar: Any, later: datetime
) -> None:
    threshold = session.threshold
    assert threshold is not None
    with audited(by=setup_actor, reason="threshold was misread"):
        type(threshold).objects.filter(pk=threshold.pk).update(ended_at=later)
        threshold.pk, threshold.version, threshold.percent_mso = None, 2, 45
        threshold.save(force_insert=True)
    corrected = correct_session(session, row=replace(row, note="Late start"), reason=TYPING_ERROR, by=oscar, now=later)
    assert (corrected.threshold_percent_mso, corrected.blocks.get().setting_percent_mso) == (54, 43)


def test_the_same_content_is_no_correction(session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    with pytest.raises(InvalidInput, match="on record"):
        correct_session(session, row=row, reason=TYPING_ERROR, by=oscar, now=later)
    session.refresh_from_db()
    assert session.ended_at is None


def test_a_correction_needs_a_reason_and_keeps_the_patient(
    trial: Any, session: StimulationSession, row: NewSession, alice: Any, setup_actor: Any, later: datetime
) -> None:
    make_enrolment(trial, "P-0002", site="N", by=setup_actor)
    with pytest.raises(InvalidInput, match="why"):
        correct_session(session, row=replace(row, note="x"), reason=Reason(""), by=alice, now=later)
    with pytest.raises(InvalidInput, match="stays with its patient"):
        correct_session(session, row=replace(row, patient="P-0002"), reason=TYPING_ERROR, by=alice, now=later)


def test_of_two_corrections_the_first_wins(session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    correct_session(session, row=replace(row, note="first"), reason=TYPING_ERROR, by=oscar, now=later)
    with pytest.raises(Conflict, match="Somebody changed"):
        correct_session(session, row=replace(row, note="second"), reason=TYPING_ERROR, by=oscar, now=later)


def test_a_corrected_number_must_be_free(trial: Any, session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    record_sessions(trial=trial, rows=[replace(row, number=2)], by=oscar, now=later)
    with pytest.raises(Conflict, match="session 2 of P-0001"):
        correct_session(session, row=replace(row, number=2), reason=TYPING_ERROR, by=oscar, now=later)
    assert correct_session(session, row=replace(row, number=3), reason=TYPING_ERROR, by=oscar, now=later).number == 3


def test_two_sessions_may_swap_their_numbers(trial: Any, session: StimulationSession, row: NewSession, alice: Any, later: datetime) -> None:
    (second,) = record_sessions(trial=trial, rows=[replace(row, number=2)], by=alice, now=later).sessions
    pairs = [(session, replace(row, number=2)), (second, row)]
    corrected = correct_sessions(trial=trial, pairs=pairs, by=alice, now=later, reason="import")
    assert [one.number for one in corrected] == [2, 1]


def test_a_preview_shows_old_and_new_with_what_follows_from_it(
    session: StimulationSession, row: NewSession, oscar: Any, later: datetime
) -> None:
    entered = replace(
        row, as_planned=False, blocks=(block(trains=20),), pain_before=D(7), side_effects=(), deviation_reason=DeviationReason.TECHNICAL
    )
    shown = {line.field: (line.old, line.new) for line in preview_correction(session, row=entered, by=oscar, now=later)}
    assert shown == {
        "as_planned": ("Yes", "No"),
        "blocks[0]": (
            "10 Hz, 30 trains of 100 pulses, pause 20 s, 80 % RMT, M1, hand area, right",
            "10 Hz, 20 trains of 100 pulses, pause 20 s, 80 % RMT, M1, hand area, right",
        ),
        "pulses": ("3\u2009000", "2\u2009000"),
        "length": ("14 min 40 s", "9 min 40 s"),
        "pain_before": ("6", "7"),
        "side_effects": ("Headache, grade 1, not assessed", "None"),
        "deviations": ("None", "Number of trains (block 1): 30 planned, 20 given; Technical failure"),
    }
    session.refresh_from_db()
    assert session.ended_at is None
    assert PainScore.objects.count() == 2


def test_a_voided_session_takes_its_pains_and_side_effects_with_it_and_brings_them_back(
    trial: Any, session: StimulationSession, row: NewSession, oscar: Any, later: datetime
) -> None:
    void_session(session, reason=Reason("wrong_patient"), by=oscar, now=later)
    session.refresh_from_db()
    assert (session.voided, session.ended_at) == (True, later)
    assert not PainScore.objects.filter(ended_at__isnull=True).exists()
    assert effects(session) == []
    with pytest.raises(Conflict):
        void_session(session, reason=TYPING_ERROR, by=oscar, now=later)
    back = restore_session(session, reason=TYPING_ERROR, by=oscar, now=later + timedelta(minutes=5))
    assert (back.version, back.voided, back.ended_at) == (2, False, None)
    assert back.blocks.get().setting_percent_mso == 43
    assert (standing_pain(back).version, standing_pain(back, "after").value) == (2, 4)
    assert effects(back) == [("headache", 1, 2)]
    with pytest.raises(Conflict, match="not voided any more"):
        restore_session(session, reason=TYPING_ERROR, by=oscar, now=later)


def test_what_was_voided_by_itself_stays_out(session: StimulationSession, oscar: Any, later: datetime) -> None:
    void_score(standing_pain(session), reason=TYPING_ERROR, by=oscar, now=later)
    void_session(session, reason=TYPING_ERROR, by=oscar, now=later + timedelta(minutes=1))
    back = restore_session(session, reason=TYPING_ERROR, by=oscar, now=later + timedelta(minutes=2))
    assert not PainScore.objects.filter(record=back.pain_before_record, ended_at__isnull=True).exists()
    assert standing_pain(back, "after").value == 4


def test_a_pain_corrected_by_itself_is_what_the_session_shows(
    session: StimulationSession, row: NewSession, oscar: Any, later: datetime
) -> None:
    correct_score(standing_pain(session), value=D(8), reason=TYPING_ERROR, by=oscar, now=later)
    lines = preview_correction(session, row=row, by=oscar, now=later)
    assert [(line.field, line.old, line.new) for line in lines] == [("pain_before", "8", "6")]


def test_a_restored_number_must_be_free(trial: Any, session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    void_session(session, reason=TYPING_ERROR, by=oscar, now=later)
    record_sessions(trial=trial, rows=[row], by=oscar, now=later)
    with pytest.raises(Conflict, match="session 1 of P-0001"):
        restore_session(session, reason=TYPING_ERROR, by=oscar, now=later)


def test_a_session_whose_pain_was_voided_since_is_not_restored(session: StimulationSession, oscar: Any, later: datetime) -> None:
    pain = EnrolmentPain.objects.get(enrolment=session.enrolment, rank=1)
    with audited(by=oscar, reason="about the pain"):
        PainScore.objects.filter(enrolment=session.enrolment).update(pain=pain)
    void_session(session, reason=TYPING_ERROR, by=oscar, now=later)
    with audited(by=oscar, reason="entered twice"):
        EnrolmentPain.objects.filter(pk=pain.pk).update(voided_at=later)
    session.refresh_from_db()
    with pytest.raises(Conflict, match="Restore that pain first"):
        restore_session(session, reason=TYPING_ERROR, by=oscar, now=later)
    assert not StimulationSession.objects.filter(ended_at__isnull=True).exists()


def test_a_voided_session_cannot_be_corrected(session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    void_session(session, reason=TYPING_ERROR, by=oscar, now=later)
    with pytest.raises(Conflict):
        correct_session(session, row=replace(row, note="x"), reason=TYPING_ERROR, by=oscar, now=later)


def test_a_guess_is_replaced_only_by_another(session: StimulationSession, row: NewSession, oscar: Any, later: datetime) -> None:
    second = correct_session(session, row=replace(row, guess=TreatmentGuess.REAL), reason=TYPING_ERROR, by=oscar, now=later)
    third = correct_session(second, row=replace(row, guess=TreatmentGuess.SHAM), reason=TYPING_ERROR, by=oscar, now=later)
    correct_session(third, row=replace(row, note="x"), reason=TYPING_ERROR, by=oscar, now=later)
    assert MaskingGuess.objects.get(session_record=session.record).guess == "sham"


def test_only_who_may_correct_there_corrects(session: StimulationSession, row: NewSession, charlie: Any, eve: Any, later: datetime) -> None:
    for stranger in (charlie, eve):
        with pytest.raises((NotAllowed, NotFound)):
            correct_session(session, row=replace(row, note="x"), reason=TYPING_ERROR, by=stranger, now=later)
        with pytest.raises(NotAllowed):
            void_session(session, reason=TYPING_ERROR, by=stranger, now=later)
    session.refresh_from_db()
    assert session.ended_at is None


def test_who_sees_no_pain_after_allocation_neither_previews_nor_corrects(
    trial: Any, enrolment: Any, row: NewSession, setup_actor: Any, oscar: Any, now: datetime, later: datetime
) -> None:
    allocate(enrolment, setup_actor, kit_code="")
    (session,) = record_sessions(trial=trial, rows=[row], by=oscar, now=now).sessions
    lead = accounts.create_user(email="pia@example.org", name="Pia", password="correct horse battery", by=setup_actor)
    accounts.add_membership(user=lead, role="principal_investigator", trial=trial, site=None, by=setup_actor, valid_from=date(2026, 1, 1))
    for change in (
        lambda: preview_correction(session, row=replace(row, pain_before=None), by=lead, now=later),
        lambda: correct_session(session, row=replace(row, pain_before=None), reason=TYPING_ERROR, by=lead, now=later),
    ):
        with pytest.raises(NotAllowed, match="does not see the pain"):
            change()
    void_session(session, reason=TYPING_ERROR, by=lead, now=later)
    assert restore_session(session, reason=TYPING_ERROR, by=lead, now=later + timedelta(minutes=1)).version == 2


def test_statements_do_not_grow_with_the_corrections(
    trial: Any, row: NewSession, setup_actor: Any, alice: Any, later: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Few rows are written all at once (test_rows_together.py); here they are written as many are.
    monkeypatch.setattr(rows_together, "MOST_TOGETHER", 0)
    alice.current_memberships()
    patients = [make_enrolment(trial, f"P-1{number:03}", site="N", by=setup_actor) for number in range(10)]
    thresholds = {one.patient_code: measure(one, setup_actor) for one in patients}
    rows = [
        given(threshold, patient=code, number=number, side_effects=(HEADACHE, TWITCHING))
        for code, threshold in thresholds.items()
        for number in range(1, 7)
    ]
    sessions = record_sessions(trial=trial, rows=rows, by=alice, now=later).sessions
    changed = [
        replace(
            one,
            side_effects=(replace(HEADACHE, severity=Severity.MODERATE), NewSideEffect(AdverseEventTerm.NAUSEA, Severity.MILD)),
            pain_before=D(9),
            pain_after=None,
            as_planned=False,
            blocks=(block(trains=20),),
            deviation_reason=DeviationReason.TECHNICAL,
        )
        for one in rows
    ]
    counts = []
    for part in (slice(0, 1), slice(1, None)):
        pairs = list(zip(sessions[part], changed[part], strict=True))
        with CaptureQueriesContext(connection) as statements:
            assert len(correct_sessions(trial=trial, pairs=pairs, by=alice, now=later, reason="import")) == len(pairs)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 70
