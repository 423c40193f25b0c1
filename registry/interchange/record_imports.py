"""Tables of records on their way in: thresholds and adverse events. Their rows go through the services that forms use.

Unlike other tables these are written as whole sets by a service, which refuses all rows for one wrong one: what it
refuses is noted, and the sound rows are written so that later tables find them. Problems end the transaction anyway.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.interchange import record_queries as queries
from registry.interchange.export_query import ExportQuery, instant
from registry.interchange.record_matches import Cells, Key, Matches, Stored, canonical_name, latest, match, row_key, stored_records
from registry.interchange.record_scopes import RECORDS, reading_all, written_scopes
from registry.interchange.table_reader import CanonicalValues, TableRows
from registry.models import AdverseEvent, MotorThreshold, StimulationSession, Trial, User
from registry.roles import Permission
from registry.rules.adverse_events import NewAdverseEvent
from registry.rules.tables.columns import Table
from registry.rules.tables.patterns import complaint
from registry.rules.thresholds import NewThreshold
from registry.services.adverse_events import correct_adverse_events, record_adverse_events
from registry.services.record_sets import KnownPatient, known_patients
from registry.services.row_sets import RowChecks, Tally
from registry.services.thresholds import correct_thresholds, record_thresholds
from registry.vocabulary import (
    AdverseEventTerm,
    EventAction,
    EventOutcome,
    Hemisphere,
    Relatedness,
    SeriousCriterion,
    ThresholdKind,
    ThresholdMethod,
    Waveform,
)

_ROW = re.compile(r"rows\[(\d+)\]\.(.*)")


@dataclass(frozen=True)
class Importing:
    """Into which trial, by whom, when, why, on which alias."""

    trial: Trial
    by: User
    now: datetime
    reason: str
    using: str

    def visible(self, model: Any) -> QuerySet[Any]:
        """Return the records the person may see: standing ones, and those taken out of use, which an import leaves so."""
        return latest(model.objects.using(self.using).visible_to(self.by).filter(enrolment__trial=self.trial))


class RecordImport(ABC):
    """One table's rows: completed, laid beside what is on record, written as sets. To be used inside `audited`."""

    query: ClassVar[ExportQuery]
    model: ClassVar[Any]
    recording: ClassVar[Permission] = Permission.SESSION_RECORD
    correcting: ClassVar[Permission] = Permission.SESSION_CORRECT
    moot: ClassVar[tuple[str, ...]] = ()
    # What a field of the service is called in the table, where it is not the same.
    columns: ClassVar[dict[str, str]] = {}

    def __init__(self, found: TableRows, importing: Importing) -> None:
        self.importing, self.found = importing, found
        self.checks = RowChecks()
        defaults = {column.name: column.default for column in self.table.columns}
        self.rows = [{**defaults, **row} for row in found.values]
        self._values = {column.name: CanonicalValues(column) for column in self.table.columns}
        self._completed, self._ranks = False, cast(dict[int, int] | None, None)
        self.said = frozenset(found.values[0]) if found.values else frozenset()
        self.patients = self._patients(self.recording)
        self._check_patients()
        self.load()
        for number in self.sound(range(len(self.rows))):
            self.complete(number, self.rows[number])
        self._completed = True
        self.stored: list[Stored] = self._stored()
        self.matches: Matches = match(
            self.table,
            self.rows,
            self.stored,
            said=self.said,
            key=self.key,
            changed=self.changed,
            checks=self.checks,
            moot=self.moot,
        )
        self._check_corrections()

    @property
    def table(self) -> Table:
        """Return the table."""
        return self.query.table

    @property
    def key(self) -> Callable[[Cells], Key]:
        """Return how rows are told apart."""
        return row_key(self.table)

    def load(self) -> None:  # noqa: B027  # some tables refer to nothing
        """Read what rows refer to."""

    @abstractmethod
    def complete(self, number: int, row: Cells) -> None:
        """Fill in what follows from other cells, and note references that lead nowhere."""

    @abstractmethod
    def new_row(self, number: int, row: Cells) -> Any:
        """Return the row as the service takes it."""

    @abstractmethod
    def record(self, rows: Sequence[Any]) -> None:
        """Record rows."""

    @abstractmethod
    def correct(self, pairs: Sequence[tuple[Any, Any]]) -> None:
        """Correct records."""

    def changed(self, number: int, stored: Stored) -> bool:
        """Tell whether a row changes more of a record than its cells."""
        return False

    # --- Checks -------------------------------------------------------------------------------------------------------

    def _patients(self, permission: Permission) -> dict[str, KnownPatient]:
        trial, by = self.importing.trial, self.importing.by
        return known_patients(trial=trial, by=by, permission=permission, codes={row["patient"] for row in self.rows})

    def _check_patients(self) -> None:
        for number, row in enumerate(self.rows):
            patient = self.patients.get(row["patient"])
            if patient is None:
                right = "Check the study number, or add it to patients.csv"
                self.checks.note(number, "patient", row["patient"], "is no patient you can see in this trial", right)
            elif not patient.writable:
                wrong = "belongs to a site where you may not write"
                self.checks.note(number, "patient", row["patient"], wrong, "Ask somebody who may write there")

    def _check_corrections(self) -> None:
        """Note rows that would correct records at sites where the person may not."""
        if not self.matches.corrected or self.correcting == self.recording:
            return
        patients = self._patients(self.correcting)
        for number in self.matches.corrected:
            patient = patients.get(self.rows[number]["patient"])
            if patient is not None and not patient.writable:
                right = f"Ask somebody with the right '{self.correcting}' there"
                self.checks.note(number, "patient", patient.code, "has a record that this would correct, which you may not", right)

    def _stored(self) -> list[Stored]:
        importing = self.importing
        visible = {name: importing.visible(model).values("pk") for name, model in RECORDS.items()}
        with reading_all(importing.using) as cursor:
            scopes = written_scopes(cursor, importing.trial, importing.by, importing.using, **visible)
            self.load_more(cursor, scopes)
            return stored_records(cursor, self.query, scopes)

    def load_more(self, cursor: Any, scopes: dict[str, str]) -> None:  # noqa: B027  # only sessions have parts
        """Read what else is compared."""

    def sound(self, numbers: Collection[int]) -> list[int]:
        """Return the rows without a problem, in the order of their keys: the order of a file may tell who got which arm."""
        bad = self.checks.bad_rows()
        return sorted((number for number in numbers if number not in bad), key=self._rank())

    def _rank(self) -> Callable[[int], Any]:
        """Return how rows are ordered; once their cells are complete, the order stands."""
        if not self._completed:
            return lambda number: self.place(self.rows[number])
        if self._ranks is None:
            ordered = sorted(range(len(self.rows)), key=lambda number: self.place(self.rows[number]))
            self._ranks = {number: rank for rank, number in enumerate(ordered)}
        return self._ranks.__getitem__

    def place(self, row: Cells) -> tuple[object, ...]:
        """Return where a row stands among others."""
        return tuple(row[name] for name in self.table.key)

    def zone(self, row: Cells) -> ZoneInfo:
        """Return the patient's time zone."""
        return self.patients[row["patient"]].zone

    def complete_day(self, row: Cells, day: str, instant: str) -> None:
        """Fill in the local day of an instant where the row says none."""
        if not row[day] and row[instant]:
            row[day] = self.value(row, instant).astimezone(self.zone(row)).date().isoformat()

    def value(self, row: Cells, name: str) -> Any:
        """Return a cell as a value."""
        return self._values[name][row[name]]

    # --- Writing ------------------------------------------------------------------------------------------------------

    def bring(self) -> Tally:
        """Write what is sound, and count."""
        tally = self.matches.tally()
        self._write(self.sound(self.matches.new), self._record)
        self._write(self.sound(self.matches.corrected), self._correct)
        return tally

    def _record(self, numbers: Sequence[int]) -> None:
        self.record([self.new_row(number, self.rows[number]) for number in numbers])

    def _correct(self, numbers: Sequence[int]) -> None:
        """Correct records; what a row does not say stays as it is on record."""
        cells = {one.record: one.cells for one in self.stored}
        derived = [
            column.name for column in self.table.columns if column.default_doc or (column.concealed and column.name not in self.said)
        ]
        wanted = {self.matches.records[number]: number for number in numbers}
        pairs = []
        for old in self.model.objects.filter(record__in=list(wanted), ended_at__isnull=True).order_by("pk"):
            number = wanted[old.record]
            row = self.rows[number]
            kept = {name: cells[old.record][name] for name in derived if not row[name] and self.stays(name, row, cells[old.record])}
            pairs.append((old, self.new_row(number, {**row, **kept})))
        self.correct(pairs)

    def stays(self, name: str, row: Cells, stored: Cells) -> bool:
        """Tell whether a column that a correction does not say stays as it is on record."""
        return True

    def _write(self, numbers: list[int], write: Callable[[Sequence[int]], None]) -> None:
        """Write a set; where a service refuses rows, note why and write the others."""
        for _ in range(2):
            if not numbers:
                return
            try:
                write(numbers)
                return
            except InvalidInput as refused:
                for problem in refused.problems:
                    self._note(problem, numbers)
                numbers = self.sound(numbers)
            except Conflict as refused:
                wrong, _, right = refused.sentence.rstrip(".").partition(". ")
                self.checks.note(numbers[0], "", "", wrong[:1].lower() + wrong[1:], right)
                return

    def _note(self, problem: Problem, numbers: Sequence[int]) -> None:
        place = _ROW.fullmatch(problem.field)
        number = numbers[int(place[1])] if place else numbers[0]
        self.note_problem(number, Problem(place[2] if place else problem.field, problem.message, problem.code))

    def unread_patients(self) -> set[str]:
        """Return the patients with a row that could not be read or written: what refers to it is no further news."""
        sound = set(self.sound(range(len(self.rows))))
        return self.found.unread | {row["patient"] for number, row in enumerate(self.rows) if number not in sound}

    def note_problem(self, number: int, problem: Problem) -> None:
        """Note what a service says of a row under the name of its column."""
        column = self.columns.get(problem.field, problem.field)
        said = complaint(Problem(column, problem.message), self.rows[number])
        self.checks.note(number, column, said.value, said.wrong, said.right)


class ThresholdImport(RecordImport):
    """motor_thresholds.csv."""

    query = queries.MOTOR_THRESHOLDS
    model = MotorThreshold

    def complete(self, number: int, row: Cells) -> None:
        self.complete_day(row, "measured_on", "measured_at")

    def new_row(self, number: int, row: Cells) -> NewThreshold:
        return NewThreshold(
            patient=row["patient"],
            percent_mso=self.value(row, "percent_mso"),
            hemisphere=Hemisphere(row["hemisphere"]),
            kind=ThresholdKind(row["kind"]),
            coil=row["coil"] or None,
            stimulator=row["stimulator"] or None,
            waveform=Waveform(row["waveform"]),
            muscle=row["muscle"],
            method=ThresholdMethod(row["method"]),
            row_id=row["row_id"],
            **{name: self.value(row, name) for name in ("measured_on", "measured_at", "criterion_uv")},
        )

    def record(self, rows: Sequence[Any]) -> None:
        one = self.importing
        record_thresholds(trial=one.trial, rows=rows, by=one.by, now=one.now, reason=one.reason)

    def correct(self, pairs: Sequence[tuple[Any, Any]]) -> None:
        one = self.importing
        correct_thresholds(trial=one.trial, pairs=pairs, by=one.by, now=one.now, reason=one.reason)


class EventImport(RecordImport):
    """adverse_events.csv."""

    query = queries.ADVERSE_EVENTS
    model = AdverseEvent
    recording = correcting = Permission.EVENT_RECORD

    def __init__(self, found: TableRows, importing: Importing, unread: Collection[tuple[str, str]] = ()) -> None:
        # Sessions whose own row could not be read or written, '' for any of a patient: that they are unknown is no news.
        self._unread = unread
        super().__init__(found, importing)

    def load(self) -> None:
        self._sessions = named_sessions(self.importing)

    def complete(self, number: int, row: Cells) -> None:
        self.complete_day(row, "onset_on", "onset_at")
        row["session"] = canonical_name(row["session"])
        name = (row["patient"], row["session"])
        if row["session"] and name not in self._sessions and not {name, (row["patient"], "")} & set(self._unread):
            right = "Use its number in sessions.csv, or leave it empty for an event of no session"
            self.checks.note(number, "session", row["session"], "is no session of this patient", right)

    def new_row(self, number: int, row: Cells) -> NewAdverseEvent:
        criteria = tuple(map(SeriousCriterion, self.value(row, "serious_criteria") or ()))
        return NewAdverseEvent(
            patient=row["patient"],
            term=AdverseEventTerm(row["term"]),
            term_text=row["term_text"],
            grade=self.value(row, "grade"),
            serious=bool(criteria),
            serious_criteria=criteria,
            relatedness=Relatedness(row["relatedness"]),
            action=EventAction(row["action"]),
            outcome=EventOutcome(row["outcome"]),
            session=self._sessions.get((row["patient"], row["session"])),
            note=row["note"],
            row_id=row["row_id"],
            **{
                name: self.value(row, name)
                for name in ("onset_on", "onset_at", "resolved_on", "solicited", "expected", "aware_at", "needs_report")
            },
        )

    def record(self, rows: Sequence[Any]) -> None:
        one = self.importing
        record_adverse_events(trial=one.trial, rows=rows, by=one.by, now=one.now, reason=one.reason)

    def correct(self, pairs: Sequence[tuple[Any, Any]]) -> None:
        one = self.importing
        correct_adverse_events(trial=one.trial, pairs=pairs, by=one.by, now=one.now, reason=one.reason)


def named_sessions(importing: Importing) -> dict[tuple[str, str], UUID]:
    """Return the sessions the person may see, by patient and name; names that several share are left out."""
    return _named(importing, StimulationSession, queries.session_reference("t"), "")


def named_thresholds(importing: Importing) -> dict[tuple[str, str], tuple[UUID, str]]:
    """Return thresholds with their full names, by patient and by full name, or by time alone where that is enough."""
    name = queries.threshold_reference("t", "c")
    joined = "LEFT JOIN registry_coil c ON c.id = t.coil_id"
    full = _named(importing, MotorThreshold, name, joined)
    full_names = {record: text for (_, text), record in full.items()}
    measured = f"coalesce({instant('t.measured_at')}, t.measured_on::text)"
    short = _named(importing, MotorThreshold, measured, joined)
    found = {key: (record, full_names[record]) for key, record in short.items() if record in full_names}
    return found | {key: (record, key[1]) for key, record in full.items()}


def _named(importing: Importing, model: Any, name: str, joined: str) -> dict[tuple[str, str], UUID]:
    with reading_all(importing.using) as cursor:
        wanted = importing.visible(model).values("pk")
        scopes = written_scopes(cursor, importing.trial, importing.by, importing.using, wanted=wanted)
        cursor.execute(
            f"""SELECT e.patient_code, {name}, t.record, t.voided FROM {model._meta.db_table} t
                JOIN registry_enrolment e ON e.id = t.enrolment_id {joined} WHERE t.id IN ({scopes["wanted"]})"""
        )
        rows = cursor.fetchall()
    voided, standing = (_single([row for row in rows if row[3] == gone]) for gone in (True, False))
    # A name that a standing record has, or several have, never means one that was taken out of use.
    taken = {(code, text) for code, text, _, gone in rows if not gone}
    return {key: record for key, record in voided.items() if key not in taken} | standing


def _single(rows: Sequence[tuple[str, str, UUID, bool]]) -> dict[tuple[str, str], UUID]:
    """Return the records by their names, without names that several share."""
    counts = Counter((code, text) for code, text, _, _ in rows)
    return {(code, text): record for code, text, record, _ in rows if counts[code, text] == 1}
