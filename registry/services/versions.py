"""Versions of a record: ending one, adding the next, bringing a voided one back. Nothing is ever overwritten."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar, cast

from registry.exceptions import Conflict, NotFound
from registry.models import User
from registry.models.records import VersionedRecord

Record = TypeVar("Record", bound=VersionedRecord)

CHANGED_MEANWHILE = "Somebody changed this record while you were looking at it. Open it again to see what it is now."


def end_version(record: VersionedRecord, *, now: datetime, voided: bool) -> None:
    """Compare and set: only the one who finds the version standing may end it; raise Conflict otherwise."""
    standing = type(record)._default_manager.filter(pk=record.pk, ended_at__isnull=True)
    if not standing.update(ended_at=now, voided=voided):
        raise Conflict(CHANGED_MEANWHILE)


def next_version(record: Record, *, by: User, now: datetime) -> Record:
    """Return a copy of a version to be changed and saved as the next one; it is not written yet."""
    successor = cast(Record, type(record)._default_manager.get(pk=record.pk))
    successor.pk, successor.version, successor.ended_at, successor.voided = None, record.version + 1, None, False
    successor.recorded_at, successor.recorded_by = now, by
    return successor


def check_voided_last(record: VersionedRecord) -> None:
    """Raise Conflict unless this is the voided last version, and hold it until the end of the transaction."""
    versions = type(record)._default_manager.select_for_update().filter(record=record.record)
    latest = cast(VersionedRecord | None, versions.order_by("-version").first())
    if latest is None:
        raise NotFound("There is no such record.")
    if latest.pk != record.pk or not latest.voided:
        raise Conflict("This record is not voided any more. Open it again to see what it is now.")
