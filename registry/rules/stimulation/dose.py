"""How strong and how much: the stimulator's setting, what it delivers, and the dose of a course."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from registry.exceptions import Problem
from registry.rules.stimulation.blocks import Block
from registry.rules.stimulation.numbers import decimal_text, range_problem, round_half_up
from registry.vocabulary import IntensityReference
from registry.wording import _

FULL_OUTPUT_PERCENT = 100
THRESHOLD_PERCENT_MSO = (1, 100)
INTENSITY_PERCENT = (Decimal(0), Decimal(150))
INTENSITY_DECIMALS = 1
RECEIVED_PERCENT = 80


def stimulator_setting(threshold_percent_mso: int | Decimal, intensity_percent: Decimal) -> int:
    """Return the setting in whole percent of maximum output, halves upward; it may exceed 100, which `output_problem` refuses."""
    return round_half_up(Fraction(threshold_percent_mso) * Fraction(intensity_percent) / 100)


def block_setting(block: Block, threshold_percent_mso: int | Decimal | None) -> int | None:
    """Return the setting for a block, or None while the threshold it refers to is not known."""
    if block.intensity_reference is IntensityReference.MSO:
        return round_half_up(Fraction(block.intensity_percent))
    return None if threshold_percent_mso is None else stimulator_setting(threshold_percent_mso, block.intensity_percent)


def delivered_percent(setting: int, threshold_percent_mso: int | Decimal) -> Fraction:
    """Return the percent of threshold that a whole setting delivers."""
    return 100 * Fraction(setting) / Fraction(threshold_percent_mso)


def output_problem(setting: int, intensity_percent: Decimal) -> Problem | None:
    """Return why a setting cannot be given, or None."""
    if setting <= FULL_OUTPUT_PERCENT:
        return None
    message = _(
        "%(intensity_percent)s %% needs a setting of %(setting)s %% of the stimulator's output, and 100 "
        "%% is all it has. Lower the intensity, measure the threshold again, or record the session as not "
        "given."
    ) % {"intensity_percent": decimal_text(intensity_percent), "setting": setting}
    return Problem("intensity_percent", message, "above_output")


def threshold_problem(threshold_percent_mso: int | Decimal) -> Problem | None:
    """Return what is wrong with a threshold, or None."""
    return range_problem("threshold", threshold_percent_mso, *THRESHOLD_PERCENT_MSO, "% MSO")


def converted_threshold(threshold_percent_mso: int | Decimal, factor: Decimal) -> Decimal:
    """Return a threshold measured with another coil in terms of the coil used, exactly: the setting alone is rounded."""
    return Decimal(threshold_percent_mso) * factor


def coil_threshold_problem(measured_with: str, used: str, factor: Decimal | None) -> Problem | None:
    """Return why a threshold measured with one model of coil cannot be used with another, or None.

    Percent of output does not carry over between coils: without a stated factor the threshold is refused.
    """
    if measured_with == used or factor is not None:
        return None
    message = _(
        "The threshold was measured with %(measured_with)s and does not hold for %(used)s. Measure it "
        "with the coil used, or let the trial state the factor between the two."
    ) % {"measured_with": measured_with, "used": used}
    return Problem("threshold", message, "other_coil")


def course_pulses(pulses_of_sessions: Iterable[int]) -> int:
    """Return the cumulative dose: the pulses of all sessions of a course."""
    return sum(pulses_of_sessions)


def is_received(delivered: int, planned: int, percent: int = RECEIVED_PERCENT) -> bool:
    """Tell whether a session counts as received: at least so many percent of its planned pulses, and any at all."""
    return delivered > 0 and 100 * delivered >= percent * planned
