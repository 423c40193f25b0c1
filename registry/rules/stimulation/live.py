"""The values that stand beside a session form while it is filled in. What is not known yet is a dash, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from registry.rules.stimulation.blocks import Block, total_length_s, total_pulses
from registry.rules.stimulation.dose import block_setting, delivered_percent
from registry.rules.stimulation.numbers import length_text
from registry.vocabulary import IntensityReference


@dataclass(frozen=True, slots=True)
class LiveValues:
    """Pulses and length of a session, the setting of its first block, and the pulses of the course with it."""

    pulses: int | None
    length_s: Fraction | None
    length_text: str
    setting: int | None
    delivered_percent: Fraction | None
    course_pulses: int | None


def live_values(blocks: Sequence[Block], threshold_percent_mso: int | Decimal | None, course_before: int | None) -> LiveValues:
    """Return what is known of a session so far; no blocks means that nothing is known."""
    pulses = total_pulses(blocks) if blocks else None
    length = total_length_s(blocks) if blocks else None
    setting = block_setting(blocks[0], threshold_percent_mso) if blocks else None
    return LiveValues(
        pulses=pulses,
        length_s=length,
        length_text=length_text(length),
        setting=setting,
        delivered_percent=_delivered(blocks, setting, threshold_percent_mso),
        course_pulses=None if pulses is None or course_before is None else course_before + pulses,
    )


def _delivered(blocks: Sequence[Block], setting: int | None, threshold_percent_mso: int | Decimal | None) -> Fraction | None:
    if setting is None or threshold_percent_mso is None or blocks[0].intensity_reference is IntensityReference.MSO:
        return None
    return delivered_percent(setting, threshold_percent_mso)
