"""From the entries of a session form to a session in the domain's words; what a session must be is decided by the rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from registry.exceptions import InvalidInput, Problem
from registry.rules.stimulation import Block, NewBlock, NewSession, NewSideEffect, Pattern, read_decimal, read_pattern
from registry.rules.stimulation.pattern_checks import PatternInput
from registry.rules.thresholds import NewThreshold
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationReason,
    Hemisphere,
    IntensityReference,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
    Severity,
    StimulationTarget,
    ThresholdMethod,
    TreatmentGuess,
    Word,
)
from web.session_form import CHANGED, EARLY, LAST, MEASURED, NO, NONE, NOT_GIVEN, PLAN, YES, SessionForm

STATUS = {PLAN: SessionStatus.GIVEN, CHANGED: SessionStatus.GIVEN, EARLY: SessionStatus.PARTIAL, NOT_GIVEN: SessionStatus.NOT_GIVEN}
# After so long the times of the answers no longer say when the session was.
LATE_AFTER = timedelta(hours=2)
SomeWord = TypeVar("SomeWord", bound=Word)


@dataclass(frozen=True)
class Times:
    """When the form learned what: first answers before and after stimulation. A record being corrected has its own times."""

    began: datetime
    ended: datetime | None
    now: datetime
    zone: ZoneInfo


@dataclass
class Reading:
    """What the entries say so far; problems are those of reading alone."""

    problems: list[Problem] = field(default_factory=list)
    threshold_percent: int | None = None
    new_threshold: NewThreshold | None = None
    blocks: tuple[Block, ...] = ()
    row: NewSession = field(default_factory=lambda: NewSession(patient="", status=SessionStatus.GIVEN))

    def note(self, name: str, message: str, code: str = "required") -> None:
        self.problems.append(Problem(name, message, code))


def threshold_record(record: uuid.UUID, version: int) -> uuid.UUID:
    """Return the id of the threshold measured in a version of a session: the same whenever the form is sent, so that it is stored once."""
    return uuid.uuid5(record, f"motor threshold {version}")


def read_session(form: SessionForm, record: uuid.UUID, times: Times, *, version: int = 1) -> Reading:
    """Return the session that a form describes. An unanswered 'What was given' reads as planned, for the values beside the form."""
    reading = Reading()
    given = form.value("given")
    if not given:
        reading.note("given", _("Choose what was given."))
    began, ended, day = _times(form, times, reading)
    threshold = _threshold(form, threshold_record(record, version), began, day, reading)
    blocks = tuple(_blocks(form, given, reading))
    _remember_dose(form, given, blocks, reading)
    effects = form.values("effects")
    if NONE in effects and len(effects) > 1:
        reading.note("effects", _("None and a side effect are both ticked. Keep one of the two."), "contradiction")
    stimulated = given != NOT_GIVEN
    reading.row = NewSession(
        patient=form.asked.enrolment.patient_code,
        status=STATUS.get(given, SessionStatus.GIVEN),
        number=form.asked.number,
        reason=word(SessionReason, form.value("reason_early" if given == EARLY else "reason_none"))
        if given in (EARLY, NOT_GIVEN)
        else None,
        reason_text=form.value("reason_early_text" if given == EARLY else "reason_none_text") if given in (EARLY, NOT_GIVEN) else "",
        started_at=began,
        ended_at=ended,
        protocol_version=form.asked.prescribed.version.version if form.asked.prescribed is not None else None,
        as_planned=given in ("", PLAN),
        blocks=blocks if given in (CHANGED, EARLY) else (),
        threshold=threshold,
        stimulator=form.value("stimulator") or None,
        kit_code=form.value("kit_code") or (form.asked.kit_code if stimulated else ""),
        hearing_protection=attested(form, "hearing_protection") if stimulated else None,
        coil_matches_threshold=attested(form, "coil_matches") if stimulated else None,
        pulse_counter=whole(form, "pulse_counter", reading),
        pain_before=pain(form, "pain_before", reading),
        pain_before_no_answer=no_answer(form, "pain_before", reading),
        pain_after=pain(form, "pain_after", reading),
        pain_after_no_answer=no_answer(form, "pain_after", reading),
        anything_new=_anything_new(form, reading),
        anything_new_text=form.value("anything_new_text") if form.value("anything_new") == YES else "",
        side_effects=tuple(_effects(form, reading)) if effects else None,
        guess=word(TreatmentGuess, form.value("guess")) if form.asked.is_last else None,
        guess_certainty=whole(form, "guess_certainty", reading) if form.asked.is_last else None,
        deviation_reason=word(DeviationReason, form.value("deviation_reason")),
        deviation_text=form.value("deviation_text"),
        note=form.value("note"),
        record=record,
    )
    return reading


def word(kind: type[SomeWord], value: str) -> SomeWord | None:
    """Return an answer as the word it is."""
    return kind(value) if value else None


def whole(form: SessionForm, name: str, reading: Reading) -> int | None:
    """Return a whole number, None for nothing; a text that is none becomes a problem. Spaces between thousands are read over."""
    entry = form.value(name).replace(" ", "").replace("\u2009", "")
    if not entry:
        return None
    if entry.isascii() and entry.isdigit():
        return int(entry)
    reading.note(name, _("Enter a whole number."), "not_a_number")
    return None


def pain(form: SessionForm, name: str, reading: Reading) -> Decimal | None:
    """Return the answer to a pain question."""
    entry = form.value(name)
    if entry in ("", NONE):
        return None
    value = read_decimal(entry)
    if value is None:
        reading.note(name, _("Enter a number such as 4 or 3.5."), "not_a_number")
    return value


def no_answer(form: SessionForm, name: str, reading: Reading) -> NoAnswer | None:
    """Return why a pain question has no answer; a number beside a forgotten reason stays the answer."""
    entry = form.value(name)
    if entry not in ("", NONE):
        return None
    reason = word(NoAnswer, form.value(f"{name}_why"))
    if entry == NONE and reason is None:
        reading.note(f"{name}_why", _("Say why there is no answer."))
    return reason


def attested(form: SessionForm, name: str) -> bool | None:
    """Return yes or no. 'Exactly as planned' stands for yes: the plan above it says so in words."""
    if form.value("given") in ("", PLAN):
        return True
    return {YES: True, NO: False}.get(form.value(name))


def _anything_new(form: SessionForm, reading: Reading) -> frozenset[NewSinceLast] | None:
    answer = form.value("anything_new")
    if not answer:
        return None
    items = frozenset(NewSinceLast(one) for one in form.values("new_items"))
    if answer == YES and not items:
        reading.note("new_items", _("Tick what changed."))
    return items if answer == YES else frozenset()


def _effects(form: SessionForm, reading: Reading) -> Iterator[NewSideEffect]:
    for value in form.values("effects"):
        if value == NONE:
            continue
        term, severity = AdverseEventTerm(value), word(Severity, form.value(f"severity_{value}"))
        if severity is None:
            reading.note(f"severity_{value}", _("Say how strong it was."))
            severity = Severity.MILD
        relation = word(Relatedness, form.value(f"relation_{value}")) if severity is not Severity.MILD else None
        yield NewSideEffect(term, severity, relation, form.value("other_effect") if term is AdverseEventTerm.OTHER else "")


def _threshold(form: SessionForm, record: uuid.UUID, began: datetime, day: date, reading: Reading) -> uuid.UUID | None:
    """Return the record of the threshold used; one measured now is read as a new one."""
    answer, last = form.value("threshold"), form.asked.threshold
    if answer == LAST and last is not None:
        reading.threshold_percent = last.percent_mso
        return last.record
    if answer != MEASURED:
        return None
    percent = whole(form, "threshold_new", reading)
    if percent is None:
        if not form.value("threshold_new"):
            reading.note("threshold_new", _("Enter the threshold measured, in % of maximum output."))
        return None
    reading.threshold_percent = percent if 1 <= percent <= 100 else None
    hemisphere = word(Hemisphere, form.value("threshold_hemisphere")) or form.measured_side()
    if hemisphere is None:
        reading.note("threshold_hemisphere", _("Say which hemisphere the threshold was measured on."))
        return None
    reading.new_threshold = NewThreshold(
        patient=form.asked.enrolment.patient_code,
        percent_mso=percent,
        hemisphere=hemisphere,
        measured_on=day,
        measured_at=began,
        coil=form.value("threshold_coil") or (last.coil.code if last is not None and last.coil is not None else None),
        stimulator=form.value("stimulator") or (last.stimulator.code if last is not None and last.stimulator is not None else None),
        muscle=last.muscle if last is not None else "",
        method=word(ThresholdMethod, form.value("threshold_method"))
        or (ThresholdMethod(last.method) if last is not None else ThresholdMethod.NOT_RECORDED),
        record=record,
    )
    return record


def _remember_dose(form: SessionForm, given: str, blocks: tuple[NewBlock, ...], reading: Reading) -> None:
    """Keep what the values beside the form are reckoned from: the plan until something else was given."""
    planned = form.asked.prescribed.whole if form.asked.prescribed is not None else None
    if given in ("", PLAN):
        reading.blocks = planned or ()
    elif given in (CHANGED, EARLY):
        reading.blocks = tuple(
            Block(
                one.target or StimulationTarget.OTHER,
                one.hemisphere or Hemisphere.LEFT,
                one.pattern,
                one.intensity_percent,
                one.intensity_reference,
                one.target_text,
            )
            for one in blocks
        )


def _blocks(form: SessionForm, given: str, reading: Reading) -> Iterator[NewBlock]:
    if given not in (CHANGED, EARLY):
        return
    delivered = False
    for position in range(max(1, len(form.planned))):
        for block in _block(form, position, given, reading):
            delivered = True
            yield block
    if given == EARLY and not delivered and not any(problem.field.startswith("block") for problem in reading.problems):
        reading.note("given", _("No train was given. Choose 'Not given', or enter how much was."), "contradiction")


def _block(form: SessionForm, position: int, given: str, reading: Reading) -> Iterator[NewBlock]:
    """Yield a block as delivered; one that was stopped inside a train is followed by that train as a block of its own."""
    whole_pattern = _pattern(form, position, reading)
    intensity = _decimal(form, f"block{position}_intensity_percent", reading)
    if whole_pattern is None or intensity is None:
        return
    planned = form.planned[position] if form.planned else None
    target = word(StimulationTarget, form.entry(position, "target")) or (planned.target if planned is not None else None)
    side = word(Hemisphere, form.entry(position, "hemisphere")) or (planned.hemisphere if planned is not None else None)
    for name, value in (("target", target), ("hemisphere", side)):
        if value is None:
            reading.note(f"block{position}_{name}", _("Choose where the stimulation went."))
    reference = planned.intensity_reference if planned is not None else IntensityReference.RMT
    words = planned.target_text if planned is not None and planned.target is target else ""
    for pattern in [whole_pattern] if given == CHANGED else _up_to_the_stop(form, position, whole_pattern, reading):
        yield NewBlock(pattern, intensity, reference, target, side, words)


def _up_to_the_stop(form: SessionForm, position: int, pattern: Pattern, reading: Reading) -> list[Pattern]:
    names = f"block{position}_trains_done", f"block{position}_broken"
    done, broken = (whole(form, name, reading) for name in names)
    if done is None:
        if not form.value(names[0]):
            reading.note(names[0], _("Enter how many whole trains were given, 0 for none."))
        return []
    if done > pattern.trains:
        reading.note(names[0], _("There were %(n)d trains. Enter how many of them were given.") % {"n": pattern.trains}, "range")
        return []
    if broken and broken >= pattern.bursts_per_train:
        reading.note(names[1], _("Enter fewer than a whole train, or count the train as whole."), "range")
        return []
    pieces = [pattern.shortened(done)] if done else []
    if broken:
        pieces.append(Pattern(pattern.frequency_hz, broken, 1, Decimal(0), pattern.pulses_per_burst, pattern.intra_burst_hz))
    return pieces


def _decimal(form: SessionForm, name: str, reading: Reading) -> Decimal | None:
    entry = form.value(name)
    value = read_decimal(entry) if entry else None
    if value is None:
        reading.note(name, _("Enter a number such as 10 or 9.5."), "not_a_number")
    return value


def _pattern(form: SessionForm, position: int, reading: Reading) -> Pattern | None:
    """Return the pattern that the editor of a block says, None where it says none."""
    before = len(reading.problems)
    start = f"block{position}_"
    has = [name.removeprefix(start) for name in form.fields if name.startswith(start)]
    decimals: dict[str, Any] = {
        name: _decimal(form, start + name, reading) for name in ("frequency_hz", "gap_s", "train_s", "intra_burst_hz") if name in has
    }
    counts: dict[str, Any] = {
        name: _count(form, start + name, reading)
        for name in ("trains", "pulses_per_train", "bursts_per_train", "pulses_per_burst")
        if name in has
    }
    if len(reading.problems) > before:
        return None
    try:
        return read_pattern(PatternInput(**decimals, **counts))
    except InvalidInput as refusal:
        reading.problems += [Problem(start + one.field, one.message, one.code) for one in refusal.problems]
        return None


def _count(form: SessionForm, name: str, reading: Reading) -> int | None:
    value = whole(form, name, reading)
    if value is None and not form.value(name):
        reading.note(name, _("Enter a whole number."), "not_a_number")
    return value


def _times(form: SessionForm, times: Times, reading: Reading) -> tuple[datetime, datetime | None, date]:
    """Return start, end and day. Typed times go before those of the answers; a late entry must have typed ones."""
    today = times.now.astimezone(times.zone).date()
    day = read_day(form.value("for_date")) if form.value("for_date") else None
    if day is None and form.value("for_date"):
        reading.note("for_date", _("Enter the day as 2026-11-19 or 19/11/2026."), "not_a_day")
    start, end = (_clock(form, name, reading) for name in ("start_time", "end_time"))
    began_on = times.began.astimezone(times.zone).date()
    if start is None:
        late = times.now - times.began > LATE_AFTER or (day is not None and day != began_on)
        if late and not form.value("start_time"):
            clock = f"{times.began.astimezone(times.zone):%H:%M}"
            reading.note(
                "start_time",
                _("This is entered late. Enter when the session began; the first answer was given at %(clock)s.") % {"clock": clock},
            )
        return times.began, times.ended if end is None else _at(began_on, end, times.zone), day or today
    on = day or began_on
    began = _same_minute(times.began, _at(on, start, times.zone))
    return began, None if end is None else _same_minute(times.ended, _at(on, end, times.zone)), on


def _same_minute(known: datetime | None, typed: datetime) -> datetime:
    """Return the moment on record where the typed clock says the same minute, so that its seconds are kept."""
    return known if known is not None and timedelta(0) <= known - typed < timedelta(minutes=1) else typed


def read_day(entry: str) -> date | None:
    """Return a day written as 2026-11-19 or 19/11/2026."""
    for pattern in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(entry, pattern).date()  # noqa: DTZ007  # a civil day has no zone
        except ValueError:
            continue
    return None


def _clock(form: SessionForm, name: str, reading: Reading) -> time | None:
    entry = form.value(name).replace(".", ":")
    if not entry:
        return None
    try:
        return datetime.strptime(entry, "%H:%M").time()  # noqa: DTZ007  # the zone is added with the day
    except ValueError:
        reading.note(name, _("Enter the time as 10:24."), "not_a_time")
        return None


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone)
