"""A session on record as the entries of the form it would have come from: where a correction begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from registry.models import AdverseEvent, StimulationBlock, StimulationSession
from registry.rules.stimulation import decimal_text
from registry.selectors.prescriptions import PlannedBlock
from registry.selectors.session_questions import SessionQuestion
from registry.selectors.sessions import SessionPains
from registry.vocabulary import SEVERITY_GRADES, DeviationReason, Relatedness, SessionReason, SessionStatus
from web.session_form import BLOCK, CHANGED, EARLY, LAST, NO, NONE, NOT_GIVEN, PLAN, YES, Answers, train_entry

SEVERITY_OF = {grade: severity for severity, grade in SEVERITY_GRADES.items()}


def answers_on_record(
    session: StimulationSession, pains: SessionPains | None, effects: list[AdverseEvent], asked: SessionQuestion, zone: ZoneInfo
) -> Answers:
    """Return the entries of the form that describe a session as it stands."""
    entries = dict(_entries(session, pains, zone))
    entries |= dict(_dose(session, asked.prescribed.blocks if asked.prescribed is not None else ()))
    return {**{name: [value] for name, value in entries.items() if value}, **_new(session), **_effects(session, effects)}


def _entries(session: StimulationSession, pains: SessionPains | None, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    for name, score, why in (
        ("pain_before", pains and pains.before, session.pain_before_no_answer),
        ("pain_after", pains and pains.after, session.pain_after_no_answer),
    ):
        yield name, decimal_text(Decimal(score.value)) if score else NONE if why else ""
        yield f"{name}_why", why
    yield "given", given_as(session)
    kind = "reason_early" if session.status == SessionStatus.PARTIAL else "reason_none"
    yield kind, "" if session.reason == SessionReason.NOT_RECORDED else session.reason
    yield f"{kind}_text", session.reason_text
    yield "hearing_protection", yes_no(session.hearing_protection)
    yield "coil_matches", yes_no(session.coil_matches_threshold)
    yield "note", session.note
    yield "kit_code", session.kit_code
    yield "pulse_counter", "" if session.pulse_counter is None else str(session.pulse_counter)
    yield "stimulator", session.stimulator.code if session.stimulator is not None else ""
    yield "coil_used", session.coil.code if session.coil is not None else ""
    yield "for_date", session.for_date.isoformat()
    yield "start_time", clock(session.started_at, zone)
    yield "end_time", clock(session.finished_at, zone)
    explained = next((one for one in session.deviations.all() if one.reason != DeviationReason.NOT_RECORDED), None)
    if explained is not None:
        yield "deviation_reason", explained.reason
        yield "deviation_text", explained.reason_text


def given_as(session: StimulationSession) -> str:
    """Return how the form asks what was given."""
    if session.status == SessionStatus.PARTIAL:
        return EARLY
    if session.status == SessionStatus.NOT_GIVEN:
        return NOT_GIVEN
    return PLAN if session.as_planned else CHANGED


def yes_no(value: bool | None) -> str:
    """Return an answer to a question of yes or no."""
    return "" if value is None else YES if value else NO


def clock(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return a time of day."""
    return "" if moment is None else f"{moment.astimezone(zone):%H:%M}"


def _new(session: StimulationSession) -> Answers:
    if session.new_since_last is None:
        return {}
    if not session.new_since_last:
        return {"anything_new": [NO]}
    words = {"anything_new_text": [session.new_since_last_text]} if session.new_since_last_text else {}
    return {"anything_new": [YES], "new_items": list(session.new_since_last), **words}


def _effects(session: StimulationSession, effects: list[AdverseEvent]) -> Answers:
    if not session.side_effects_asked:
        return {}
    answers: Answers = {"effects": [event.term for event in effects] or [NONE]}
    for event in effects:
        severity = SEVERITY_OF.get(event.grade)
        answers[f"severity_{event.term}"] = [severity.value] if severity is not None else []
        if event.relatedness != Relatedness.NOT_ASSESSED:
            answers[f"relation_{event.term}"] = [event.relatedness]
        if event.term_text:
            answers["other_effect"] = [event.term_text]
    return answers


def _dose(session: StimulationSession, planned: tuple[PlannedBlock, ...]) -> Iterator[tuple[str, str]]:
    if session.threshold is not None:
        yield "threshold", LAST
    early = session.status == SessionStatus.PARTIAL
    position = -1
    for block in session.blocks.all():
        last = planned[position] if 0 <= position < len(planned) else None
        if early and is_broken_train(block, last or next(iter(planned), None)):
            if last is None:
                position += 1
                yield f"{BLOCK}{position}_trains_done", "0"
            yield f"{BLOCK}{position}_broken", str(block.bursts_per_train)
            continue
        position += 1
        yield from _block(f"{BLOCK}{position}_", block, early=early)


def is_broken_train(block: StimulationBlock, planned: PlannedBlock | None) -> bool:
    """Tell whether a block is the train in which a session was stopped."""
    return planned is not None and block.trains == 1 and block.bursts_per_train < planned.pattern.bursts_per_train


def _block(start: str, block: StimulationBlock, *, early: bool) -> Iterator[tuple[str, str]]:
    pattern = block.pattern
    name, length = train_entry(pattern)
    yield f"{start}frequency_hz", decimal_text(pattern.frequency_hz)
    yield f"{start}{name}", "" if length is None else decimal_text(length)
    yield f"{start}intensity_percent", decimal_text(block.intensity_percent)
    yield f"{start}target", block.target
    yield f"{start}hemisphere", block.hemisphere
    if early:
        yield f"{start}trains_done", str(pattern.trains)
    else:
        yield f"{start}trains", str(pattern.trains)
        yield f"{start}gap_s", decimal_text(pattern.gap_s)
