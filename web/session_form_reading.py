"""From the entries of a session form to a session in the domain's words; what a session must be is decided by the rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from registry.rules.stimulation import (
    NewSession,
    NewSideEffect,
    coil_threshold_problem,
    converted_threshold,
    is_too_short,
    read_decimal,
)
from registry.rules.thresholds import NewThreshold
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationReason,
    Hemisphere,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
    Severity,
    ThresholdMethod,
    TreatmentGuess,
)
from web.session_form import CHANGED, EARLY, LAST, MEASURED, NO, NONE, NOT_GIVEN, PLAN, YES, SessionForm
from web.session_form_blocks import read_blocks, remember_dose
from web.session_reading import Reading, Times, whole, word

STATUS = {PLAN: SessionStatus.GIVEN, CHANGED: SessionStatus.GIVEN, EARLY: SessionStatus.PARTIAL, NOT_GIVEN: SessionStatus.NOT_GIVEN}
# After so long the times of the answers no longer say when the session was.
LATE_AFTER = timedelta(hours=2)


def threshold_record(record: uuid.UUID, version: int) -> uuid.UUID:
    """Return the id of the threshold measured in a version of a session: the same whenever the form is sent, so that it is stored once."""
    return uuid.uuid5(record, f"motor threshold {version}")


def read_session(form: SessionForm, record: uuid.UUID, times: Times, *, version: int = 1) -> Reading:
    """Return the session that a form describes. An unanswered 'What was given' reads as planned, for the values beside the form."""
    reading = Reading(times=times)
    given = form.value("given")
    if not given:
        reading.note("given", _("Choose what was given."))
    began, ended, day = _times(form, times, reading)
    threshold = _threshold(form, threshold_record(record, version), began, day, reading)
    _carry_over(form, reading)
    blocks = tuple(read_blocks(form, given, reading))
    remember_dose(form, given, blocks, reading)
    effects = form.values("effects")
    if NONE in effects and len(effects) > 1:
        reading.note("effects", _("None and a side effect are both ticked. Keep one of the two."), "contradiction")
    stimulated = given != NOT_GIVEN
    # Who enters the whole form after the session answers its two ends within a minute: that is when pain was told, not when it ended.
    reading.end_unknown = stimulated and not form.value("end_time") and is_too_short(reading.blocks, began, ended)
    reading.row = NewSession(
        patient=form.asked.enrolment.patient_code,
        status=STATUS.get(given, SessionStatus.GIVEN),
        number=form.asked.number,
        reason=word(SessionReason, form.value("reason_early" if given == EARLY else "reason_none"))
        if given in (EARLY, NOT_GIVEN)
        else None,
        reason_text=form.value("reason_early_text" if given == EARLY else "reason_none_text") if given in (EARLY, NOT_GIVEN) else "",
        started_at=began,
        ended_at=None if reading.end_unknown else ended,
        protocol_version=form.asked.prescribed.version.version if form.asked.prescribed is not None else None,
        as_planned=given in ("", PLAN),
        blocks=blocks if given in (CHANGED, EARLY) else (),
        threshold=threshold,
        stimulator=form.value("stimulator") or None,
        coil=(form.value("coil_used") or None) if stimulated else None,
        kit_code=form.value("kit_code") or (form.asked.kit_code if stimulated else ""),
        hearing_protection=attested(form, "hearing_protection") if stimulated else None,
        coil_matches_threshold=coil_matches(form) if stimulated else None,
        pulse_counter=whole(form, "pulse_counter", reading),
        pain_before=pain(form, "pain_before", reading),
        pain_before_no_answer=no_answer(form, "pain_before", reading),
        pain_after=pain(form, "pain_after", reading),
        pain_after_no_answer=no_answer(form, "pain_after", reading),
        pain_after_at=ended if reading.end_unknown else None,
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


def coil_matches(form: SessionForm) -> bool | None:
    """Return whether the coil is of the threshold's model: as both coils say, else as somebody attests."""
    used, measured_with = form.coil_used(), form.coil_measured_with()
    if used is None or measured_with is None:
        return attested(form, "coil_matches")
    return bool(used.model == measured_with.model)


def _carry_over(form: SessionForm, reading: Reading) -> None:
    """Turn the threshold into terms of the coil used, by the trial's stated factor; without one there is no value to show."""
    used, measured_with = form.coil_used(), form.coil_measured_with()
    if used is None or measured_with is None or used.model == measured_with.model or reading.threshold_percent is None:
        return
    factor = form.asked.conversions.get((measured_with.model, used.model))
    refused = coil_threshold_problem(measured_with.model, used.model, factor)
    reading.problems += [] if refused is None else [refused]
    reading.other_coil = True
    reading.threshold_percent = None if factor is None else converted_threshold(reading.threshold_percent, factor)


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
        reading.threshold_percent = form.asked.threshold_percent
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
