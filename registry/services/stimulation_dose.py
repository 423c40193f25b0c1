"""The dose of one row: what is prescribed for the patient, what was given, under which threshold, at which setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from registry.exceptions import Problem
from registry.models import MotorThreshold, PrescribedBlock, Prescription, StimulationSession
from registry.rules.stimulation import (
    Block,
    Delivery,
    Deviation,
    NewBlock,
    NewSession,
    block_deviations,
    block_setting,
    coil_threshold_problem,
    converted_threshold,
    hemisphere_for,
    output_problem,
    total_pulses,
)
from registry.services.record_sets import KnownPatient
from registry.services.stimulation_references import SessionReferences
from registry.vocabulary import Hemisphere, HemisphereRule, IntensityReference, Side, StimulationTarget, ThresholdKind

KIND_OF = {IntensityReference.RMT: ThresholdKind.RESTING, IntensityReference.AMT: ThresholdKind.ACTIVE}


@dataclass(frozen=True, slots=True)
class ThresholdUse:
    """The threshold a session refers to, its value then in % MSO, and how it carries over to the coil used."""

    threshold: MotorThreshold | None
    measured: int | None
    factor: Decimal | None
    coil_matches: bool | None

    @property
    def percent_mso(self) -> int | Decimal | None:
        """Return the threshold in terms of the coil used."""
        if self.measured is None:
            return None
        return self.measured if self.factor is None else converted_threshold(self.measured, self.factor)


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What is prescribed beside what was given, with all that follows from these two alone.

    Rows that say the same share one: an import holds thousands of sessions and a handful of courses. `planned` is empty
    where nothing is prescribed. `block_values` are the columns of the blocks but for the setting.
    """

    planned: tuple[Block, ...]
    given: tuple[Block, ...]
    problems: tuple[Problem, ...]
    pulses_planned: int | None
    pulses_given: int
    block_values: tuple[dict[str, Any], ...]
    _settings: dict[int | Decimal | None, tuple[int | None, ...]] = field(default_factory=dict)
    _deviations: dict[bool, tuple[Deviation, ...]] = field(default_factory=dict)

    def settings(self, percent_mso: int | Decimal | None) -> tuple[int | None, ...]:
        """Return the settings of the blocks under a threshold."""
        if percent_mso not in self._settings:
            self._settings[percent_mso] = tuple(block_setting(block, percent_mso) for block in self.given)
        return self._settings[percent_mso]

    def deviations(self, *, stopped_early: bool) -> tuple[Deviation, ...]:
        """Return where the blocks differ."""
        if stopped_early not in self._deviations:
            self._deviations[stopped_early] = tuple(block_deviations(Delivery(self.planned, self.given, stopped_early)))
        return self._deviations[stopped_early]


# The courses of one set of rows, by prescription, side of the primary pain, and what a row says of its dose.
Courses = dict[tuple[int | None, Side | None, bool, tuple[NewBlock, ...]], Course]


@dataclass(frozen=True, slots=True)
class Dose:
    """The prescription of one row and its course, under which threshold and at which settings."""

    prescription: Prescription | None
    course: Course
    settings: tuple[int | None, ...]
    use: ThresholdUse


def dose_of(
    row: NewSession,
    patient: KnownPatient,
    on: date,
    references: SessionReferences,
    before: StimulationSession | None,
    courses: Courses,
) -> tuple[Dose, list[Problem]]:
    """Return the dose of a row and what is wrong with it. `courses` holds those of other rows of the set."""
    prescription = _prescription(row, patient, on, references, before)
    side = references.sides.get(patient.id)
    key = (None if prescription is None else prescription.pk, side, row.as_planned, row.blocks)
    course = courses.get(key)
    if course is None:
        course = courses[key] = _course(row, prescription, side)
    problems = list(course.problems)
    use = threshold_use(row, patient, on, references, before, problems)
    _check_kind(use, course.given, problems)
    settings = course.settings(use.percent_mso)
    problems += _output_problems(row, course.given, settings)
    return Dose(prescription, course, settings, use), problems


def _course(row: NewSession, prescription: Prescription | None, side: Side | None) -> Course:
    prescribed = [] if prescription is None else list(prescription.blocks.all())
    problems: list[Problem] = []
    given = _as_prescribed(row, prescribed, side, problems) if row.as_planned else _as_entered(row.blocks, prescribed, side, problems)
    planned = tuple(_planned(block, side, given[position : position + 1]) for position, block in enumerate(prescribed))
    pulses = total_pulses(planned) if planned else None
    return Course(planned, given, tuple(problems), pulses, total_pulses(given), tuple(_block_values(given)))


def _block_values(given: tuple[Block, ...]) -> Iterator[dict[str, Any]]:
    """Yield the columns of delivered blocks."""
    for position, block in enumerate(given, start=1):
        parts = {name: getattr(block, name) for name in ("target", "target_text", "hemisphere", "intensity_percent", "intensity_reference")}
        counts = {name: getattr(block.pattern, name) for name in ("frequency_hz", "pulses_per_burst", "intra_burst_hz", "trains", "gap_s")}
        yield {"position": position, "bursts_per_train": block.pattern.bursts_per_train, **parts, **counts}


def _prescription(
    row: NewSession, patient: KnownPatient, on: date, references: SessionReferences, before: StimulationSession | None
) -> Prescription | None:
    """Return what is prescribed; a session that is corrected keeps the version it was made under, unless another is named."""
    kept = None if before is None else before.prescription
    if kept is not None and row.protocol_version in (None, kept.protocol_version.version):
        return kept
    return references.prescription(patient, on, row.protocol_version)


def _planned(block: PrescribedBlock, side: Side | None, beside: tuple[Block, ...]) -> Block:
    """Return a prescribed block for one patient; where the side is open, whichever was given is as prescribed."""
    hemisphere = hemisphere_for(HemisphereRule(block.hemisphere), side)
    if hemisphere is None:
        hemisphere = beside[0].hemisphere if beside else Hemisphere.BOTH
    return _block(block, hemisphere)


def _block(block: PrescribedBlock, hemisphere: Hemisphere) -> Block:
    reference = IntensityReference(block.intensity_reference)
    return Block(StimulationTarget(block.target), hemisphere, block.pattern, block.intensity_percent, reference, block.target_text)


def _as_prescribed(row: NewSession, prescribed: list[PrescribedBlock], side: Side | None, problems: list[Problem]) -> tuple[Block, ...]:
    """Return the prescription as what was given."""
    if not prescribed:
        problems.append(Problem("as_planned", "Nothing is prescribed for this patient. Enter what was given.", "no_prescription"))
    given: list[Block] = []
    for block in prescribed:
        hemisphere = hemisphere_for(HemisphereRule(block.hemisphere), side)
        if hemisphere is None:
            message = "The side of the patient's primary pain does not say which hemisphere is meant. Enter what was given."
            problems.append(Problem("as_planned", message, "hemisphere_open"))
            return ()
        given.append(_block(block, hemisphere))
    return tuple(given)


def _as_entered(
    blocks: tuple[NewBlock, ...], prescribed: list[PrescribedBlock], side: Side | None, problems: list[Problem]
) -> tuple[Block, ...]:
    """Return the blocks that were entered; what they leave out is as prescribed, or as in the block before."""
    given: list[Block] = []
    for position, new in enumerate(blocks):
        plan = prescribed[position] if position < len(prescribed) else None
        previous = given[-1] if given else None
        target, text = _target(new, plan, previous)
        hemisphere = new.hemisphere or _hemisphere(plan, previous, side)
        for name, value in (("target", target), ("hemisphere", hemisphere)):
            if value is None:
                problems.append(Problem(f"blocks[{position}].{name}", f"Enter the {name}.", "required"))
        if target is not None and hemisphere is not None:
            given.append(Block(target, hemisphere, new.pattern, new.intensity_percent, new.intensity_reference, text))
    return tuple(given)


def _target(new: NewBlock, plan: PrescribedBlock | None, previous: Block | None) -> tuple[StimulationTarget | None, str]:
    if new.target is not None:
        same_as_planned = plan is not None and plan.target == new.target and not new.target_text
        return new.target, plan.target_text if plan is not None and same_as_planned else new.target_text
    if plan is not None:
        return StimulationTarget(plan.target), plan.target_text
    return (None, "") if previous is None else (previous.target, previous.target_text)


def _hemisphere(plan: PrescribedBlock | None, previous: Block | None, side: Side | None) -> Hemisphere | None:
    if plan is not None:
        return hemisphere_for(HemisphereRule(plan.hemisphere), side)
    return None if previous is None else previous.hemisphere


def threshold_use(
    row: NewSession,
    patient: KnownPatient,
    on: date,
    references: SessionReferences,
    before: StimulationSession | None,
    problems: list[Problem],
) -> ThresholdUse:
    """Return the threshold a row names; a session that is corrected keeps the value it was given under."""
    if row.threshold is None:
        return _no_threshold(row)
    kept = None if before is None else before.threshold
    threshold = kept if kept is not None and kept.record == row.threshold else references.thresholds.get(row.threshold)
    if threshold is None or threshold.enrolment_id != patient.id:
        problems.append(Problem("threshold", "This is no threshold of the patient. Choose one of the patient's thresholds.", "unknown"))
        return _no_threshold(row)
    if threshold.measured_on > on:
        problems.append(Problem("threshold", "The threshold was measured after the session. Choose the one that was used.", "order"))
    measured = before.threshold_percent_mso if before is not None and threshold is kept else threshold.percent_mso
    return _carried_over(row, threshold, row.threshold_percent_mso or measured, references, problems)


def _no_threshold(row: NewSession) -> ThresholdUse:
    return ThresholdUse(None, None, None, row.coil_matches_threshold)


def _carried_over(
    row: NewSession, threshold: MotorThreshold, measured: int | None, references: SessionReferences, problems: list[Problem]
) -> ThresholdUse:
    """Compare the coil used with the one of the threshold where both are known; else the operator's word stands."""
    used = references.coils.get(row.coil or "")
    if used is None or threshold.coil is None:
        return ThresholdUse(threshold, measured, None, row.coil_matches_threshold)
    factor = references.factor(threshold.coil.model, used.model)
    problem = coil_threshold_problem(threshold.coil.model, used.model, factor)
    if problem is not None:
        problems.append(problem)
    return ThresholdUse(threshold, measured, factor, threshold.coil.model == used.model)


def _check_kind(use: ThresholdUse, given: tuple[Block, ...], problems: list[Problem]) -> None:
    """Note where an intensity refers to another kind of threshold than the one named."""
    if use.threshold is None or not given:
        return
    wanted = {KIND_OF[block.intensity_reference] for block in given if block.intensity_reference in KIND_OF}
    for kind in sorted(wanted - {ThresholdKind(use.threshold.kind)}):
        message = f"The intensity refers to the {kind.label.lower()}. Choose a threshold of that kind."
        problems.append(Problem("threshold", message, "other_kind"))


def _output_problems(row: NewSession, given: tuple[Block, ...], settings: tuple[int | None, ...]) -> list[Problem]:
    """Return where a setting is more than the stimulator has."""
    found: list[Problem] = []
    for position, (block, setting) in enumerate(zip(given, settings, strict=True)):
        problem = None if setting is None else output_problem(setting, block.intensity_percent)
        if problem is not None:
            field = "as_planned" if row.as_planned else f"blocks[{position}].{problem.field}"
            found.append(Problem(field, problem.message, problem.code))
    return found
