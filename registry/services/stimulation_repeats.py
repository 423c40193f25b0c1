"""Which sessions of a set are on record already: a repeat changes nothing, another content under the same identifier is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from registry.closed_room import current_alias
from registry.exceptions import Conflict
from registry.models import AdverseEvent, PainScore, StimulationSession, User
from registry.postgresql.prepared import cursor_of
from registry.rules.stimulation.session_checks import MOST_OTHERS
from registry.services.stimulation_answers import AFTER, BEFORE, effect_record, pain_record, places, standing_pain_records
from registry.services.stimulation_rows import Prepared
from registry.services.unknown_scores import unknown_scores
from registry.vocabulary import SEVERITY_GRADES, AdverseEventTerm

OnRecord = dict[str, set[UUID]]
TAKEN = "The identifier of this session belongs to another one already. Begin a new entry for a new session."
# Numbers are compared here: joined to thousands of them, a table that has never been analysed is read once for each.
ON_RECORD = """
SELECT 'session', record, NULL::bigint, NULL::integer, NULL::integer FROM registry_stimulationsession
    WHERE record = ANY(%(records)s::uuid[]) AND version = 1
UNION ALL SELECT 'score', record, NULL, NULL, NULL FROM registry_painscore WHERE record = ANY(%(scores)s::uuid[]) AND version = 1
UNION ALL SELECT 'event', record, NULL, NULL, NULL FROM registry_adverseevent WHERE record = ANY(%(events)s::uuid[]) AND version = 1
UNION ALL SELECT 'draft', uuid, NULL, NULL, NULL FROM registry_sessiondraft WHERE uuid = ANY(%(records)s::uuid[])
UNION ALL SELECT 'number', record, enrolment_id, period, number FROM registry_stimulationsession
    WHERE enrolment_id = ANY(%(enrolments)s::bigint[]) AND ended_at IS NULL AND number IS NOT NULL"""
# What makes two sendings the same session. Its end, its note and who sent it are no part of that.
CONTENT = (
    *("enrolment_id", "number", "period", "status", "reason", "for_date", "started_at", "as_planned", "kit_code", "pulse_counter"),
    *("pain_before_no_answer", "pain_after_no_answer", "row_id"),
)
BLOCK_CONTENT = (
    *("target", "hemisphere", "frequency_hz", "pulses_per_burst", "intra_burst_hz", "bursts_per_train", "trains", "gap_s"),
    *("intensity_percent", "intensity_reference"),
)


def what_is_on_record(prepared: Sequence[Prepared]) -> OnRecord:
    """Return which records and numbers of new sessions exist already, and their drafts, in one statement."""
    # An identifier that was made here is nowhere yet.
    sent = [one for one in prepared if one.row.record is not None]
    numbered = [one.session for one in prepared if one.session.number is not None]
    values: dict[str, list[Any]] = {
        "records": [one.session.record for one in sent],
        "scores": [pain_record(one.session.record, question) for one in sent for question in (BEFORE, AFTER)],
        "events": [record for one in sent for record, _ in _wanted_effects(one)],
        "enrolments": list({one.enrolment_id for one in numbered}),
    }
    wanted = {(one.enrolment_id, one.period, one.number) for one in numbered}
    found: OnRecord = {"session": set(), "score": set(), "event": set(), "draft": set(), "number": set()}
    with cursor_of(current_alias()) as cursor:
        cursor.execute(ON_RECORD, values)
        for kind, record, *number in cursor.fetchall():
            if kind != "number" or tuple(number) in wanted:
                found[kind].add(record)
    return found


def repeated_records(prepared: Sequence[Prepared], by: User) -> set[UUID]:
    """Return which of these records exist; raise Conflict where one of them is another session.

    The first version decides: what was corrected since is still the same record. Where a pain of it is neither the person's own nor
    theirs to see, it is another session whatever was sent.
    """
    rows = StimulationSession.objects.filter(record__in=[one.session.record for one in prepared], version=1)
    found = cast(Iterable[StimulationSession], rows.select_related("threshold").prefetch_related("blocks"))
    stored = {session.record: session for session in found}
    if stored:
        repeats = [one for one in prepared if one.session.record in stored]
        scores, effects = _first_pains(stored.values()), _first_effects(stored.values())
        pains, hidden = {score.record: score.value for score in scores}, unknown_scores(scores, by)
        known = [one for one in repeats if not hidden & {*standing_pain_records([stored[one.session.record]])}]
        same = {one.session.record for one in known if _same(one, stored[one.session.record], pains, effects)}
        if len(same) < len(repeats):
            raise Conflict(TAKEN, field="id", records=[one.session.record for one in repeats if one.session.record not in same])
    return set(stored)


def _same(one: Prepared, stored: StimulationSession, pains: dict[UUID, Decimal], effects: dict[UUID, set[tuple[UUID, int]]]) -> bool:
    """Tell whether a row says what was recorded first. Of a session given as planned the plan may have been amended since."""
    row, session = one.row, one.session
    return (
        all(getattr(stored, name) == getattr(session, name) for name in CONTENT)
        and (None if stored.threshold is None else stored.threshold.record) == row.threshold
        and (row.as_planned or _blocks(list(stored.blocks.all())) == _blocks(one.blocks))
        and (_pain(stored.pain_before_record, pains), _pain(stored.pain_after_record, pains)) == (row.pain_before, row.pain_after)
        and stored.side_effects_asked == (row.side_effects is not None)
        and effects.get(stored.record, set()) == _wanted_effects(one)
    )


def _blocks(blocks: Iterable[object]) -> list[tuple[object, ...]]:
    return [tuple(getattr(block, name) for name in BLOCK_CONTENT) for block in blocks]


def _pain(record: UUID | None, pains: dict[UUID, Decimal]) -> Decimal | None:
    return None if record is None else pains.get(record)


def _wanted_effects(one: Prepared) -> set[tuple[UUID, int]]:
    return {
        (effect_record(one.session.record, effect.term, place), SEVERITY_GRADES[effect.severity])
        for place, effect in places(one.row.side_effects or ())
    }


def _first_pains(sessions: Collection[StimulationSession]) -> list[PainScore]:
    return list(PainScore.objects.filter(record__in=standing_pain_records(sessions), version=1))


def _first_effects(sessions: Collection[StimulationSession]) -> dict[UUID, set[tuple[UUID, int]]]:
    """Return the side effects that were recorded together with each session; events added later have other identifiers."""
    possible = {record for one in sessions for record in _possible_effects(one.record)}
    rows = AdverseEvent.objects.filter(session_record__in=[one.record for one in sessions], solicited=True, version=1)
    found: dict[UUID, set[tuple[UUID, int]]] = {}
    for session, record, grade in rows.values_list("session_record", "record", "grade"):
        if session is not None and record in possible:
            found.setdefault(session, set()).add((record, grade))
    return found


def _possible_effects(session: UUID) -> Iterator[UUID]:
    for term in AdverseEventTerm:
        for place in range(MOST_OTHERS if term is AdverseEventTerm.OTHER else 1):
            yield effect_record(session, term, place)
