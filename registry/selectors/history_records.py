"""The history of a patient's versioned records: sessions with their dose, thresholds, adverse events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from registry.models import AdverseEvent, Enrolment, MotorThreshold, StimulationBlock, StimulationSession, User
from registry.models.records import RecordQuerySet, VersionedRecord
from registry.rules.history_records import Noun, RecordVersion
from registry.rules.history_sentences import plain
from registry.selectors.history_events import events_of, names_behind, words_of


@dataclass(frozen=True)
class _Subject:
    """A table of versioned records: what one is called, which column is its day, which columns are worth telling."""

    model: type[VersionedRecord]
    noun: Noun
    day: str
    fields: tuple[str, ...]


SUBJECTS = (
    _Subject(
        StimulationSession,
        Noun("session", "sessions", named_by="number"),
        "for_date",
        (
            *("number", "status", "reason", "reason_text", "started_at", "visit_type", "threshold_percent_mso", "stimulator", "kit_code"),
            *("hearing_protection", "coil_matches_threshold", "pulse_counter", "pulses_delivered", "note"),
        ),
    ),
    _Subject(
        MotorThreshold,
        Noun("motor threshold", "motor thresholds"),
        "measured_on",
        ("percent_mso", "kind", "hemisphere", "coil", "stimulator", "muscle", "method"),
    ),
    _Subject(
        AdverseEvent,
        Noun("adverse event", "adverse events", named_by="term"),
        "onset_on",
        ("term", "term_text", "grade", "serious", "relatedness", "expected", "action", "outcome", "resolved_on", "note"),
    ),
)


def versioned_records(user: User, enrolment: Enrolment) -> Iterator[tuple[Noun, list[RecordVersion]]]:
    """Yield each kind of record with what was written and voided of those the person may see, the oldest first."""
    for subject in SUBJECTS:
        yield subject.noun, _versions(subject, user, enrolment)


def _versions(subject: _Subject, user: User, enrolment: Enrolment) -> list[RecordVersion]:
    everything: RecordQuerySet[VersionedRecord] = RecordQuerySet(subject.model)
    visible = everything.visible_to(user).filter(Q(enrolment=enrolment))
    rows = events_of(subject.model).objects.filter(Q(pgh_label="insert") | Q(voided=True), pgh_obj_id__in=visible.values("pk"))
    events = list(rows.order_by("pgh_id"))
    names = names_behind(events, subject.model, subject.fields)
    doses = _doses(events) if subject.model is StimulationSession else {}
    return [_version(subject, event, names, doses) for event in events]


def _version(subject: _Subject, event: Any, names: dict[tuple[str, int], str], doses: dict[int, str]) -> RecordVersion:
    values = {name: _words(event, name, names) for name in subject.fields}
    if doses:
        values["dose"] = doses.get(event.pgh_obj_id, "")
    day = getattr(event, subject.day).isoformat()
    return RecordVersion(event.change_id, event.record, event.version, event.pgh_label == "insert", day, values)


def _words(event: Any, name: str, names: dict[tuple[str, int], str]) -> str:
    value = getattr(event, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime) and event.zone:
        return f"{value.astimezone(ZoneInfo(event.zone)):%Y-%m-%d %H:%M}"
    return words_of(event, name, names)


def _doses(events: list[Any]) -> dict[int, str]:
    """Return the delivered blocks of each version of a session in one line; blocks are written once and never changed."""
    found: dict[int, list[str]] = defaultdict(list)
    for block in StimulationBlock.objects.filter(session_id__in=[event.pgh_obj_id for event in events]).order_by("session_id", "position"):
        found[block.session_id].append(_block(block))
    return {session_id: " then ".join(blocks) for session_id, blocks in found.items()}


def _block(block: StimulationBlock) -> str:
    pulses = f"{block.bursts_per_train} x {block.pulses_per_burst}" if block.pulses_per_burst > 1 else str(block.bursts_per_train)
    pattern = f"{plain(block.frequency_hz)} Hz, {block.trains} trains of {pulses} pulses, pause {plain(block.gap_s)} s"
    return f"{pattern}, {plain(block.intensity_percent)} % {block.intensity_reference.upper()}"
