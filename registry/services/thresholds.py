"""Motor thresholds: record a set, correct one as a new version, void one, bring it back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from registry.exceptions import InvalidInput, Problem
from registry.models import Coil, MotorThreshold, Stimulator, Trial, User
from registry.roles import Permission
from registry.rules.thresholds import NewThreshold, threshold_problems
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.record_sets import (
    KnownPatient,
    check_sites,
    day_of,
    known_code,
    known_patients,
    moment_problems,
    of_row,
    patient_named,
    write_once,
)
from registry.services.row_making import make_row
from registry.services.row_sets import check_open
from registry.services.versions import check_voided_last, end_version, next_version, replace_versions

# What makes two sendings of one record the same threshold.
CONTENT = ("enrolment_id", "kind", "percent_mso", "measured_on", "hemisphere", "coil_id", "stimulator_id")
AS_SENT = ("kind", "percent_mso", "measured_at", "waveform", "muscle", "hemisphere", "method", "criterion_uv", "row_id")


@dataclass(frozen=True)
class RecordedThresholds:
    """The thresholds that were written, and how many rows were repeats of thresholds on record."""

    thresholds: list[MotorThreshold]
    repeated: int


def record_thresholds(*, trial: Trial, rows: Iterable[NewThreshold], by: User, now: datetime, reason: str = "") -> RecordedThresholds:
    """Write a set of thresholds in a number of statements that does not depend on its size; all or nothing.

    Raises NotFound for a patient the person cannot see, InvalidInput naming each wrong field, Conflict for an identifier
    that belongs to another threshold.
    """
    check_open(trial)
    rows = list(rows)
    wanted = _checked(rows, trial=trial, by=by, now=now, permission=Permission.SESSION_RECORD)
    sent = [row.record for row in rows]
    new = write_once(wanted, _same, "threshold", sent=sent, by=by, reason=reason or "thresholds recorded")
    return RecordedThresholds(new, len(wanted) - len(new))


def correct_threshold(threshold: MotorThreshold, *, row: NewThreshold, reason: Reason, by: User, now: datetime) -> MotorThreshold:
    """End this version and add the next with the new values; return it. A session keeps the value it was given under."""
    trial = threshold.enrolment.trial
    check_open(trial)
    sentence = reason.sentence()
    [wanted] = _checked([row], trial=trial, by=by, now=now, permission=Permission.SESSION_CORRECT)
    if wanted.enrolment_id != threshold.enrolment_id:
        raise InvalidInput([Problem("patient", "A threshold stays with its patient. Void it and enter it for the other one.", "moved")])
    with audited(by=by, reason=sentence):
        end_version(threshold, now=now, voided=False)
        successor = next_version(threshold, by=by, now=now)
        for name in (*AS_SENT, "measured_on", "coil_id", "stimulator_id", "zone"):
            setattr(successor, name, getattr(wanted, name))
        successor.row_id = row.row_id or threshold.row_id
        successor.save(force_insert=True)
    return successor


def correct_thresholds(
    *, trial: Trial, pairs: Sequence[tuple[MotorThreshold, NewThreshold]], by: User, now: datetime, reason: str
) -> list[MotorThreshold]:
    """Correct a set in a number of statements that does not depend on its size; raises as `correct_threshold`."""
    check_open(trial)
    wanted = _checked([row for _, row in pairs], trial=trial, by=by, now=now, permission=Permission.SESSION_CORRECT)
    for (old, _), new in zip(pairs, wanted, strict=True):
        new.row_id = new.row_id or old.row_id
    with audited(by=by, reason=reason):
        replace_versions([(old, new) for (old, _), new in zip(pairs, wanted, strict=True)], now=now)
    return wanted


def void_threshold(threshold: MotorThreshold, *, reason: Reason, by: User, now: datetime) -> None:
    """Take a threshold out of use; it stays readable in the history."""
    _check_may_change(threshold, by)
    with audited(by=by, reason=reason.sentence()):
        end_version(threshold, now=now, voided=True)


def restore_threshold(threshold: MotorThreshold, *, reason: Reason, by: User, now: datetime) -> MotorThreshold:
    """Bring a voided threshold back as its next version; raise Conflict unless it is the voided last version."""
    _check_may_change(threshold, by)
    with audited(by=by, reason=reason.sentence()):
        check_voided_last(threshold)
        successor = next_version(threshold, by=by, now=now)
        successor.save(force_insert=True)
    return successor


def _check_may_change(threshold: MotorThreshold, by: User) -> None:
    check_open(threshold.enrolment.trial)
    by.check_can(Permission.SESSION_CORRECT, trial=threshold.enrolment.trial, site=threshold.enrolment.site)


def _same(stored: MotorThreshold, sent: MotorThreshold) -> bool:
    return all(getattr(stored, name) == getattr(sent, name) for name in CONTENT)


def _checked(rows: Sequence[NewThreshold], *, trial: Trial, by: User, now: datetime, permission: Permission) -> list[MotorThreshold]:
    """Return the rows as thresholds not yet written; raise for what is wrong with any."""
    patients = known_patients(trial=trial, by=by, permission=permission, codes={row.patient for row in rows})
    coils = dict(Coil.objects.filter(trial=trial).values_list("code", "pk"))
    stimulators = dict(Stimulator.objects.filter(trial=trial).values_list("code", "pk"))
    problems: list[Problem] = []
    wanted: list[MotorThreshold] = []
    for number, row in enumerate(rows):
        patient = patient_named(row.patient, patients)
        found = [
            *threshold_problems(row),
            *known_code("coil", row.coil, coils, "coil"),
            *known_code("stimulator", row.stimulator, stimulators, "stimulator"),
            *moment_problems({"measured_on": row.measured_on, "measured_at": row.measured_at}, now=now, zone=patient.zone),
        ]
        problems += [of_row(problem, number, len(rows)) for problem in found]
        day = day_of(row.measured_on, row.measured_at, patient.zone)
        if not found and day is not None:
            devices = {"coil_id": coils.get(row.coil or ""), "stimulator_id": stimulators.get(row.stimulator or "")}
            wanted.append(_threshold(row, patient, day, devices, by=by, now=now))
    if problems:
        raise InvalidInput(problems)
    check_sites((patients[row.patient] for row in rows), trial=trial, by=by, permission=permission)
    return wanted


def _threshold(
    row: NewThreshold, patient: KnownPatient, day: date, devices: dict[str, int | None], *, by: User, now: datetime
) -> MotorThreshold:
    values = {
        "record": row.record or uuid.uuid4(),
        "enrolment_id": patient.id,
        "measured_on": day,
        "zone": patient.zone.key,
        "recorded_at": now,
        "recorded_by_id": by.pk,
        **devices,
        **{name: getattr(row, name) for name in AS_SENT},
    }
    return make_row(MotorThreshold, values)
