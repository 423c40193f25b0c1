"""From the rows of one version of a session to what it says, for records, versions and previews alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from registry.models.adverse_events import AdverseEvent
from registry.models.scores import PainScore
from registry.models.stimulation import SessionDeviation, StimulationBlock, StimulationSession
from registry.rules.stimulation import Block
from registry.rules.stimulation.session_content import DeviationContent, EffectContent, SessionContent
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationKind,
    DeviationReason,
    Hemisphere,
    IntensityReference,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
    StimulationTarget,
)

AS_STORED = (
    *("number", "period", "reason_text", "for_date", "started_at", "as_planned", "threshold_percent_mso", "threshold_factor"),
    *("kit_code", "hearing_protection", "coil_matches_threshold", "pulse_counter", "note", "row_id"),
)


def block_of(row: StimulationBlock) -> Block:
    """Return a delivered block as the rules know it."""
    return Block(
        StimulationTarget(row.target),
        Hemisphere(row.hemisphere),
        row.pattern,
        row.intensity_percent,
        IntensityReference(row.intensity_reference),
        row.target_text,
    )


def effect_content(event: AdverseEvent) -> EffectContent:
    """Return a side effect as the session shows it."""
    return EffectContent(AdverseEventTerm(event.term), event.grade, Relatedness(event.relatedness), event.term_text)


@dataclass(frozen=True, slots=True)
class PainContent:
    """The answer to one of the two pain questions, as far as it may be shown, and when it was given."""

    value: Decimal | None = None
    asked_at: datetime | None = None


NO_PAIN = PainContent()


def pain_content(score: PainScore | None) -> PainContent:
    """Return an answer as the session shows it."""
    return NO_PAIN if score is None else PainContent(score.value, score.observed_at)


def stored_content(session: StimulationSession, pains: Mapping[UUID, PainScore], events: Sequence[AdverseEvent]) -> SessionContent:
    """Return what a stored version says. `pains` are the scores that may be shown, by their records."""
    before, after = (
        pain_content(None if record is None else pains.get(record)) for record in (session.pain_before_record, session.pain_after_record)
    )
    return content_of(
        session,
        session.blocks.all(),
        session.deviations.all(),
        visit="" if session.visit_type is None else session.visit_type.code,
        stimulator="" if session.stimulator is None else session.stimulator.code,
        pain_before=before,
        pain_after=after,
        side_effects=tuple(effect_content(event) for event in events) if session.side_effects_asked or events else None,
    )


def content_of(
    session: StimulationSession,
    blocks: Iterable[StimulationBlock],
    deviations: Iterable[SessionDeviation],
    *,
    visit: str,
    stimulator: str,
    pain_before: PainContent,
    pain_after: PainContent,
    side_effects: tuple[EffectContent, ...] | None,
) -> SessionContent:
    """Return what a version says, stored or about to be."""
    blocks = list(blocks)
    return SessionContent(
        visit=visit,
        stimulator=stimulator,
        coil="" if session.coil is None else session.coil.code,
        ended_at=session.finished_at,
        threshold=None if session.threshold is None else session.threshold.record,
        blocks=tuple(block_of(block) for block in blocks),
        settings=tuple(block.setting_percent_mso for block in blocks),
        protocol="" if session.prescription is None else session.prescription.protocol_version.version,
        pain_before=pain_before.value,
        pain_before_at=pain_before.asked_at,
        pain_after=pain_after.value,
        pain_after_at=pain_after.asked_at,
        side_effects=side_effects,
        deviations=tuple(_deviation(one) for one in deviations),
        **_words(session),
        **{name: getattr(session, name) for name in AS_STORED},
    )


def _words(session: StimulationSession) -> dict[str, Any]:
    """Return the columns that hold words of a vocabulary."""
    new = session.new_since_last
    return {
        "status": SessionStatus(session.status),
        "reason": SessionReason(session.reason) if session.reason else None,
        "pain_before_no_answer": NoAnswer(session.pain_before_no_answer) if session.pain_before_no_answer else None,
        "pain_after_no_answer": NoAnswer(session.pain_after_no_answer) if session.pain_after_no_answer else None,
        "anything_new": None if new is None else frozenset(NewSinceLast(word) for word in new),
        "anything_new_text": session.new_since_last_text,
    }


def _deviation(row: SessionDeviation) -> DeviationContent:
    return DeviationContent(
        DeviationKind(row.kind), row.position, row.prescribed, row.delivered, DeviationReason(row.reason), row.reason_text
    )
