"""What a session's questions become: pains are pain scores, side effects solicited adverse events, a guess is kept apart."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from registry.exceptions import InvalidInput, Problem
from registry.models import AdverseEvent, MaskingGuess, PainScore, StimulationSession, User
from registry.roles import Permission
from registry.rules.adverse_events import REPORTED_AT_ONCE, NewAdverseEvent
from registry.rules.scores import NewScore
from registry.rules.stimulation import NewSession, NewSideEffect
from registry.rules.stimulation.sessions import SessionTimes
from registry.services.adverse_events import add_side_effects
from registry.services.row_adding import Adding, add_rows
from registry.services.score_recording import add_scores
from registry.services.score_references import ScoreReferences
from registry.services.stimulation_references import SessionReferences
from registry.services.stimulation_rows import Prepared
from registry.vocabulary import (
    SEVERITY_GRADES,
    AdverseEventTerm,
    RecallPeriod,
    Relatedness,
    ScoreContext,
    ScoreSource,
    Severity,
)

BEFORE, AFTER = "pain_before", "pain_after"
CONTEXTS = {BEFORE: ScoreContext.PRE_SESSION, AFTER: ScoreContext.POST_SESSION}
# Where nobody said when pain was asked, all that is known is that it was before the first pulse.
JUST_BEFORE = timedelta(seconds=1)


def pain_record(session: UUID, question: str, version: int = 1) -> UUID:
    """Return the identifier of a session's pain score: the same for a repeat, another for one added by a later correction."""
    return uuid.uuid5(session, question if version == 1 else f"{question}/{version}")


def effect_record(session: UUID, term: AdverseEventTerm, place: int, version: int = 1) -> UUID:
    """Return the identifier of a session's side effect; `place` tells apart several of one term."""
    return uuid.uuid5(session, f"{term}/{place}" if version == 1 else f"{term}/{place}/{version}")


def asked_at(row: SessionTimes, question: str) -> datetime | None:
    """Return when pain was asked, as far as it is known."""
    if question == AFTER:
        return row.pain_after_at or row.ended_at or row.started_at
    if row.pain_before_at is not None or row.started_at is None:
        return row.pain_before_at
    return row.started_at - JUST_BEFORE


def pain_of(row: NewSession, question: str) -> Decimal | None:
    """Return the answer to one of the two pain questions."""
    return row.pain_before if question == BEFORE else row.pain_after


def name_pains(prepared: Iterable[Prepared]) -> None:
    """Say in each new session which scores hold its pains."""
    for one in prepared:
        one.session.pain_before_record = None if one.row.pain_before is None else pain_record(one.session.record, BEFORE)
        one.session.pain_after_record = None if one.row.pain_after is None else pain_record(one.session.record, AFTER)


def new_scores(one: Prepared, questions: Iterable[str], references: SessionReferences) -> Iterator[NewScore]:
    """Yield the scores of a session's answers to some of the pain questions."""
    scale, session, row = references.scale, one.session, one.row
    for question in questions:
        value = pain_of(row, question)
        if value is None or scale is None:
            continue
        yield NewScore(
            patient=row.patient,
            scale=scale.code,
            scale_version=scale.version,
            value=value,
            context=CONTEXTS[question],
            recall=RecallPeriod.NOW,
            source=ScoreSource.CLINIC,
            pain_rank=references.pain_rank(one.patient),
            visit=row.visit,
            for_date=session.for_date,
            observed_at=asked_at(row, question),
            record=getattr(session, f"{question}_record"),
        )


def write_scores(
    scores: Sequence[NewScore],
    references: SessionReferences,
    by: User,
    now: datetime,
    on_record: Collection[UUID] | None = None,
    add: Adding = add_rows,
) -> list[PainScore]:
    """Add pains through the score service; what it refuses is about the pain of a session. Whoever calls marks the outcomes.

    `on_record` are those of their records that were found already; None where nobody looked. `add` writes the rows, or keeps them
    to be written with others.
    """
    if not scores:
        return []
    try:
        known = ScoreReferences(trial=references.trial, by=by, of_sessions=references)
        return add_scores(scores, known, now, on_record=on_record, add=add)
    except InvalidInput as refusal:
        raise InvalidInput([Problem("pain_before", one.message, one.code) for one in refusal.problems]) from refusal


def places(effects: Iterable[NewSideEffect]) -> Iterator[tuple[int, NewSideEffect]]:
    """Yield each side effect with its place among those of its term."""
    seen: Counter[AdverseEventTerm] = Counter()
    for effect in effects:
        yield seen[effect.term], effect
        seen[effect.term] += 1


def new_event(one: Prepared, effect: NewSideEffect, record: UUID) -> NewAdverseEvent:
    """Return the adverse event that a ticked side effect is."""
    row, session = one.row, one.session
    return NewAdverseEvent(
        patient=row.patient,
        term=effect.term,
        term_text=effect.text,
        grade=SEVERITY_GRADES[effect.severity],
        relatedness=effect.relation or Relatedness.NOT_ASSESSED,
        onset_on=session.for_date,
        onset_at=row.started_at,
        aware_at=row.ended_at or row.started_at,
        session=session.record,
        solicited=True,
        needs_report=needs_report(effect),
        record=record,
    )


def needs_report(effect: NewSideEffect) -> bool:
    """Tell whether a side effect is the beginning of a report that somebody has to complete."""
    return effect.severity is Severity.SEVERE or effect.term in REPORTED_AT_ONCE


def new_events(one: Prepared) -> Iterator[NewAdverseEvent]:
    """Yield the adverse events of a new session."""
    for place, effect in places(one.row.side_effects or ()):
        yield new_event(one, effect, effect_record(one.session.record, effect.term, place))


def write_events(
    events: Sequence[NewAdverseEvent],
    references: SessionReferences,
    by: User,
    now: datetime,
    on_record: Collection[UUID] | None = None,
    add: Adding = add_rows,
) -> list[AdverseEvent]:
    """Add side effects through the service of adverse events; `on_record` and `add` as for scores."""
    if not events:
        return []
    patients = references.patients_for(Permission.EVENT_RECORD)
    sessions = {event.session: patients[event.patient].id for event in events if event.session is not None}
    return add_side_effects(events, patients, sessions, trial=references.trial, by=by, now=now, on_record=on_record, add=add)


def write_guesses(prepared: Iterable[Prepared], now: datetime) -> None:
    """Keep what patients believe they got, apart from the session. A guess once given is replaced only by another."""
    keep_guesses(
        MaskingGuess(
            enrolment_id=one.patient.id,
            session_record=one.session.record,
            guess=one.row.guess,
            certainty=one.row.guess_certainty,
            recorded_at=now,
        )
        for one in prepared
        if one.row.guess is not None
    )


def keep_guesses(rows: Iterable[MaskingGuess]) -> None:
    """Write guesses, each in the place of an earlier one of its session."""
    guesses = list(rows)
    if guesses:
        MaskingGuess.objects.bulk_create(
            guesses, update_conflicts=True, unique_fields=["session_record"], update_fields=["guess", "certainty", "recorded_at"]
        )


def standing_pain_records(sessions: Iterable[StimulationSession]) -> list[UUID]:
    """Return the identifiers of the pain scores of some sessions."""
    return [record for one in sessions for record in (one.pain_before_record, one.pain_after_record) if record is not None]
