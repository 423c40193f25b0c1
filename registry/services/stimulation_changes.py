"""Pains and side effects of sessions that change: corrected as new versions, taken out, brought back, added; in sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar, cast
from uuid import UUID

from django.db.models import QuerySet

from registry.exceptions import Conflict
from registry.models import AdverseEvent, PainScore, StimulationSession, User
from registry.rules.adverse_events import NewAdverseEvent
from registry.rules.scores import NewScore, value_units
from registry.rules.stimulation import NewSideEffect
from registry.services.patient_file import check_pains_stand
from registry.services.stimulation_answers import (
    AFTER,
    BEFORE,
    asked_at,
    effect_record,
    needs_report,
    new_event,
    new_scores,
    pain_of,
    pain_record,
    places,
    standing_pain_records,
)
from registry.services.stimulation_references import SessionReferences
from registry.services.stimulation_rows import Prepared
from registry.services.versions import CHANGED_MEANWHILE
from registry.vocabulary import SEVERITY_GRADES

Row = TypeVar("Row", PainScore, AdverseEvent)
HIGHEST_IN_WORDS = max(SEVERITY_GRADES.values())


@dataclass(frozen=True)
class Standing:
    """The standing pains and solicited side effects of some sessions."""

    pains: Mapping[UUID, PainScore]
    effects: Mapping[UUID, list[AdverseEvent]]


@dataclass
class Changes:
    """Versions to end, versions to add, and what is new."""

    ended: list[int] = field(default_factory=list)
    voided: list[int] = field(default_factory=list)
    scores: list[PainScore] = field(default_factory=list)
    events: list[AdverseEvent] = field(default_factory=list)
    ended_events: list[int] = field(default_factory=list)
    voided_events: list[int] = field(default_factory=list)
    new_scores: list[NewScore] = field(default_factory=list)
    new_events: list[NewAdverseEvent] = field(default_factory=list)


def standing_answers(sessions: Collection[StimulationSession]) -> Standing:
    """Read the standing pains and side effects of sessions, in two queries."""
    scores = PainScore.objects.filter(record__in=standing_pain_records(sessions), ended_at__isnull=True)
    events = AdverseEvent.objects.filter(session_record__in=[one.record for one in sessions], solicited=True, ended_at__isnull=True)
    effects: defaultdict[UUID, list[AdverseEvent]] = defaultdict(list)
    for event in cast(Iterable[AdverseEvent], events.order_by("pk")):
        if event.session_record is not None:
            effects[event.session_record].append(event)
    return Standing({score.record: score for score in scores}, effects)


def change_pains(one: Prepared, before: StimulationSession, standing: Standing, references: SessionReferences, changes: Changes) -> None:
    """Note what becomes of a session's pains, and in the new version of the session which scores hold them."""
    added = []
    for question in (BEFORE, AFTER):
        record = getattr(before, f"{question}_record")
        score = standing.pains.get(record) if record is not None else None
        value = pain_of(one.row, question)
        if value is None:
            changes.voided += [score.pk] if score is not None else []
            record = None
        elif score is None:
            added.append(question)
            record = pain_record(one.session.record, question, one.session.version)
        else:
            said = (value, one.session.for_date, one.session.visit_type_id, still_asked_at(one, before, score, question))
            if said != (score.value, score.for_date, score.visit_type_id, score.observed_at):
                changes.ended.append(score.pk)
                changes.scores.append(_next_score(score, *said, now=one.session.recorded_at))
        setattr(one.session, f"{question}_record", record)
    changes.new_scores += new_scores(one, added, references)


def still_asked_at(one: Prepared, before: StimulationSession, score: PainScore | None, question: str) -> datetime | None:
    """Return when pain was asked: as given now, else as known before while the session's times stay."""
    given = getattr(one.row, f"{question}_at")
    times = (one.session.started_at, one.session.finished_at)
    if given is not None or score is None or times != (before.started_at, before.finished_at):
        return asked_at(one.row, question)
    return score.observed_at


def _next_score(
    score: PainScore, value: Decimal, on: date, visit_type_id: int | None, observed_at: datetime | None, *, now: datetime
) -> PainScore:
    successor = _successor(score, now)
    successor.value, successor.value_units = value, value_units(value)
    successor.for_date, successor.visit_type_id, successor.observed_at = on, visit_type_id, observed_at
    return successor


def _successor(row: Row, now: datetime) -> Row:
    """Return the next version of a row, not written yet; the row itself stays as it is."""
    successor = type(row)(**{one.attname: getattr(row, one.attname) for one in row._meta.concrete_fields})
    successor.pk, successor.version, successor.ended_at, successor.voided = None, row.version + 1, None, False
    successor.recorded_at = now
    return successor


def change_effects(one: Prepared, before: StimulationSession, standing: Standing, changes: Changes, by: User) -> None:
    """Note what becomes of a session's side effects; where nobody asked, they are left alone."""
    if one.row.side_effects is None:
        return
    left: defaultdict[str, list[AdverseEvent]] = defaultdict(list)
    for event in standing.effects.get(before.record, []):
        left[event.term].append(event)
    for place, effect in places(one.row.side_effects):
        if not left[effect.term]:
            record = effect_record(one.session.record, effect.term, place, one.session.version)
            changes.new_events.append(new_event(one, effect, record))
            continue
        event = left[effect.term].pop(0)
        if _effect_differs(event, effect, one, before):
            changes.ended_events.append(event.pk)
            changes.events.append(_next_event(event, effect, one, before, by))
    changes.voided_events += [event.pk for events in left.values() for event in events]


def _effect_differs(event: AdverseEvent, effect: NewSideEffect, one: Prepared, before: StimulationSession) -> bool:
    relation = effect.relation or event.relatedness
    said = (min(event.grade, HIGHEST_IN_WORDS), event.relatedness, event.term_text)
    moved = event.onset_on == before.for_date and event.onset_on != one.session.for_date
    return moved or said != (SEVERITY_GRADES[effect.severity], relation, effect.text)


def _next_event(event: AdverseEvent, effect: NewSideEffect, one: Prepared, before: StimulationSession, by: User) -> AdverseEvent:
    """Return the event as the session says it now; what a report added to it stays."""
    successor = _successor(event, one.session.recorded_at)
    successor.recorded_by_id = by.pk
    successor.relatedness, successor.term_text = effect.relation or event.relatedness, effect.text
    if min(event.grade, HIGHEST_IN_WORDS) != SEVERITY_GRADES[effect.severity]:
        successor.grade = SEVERITY_GRADES[effect.severity]
        successor.needs_report = event.needs_report or needs_report(effect)
    if event.onset_on == before.for_date:
        successor.onset_on, successor.onset_at = one.session.for_date, one.row.started_at
    return successor


def write_changes(changes: Changes, now: datetime) -> None:
    """End and add versions, in a number of statements that does not depend on how many."""
    _end(PainScore.objects.all(), changes.ended, now, voided=False)
    _end(PainScore.objects.all(), changes.voided, now, voided=True)
    _end(_events(), changes.ended_events, now, voided=False)
    _end(_events(), changes.voided_events, now, voided=True)
    PainScore.objects.bulk_create(changes.scores)
    AdverseEvent.objects.bulk_create(changes.events)


def _events() -> QuerySet[AdverseEvent]:
    return cast(QuerySet[AdverseEvent], AdverseEvent.objects.all())


def _end(rows: QuerySet[Row], ids: Sequence[int], now: datetime, *, voided: bool) -> None:
    """Compare and set: raise Conflict where somebody ended one of the versions meanwhile."""
    if ids and rows.filter(pk__in=ids, ended_at__isnull=True).update(ended_at=now, voided=voided) != len(ids):
        raise Conflict(CHANGED_MEANWHILE)


def void_answers(session: StimulationSession, now: datetime) -> None:
    """Take the pains and side effects of a session out with it."""
    standing = standing_answers([session])
    voided = [score.pk for score in standing.pains.values()]
    events = [event.pk for event in standing.effects.get(session.record, [])]
    write_changes(Changes(voided=voided, voided_events=events), now)


def restore_answers(session: StimulationSession, *, by: User, now: datetime) -> None:
    """Bring back the pains and side effects that were taken out in the same act as the session."""
    scores = list(PainScore.objects.filter(record__in=standing_pain_records([session]), voided=True, ended_at=session.ended_at))
    check_pains_stand(scores)
    events = AdverseEvent.objects.filter(session_record=session.record, solicited=True, voided=True, ended_at=session.ended_at)
    PainScore.objects.bulk_create([_successor(score, now) for score in scores])
    AdverseEvent.objects.bulk_create(list(_restored(cast(Iterable[AdverseEvent], events), by, now)))


def _restored(events: Iterable[AdverseEvent], by: User, now: datetime) -> Iterator[AdverseEvent]:
    for event in events:
        successor = _successor(event, now)
        successor.recorded_by_id = by.pk
        yield successor
