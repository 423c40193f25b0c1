"""A block: one pattern at one target. A session's dose is an ordered tuple of blocks, prescribed or delivered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from registry.rules.stimulation.timing import Pattern
from registry.vocabulary import Hemisphere, HemisphereRule, IntensityReference, Side, StimulationTarget

MINUTE = timedelta(minutes=1)
_OPPOSITE = {Side.LEFT: Hemisphere.RIGHT, Side.RIGHT: Hemisphere.LEFT}
_SAME = {Side.LEFT: Hemisphere.LEFT, Side.RIGHT: Hemisphere.RIGHT}


@dataclass(frozen=True, slots=True)
class Block:
    """One pattern at one target, with its intensity in percent of a threshold or of the stimulator's output."""

    target: StimulationTarget
    hemisphere: Hemisphere
    pattern: Pattern
    intensity_percent: Decimal
    intensity_reference: IntensityReference = IntensityReference.RMT
    target_text: str = ""


def total_pulses(blocks: Iterable[Block]) -> int:
    """Return the pulses of all blocks."""
    return sum(block.pattern.pulses for block in blocks)


def total_length_s(blocks: Iterable[Block]) -> Fraction:
    """Return the nominal length of all blocks, without the pauses between them, which nobody prescribes."""
    return sum((block.pattern.nominal_s for block in blocks), Fraction(0))


# The sessions of an import share a handful of patterns.
@lru_cache(maxsize=1024)
def shortest_s(patterns: tuple[Pattern, ...]) -> Fraction:
    """Return the time from first to last pulse at least, in seconds; what passes between blocks comes on top."""
    return sum((pattern.last_pulse_s for pattern in patterns), Fraction(0))


def is_too_short(blocks: Iterable[Block], started_at: datetime | None, ended_at: datetime | None) -> bool:
    """Tell whether the blocks cannot have been given between two times; a time without seconds may be off by up to a minute."""
    if started_at is None or ended_at is None or ended_at < started_at:
        return False
    to_the_minute = any(moment.second == 0 and moment.microsecond == 0 for moment in (started_at, ended_at))
    allowed = ended_at - started_at + (MINUTE if to_the_minute else timedelta(0))
    return Fraction(allowed // timedelta(microseconds=1), 1_000_000) < shortest_s(tuple(block.pattern for block in blocks))


def hemisphere_for(rule: HemisphereRule, side: Side | None) -> Hemisphere | None:
    """Return the hemisphere a prescription means for a patient; None where the side of the pain does not decide it."""
    if rule is HemisphereRule.CONTRALATERAL:
        return None if side is None else _OPPOSITE.get(side)
    if rule is HemisphereRule.IPSILATERAL:
        return None if side is None else _SAME.get(side)
    return Hemisphere(rule.value)
