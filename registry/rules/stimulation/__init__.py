"""Stimulation in exact terms: timing, dose, presets, what a session must be, and where it differs from its prescription.

Safety verdicts are no part of this: what is here says what was given, not whether it should have been.
"""

from registry.rules.stimulation.blocks import Block, hemisphere_for, is_too_short, total_length_s, total_pulses
from registry.rules.stimulation.deviations import (
    Delivery,
    Deviation,
    block_deviations,
    delivered_without_text,
    deviation_problems,
    explained_by,
    needs_reason,
    session_deviations,
)
from registry.rules.stimulation.dose import (
    block_setting,
    coil_threshold_problem,
    converted_threshold,
    course_pulses,
    delivered_percent,
    is_received,
    output_problem,
    stimulator_setting,
    threshold_problem,
)
from registry.rules.stimulation.live import LiveValues, live_values
from registry.rules.stimulation.numbers import (
    count_text,
    decimal_text,
    length_text,
    percent_text,
    read_decimal,
    round_half_up,
    rounded_text,
)
from registry.rules.stimulation.pattern_checks import PatternInput, pattern_problems, read_pattern, train_bursts
from registry.rules.stimulation.presets import PRESETS, SOURCE_MARKS, Marks, Preset, preset
from registry.rules.stimulation.session_checks import block_problems, coil_problem, session_problems, time_problems
from registry.rules.stimulation.sessions import NewBlock, NewSession, NewSideEffect
from registry.rules.stimulation.timing import IntervalCounts, Pattern

__all__ = [
    "PRESETS",
    "SOURCE_MARKS",
    "Block",
    "Delivery",
    "Deviation",
    "IntervalCounts",
    "LiveValues",
    "Marks",
    "NewBlock",
    "NewSession",
    "NewSideEffect",
    "Pattern",
    "PatternInput",
    "Preset",
    "block_deviations",
    "block_problems",
    "block_setting",
    "coil_problem",
    "coil_threshold_problem",
    "converted_threshold",
    "count_text",
    "course_pulses",
    "decimal_text",
    "delivered_percent",
    "delivered_without_text",
    "deviation_problems",
    "explained_by",
    "hemisphere_for",
    "is_received",
    "is_too_short",
    "length_text",
    "live_values",
    "needs_reason",
    "output_problem",
    "pattern_problems",
    "percent_text",
    "preset",
    "read_decimal",
    "read_pattern",
    "round_half_up",
    "rounded_text",
    "session_deviations",
    "session_problems",
    "stimulator_setting",
    "threshold_problem",
    "time_problems",
    "total_length_s",
    "total_pulses",
    "train_bursts",
]
