"""The editor of a session form: from its entries to the blocks that were delivered, whole or up to a stop."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from registry.exceptions import InvalidInput, Problem
from registry.rules.stimulation import Block, NewBlock, Pattern, read_decimal, read_pattern
from registry.rules.stimulation.pattern_checks import PatternInput
from registry.vocabulary import Hemisphere, IntensityReference, StimulationTarget
from web.session_form import CHANGED, EARLY, PLAN, SessionForm
from web.session_reading import Reading, whole, word


def remember_dose(form: SessionForm, given: str, blocks: tuple[NewBlock, ...], reading: Reading) -> None:
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


def read_blocks(form: SessionForm, given: str, reading: Reading) -> Iterator[NewBlock]:
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
