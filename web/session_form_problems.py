"""What a session form still lacks or has wrong, and in what it departs from the plan: each told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from registry.exceptions import Problem
from registry.rules.stimulation import (
    Block,
    Delivery,
    Deviation,
    block_setting,
    coil_problem,
    deviation_problems,
    output_problem,
    session_deviations,
    session_problems,
    time_problems,
)
from registry.selectors.session_questions import SessionQuestion
from registry.vocabulary import Hemisphere, SessionStatus
from web.session_reading import Reading

# What the rules find missing only because an entry beside it could not be read, and how the names of those entries begin.
TOLD_ALREADY = {
    "blocks": "block",
    "threshold": "threshold_",
    "pain_before": "pain_before_why",
    "pain_after": "pain_after_why",
}


def all_problems(reading: Reading, asked: SessionQuestion, *, complete: bool) -> list[Problem]:
    """Return what is wrong with the entries and with the session they make, each thing once."""
    unread = tuple(problem.field for problem in reading.problems)
    masked, offered = asked.enrolment.trial.masked, [coil.code for coil in asked.coils]
    coil = coil_problem(reading.row, masked=masked, offered=offered, complete=complete)
    found = [*session_problems(reading.row, complete=complete), *([coil] if coil is not None else [])]
    if reading.times is not None:
        found += time_problems(reading.row, now=reading.times.now, zone=reading.times.zone)
    found += deviation_problems(deviations_so_far(reading, asked), reading.row, complete=complete)
    told = {name for name, start in TOLD_ALREADY.items() if any(field.startswith(start) for field in unread)}
    return [*reading.problems, *(problem for problem in found if problem.field not in told)]


def open_questions(problems: Iterable[Problem]) -> int:
    """Return how many questions wait for an answer."""
    return len({problem.field for problem in problems if problem.code == "required"})


def deviations_so_far(reading: Reading, asked: SessionQuestion) -> list[Deviation]:
    """Return in what the session departs from its prescription as far as it is entered; none where nothing can have been given."""
    row = reading.row
    if not row.stimulated or any(above_output(block, reading) for block in reading.blocks):
        return []
    used_last = asked.threshold is not None and row.threshold == asked.threshold.record
    return session_deviations(
        Delivery(
            planned=planned_beside(asked, reading.blocks),
            given=reading.blocks,
            stopped_early=row.status is SessionStatus.PARTIAL,
            kit_expected=asked.kit_code,
            kit_given=row.kit_code,
            hearing_protection=row.hearing_protection,
            coil_matches_threshold=None if reading.other_coil else row.coil_matches_threshold,
            pulse_counter=row.pulse_counter,
            threshold_age_days=asked.threshold_age_days if used_last else None,
            threshold_limit_days=asked.threshold_limit_days,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
    )


def above_output(block: Block, reading: Reading) -> bool:
    """Tell whether a block needs more than the stimulator has: that is refused before anybody is asked why."""
    setting = block_setting(block, reading.threshold_percent)
    return setting is not None and output_problem(setting, block.intensity_percent) is not None


def planned_beside(asked: SessionQuestion, given: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return the prescribed blocks; where the side is open, whichever was given is as prescribed."""
    planned = asked.prescribed.blocks if asked.prescribed is not None else ()
    sides = [given[place].hemisphere if place < len(given) else Hemisphere.BOTH for place in range(len(planned))]
    blocks = (replace(one, hemisphere=one.hemisphere or side).block for one, side in zip(planned, sides, strict=True))
    return tuple(block for block in blocks if block is not None)
