"""Sessions in the scene: a prescription, thresholds, sessions, a draft, adverse events, each also once voided, under fixed ids."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from registry.models import AdverseEvent, Enrolment, MotorThreshold, PrescribedBlock, Prescription, SessionDraft, StimulationSession, User
from registry.rules.adverse_events import NewAdverseEvent
from registry.rules.stimulation import NewSession, NewSideEffect
from registry.rules.thresholds import NewThreshold
from registry.services.adverse_events import record_adverse_events, void_adverse_event
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.stimulation import record_sessions, void_session
from registry.services.thresholds import record_thresholds, void_threshold
from registry.vocabulary import AdverseEventTerm, Hemisphere, SessionReason, SessionStatus, Severity

# Sessions are planned from 16 November on, the 28th day after allocation.
PLANNED_DAYS = [28, 29, 30, 31, 32]
SESSION, VOIDED_SESSION, DRAFT, OF_SOUTH, MISSED = (UUID(int=0x5E55_0000 + number) for number in range(5))
THRESHOLD, VOIDED_THRESHOLD, SOUTH_THRESHOLD = (UUID(int=0x7E55_0000 + number) for number in range(3))
EVENT, VOIDED_EVENT, SOUTH_EVENT = (UUID(int=0xAE55_0000 + number) for number in range(3))
FIRST_DAY = datetime(2026, 11, 16, 8, 5, tzinfo=UTC)
WRONG = Reason("typing_error")


def write_sessions(first: Enrolment, of_south: Enrolment, by: User, now: datetime) -> None:
    """Write what the sessions' pages show: of one patient of site N, and of one of site S who must stay unseen there."""
    trial = first.trial
    prescribe(first, by)
    record_thresholds(trial=trial, rows=[threshold(THRESHOLD, 54), threshold(VOIDED_THRESHOLD, 45)], by=by, now=now)
    record_thresholds(trial=trial, rows=[threshold(SOUTH_THRESHOLD, 61, patient=of_south.patient_code)], by=by, now=now)
    rows = [session(SESSION, 1, 0), session(VOIDED_SESSION, 3, 2)]
    record_sessions(trial=trial, rows=rows, by=by, now=now, complete=True)
    south = session(OF_SOUTH, 1, 0, patient=of_south.patient_code, threshold=SOUTH_THRESHOLD)
    record_sessions(trial=trial, rows=[south], by=by, now=now, complete=True)
    missed = NewSession(
        patient="P-0002", status=SessionStatus.MISSED, reason=SessionReason.NO_SHOW, number=1, for_date=date(2026, 11, 16), record=MISSED
    )
    record_sessions(trial=trial, rows=[missed], by=by, now=now, complete=True)
    events = [event(EVENT), event(VOIDED_EVENT, term=AdverseEventTerm.NAUSEA)]
    record_adverse_events(trial=trial, rows=events, by=by, now=now)
    record_adverse_events(trial=trial, rows=[event(SOUTH_EVENT, patient=of_south.patient_code)], by=by, now=now)
    void_threshold(MotorThreshold.objects.get(record=VOIDED_THRESHOLD), reason=WRONG, by=by, now=now)
    void_session(StimulationSession.objects.get(record=VOIDED_SESSION), reason=WRONG, by=by, now=now)
    void_adverse_event(AdverseEvent.objects.get(record=VOIDED_EVENT), reason=WRONG, by=by, now=now)
    times = {"opened_at": now - timedelta(minutes=20), "updated_at": now - timedelta(minutes=5)}
    SessionDraft.objects.create(uuid=DRAFT, enrolment=first, number=2, opened_by=by, updated_by=by, answers={"pain_before": ["7"]}, **times)


def prescribe(enrolment: Enrolment, by: User) -> None:
    """Prescribe 30 trains of 10 s at 10 Hz and 80 % RMT, opposite to the pain, for every treatment."""
    version = enrolment.trial.protocol_versions.get(version="1.0")
    with audited(by=by, reason="prescription"):
        prescription = Prescription.objects.create(protocol_version=version, session_days=PLANNED_DAYS)
        PrescribedBlock.objects.create(
            prescription=prescription, position=1, target="m1_hand", hemisphere="contralateral", frequency_hz=10, bursts_per_train=100,
            trains=30, gap_s=20, intensity_percent=80,
        )  # fmt: skip


def threshold(record: UUID, percent: int, *, patient: str = "P-0001") -> NewThreshold:
    """Return a resting threshold of the right hemisphere, measured on the first day."""
    return NewThreshold(patient, percent, Hemisphere.RIGHT, measured_on=FIRST_DAY.date(), record=record)


def session(record: UUID, number: int, day: int, *, patient: str = "P-0001", threshold: UUID = THRESHOLD) -> NewSession:
    """Return a session given as planned, with a mild headache after it."""
    start = FIRST_DAY + timedelta(days=day)
    return NewSession(
        patient=patient, status=SessionStatus.GIVEN, number=number, as_planned=True, started_at=start,
        ended_at=start + timedelta(minutes=18), threshold=threshold, hearing_protection=True, coil_matches_threshold=True,
        pain_before=Decimal(6), pain_after=Decimal(4), anything_new=frozenset(), record=record,
        side_effects=(NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MILD),),
    )  # fmt: skip


def event(record: UUID, *, patient: str = "P-0001", term: AdverseEventTerm = AdverseEventTerm.FATIGUE) -> NewAdverseEvent:
    """Return an event reported apart from any session."""
    return NewAdverseEvent(patient, term, 1, onset_on=date(2026, 11, 17), record=record)
