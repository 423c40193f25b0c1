"""Patients: enrol a set of them in a trial, correct what is recorded of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connections

from registry.models import Enrolment, Site, Trial, User
from registry.roles import Permission
from registry.rules.tables.problems import name_remedy
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.services.patient_codes import Known, allowed_sites, known_patients, scope_sql
from registry.services.row_sets import Merge, RowChecks, RowsRefused, Tally, check_open, stage
from registry.vocabulary import Cohort, Handedness, Sex

STAGED = "staged_patients"
STAGED_COLUMNS = {
    "line": "bigint",
    "patient_code": "varchar(20)",
    "site_id": "bigint",
    "cohort": "varchar(40)",
    "enrolled_on": "date",
    "protocol_version_id": "bigint",
    "birth_year": "smallint",
    "sex": "varchar(40)",
    "handedness": "varchar(40)",
    "time_zone": "varchar(60)",
    "trial_id": "bigint",
    "id": "bigint",
}
ENROLMENTS = Merge("registry_enrolment", STAGED, ("trial_id", "patient_code"), ("site_id", "cohort", "enrolled_on", "protocol_version_id"))
PEOPLE = Merge("registry_patient", STAGED, ("id",), ("birth_year", "sex", "handedness", "time_zone"))
# A study number is given once (docs/decisions/0008).
HIDDEN = "is taken in this trial", "Use another study number"
VOIDED = "is the number of a patient who was voided", "Restore that patient and correct the record, or use another study number"


@dataclass(frozen=True, slots=True)
class NewPatient:
    """A patient to enrol, in the codes of the trial; without a site it is the trial's only one."""

    patient: str
    site: str = ""
    cohort: str = Cohort.PATIENTS
    enrolled_on: date | None = None
    protocol: str = ""
    birth_year: int | None = None
    sex: str = Sex.UNKNOWN
    handedness: str = Handedness.UNKNOWN
    time_zone: str = ""


def enrol(
    *, trial: Trial, rows: Sequence[NewPatient], by: User, now: datetime, reason: str = "", using: str = "default"
) -> dict[str, Enrolment]:
    """Enrol patients who are new and return their enrolments by study number; raise RowsRefused for those on record already."""
    with audited(by=by, reason=reason or "patients enrolled", using=using):
        intake = PatientIntake(trial=trial, rows=rows, by=by, now=now, using=using)
        for row, patient in enumerate(rows):
            if patient.patient in intake.known:
                intake.checks.note(
                    row, "patient", patient.patient, "is enrolled already", "Use another study number, or correct that record"
                )
        if intake.checks.problems:
            raise RowsRefused(intake.checks.problems)
        intake.write()
        codes = [row.patient for row in rows]
        enrolled = {row.patient_code: row for row in Enrolment.objects.using(using).filter(trial=trial, patient_code__in=codes)}
        mark_stale(trial, by=by, enrolment_ids=[row.pk for row in enrolled.values()], using=using)
    return enrolled


def correct(*, trial: Trial, rows: Sequence[NewPatient], by: User, now: datetime, reason: str, using: str = "default") -> Tally:
    """Correct what is recorded of patients and return what became of the rows; raise RowsRefused. Who is new would be enrolled."""
    with audited(by=by, reason=reason, using=using):
        intake = PatientIntake(trial=trial, rows=rows, by=by, now=now, using=using)
        if intake.checks.problems:
            raise RowsRefused(intake.checks.problems)
        tally = intake.tally()
        intake.write()
        concerned = [known.id for known in intake.known.values()]
        mark_stale(trial, by=by, enrolment_ids=concerned, using=using)
    return tally


class PatientIntake:
    """A set of patients laid beside those on record: what is wrong, what is new or changed, and the writing of it.

    To be used inside `audited`; `write` leaves out rows with a problem, so a caller who minds must raise.
    """

    def __init__(self, *, trial: Trial, rows: Sequence[NewPatient], by: User, now: datetime, using: str = "default") -> None:
        check_open(trial)
        self.trial, self.by, self.using = trial, by, using
        self.checks = RowChecks()
        self.known = known_patients(trial, by, {row.patient for row in rows}, using)
        self._sites = dict(Site.objects.using(using).filter(trial=trial).values_list("code", "pk"))
        self._only_site = next(iter(self._sites)) if len(self._sites) == 1 else ""
        self._allowed = allowed_sites(trial, by, Permission.PATIENT_EDIT, using)
        self._protocols = dict(trial.protocol_versions.using(using).values_list("version", "pk"))
        self._check(rows, now)
        self._stage(rows)

    def _check(self, rows: Sequence[NewPatient], now: datetime) -> None:
        self.checks.note_repeats(((row.patient,) for row in rows), ("patient",))
        taken = self._taken_codes(rows)
        for number, row in enumerate(rows):
            self._check_site(number, row, self.known.get(row.patient))
            self.checks.note_future(number, "enrolled_on", row.enrolled_on, now)
            if row.protocol and row.protocol not in self._protocols:
                remedy = name_remedy(row.protocol, self._protocols, "protocol")
                self.checks.note(number, "protocol", row.protocol, "is no protocol version of the trial", remedy)
            if row.patient in taken:
                self.checks.note(number, "patient", row.patient, *(VOIDED if taken[row.patient] else HIDDEN))

    def _check_site(self, number: int, row: NewPatient, known: Known | None) -> None:
        site_id = self._sites.get(row.site or self._only_site)
        if site_id is None:
            self.checks.note(number, "site", row.site, "is no site of the trial", name_remedy(row.site, self._sites, "site"))
        elif not {site_id, known.site_id if known else site_id} <= self._allowed:
            self.checks.note(number, "site", row.site, "is a site where you may not enrol", "Ask somebody who may enrol there")

    def _taken_codes(self, rows: Sequence[NewPatient]) -> dict[str, bool]:
        """Return the codes of patients the person cannot see, and of voided ones: each with whether it is a voided one of theirs."""
        unknown = {row.patient for row in rows} - self.known.keys()
        with connections[self.using].cursor() as cursor:
            cursor.execute(
                "SELECT patient_code FROM registry_enrolment WHERE trial_id = %s AND patient_code = ANY(%s)", [self.trial.pk, list(unknown)]
            )
            taken = {code for (code,) in cursor.fetchall()}
        own = Enrolment.with_voided.using(self.using).visible_to(self.by).filter(trial=self.trial, patient_code__in=taken)
        voided = set(own.values_list("patient_code", flat=True)) if taken else set()
        return {code: code in voided for code in taken}

    def _stage(self, rows: Sequence[NewPatient]) -> None:
        bad = self.checks.bad_rows()
        staged = (self._staged_row(number, row) for number, row in enumerate(rows) if number not in bad)
        with connections[self.using].cursor() as cursor:
            stage(cursor, STAGED, STAGED_COLUMNS, staged)

    def _staged_row(self, number: int, row: NewPatient) -> tuple[object, ...]:
        known = self.known.get(row.patient)
        return (
            number,
            row.patient,
            self._sites[row.site or self._only_site],
            str(row.cohort),
            row.enrolled_on,
            self._protocols.get(row.protocol),
            row.birth_year,
            str(row.sex),
            str(row.handedness),
            row.time_zone,
            self.trial.pk,
            known.patient_id if known else None,
        )

    def tally(self) -> Tally:
        """Count the rows; a patient is corrected if anything of person or enrolment differs."""
        with connections[self.using].cursor() as cursor:
            scope = f"t.id IN ({scope_sql(cursor, self.trial, self.by, self.using)})"
            enrolments = ENROLMENTS.tally(cursor, scope)
            cursor.execute(_CORRECTED)
            corrected = int(cursor.fetchone()[0])
        return Tally(
            new=enrolments.new,
            unchanged=enrolments.unchanged + enrolments.corrected - corrected,
            corrected=corrected,
            absent=enrolments.absent,
        )

    def write(self) -> None:
        """Correct the changed rows and add the new ones, person and enrolment."""
        with connections[self.using].cursor() as cursor:
            self._write(cursor)

    def _write(self, cursor: Any) -> None:
        PEOPLE.update(cursor)
        ENROLMENTS.update(cursor)
        cursor.execute(_NUMBER_NEW)
        cursor.execute(_ADD_PEOPLE)
        cursor.execute(_ADD_ENROLMENTS)


_CORRECTED = f"""
    SELECT count(*) FROM pg_temp.{STAGED} s
    JOIN registry_enrolment e ON e.trial_id = s.trial_id AND e.patient_code = s.patient_code
    JOIN registry_patient p ON p.id = e.patient_id
    WHERE (e.site_id, e.cohort, e.enrolled_on, e.protocol_version_id, p.birth_year, p.sex, p.handedness, p.time_zone)
        IS DISTINCT FROM (s.site_id, s.cohort, s.enrolled_on, s.protocol_version_id, s.birth_year, s.sex, s.handedness, s.time_zone)
"""
# Persons get their numbers first, so that enrolments can point to them without a round trip for each.
# In the order of study numbers, not of the file, which may be sorted by what must stay concealed.
_NUMBER_NEW = f"""
    UPDATE pg_temp.{STAGED} s SET id = -numbered.id
    FROM (
        SELECT line, nextval(pg_get_serial_sequence('registry_patient', 'id')) AS id
        FROM (SELECT line FROM pg_temp.{STAGED} WHERE id IS NULL ORDER BY patient_code) ordered
    ) numbered
    WHERE numbered.line = s.line
"""
_ADD_PEOPLE = f"""
    INSERT INTO registry_patient (id, birth_year, sex, handedness, time_zone)
    SELECT -id, birth_year, sex, handedness, time_zone FROM pg_temp.{STAGED}
    WHERE id < 0 ORDER BY patient_code
"""
_ADD_ENROLMENTS = f"""
    INSERT INTO registry_enrolment (trial_id, patient_id, patient_code, site_id, cohort, enrolled_on, protocol_version_id)
    SELECT trial_id, -id, patient_code, site_id, cohort, enrolled_on, protocol_version_id FROM pg_temp.{STAGED}
    WHERE id < 0 ORDER BY patient_code
"""
