"""What services that write sets of records share: the patients meant, rights at their sites, repeats, and naming a row's problems."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from django.db import IntegrityError
from django.db.models import F

from registry.exceptions import Conflict, NotFound, Problem
from registry.models import Trial, User
from registry.models.records import VersionedRecord
from registry.roles import Permission
from registry.services.auditing import audited
from registry.services.patient_codes import NAMED_ONE_BY_ONE, allowed_sites, visible_enrolments
from registry.services.row_adding import Adding, add_rows
from registry.services.used_row_ids import row_ids_in_use

Record = TypeVar("Record", bound=VersionedRecord)


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """An enrolment that the person can see; `writable` tells whether they may write such records at its site."""

    id: int
    code: str
    zone: ZoneInfo
    site_id: int
    writable: bool


def known_patients(
    *, trial: Trial, by: User, permission: Permission, codes: Collection[str], using: str | None = None
) -> dict[str, KnownPatient]:
    """Return the patients meant by their study numbers, in one query."""
    allowed = allowed_sites(trial, by, permission, using)
    rows = visible_enrolments(trial, by, using)
    if len(codes) <= NAMED_ONE_BY_ONE:
        rows = rows.filter(patient_code__in=codes)
    found = rows.annotate(own=F("patient__time_zone"), at_site=F("site__time_zone"))
    return {
        code: KnownPatient(pk, code, ZoneInfo(own or at_site or trial.time_zone), site_id, site_id in allowed)
        for code, pk, site_id, own, at_site in found.values_list("patient_code", "pk", "site_id", "own", "at_site")
        if code in codes
    }


def patient_named(code: str, patients: Mapping[str, KnownPatient]) -> KnownPatient:
    """Return one of them; raise NotFound for a patient the person cannot see."""
    patient = patients.get(code)
    if patient is None:
        raise NotFound(f"There is no patient {code} among those you can see in this trial.")
    return patient


def check_sites(patients: Iterable[KnownPatient], *, trial: Trial, by: User, permission: Permission) -> None:
    """Raise NotAllowed when one of the patients is at a site where the person lacks the right."""
    closed = {patient.site_id for patient in patients if not patient.writable}
    for site in trial.sites.filter(pk__in=closed) if closed else ():
        by.check_can(permission, trial=trial, site=site)


def of_row(problem: Problem, number: int, rows: int) -> Problem:
    """Name the row where there is more than one."""
    return problem if rows == 1 else Problem(f"rows[{number}].{problem.field}", problem.message, problem.code)


def day_of(on: date | None, at: datetime | None, zone: ZoneInfo) -> date | None:
    """Return the day given, else the local day of the instant."""
    return at.astimezone(zone).date() if on is None and at is not None else on


def moment_problems(fields: Mapping[str, date | datetime | None], *, now: datetime, zone: ZoneInfo) -> list[Problem]:
    """Return which days and instants have not come yet where the patient is."""
    today = now.astimezone(zone).date()
    return [
        Problem(field, "This lies in the future. Enter when it was.", "future")
        for field, when in fields.items()
        if when is not None and (when > now if isinstance(when, datetime) else when > today)
    ]


def known_code(field: str, code: str | None, known: Collection[str], noun: str) -> list[Problem]:
    """Return the problem of a code that is none of the trial's."""
    if code is None or code in known:
        return []
    offered = f"Use one of: {', '.join(sorted(known))}." if known else "Add it to the trial first."
    return [Problem(field, f"{code} is no {noun} of this trial. {offered}", "unknown")]


def write_once(
    wanted: Sequence[Record],
    same: Callable[[Record, Record], bool],
    noun: str,
    *,
    sent: Iterable[uuid.UUID | None],
    by: User,
    reason: str,
) -> list[Record]:
    """Write those not on record yet, in a transaction of its own or the one under way; return what was written.

    `sent` are the identifiers that rows brought: one that was made here is nowhere yet, and not looked for. Raises Conflict
    where an identifier belongs to another record, or a row_id is in use for that patient.
    """
    on_record: tuple[uuid.UUID, ...] | None = None if any(record is not None for record in sent) else ()
    try:
        return _write(wanted, same, noun, by, reason, on_record)
    except IntegrityError as error:
        if "row_id_unique" in str(error):
            raise row_ids_in_use(wanted, noun) from error
        # Somebody sent the same records at the same moment; they are on record now, and so these are repeats.
        if "version_unique" not in str(error) and "one_standing" not in str(error):
            raise
    return _write(wanted, same, noun, by, reason, on_record)


def _write(
    wanted: Sequence[Record],
    same: Callable[[Record, Record], bool],
    noun: str,
    by: User,
    reason: str,
    on_record: Collection[uuid.UUID] | None,
) -> list[Record]:
    with audited(by=by, reason=reason):
        return add_new(wanted, same, noun, on_record)


def add_new(
    wanted: Sequence[Record],
    same: Callable[[Record, Record], bool],
    noun: str,
    on_record: Collection[uuid.UUID] | None,
    add: Adding = add_rows,
) -> list[Record]:
    """Write those not on record yet within the change under way; return what was written, raise as `write_once`.

    `on_record` are those of their records that were found already; None where nobody looked. `add` writes the rows, or keeps them
    to be written with others.
    """
    known = _on_record(wanted, same, noun) if on_record is None or on_record else set()
    new = [row for row in wanted if row.record not in known]
    add(new)
    return new


def _on_record(wanted: Sequence[Record], same: Callable[[Record, Record], bool], noun: str) -> set[uuid.UUID]:
    """Return which records are on record already; the first version decides: what was corrected since is still the same record."""
    if not wanted:
        return set()
    found = type(wanted[0])._default_manager.filter(record__in=[row.record for row in wanted], version=1)
    stored = {row.record: row for row in cast(Iterable[Record], found)}
    taken = [row.record for row in wanted if row.record in stored and not same(stored[row.record], row)]
    if taken:
        sentence = f"The identifier of this {noun} belongs to another one already. Begin a new entry for a new {noun}."
        raise Conflict(sentence, field="id", records=taken)
    return set(stored)
