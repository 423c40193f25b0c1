"""Preparing a trial's allocation in the closed room, and giving one patient the next kit of the list."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from string import ascii_uppercase

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from registry.closed_room import CLOSED_ALIAS, open_closed_room
from registry.exceptions import AllocationRefused, Conflict, InvalidInput, Problem
from registry.models import Allocation, Disposition, Enrolment, EnrolmentPain, ScreeningAttempt, Treatment, Trial, User
from registry.roles import Permission
from registry.rules.allocation_list import ListRow, read_list, stratum_problem, write_list
from registry.rules.randomisation import kit_codes, permuted_blocks
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.vocabulary import AllocationListKind, Cohort, Conduct, DispositionKind, ScreeningResult

NO_LIST, NO_FREE_SLOT = "RT003", "RT004"
NO_PRIMARY_PAIN = "Record the primary pain first: it is frozen at allocation."
# After any of these no planned act can follow.
ENDED = (
    DispositionKind.SCREEN_FAILURE,
    DispositionKind.WITHDRAWAL_OF_CONSENT,
    DispositionKind.LOST,
    DispositionKind.DEATH,
    DispositionKind.END_OF_FOLLOW_UP,
    DispositionKind.COMPLETION,
)


@dataclass(frozen=True)
class NewArm:
    """An arm to define: the code of its visible treatment and its concealed part."""

    code: str
    label: str
    treatment: str
    part: str


@dataclass(frozen=True)
class PreparedList:
    """What may be told of a stored list: how many places, and the SHA-256 of its bytes."""

    slots: int
    sha256: str


def define_arms(*, trial: Trial, arms: Sequence[NewArm], by: User) -> None:
    """Store a trial's arms in the closed room, each under a letter drawn at random; the same arms again change nothing.

    Raises InvalidInput for an unknown treatment, Conflict when other arms are defined already.
    """
    treatments = dict(Treatment.objects.filter(trial=trial).values_list("code", "pk"))
    _check_arms(arms, treatments)
    letters = secrets.SystemRandom().sample(ascii_uppercase[: len(arms)], len(arms))
    with open_closed_room(by=by, permission=Permission.ALLOCATION_MANAGE, trial=trial) as connection:
        with audited(by=by, reason="arms defined", using=CLOSED_ALIAS):
            _lock_trial(connection, trial)
            if _arms_unchanged(connection, trial, arms, treatments):
                return
            rows = [
                (trial.pk, arm.code, arm.label, treatments[arm.treatment], arm.part, letter, position)
                for position, (arm, letter) in enumerate(zip(arms, letters, strict=True), start=1)
            ]
            _insert(connection, "arm", "trial_id, code, label, treatment_id, part, letter, position", rows)


def import_list(*, trial: Trial, content: bytes, by: User, stage: int = 1) -> PreparedList:
    """Store a prepared list with the SHA-256 of its bytes; kit codes are drawn where the file has none.

    Raises InvalidInput naming each wrong cell, Conflict when the trial has its list.
    """
    with open_closed_room(by=by, permission=Permission.ALLOCATION_MANAGE, trial=trial) as connection:
        rows = read_list(content, _parts(connection, trial))
        seed = ""
        if not rows[0].kit_code:
            seed = new_seed()
            rows = [replace(row, kit_code=code) for row, code in zip(rows, kit_codes(len(rows), seed), strict=True)]
        return _store(connection, trial, rows, content, by=by, stage=stage, seed=seed)


def generate_list(
    *,
    trial: Trial,
    strata: Sequence[str],
    ratio: Sequence[tuple[str, int]],
    block_sizes: Sequence[int],
    length: int,
    by: User,
    seed: str = "",
    stage: int = 1,
) -> PreparedList:
    """Draw and store a list of permuted blocks, `length` places a stratum at least, and record its seed (minted if not given).

    `ratio` names each arm with its share. Raises InvalidInput for what cannot be drawn, Conflict when the trial has its list.
    """
    seed = seed or new_seed()
    with open_closed_room(by=by, permission=Permission.ALLOCATION_MANAGE, trial=trial) as connection:
        _check_ratio(ratio, _parts(connection, trial))
        try:
            slots = permuted_blocks(strata=strata, parts=ratio, block_sizes=block_sizes, length_per_stratum=length, seed=seed)
        except ValueError as error:
            raise InvalidInput([Problem("list", f"The list cannot be drawn: {error}.")]) from error
        rows = [ListRow(line, slot.stratum, slot.number, slot.part, slot.kit_code) for line, slot in enumerate(slots, start=2)]
        return _store(connection, trial, rows, write_list(rows), by=by, stage=stage, seed=seed, block_sizes=block_sizes)


def new_seed() -> str:
    """Return a fresh seed of 128 bits."""
    return secrets.token_hex(16)


def request_allocation(*, enrolment: Enrolment, stratum: str, by: User, now: datetime, stage: int = 1) -> str:
    """Give the patient the next free place of their stratum and return its kit code ('' where the list has no kits).

    A repeated request returns the same kit. Raises AllocationRefused, which tells nothing of the list: an unknown stratum and
    one that is used up read the same.
    """
    by.check_can(Permission.ALLOCATION_REQUEST, trial=enrolment.trial, site=enrolment.site)
    given = Allocation.objects.filter(enrolment=enrolment, stage=stage).first()
    if given is not None:
        return _given_before(given, stratum)
    try:
        with audited(by=by, reason="allocation requested"):
            return _allocate(enrolment, stratum, by=by, now=now, stage=stage)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) not in (NO_LIST, NO_FREE_SLOT):
            raise
    # Outside the except block, so that no traceback carries the database's own words.
    raise AllocationRefused(
        f"No kit can be given in stratum '{stratum}' now. Check the stratum; if it is right, call the trial's unmasked statistician."
    )


def _allocate(enrolment: Enrolment, stratum: str, *, by: User, now: datetime, stage: int) -> str:
    """Check what is true under the lock and take the slot."""
    # FOR UPDATE also holds back a disposition, whose foreign key must lock this row.
    row = Enrolment.objects.select_for_update(of=("self",)).select_related("trial", "site__trial").get(pk=enrolment.pk)
    given = Allocation.objects.filter(enrolment=row, stage=stage).first()
    if given is not None:
        return _given_before(given, stratum)
    refusal = _refusal(row, stratum)
    if refusal:
        raise AllocationRefused(refusal)
    today = now.astimezone(row.site.zone).date()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT registry_allocate(%s, %s::smallint, %s, %s, %s)", [row.pk, stage, stratum, now, today])
        code = str(cursor.fetchone()[0])
    mark_stale(row.trial, by=by, enrolment_ids=[row.pk])
    return code


def _given_before(given: Allocation, stratum: str) -> str:
    """Return the kit given before; strata are stored as used and not changed by asking again."""
    if given.stratum != stratum:
        raise AllocationRefused(
            f"This patient was allocated in stratum '{given.stratum}'. Record a corrected factor beside it; it changes no kit."
        )
    return given.kit_code


def reasons_against(enrolment: Enrolment) -> list[str]:
    """Return everything on record that keeps the patient from being allocated now; the list itself is not looked at."""
    primary = EnrolmentPain.objects.filter(enrolment=enrolment, rank=1).exists()
    found = [_trial_refusal(enrolment.trial), _patient_refusal(enrolment), None if primary else NO_PRIMARY_PAIN]
    return [reason for reason in found if reason]


def _refusal(enrolment: Enrolment, stratum: str) -> str | None:
    """Return why this patient may not be allocated now, or None."""
    return _trial_refusal(enrolment.trial) or _patient_refusal(enrolment) or _pain_refusal(enrolment, stratum)


def _trial_refusal(trial: Trial) -> str | None:
    if trial.conduct != Conduct.PROSPECTIVE:
        return "This trial is finished: its allocations came with its import."
    if trial.locked_at is not None:
        return "The trial's records are locked. Nobody can be allocated any more."
    return None


def _patient_refusal(enrolment: Enrolment) -> str | None:
    if enrolment.cohort != Cohort.PATIENTS:
        return f"{enrolment.patient_code} belongs to a comparison group, which gets no treatment."
    ended = Disposition.objects.filter(enrolment=enrolment, kind__in=ENDED, voided_at__isnull=True).order_by("pk").first()
    if ended is not None:
        return f"{enrolment.patient_code} cannot be allocated: '{DispositionKind(ended.kind).label}' is on record."
    attempt = ScreeningAttempt.objects.filter(enrolment=enrolment).order_by("-number").first()
    if attempt is not None and attempt.result != ScreeningResult.PASSED:
        return f"{enrolment.patient_code} cannot be allocated: screening says '{ScreeningResult(attempt.result).label}'."
    return None


def _pain_refusal(enrolment: Enrolment, stratum: str) -> str | None:
    primary = EnrolmentPain.objects.filter(enrolment=enrolment, rank=1).select_related("diagnosis").first()
    if primary is None:
        return NO_PRIMARY_PAIN
    return stratum_problem(stratum, site=enrolment.site.code, condition=primary.diagnosis.condition)


def _check_arms(arms: Sequence[NewArm], treatments: dict[str, int]) -> None:
    problems = [
        Problem("treatment", f"'{arm.treatment}' is no treatment of the trial. Use one of: {', '.join(treatments)}.")
        for arm in arms
        if arm.treatment not in treatments
    ]
    if not 1 <= len(arms) <= len(ascii_uppercase) or len({arm.code for arm in arms}) < len(arms):
        problems.append(Problem("arms", f"Name 1 to {len(ascii_uppercase)} arms, each once."))
    if problems:
        raise InvalidInput(problems)


def _check_ratio(ratio: Sequence[tuple[str, int]], parts: dict[str, str]) -> None:
    unknown = [arm for arm, _ in ratio if arm not in parts]
    if unknown:
        raise InvalidInput([Problem("ratio", f"{', '.join(unknown)}: no such arm. Use: {', '.join(parts) or 'none is defined yet'}.")])


def _lock_trial(connection: BaseDatabaseWrapper, trial: Trial) -> None:
    """Let one person at a time prepare a trial."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('allocation_list'), %s::int)", [trial.pk])


def _arms_unchanged(connection: BaseDatabaseWrapper, trial: Trial, arms: Sequence[NewArm], treatments: dict[str, int]) -> bool:
    """Tell whether these arms are stored already; raise Conflict when others are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, label, treatment_id, part FROM closed.arm WHERE trial_id = %s", [trial.pk])
        stored = set(cursor.fetchall())
    if stored and stored != {(arm.code, arm.label, treatments[arm.treatment], arm.part) for arm in arms}:
        raise Conflict("The arms of this trial are defined already and differ from these. Arms cannot be exchanged.")
    return bool(stored)


def _parts(connection: BaseDatabaseWrapper, trial: Trial) -> dict[str, str]:
    """Return the concealed part of each arm by its code."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, part FROM closed.arm WHERE trial_id = %s ORDER BY position", [trial.pk])
        return dict(cursor.fetchall())


def _store(
    connection: BaseDatabaseWrapper,
    trial: Trial,
    rows: Sequence[ListRow],
    content: bytes,
    *,
    by: User,
    stage: int,
    seed: str,
    block_sizes: Sequence[int] = (),
) -> PreparedList:
    """Write list, kits and slots in one audited transaction of the closed room."""
    if trial.conduct != Conduct.PROSPECTIVE:
        raise Conflict("This trial is finished: its allocations come with its import, not from a list.")
    kind = AllocationListKind.GENERATED if block_sizes else AllocationListKind.IMPORTED
    sha256 = hashlib.sha256(content).hexdigest()
    with audited(by=by, reason=f"allocation list {kind}", using=CLOSED_ALIAS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO closed.allocation_list (trial_id, stage, kind, sha256, source, seed, block_sizes)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [trial.pk, stage, kind, sha256, content.decode(), seed, list(block_sizes)],
        )
        stored = cursor.fetchone()
        if stored is None:
            raise Conflict("This trial has its allocation list. It cannot be exchanged, for patients may have been allocated by it.")
        _store_kits(connection, trial, rows)
        _store_slots(connection, trial, stored[0], rows)
    return PreparedList(slots=len(rows), sha256=sha256)


def _store_kits(connection: BaseDatabaseWrapper, trial: Trial, rows: Sequence[ListRow]) -> None:
    """Add one kit for each place; raise Conflict when a code is in use in the trial, for a code must name one kit."""
    parts = _parts(connection, trial)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code FROM closed.kit WHERE trial_id = %s AND code = ANY(%s) LIMIT 1", [trial.pk, [row.kit_code for row in rows]]
        )
        used = cursor.fetchone()
    if used is not None:
        raise Conflict(f"Kit code {used[0]} is in use in this trial. Give every kit a code of its own.")
    kits = [(trial.pk, row.kit_code, parts[row.arm], row.coil_position) for row in rows]
    _insert(connection, "kit", "trial_id, code, part, coil_position", kits)


def _store_slots(connection: BaseDatabaseWrapper, trial: Trial, list_id: int, rows: Sequence[ListRow]) -> None:
    """Add the places, each with its arm and kit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, id FROM closed.arm WHERE trial_id = %s", [trial.pk])
        arms = dict(cursor.fetchall())
        cursor.execute("SELECT code, id FROM closed.kit WHERE trial_id = %s", [trial.pk])
        kits = dict(cursor.fetchall())
    slots = [(list_id, row.stratum, row.position, arms[row.arm], kits[row.kit_code]) for row in rows]
    _insert(connection, "slot", "list_id, stratum, position, arm_id, kit_id", slots)


def _insert(connection: BaseDatabaseWrapper, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Copy rows into a table of the closed room."""
    with connection.cursor() as cursor, cursor.copy(f"COPY closed.{table} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
