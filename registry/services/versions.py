"""Versions of a record: ending one, adding the next, bringing a voided one back. Nothing is ever overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.db import DatabaseError

from registry.exceptions import Conflict, NotFound
from registry.models import User
from registry.models.records import VersionedRecord
from registry.services.row_adding import add_rows

Record = TypeVar("Record", bound=VersionedRecord)

CHANGED_MEANWHILE = "Somebody changed this record while you were looking at it. Open it again to see what it is now."

# What registry/migrations/0006 and 0007 raise.
REFUSED_BY_RULE = ("RT005", "RT006", "RT007")


def is_refused_by_rule(error: Exception) -> bool:
    """Tell whether the database itself refused: a pain frozen, a row voided by somebody else since the service looked."""
    return isinstance(error, DatabaseError) and getattr(error.__cause__, "sqlstate", None) in REFUSED_BY_RULE


def end_version(record: VersionedRecord, *, now: datetime, voided: bool) -> None:
    """Compare and set: only the one who finds the version standing may end it; raise Conflict otherwise."""
    standing = type(record)._default_manager.filter(pk=record.pk, ended_at__isnull=True)
    if not standing.update(ended_at=now, voided=voided):
        raise Conflict(CHANGED_MEANWHILE)


def replace_versions(pairs: Sequence[tuple[Record, Record]], *, now: datetime) -> None:
    """End the first of each pair and add the second as its next version, in two statements.

    Raises Conflict where one of them does not stand any more.
    """
    if not pairs:
        return
    manager = type(pairs[0][0])._default_manager
    if manager.filter(pk__in=[old.pk for old, _ in pairs], ended_at__isnull=True).update(ended_at=now) != len(pairs):
        raise Conflict(CHANGED_MEANWHILE)
    for old, new in pairs:
        new.record, new.version = old.record, old.version + 1
    add_rows([new for _, new in pairs])


def next_version(record: Record, *, by: User, now: datetime) -> Record:
    """Return a copy of a version to be changed and saved as the next one; it is not written yet."""
    successor = type(record)._default_manager.get(pk=record.pk)
    successor.pk, successor.version, successor.ended_at, successor.voided = None, record.version + 1, None, False
    successor.recorded_at, successor.recorded_by = now, by
    return successor


def check_voided_last(record: VersionedRecord) -> None:
    """Raise Conflict unless this is the voided last version, and hold it until the end of the transaction."""
    versions = type(record)._default_manager.select_for_update().filter(record=record.record)
    latest = versions.order_by("-version").first()
    if latest is None:
        raise NotFound("There is no such record.")
    if latest.pk != record.pk or not latest.voided:
        raise Conflict("This record is not voided any more. Open it again to see what it is now.")
