"""A session as people read it: the same lines for a record, its versions and the preview of a correction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from registry.rules.stimulation.blocks import Block, total_length_s, total_pulses
from registry.rules.stimulation.numbers import UNKNOWN, count_text, decimal_text, length_text
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationKind,
    DeviationReason,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
)

YES_NO = {True: "Yes", False: "No", None: UNKNOWN}


@dataclass(frozen=True, slots=True)
class EffectContent:
    """One side effect of a session."""

    term: AdverseEventTerm
    grade: int
    relation: Relatedness
    text: str = ""


@dataclass(frozen=True, slots=True)
class DeviationContent:
    """One deviation of a session with its reason."""

    kind: DeviationKind
    block: int | None
    prescribed: str
    delivered: str
    reason: DeviationReason
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class SessionContent:
    """Everything one version of a session says."""

    number: int | None
    period: int
    status: SessionStatus
    reason: SessionReason | None
    reason_text: str
    for_date: date
    started_at: datetime | None
    ended_at: datetime | None
    visit: str
    protocol: str
    as_planned: bool
    blocks: tuple[Block, ...]
    settings: tuple[int | None, ...]
    threshold: UUID | None
    threshold_percent_mso: int | None
    threshold_factor: Decimal | None
    stimulator: str
    coil: str
    kit_code: str
    hearing_protection: bool | None
    coil_matches_threshold: bool | None
    pulse_counter: int | None
    pain_before: Decimal | None
    pain_before_no_answer: NoAnswer | None
    pain_before_at: datetime | None
    pain_after: Decimal | None
    pain_after_no_answer: NoAnswer | None
    pain_after_at: datetime | None
    anything_new: frozenset[NewSinceLast] | None
    anything_new_text: str
    side_effects: tuple[EffectContent, ...] | None
    deviations: tuple[DeviationContent, ...]
    note: str
    row_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a session: the field it belongs to, its label, its value in words."""

    field: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """One line that a correction changes."""

    field: str
    label: str
    old: str
    new: str


def session_lines(content: SessionContent, zone: ZoneInfo) -> list[Line]:
    """Return a session line by line, times as the clock where the patient is shows them; derived values are among them."""
    return [Line(field, label, value) for field, label, value in _lines(content, zone)]


def changed_lines(old: SessionContent, new: SessionContent, zone: ZoneInfo) -> list[ChangedLine]:
    """Return the lines that differ, in the order of the record."""
    before = {line.field: line for line in session_lines(old, zone)}
    after = {line.field: line for line in session_lines(new, zone)}
    found = []
    for field in dict.fromkeys((*before, *after)):
        was, now = before.get(field), after.get(field)
        old_value, new_value = (UNKNOWN if line is None else line.value for line in (was, now))
        label = next(line.label for line in (now, was) if line is not None)
        if old_value != new_value:
            found.append(ChangedLine(field, label, old_value, new_value))
    return found


def _lines(content: SessionContent, zone: ZoneInfo) -> Iterator[tuple[str, str, str]]:
    yield "number", "Session", UNKNOWN if content.number is None else str(content.number)
    yield "period", "Period", str(content.period)
    yield "for_date", "Day", content.for_date.isoformat()
    yield "started_at", "Start of stimulation", _clock(content.started_at, zone)
    yield "ended_at", "End", _clock(content.ended_at, zone)
    yield "visit", "Visit", content.visit or UNKNOWN
    yield "protocol", "Protocol version", content.protocol or UNKNOWN
    yield "status", "What was given", content.status.label
    yield "reason", "Reason", _with_text(content.reason.label if content.reason else UNKNOWN, content.reason_text)
    yield from _dose_lines(content)
    yield from _device_lines(content)
    yield "pain_before", "Pain before", _pain(content.pain_before, content.pain_before_no_answer)
    yield "pain_before_at", "Asked before at", _clock(content.pain_before_at, zone)
    yield "pain_after", "Pain after", _pain(content.pain_after, content.pain_after_no_answer)
    yield "pain_after_at", "Asked after at", _clock(content.pain_after_at, zone)
    yield "anything_new", "Anything new", _anything_new(content)
    yield "side_effects", "Side effects", _effects(content.side_effects)
    yield "deviations", "Deviations", "; ".join(_deviation(one) for one in content.deviations) or "None"
    yield "note", "Note", content.note or UNKNOWN


def _dose_lines(content: SessionContent) -> Iterator[tuple[str, str, str]]:
    yield "as_planned", "Given as planned", YES_NO[content.as_planned]
    for position, (block, setting) in enumerate(zip(content.blocks, content.settings, strict=True)):
        place = f"Block {position + 1}" if len(content.blocks) > 1 else "Dose"
        yield f"blocks[{position}]", place, block_text(block)
        yield f"blocks[{position}].setting", f"{place}: setting", UNKNOWN if setting is None else f"{setting} % MSO"
    known = content.blocks or None
    yield "pulses", "Pulses", count_text(total_pulses(content.blocks) if known else None)
    yield "length", "Length", length_text(total_length_s(content.blocks) if known else None)


def _device_lines(content: SessionContent) -> Iterator[tuple[str, str, str]]:
    percent, factor = content.threshold_percent_mso, content.threshold_factor
    carried = "" if factor is None else f", carried over by {decimal_text(factor)}"
    yield "threshold", "Motor threshold", UNKNOWN if percent is None else f"{percent} % MSO{carried}"
    yield "stimulator", "Stimulator", content.stimulator or UNKNOWN
    yield "coil", "Coil", content.coil or UNKNOWN
    yield "kit_code", "Kit", content.kit_code or UNKNOWN
    yield "hearing_protection", "Hearing protection", YES_NO[content.hearing_protection]
    yield "coil_matches_threshold", "Coil of the threshold's model", YES_NO[content.coil_matches_threshold]
    yield "pulse_counter", "Stimulator's pulse counter", count_text(content.pulse_counter)


def block_text(block: Block) -> str:
    """Return one block in a line: '10 Hz, 30 trains of 100 pulses, pause 20 s, 80 % RMT, M1, hand area, left'."""
    pattern = block.pattern
    burst = f", bursts of {pattern.pulses_per_burst} at {decimal_text(pattern.intra_burst_hz)} Hz" if pattern.intra_burst_hz else ""
    trains = f"{pattern.trains} train{'s' if pattern.trains != 1 else ''} of {count_text(pattern.pulses_per_train)} pulses"
    pause = f", pause {decimal_text(pattern.gap_s)} s" if pattern.trains > 1 else ""
    intensity = f"{decimal_text(block.intensity_percent)} % {block.intensity_reference.upper()}"
    place = f"{_with_text(block.target.label, block.target_text)}, {block.hemisphere.label.lower()}"
    return f"{decimal_text(pattern.frequency_hz)} Hz{burst}, {trains}{pause}, {intensity}, {place}"


def _with_text(label: str, text: str) -> str:
    return f"{label}: {text}" if text else label


def _clock(moment: datetime | None, zone: ZoneInfo) -> str:
    return UNKNOWN if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _pain(value: Decimal | None, no_answer: NoAnswer | None) -> str:
    if value is not None:
        return decimal_text(value)
    return UNKNOWN if no_answer is None else f"No answer: {no_answer.label.lower()}"


def _anything_new(content: SessionContent) -> str:
    if content.anything_new is None:
        return "Not asked"
    words = [word.label for word in NewSinceLast if word in content.anything_new]
    return _with_text(", ".join(words) or "Nothing new", content.anything_new_text)


def _effects(effects: tuple[EffectContent, ...] | None) -> str:
    if effects is None:
        return "Not asked"
    return (
        "; ".join(f"{_with_text(one.term.label, one.text)}, grade {one.grade}, {one.relation.label.lower()}" for one in effects) or "None"
    )


def _deviation(one: DeviationContent) -> str:
    place = "" if one.block is None else f" (block {one.block})"
    return f"{one.kind.label}{place}: {one.prescribed} planned, {one.delivered} given; {_with_text(one.reason.label, one.reason_text)}"
