"""What sessions of a table have in common: of those that differ only in whose they are, when and how much, one is worked out in full.

The rules are asked as for a session that is sent alone; here is only told which cells of its rows are a session's own. A session with
anything out of the ordinary in these is worked out in full itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models

from registry.closed_room import current_alias
from registry.exceptions import InvalidInput, Problem
from registry.models import MotorThreshold, PainScore, Prescription, SessionDeviation, StimulationBlock, StimulationSession
from registry.rules.scores import ScaleRange, value_problem
from registry.rules.stimulation import Block, NewSession, block_setting, converted_threshold, output_problem, time_problems
from registry.rules.stimulation.session_checks import CERTAINTY, LONGEST_TEXTS, NUMBERS
from registry.services.copy_text import cell_text
from registry.services.record_sets import KnownPatient
from registry.services.row_adding import lines_of
from registry.services.score_recording import checked_scores
from registry.services.score_references import ScoreReferences
from registry.services.stimulation_answers import AFTER, BEFORE, name_pains, new_scores
from registry.services.stimulation_rows import Prepared, Writing, prepare
from registry.vocabulary import Hemisphere, IntensityReference, StimulationTarget, TreatmentGuess

Cells = list[str]
_ROW = re.compile(r"rows\[(\d+)\]\.")


class SessionLine(NamedTuple):
    """One session of a table: the cells that are its own, and `rest`, equal for sessions that say the same beyond them.

    `protocol_version` and `period` are part of the rest too. `whole` makes it a session as every door states it.
    """

    patient: str
    period: int
    number: int | None
    for_date: date | None
    started_at: datetime | None
    ended_at: datetime | None
    threshold: UUID | None
    kit_code: str
    pain_before: Decimal | None
    pain_before_at: datetime | None
    pain_after: Decimal | None
    pain_after_at: datetime | None
    guess: TreatmentGuess | None
    guess_certainty: int | None
    row_id: str
    protocol_version: str | None
    rest: Hashable
    whole: Callable[[], NewSession]


@dataclass(slots=True, eq=False)
class Mould:
    """One session worked out in full; then the cells of the rows it becomes, in the order of the columns."""

    number: int
    prepared: Prepared
    # How long its pulses take at least.
    shortest: timedelta
    session: Cells = field(default_factory=list)
    blocks: list[Cells] = field(default_factory=list)
    deviations: list[Cells] = field(default_factory=list)
    # By the question that was answered.
    scores: dict[str, Cells] = field(default_factory=dict)
    _settings: dict[int, Cells | None] = field(default_factory=dict)

    def percent(self, threshold: MotorThreshold | None) -> int | None:
        """Return the value of a threshold where it is that of a session's own, None where the session says which it was."""
        return None if threshold is None or self.prepared.row.threshold_percent_mso is not None else threshold.percent_mso

    def settings(self, percent: int) -> Cells | None:
        """Return the settings of the blocks under a threshold's value, as cells; None where one is more than the stimulator has."""
        if percent not in self._settings:
            factor = self.prepared.session.threshold_factor
            effective = percent if factor is None else converted_threshold(percent, factor)
            found = [(setting_of(block, effective), block.intensity_percent) for block in self.prepared.blocks]
            refused = any(setting is not None and output_problem(setting, intensity) is not None for setting, intensity in found)
            self._settings[percent] = None if refused else [cell_text(setting) for setting, _ in found]
        return self._settings[percent]


class Moulds:
    """The moulds of one set of sessions; `problems` are those of its lines."""

    def __init__(self, writing: Writing) -> None:
        self.writing, self.references = writing, writing.references
        self.problems: list[Problem] = []
        self.made: list[Mould] = []
        self._known: dict[Hashable, Mould] = {}
        self._shortest: dict[Hashable, timedelta] = {}
        self._values: dict[Decimal, bool] = {}

    @cached_property
    def scores(self) -> ScoreReferences:
        """Return what pains refer to; raises NotAllowed for who may record none."""
        return ScoreReferences(trial=self.references.trial, by=self.writing.by, of_sessions=self.references)

    def of(self, number: int, line: SessionLine) -> Mould | None:
        """Return the mould of a line, None where something is wrong with it."""
        common = self._common(line)
        if common is None:
            return self._made(number, line)
        key = self._with_length(common, line)
        found = self._known.get(key)
        if found is None or self._is_too_strong(found, line):
            found = self._made(number, line)
            if found is not None:
                self._shortest[common] = found.shortest
                self._known[self._with_length(common, line)] = found
        return found

    def _is_too_strong(self, mould: Mould, line: SessionLine) -> bool:
        percent = mould.percent(None if line.threshold is None else self.references.thresholds[line.threshold])
        return percent is not None and mould.settings(percent) is None

    # --- Which sessions are alike -------------------------------------------------------------------------------------

    def _common(self, line: SessionLine) -> Hashable | None:
        """Return what decides over everything but the own cells, None where one of those is out of the ordinary."""
        references = self.references
        patient = references.patients.get(line.patient)
        if patient is None or line.for_date is None or not self._is_plain(line, patient):
            return None
        prescription = references.prescription(patient, line.for_date, line.protocol_version)
        threshold = None if line.threshold is None else references.thresholds.get(line.threshold)
        if line.threshold is not None and not _is_usable(threshold, patient, line.for_date, prescription):
            return None
        allocated = references.given.get(patient.id)
        expected = "" if allocated is None else allocated.kit_code
        if line.kit_code and expected and line.kit_code != expected:
            return None
        return (
            line.rest,
            *(cell is None for cell in (line.number, line.started_at, line.ended_at, line.pain_before, line.pain_after)),
            *(line.guess is None, line.guess_certainty is None),
            *(bool(line.kit_code), bool(expected)),
            None if threshold is None else (threshold.kind, threshold.coil_id),
            None if prescription is None else prescription.pk,
            references.sides.get(patient.id),
            references.pain_rank(patient),
        )

    def _is_plain(self, line: SessionLine, patient: KnownPatient) -> bool:
        """Tell whether the rules have nothing against the own cells of a line, each by itself."""
        return (
            patient.writable
            and (line.number is None or NUMBERS[0] <= line.number <= NUMBERS[1])
            and (line.guess_certainty is None or CERTAINTY[0] <= line.guess_certainty <= CERTAINTY[1])
            and len(line.kit_code) <= LONGEST_TEXTS["kit_code"]
            and len(line.row_id) <= LONGEST_TEXTS["row_id"]
            and self._are_plain((line.pain_before, line.pain_after), patient)
            and not time_problems(line, now=self.writing.now, zone=patient.zone)
        )

    def _are_plain(self, pains: tuple[Decimal | None, ...], patient: KnownPatient) -> bool:
        answered = [value for value in pains if value is not None]
        return not answered or (patient.site_id in self.scores.allowed_sites and all(map(self._is_on_scale, answered)))

    def _is_on_scale(self, value: Decimal) -> bool:
        if value not in self._values:
            scale = self.references.scale
            fits = scale is not None and value_problem(value, ScaleRange(scale.minimum, scale.maximum, scale.step)) is None
            self._values[value] = fits
        return self._values[value]

    def _with_length(self, common: Hashable, line: SessionLine) -> Hashable:
        """Add the times of a session that may have been too short for its pulses: their lengths are compared then."""
        shortest = self._shortest.get(common)
        if shortest is None or line.started_at is None or line.ended_at is None or line.ended_at - line.started_at >= shortest:
            return common
        return common, line.ended_at - line.started_at, line.started_at.second, line.started_at.microsecond

    # --- Working one out ----------------------------------------------------------------------------------------------

    def _made(self, number: int, line: SessionLine) -> Mould | None:
        try:
            [one] = prepare([line.whole()], self.writing, [None])
        except InvalidInput as refused:
            self.problems += [Problem(f"rows[{number}].{one.field}", one.message, one.code) for one in refused.problems]
            return None
        made = Mould(number, one, _length(sum((block.pattern.last_pulse_s for block in one.blocks), Fraction(0))))
        self.made.append(made)
        return made

    def finish(self) -> None:
        """Fill in the cells of all moulds; their pains are checked here."""
        prepared = [one.prepared for one in self.made]
        name_pains(prepared)
        for mould, cells in zip(self.made, _cells(StimulationSession, [one.session for one in prepared]), strict=True):
            mould.session = cells
        for name, model in (("blocks", StimulationBlock), ("deviations", SessionDeviation)):
            written = iter(_cells(model, [row for one in prepared for row in getattr(one, name)]))
            for mould in self.made:
                setattr(mould, name, [next(written) for _ in getattr(mould.prepared, name)])
        self._finish_scores()

    def _finish_scores(self) -> None:
        rows = [
            (mould, question, score)
            for mould in self.made
            for question in (BEFORE, AFTER)
            for score in new_scores(mould.prepared, [question], self.references)
        ]
        if not rows:
            return
        try:
            scores = checked_scores([score for _, _, score in rows], self.scores, self.writing.now)
        except InvalidInput as refused:
            for problem in refused.problems:
                mould, question, _ = rows[_number(problem)]
                self.problems.append(Problem(f"rows[{mould.number}].{question}", problem.message, problem.code))
            return
        for (mould, question, _), cells in zip(rows, _cells(PainScore, scores), strict=True):
            mould.scores[question] = cells


def _number(problem: Problem) -> int:
    """Return which row of a set a problem is of; it is said only where there are several."""
    place = _ROW.match(problem.field)
    return int(place[1]) if place else 0


def _is_usable(threshold: MotorThreshold | None, patient: KnownPatient, on: date, prescription: Prescription | None) -> bool:
    """Tell whether a threshold is one of the patient's, measured before and not too long ago."""
    if threshold is None or threshold.enrolment_id != patient.id or threshold.measured_on > on:
        return False
    return prescription is None or (on - threshold.measured_on).days <= prescription.threshold_max_age_days


def setting_of(block: StimulationBlock, percent: int | Decimal) -> int | None:
    """Return the setting for a row of a block."""
    target, hemisphere, reference = (
        StimulationTarget(block.target),
        Hemisphere(block.hemisphere),
        IntensityReference(block.intensity_reference),
    )
    return block_setting(Block(target, hemisphere, block.pattern, block.intensity_percent, reference), percent)


def _length(seconds: Fraction) -> timedelta:
    """Return so many seconds, rounded up to a microsecond."""
    return timedelta(microseconds=-(-seconds * 1_000_000 // 1))


def _cells(model: type[models.Model], rows: list[Any]) -> list[Cells]:
    """Return the cells of rows; what a cell holds of a tab or line end is written otherwise there."""
    return [line.split("\t") for line in lines_of(model, rows, current_alias())]
