"""What a session must be: values in range whoever sends them, and every question answered where the form asks it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from registry.exceptions import Problem
from registry.rules.stimulation.dose import INTENSITY_DECIMALS, INTENSITY_PERCENT, THRESHOLD_PERCENT_MSO
from registry.rules.stimulation.numbers import range_problem
from registry.rules.stimulation.pattern_checks import pattern_problems
from registry.rules.stimulation.sessions import NewBlock, NewSession, NewSideEffect, SessionTimes
from registry.vocabulary import (
    SESSION_REASONS,
    AdverseEventTerm,
    IntensityReference,
    NewSinceLast,
    SessionReason,
    SessionStatus,
    Severity,
)
from registry.wording import _

NUMBERS = (1, 9999)
PERIODS = (1, 20)
MOST_BLOCKS = 20
CERTAINTY = (0, 10)
PULSE_COUNTER = (0, 1_000_000)
LONGEST_SESSION = timedelta(hours=24)
LONGEST_TEXTS = {
    "reason_text": 500,
    "deviation_text": 500,
    "note": 500,
    "anything_new_text": 200,
    "kit_code": 20,
    "row_id": 80,
}
LONGEST_EFFECT = 200
MOST_OTHERS = 5
LONGEST_TARGET = 120


def session_problems(row: NewSession, *, complete: bool) -> list[Problem]:
    """Return what is wrong with a session, knowing neither clock nor trial.

    Ranges and contradictions are refused from everybody. `complete` also asks for the answers that the session form of a
    running trial requires; records of what was delivered elsewhere may lack them.
    """
    found = [
        *_status_problems(row),
        *_dose_problems(row),
        *_answer_problems(row),
        *_range_problems(row),
        *_side_effect_problems(row.side_effects or ()),
    ]
    return [*found, *_dayless(row), *(_open_questions(row) if complete else ())]


def time_problems(row: SessionTimes, *, now: datetime, zone: ZoneInfo) -> list[Problem]:
    """Return what is wrong with the times of a session, in the patient's zone."""
    found = [
        Problem(name, _("The time lies in the future. Enter when it was."), "future")
        for name in ("started_at", "ended_at", "pain_before_at", "pain_after_at")
        if (moment := getattr(row, name)) is not None and moment > now
    ]
    today = now.astimezone(zone).date()
    if row.for_date is not None and row.for_date > today:
        found.append(
            Problem(
                "for_date",
                _("%(for_date)s is in the future. Enter the day of the session.") % {"for_date": row.for_date.isoformat()},
                "future",
            )
        )
    return [*found, *_order_problems(row, zone)]


def _order_problems(row: SessionTimes, zone: ZoneInfo) -> Iterator[Problem]:
    if row.started_at is None:
        if row.ended_at is not None:
            yield Problem("started_at", _("The session has an end and no start. Enter when stimulation began."), "required")
        return
    if row.ended_at is not None and not row.started_at <= row.ended_at <= row.started_at + LONGEST_SESSION:
        yield Problem("ended_at", _("Enter an end after the start, within the same 24 hours."), "out_of_order")
    day = row.started_at.astimezone(zone).date()
    if row.for_date is not None and row.for_date != day:
        yield Problem(
            "for_date",
            _("The session began on %(day)s where the patient is. Enter that day, or leave it empty.") % {"day": day.isoformat()},
            "mismatch",
        )


def _status_problems(row: NewSession) -> Iterator[Problem]:
    allowed = SESSION_REASONS[row.status]
    if row.status is SessionStatus.GIVEN and row.reason is not None:
        yield Problem("reason", _("A session that was given has no reason. Leave it empty, or choose another status."), "not_applicable")
    elif allowed and row.reason is None:
        yield Problem("reason", _("Choose why the session was %(status)s.") % {"status": _became(row.status)}, "required")
    elif row.reason is not None and row.reason not in allowed:
        yield Problem(
            "reason", _("%(label)s is no reason here. Choose one of those for this status.") % {"label": row.reason.label}, "unknown"
        )
    if row.reason is SessionReason.OTHER and not row.reason_text.strip():
        yield Problem("reason_text", _("Say what the other reason was."), "required")


def _became(status: SessionStatus) -> str:
    return {SessionStatus.PARTIAL: _("stopped early"), SessionStatus.NOT_GIVEN: _("not given")}.get(status, _("missed"))


def _dose_problems(row: NewSession) -> Iterator[Problem]:
    if not row.stimulated:
        yield from _undelivered(row)
    elif row.as_planned and row.status is SessionStatus.PARTIAL:
        yield Problem("as_planned", _("A session stopped early was not given as planned. Enter what was given."), "contradiction")
    elif row.as_planned and row.blocks:
        yield Problem("blocks", _("The session is given as planned and also in blocks. Keep one of the two."), "contradiction")
    elif not row.as_planned and not row.blocks:
        yield Problem("blocks", _("Say that it was given as planned, or enter what was given."), "required")
    if len(row.blocks) > MOST_BLOCKS:
        yield Problem("blocks", _("Enter at most %(most_blocks)s blocks.") % {"most_blocks": MOST_BLOCKS}, "out_of_range")
    for position, block in enumerate(row.blocks):
        yield from _of_part("blocks", position, block_problems(block))


def _undelivered(row: NewSession) -> Iterator[Problem]:
    """Yield what says that pulses were delivered in a session without any."""
    if row.as_planned or row.blocks:
        yield Problem(
            "blocks",
            _("Nothing was delivered in a session %(status)s. Leave the dose empty.") % {"status": _became(row.status)},
            "contradiction",
        )
    if row.pulse_counter:
        message = _("The stimulator counted pulses. Record the session as stopped early, or leave the counter empty.")
        yield Problem("pulse_counter", message, "contradiction")


def coil_problem(row: NewSession, *, masked: bool, offered: Collection[str], complete: bool) -> Problem | None:
    """Return what is wrong with the coil of a session, or None.

    Where something is concealed a coil would tell, and the kit stands for it. Elsewhere `complete` asks which of the coils
    offered was used; where none is on the list there is nothing to choose.
    """
    if masked and row.coil is not None:
        return Problem(
            "coil", _("A coil would tell what was given. In a masked trial enter the kit's code and leave the coil empty."), "masked"
        )
    if complete and not masked and row.stimulated and offered and row.coil is None:
        return Problem("coil", _("Choose the coil that was used."), "required")
    return None


def block_problems(block: NewBlock) -> list[Problem]:
    """Return what is wrong with one block."""
    low, high = INTENSITY_PERCENT
    if block.intensity_reference is IntensityReference.MSO:
        high = min(high, type(high)(100))
    intensity = range_problem("intensity_percent", block.intensity_percent, low, high, "%", INTENSITY_DECIMALS)
    text = None
    if len(block.target_text) > LONGEST_TARGET:
        text = Problem("target_text", _("Enter at most %(longest_target)s characters.") % {"longest_target": LONGEST_TARGET}, "too_long")
    return [*pattern_problems(block.pattern), *(one for one in (intensity, text) if one is not None)]


def _of_part(name: str, position: int, problems: Sequence[Problem]) -> list[Problem]:
    return [Problem(f"{name}[{position}].{one.field}", one.message, one.code) for one in problems]


def _answer_problems(row: NewSession) -> Iterator[Problem]:
    for name in ("pain_before", "pain_after"):
        if getattr(row, name) is not None and getattr(row, f"{name}_no_answer") is not None:
            yield Problem(name, _("The question has an answer and also a reason for none. Keep one of the two."), "contradiction")
    if row.attended:
        return
    answered = (row.pain_before, row.pain_after, row.anything_new, row.side_effects, row.started_at)
    names = ("pain_before", "pain_after", "anything_new", "side_effects", "started_at")
    for name, answer in zip(names, answered, strict=True):
        if answer is not None:
            yield Problem(name, _("The patient was not there. Leave this empty, or record the session as not given."), "contradiction")


def _range_problems(row: NewSession) -> list[Problem]:
    ranges = (
        ("number", row.number, NUMBERS),
        ("period", row.period, PERIODS),
        ("guess_certainty", row.guess_certainty, CERTAINTY),
        ("pulse_counter", row.pulse_counter, PULSE_COUNTER),
        ("threshold_percent_mso", row.threshold_percent_mso, THRESHOLD_PERCENT_MSO),
    )
    found = [range_problem(name, value, *limits) for name, value, limits in ranges if value is not None]
    if row.guess_certainty is not None and row.guess is None:
        found.append(Problem("guess", _("There is a certainty and no guess. Choose what the patient guessed."), "required"))
    if row.threshold_percent_mso is not None and row.threshold is None:
        found.append(Problem("threshold", _("There is a value of the threshold used and no threshold. Name the threshold."), "required"))
    found += [
        Problem(name, _("Enter at most %(longest)s characters.") % {"longest": longest}, "too_long")
        for name, longest in LONGEST_TEXTS.items()
        if len(getattr(row, name)) > longest
    ]
    return [problem for problem in found if problem is not None]


def _side_effect_problems(effects: Sequence[NewSideEffect]) -> Iterator[Problem]:
    if sum(effect.term is AdverseEventTerm.OTHER for effect in effects) > MOST_OTHERS:
        yield Problem(
            "side_effects",
            _("Enter at most %(most_others)s other side effects; put several into one.") % {"most_others": MOST_OTHERS},
            "too_many",
        )
    seen: set[AdverseEventTerm] = set()
    for position, effect in enumerate(effects):
        field = f"side_effects[{position}]"
        if effect.term in seen and effect.term is not AdverseEventTerm.OTHER:
            yield Problem(f"{field}.term", _("%(label)s is there twice. Keep the stronger one.") % {"label": effect.term.label}, "twice")
        if effect.term is AdverseEventTerm.OTHER and not effect.text.strip():
            yield Problem(f"{field}.text", _("Say what the other side effect was."), "required")
        if len(effect.text) > LONGEST_EFFECT:
            yield Problem(
                f"{field}.text", _("Enter at most %(longest_effect)s characters.") % {"longest_effect": LONGEST_EFFECT}, "too_long"
            )
        seen.add(effect.term)


def _dayless(row: NewSession) -> Iterator[Problem]:
    """Yield the least that a record needs: the day it happened or was planned for."""
    if row.started_at is None and row.for_date is None:
        told = _("Enter the day of the session.") if row.attended else _("Enter the day the session was planned for.")
        yield Problem("for_date", told, "required")


def _open_questions(row: NewSession) -> Iterator[Problem]:
    """Yield the questions of the session form that are still open, in the order of the form."""
    if row.number is None:
        yield Problem("number", _("Enter the number of the session."), "required")
    if row.reason is SessionReason.NOT_RECORDED:
        yield Problem("reason", _("Choose the reason."), "required")
    if not row.attended:
        return
    if row.started_at is None:
        yield Problem("started_at", _("Enter when the session began."), "required")
    yield from _open_pain(row, "pain_before", _("Ask for the pain before the session, or say why there is no answer."))
    yield from _open_anything_new(row)
    if row.stimulated:
        yield from _open_dose(row)
        yield from _open_pain(row, "pain_after", _("Ask for the pain after the session, or say why there is no answer."))
    if row.side_effects is None:
        yield Problem("side_effects", _("Ask for side effects; choose None where there were none."), "required")
    yield from _open_relations(row.side_effects or ())


def _open_pain(row: NewSession, name: str, message: str) -> Iterator[Problem]:
    if getattr(row, name) is None and getattr(row, f"{name}_no_answer") is None:
        yield Problem(name, message, "required")


def _open_anything_new(row: NewSession) -> Iterator[Problem]:
    if row.anything_new is None:
        yield Problem("anything_new", _("Ask what is new since the last session; choose Nothing new where nothing is."), "required")
    elif NewSinceLast.OTHER in row.anything_new and not row.anything_new_text.strip():
        yield Problem("anything_new_text", _("Say what else is new."), "required")


def _open_dose(row: NewSession) -> Iterator[Problem]:
    needs_threshold = row.as_planned or any(block.intensity_reference is not IntensityReference.MSO for block in row.blocks)
    if row.threshold is None and needs_threshold:
        yield Problem("threshold", _("Choose the motor threshold that was used, or measure it."), "required")
    if row.hearing_protection is None:
        yield Problem("hearing_protection", _("Say whether hearing protection was on."), "required")
    if row.coil_matches_threshold is None and needs_threshold:
        yield Problem("coil_matches_threshold", _("Say whether the coil is of the model the threshold was measured with."), "required")


def _open_relations(effects: Sequence[NewSideEffect]) -> Iterator[Problem]:
    for position, effect in enumerate(effects):
        if effect.severity is not Severity.MILD and effect.relation is None:
            yield Problem(f"side_effects[{position}].relation", _("Say how it relates to the stimulation."), "required")
