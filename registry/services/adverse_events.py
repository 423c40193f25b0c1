"""Adverse events: record a set, correct one as a new version, void one, bring it back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from registry.exceptions import InvalidInput, Problem
from registry.models import AdverseEvent, StimulationSession, Trial, User
from registry.roles import Permission
from registry.rules.adverse_events import NewAdverseEvent, event_problems
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.record_sets import (
    KnownPatient,
    add_new,
    check_sites,
    day_of,
    known_patients,
    moment_problems,
    of_row,
    patient_named,
    write_once,
)
from registry.services.row_adding import Adding, add_rows
from registry.services.row_making import make_row
from registry.services.row_sets import check_open
from registry.services.versions import check_voided_last, end_version, next_version, replace_versions
from registry.vocabulary import GradingScheme

# What makes two sendings of one record the same event.
CONTENT = ("enrolment_id", "term", "onset_on", "grade", "session_record", "serious")
AS_SENT = (
    *("solicited", "term", "term_text", "onset_at", "resolved_on", "grade", "serious", "expected", "relatedness"),
    *("action", "outcome", "aware_at", "needs_report", "note", "row_id"),
)


@dataclass(frozen=True)
class RecordedEvents:
    """The events that were written, and how many rows were repeats of events on record."""

    events: list[AdverseEvent]
    repeated: int


def record_adverse_events(*, trial: Trial, rows: Iterable[NewAdverseEvent], by: User, now: datetime, reason: str = "") -> RecordedEvents:
    """Write a set of events in a number of statements that does not depend on its size; all or nothing.

    Raises NotFound for a patient the person cannot see, InvalidInput naming each wrong field, Conflict for an identifier
    that belongs to another event.
    """
    check_open(trial)
    rows = list(rows)
    wanted = _checked(rows, trial=trial, by=by, now=now)
    sent = [row.record for row in rows]
    new = write_once(wanted, _same, "adverse event", sent=sent, by=by, reason=reason or "adverse events recorded")
    return RecordedEvents(new, len(wanted) - len(new))


def add_side_effects(
    rows: Sequence[NewAdverseEvent],
    patients: Mapping[str, KnownPatient],
    sessions: Mapping[UUID, int],
    *,
    trial: Trial,
    by: User,
    now: datetime,
    on_record: Collection[UUID] | None,
    add: Adding = add_rows,
) -> list[AdverseEvent]:
    """Write events within the change under way, all that `record_adverse_events` does; return the new ones.

    Patients and whose sessions these are were read already. `on_record` are those of their records that were found already;
    None where nobody looked. `add` writes the rows, or keeps them to be written with others.
    """
    wanted = _as_events(rows, patients, sessions, trial=trial, by=by, now=now)
    return add_new(wanted, _same, "adverse event", on_record, add)


def correct_adverse_event(event: AdverseEvent, *, row: NewAdverseEvent, reason: Reason, by: User, now: datetime) -> AdverseEvent:
    """End this version and add the next with the new values; return it."""
    trial = event.enrolment.trial
    check_open(trial)
    sentence = reason.sentence()
    [wanted] = _checked([row], trial=trial, by=by, now=now)
    if wanted.enrolment_id != event.enrolment_id:
        raise InvalidInput([Problem("patient", "An event stays with its patient. Void it and enter it for the other one.", "moved")])
    with audited(by=by, reason=sentence):
        end_version(event, now=now, voided=False)
        successor = next_version(event, by=by, now=now)
        for name in (*AS_SENT, "onset_on", "session_record", "serious_criteria"):
            setattr(successor, name, getattr(wanted, name))
        successor.row_id = row.row_id or event.row_id
        successor.save(force_insert=True)
    return successor


def correct_adverse_events(
    *, trial: Trial, pairs: Sequence[tuple[AdverseEvent, NewAdverseEvent]], by: User, now: datetime, reason: str
) -> list[AdverseEvent]:
    """Correct a set in a number of statements that does not depend on its size; raises as `correct_adverse_event`."""
    check_open(trial)
    wanted = _checked([row for _, row in pairs], trial=trial, by=by, now=now)
    for (old, _), new in zip(pairs, wanted, strict=True):
        new.row_id = new.row_id or old.row_id
    with audited(by=by, reason=reason):
        replace_versions([(old, new) for (old, _), new in zip(pairs, wanted, strict=True)], now=now)
    return wanted


def void_adverse_event(event: AdverseEvent, *, reason: Reason, by: User, now: datetime) -> None:
    """Take an event out of use; it stays readable in the history."""
    _check_may_change(event, by)
    with audited(by=by, reason=reason.sentence()):
        end_version(event, now=now, voided=True)


def restore_adverse_event(event: AdverseEvent, *, reason: Reason, by: User, now: datetime) -> AdverseEvent:
    """Bring a voided event back as its next version; raise Conflict unless it is the voided last version."""
    _check_may_change(event, by)
    with audited(by=by, reason=reason.sentence()):
        check_voided_last(event)
        successor = next_version(event, by=by, now=now)
        successor.save(force_insert=True)
    return successor


def _check_may_change(event: AdverseEvent, by: User) -> None:
    check_open(event.enrolment.trial)
    by.check_can(Permission.EVENT_RECORD, trial=event.enrolment.trial, site=event.enrolment.site)


def _same(stored: AdverseEvent, sent: AdverseEvent) -> bool:
    return all(getattr(stored, name) == getattr(sent, name) for name in CONTENT)


def _checked(rows: Sequence[NewAdverseEvent], *, trial: Trial, by: User, now: datetime) -> list[AdverseEvent]:
    """Return the rows as events not yet written, after reading what they refer to; raise for what is wrong with any."""
    patients = known_patients(trial=trial, by=by, permission=Permission.EVENT_RECORD, codes={row.patient for row in rows})
    sessions = _sessions({row.session for row in rows if row.session is not None}, trial)
    return _as_events(rows, patients, sessions, trial=trial, by=by, now=now)


def _as_events(
    rows: Sequence[NewAdverseEvent],
    patients: Mapping[str, KnownPatient],
    sessions: Mapping[UUID, int],
    *,
    trial: Trial,
    by: User,
    now: datetime,
) -> list[AdverseEvent]:
    scheme = GradingScheme(trial.grading_scheme)
    problems: list[Problem] = []
    wanted: list[AdverseEvent] = []
    for number, row in enumerate(rows):
        patient = patient_named(row.patient, patients)
        found = [*event_problems(row, scheme), *_reference_problems(row, patient, sessions, now)]
        problems += [of_row(problem, number, len(rows)) for problem in found]
        onset = day_of(row.onset_on, row.onset_at, patient.zone)
        if not found and onset is not None:
            wanted.append(_event(row, patient, onset, by=by, now=now))
    if problems:
        raise InvalidInput(problems)
    check_sites((patients[row.patient] for row in rows), trial=trial, by=by, permission=Permission.EVENT_RECORD)
    return wanted


def _sessions(records: set[UUID], trial: Trial) -> dict[UUID, int]:
    """Return whose sessions these are."""
    if not records:
        return {}
    rows = StimulationSession.objects.filter(record__in=records, enrolment__trial=trial, version=1)
    return dict(rows.values_list("record", "enrolment_id"))


def _reference_problems(row: NewAdverseEvent, patient: KnownPatient, sessions: Mapping[UUID, int], now: datetime) -> list[Problem]:
    moments = {"onset_on": row.onset_on, "onset_at": row.onset_at, "resolved_on": row.resolved_on, "aware_at": row.aware_at}
    found = moment_problems(moments, now=now, zone=patient.zone)
    if row.session is not None and sessions.get(row.session) != patient.id:
        found.append(Problem("session", "This is no session of the patient. Choose one of the patient's sessions.", "unknown"))
    onset = day_of(row.onset_on, row.onset_at, patient.zone)
    if onset is not None and row.resolved_on is not None and row.resolved_on < onset:
        found.append(Problem("resolved_on", "The event ended before it began. Check both days.", "order"))
    return found


def _event(row: NewAdverseEvent, patient: KnownPatient, onset: date, *, by: User, now: datetime) -> AdverseEvent:
    values = {
        "record": row.record or uuid.uuid4(),
        "enrolment_id": patient.id,
        "onset_on": onset,
        "session_record": row.session,
        "serious_criteria": sorted(row.serious_criteria),
        "recorded_at": now,
        "recorded_by_id": by.pk,
        **{name: getattr(row, name) for name in AS_SENT},
    }
    return make_row(AdverseEvent, values)
