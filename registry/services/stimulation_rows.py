"""From the rows of a set to sessions ready to be written, with their blocks and deviations; raises for what is wrong with any."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from registry.exceptions import InvalidInput, Problem
from registry.models import SessionDeviation, StimulationBlock, StimulationSession, User
from registry.roles import Permission
from registry.rules.scores import ScaleRange, value_problem
from registry.rules.stimulation import (
    Delivery,
    Deviation,
    NewSession,
    coil_problem,
    deviation_problems,
    explained_by,
    session_deviations,
    session_problems,
    time_problems,
)
from registry.services.record_sets import KnownPatient, check_sites, day_of, known_code, of_row, patient_named
from registry.services.row_making import make_row
from registry.services.stimulation_dose import Courses, Dose, dose_of
from registry.services.stimulation_references import SessionReferences
from registry.vocabulary import Conduct, SessionStatus

LONGEST_SHOWN = 80
AS_SENT = (
    *("number", "period", "status", "reason_text", "started_at", "kit_code", "hearing_protection", "pulse_counter"),
    *("as_planned", "note", "row_id"),
)


@dataclass(frozen=True)
class Prepared:
    """One row checked, and the rows of the tables it becomes; nothing is written yet."""

    row: NewSession
    patient: KnownPatient
    session: StimulationSession
    blocks: list[StimulationBlock]
    deviations: list[SessionDeviation]


@dataclass(frozen=True)
class Writing:
    """Who writes what, when, and how strictly: `complete` asks for every answer of the session form."""

    references: SessionReferences
    by: User
    now: datetime
    complete: bool
    permission: Permission
    courses: Courses = field(default_factory=dict)

    @property
    def asks_everything(self) -> bool:
        """Tell whether open questions are refused: in the form of a running trial, never for finished ones."""
        return self.complete and self.references.trial.conduct == Conduct.PROSPECTIVE


def prepare(rows: Sequence[NewSession], writing: Writing, befores: Sequence[StimulationSession | None]) -> list[Prepared]:
    """Return the rows as sessions not yet written; `befores` are the versions they correct. Raises as `record_sessions`."""
    problems: list[Problem] = []
    prepared: list[Prepared] = []
    for number, (row, before) in enumerate(zip(rows, befores, strict=True)):
        found, one = _prepare(row, writing, before)
        problems += [of_row(problem, number, len(rows)) for problem in found]
        if one is not None:
            prepared.append(one)
    problems += _twice(rows)
    if problems:
        raise InvalidInput(problems)
    check_sites((one.patient for one in prepared), trial=writing.references.trial, by=writing.by, permission=writing.permission)
    return prepared


def claimed_twice(name: str, number: int, rows: int) -> Problem:
    """Return the problem of a row whose identifier or number an earlier one of the same set has."""
    return of_row(Problem(name, "An earlier row has it already. Keep one of the two.", "twice"), number, rows)


def _twice(rows: Sequence[NewSession]) -> list[Problem]:
    """Return which rows claim the identifier or the number of an earlier one."""
    found: list[Problem] = []
    seen: set[tuple[object, ...]] = set()
    for number, row in enumerate(rows):
        keys: list[tuple[str, tuple[object, ...]]] = []
        keys += [("record", (row.record,))] if row.record is not None else []
        keys += [("number", (row.patient, row.period, row.number))] if row.number is not None else []
        for name, key in keys:
            if key in seen:
                found.append(claimed_twice(name, number, len(rows)))
            seen.add(key)
    return found


def _prepare(row: NewSession, writing: Writing, before: StimulationSession | None) -> tuple[list[Problem], Prepared | None]:
    patient = patient_named(row.patient, writing.references.patients)
    found = [
        *session_problems(row, complete=writing.asks_everything),
        *time_problems(row, now=writing.now, zone=patient.zone),
        *_reference_problems(row, patient, writing),
    ]
    on = day_of(row.for_date, row.started_at, patient.zone)
    if on is None or any(problem.field.startswith(("blocks", "as_planned", "protocol_version")) for problem in found):
        return found, None
    dose, wrong = dose_of(row, patient, on, writing.references, before, writing.courses)
    found += wrong
    deviations = [] if wrong else _deviations(row, patient, on, dose, writing.references)
    found += deviation_problems(deviations, row, complete=writing.asks_everything)
    return found, None if found else _prepared(row, patient, on, dose, deviations, writing)


def _reference_problems(row: NewSession, patient: KnownPatient, writing: Writing) -> list[Problem]:
    references = writing.references
    found = [
        *known_code("visit", row.visit, references.visits, "visit"),
        *known_code("stimulator", row.stimulator, references.stimulators, "stimulator"),
        *known_code("protocol_version", row.protocol_version, references.versions, "version of the protocol"),
        *_pain_problems(row, references),
    ]
    offered = references.coils_at(patient.site_id) if writing.asks_everything else ()
    problem = coil_problem(row, masked=references.trial.masked, offered=offered, complete=writing.asks_everything)
    if problem is not None:
        return [*found, problem]
    return [*found, *known_code("coil", row.coil, references.coils, "coil")]


def _pain_problems(row: NewSession, references: SessionReferences) -> list[Problem]:
    found: list[Problem] = []
    scale = references.scale
    for name, value in (("pain_before", row.pain_before), ("pain_after", row.pain_after)):
        if value is None:
            continue
        if scale is None:
            found.append(Problem(name, "The trial has no pain scale yet. Add one to the trial first.", "unknown"))
            continue
        problem = value_problem(value, ScaleRange(scale.minimum, scale.maximum, scale.step))
        if problem is not None:
            found.append(Problem(name, problem.message, problem.code))
    return found


def _deviations(row: NewSession, patient: KnownPatient, on: date, dose: Dose, references: SessionReferences) -> list[Deviation]:
    """Return where a delivered session differs from its prescription; one without pulses has nothing to compare."""
    if not row.stimulated:
        return []
    allocated, threshold, limit = references.given.get(patient.id), dose.use.threshold, dose.prescription
    delivery = Delivery(
        planned=dose.course.planned,
        given=dose.course.given,
        stopped_early=row.status is SessionStatus.PARTIAL,
        kit_expected="" if allocated is None else allocated.kit_code,
        kit_given=row.kit_code,
        hearing_protection=row.hearing_protection,
        # A threshold carried over by the trial's own rule is no deviation.
        coil_matches_threshold=dose.use.coil_matches if dose.use.factor is None else None,
        pulse_counter=row.pulse_counter,
        threshold_age_days=None if threshold is None else (on - threshold.measured_on).days,
        threshold_limit_days=None if limit is None else limit.threshold_max_age_days,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
    return session_deviations(delivery, of_blocks=dose.course.deviations(stopped_early=delivery.stopped_early))


def _prepared(row: NewSession, patient: KnownPatient, on: date, dose: Dose, deviations: Sequence[Deviation], writing: Writing) -> Prepared:
    session = _session(row, patient, on, dose, writing)
    return Prepared(row, patient, session, _block_rows(dose), _deviation_rows(row, deviations))


def _session(row: NewSession, patient: KnownPatient, on: date, dose: Dose, writing: Writing) -> StimulationSession:
    references, use = writing.references, dose.use
    allocated = references.given.get(patient.id)
    expected = "" if allocated is None else allocated.kit_code
    coil = references.coils.get(row.coil or "")
    values = {
        "record": row.record or uuid.uuid4(),
        "enrolment_id": patient.id,
        "visit_type_id": references.visits.get(row.visit or ""),
        "prescription_id": None if dose.prescription is None else dose.prescription.pk,
        "reason": row.reason or "",
        "for_date": on,
        "finished_at": row.ended_at,
        "zone": patient.zone.key,
        # Only the form is filled in by the operator; a script or an import may bring the sessions of others.
        "operator_id": writing.by.pk if writing.complete else None,
        "threshold_id": None if use.threshold is None else use.threshold.pk,
        "threshold_percent_mso": use.measured,
        "threshold_factor": use.factor,
        "stimulator_id": references.stimulators.get(row.stimulator or ""),
        "coil_id": None if coil is None else coil.pk,
        "kit_matches": row.kit_code == expected if row.kit_code and expected else None,
        "coil_matches_threshold": use.coil_matches,
        "pulses_planned": dose.course.pulses_planned,
        "pulses_delivered": dose.course.pulses_given,
        "pain_before_no_answer": row.pain_before_no_answer or "",
        "pain_after_no_answer": row.pain_after_no_answer or "",
        "new_since_last": None if row.anything_new is None else sorted(row.anything_new),
        "new_since_last_text": row.anything_new_text,
        "side_effects_asked": row.side_effects is not None,
        "recorded_at": writing.now,
        "recorded_by_id": writing.by.pk,
        **{name: getattr(row, name) for name in AS_SENT},
    }
    return make_row(StimulationSession, values, prescription=dose.prescription, threshold=use.threshold, coil=coil)


def _block_rows(dose: Dose) -> list[StimulationBlock]:
    return [
        make_row(StimulationBlock, {**values, "setting_percent_mso": setting})
        for values, setting in zip(dose.course.block_values, dose.settings, strict=True)
    ]


def _deviation_rows(row: NewSession, deviations: Sequence[Deviation]) -> list[SessionDeviation]:
    rows = []
    for one in deviations:
        reason, text = explained_by(one, row)
        values = {
            "position": one.block,
            "kind": one.kind,
            "prescribed": one.prescribed[:LONGEST_SHOWN],
            "delivered": one.delivered[:LONGEST_SHOWN],
            "reason": reason,
            "reason_text": text,
        }
        rows.append(make_row(SessionDeviation, values))
    return rows
