"""Seals over the change history: put on under a lock, and checked again against what the tables hold now (foundations 8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper


@dataclass(frozen=True)
class SealedState:
    """The last seal over what a transaction sees; no number before the first change."""

    number: int | None
    hash: str


@contextmanager
def sealing_lock(*, held_by: BaseDatabaseWrapper | None = None) -> Iterator[None]:
    """Hold the seal's lock for the session, so that a snapshot taken inside sees every seal put on before it.

    A lock taken inside the transaction would come after its snapshot, which would then miss the seal it waited for.
    """
    holder = held_by or connection
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('registry_seal'))")
    try:
        yield
    finally:
        if holder.is_usable():
            with holder.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('registry_seal'))")


@contextmanager
def sealer() -> Iterator[BaseDatabaseWrapper]:
    """Give a connection of its own that holds the seal's lock, for `seal_what_is_seen`; the lock ends with it."""
    own = connection.copy()
    # Out of a pool it would go back there with what it holds.
    own.settings_dict["OPTIONS"].pop("pool", None)
    try:
        with sealing_lock(held_by=own):
            yield own
    finally:
        own.close()


def seal_what_is_seen(by: BaseDatabaseWrapper) -> SealedState:
    """Let this transaction, which must not have begun to read, see one moment; put a seal on all changes of that moment and commit it.

    The seal is the other connection's, so this transaction may go on for as long as it likes while others seal.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        (moment,) = cursor.fetchone()
    with by.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET TRANSACTION SNAPSHOT %s", [moment])
        sealed = _seal(cursor)
        cursor.execute("COMMIT")
    return sealed


def seal_changes() -> SealedState:
    """Put every change the transaction sees under a seal; return the last one. The worker's right alone."""
    with connection.cursor() as cursor:
        return _seal(cursor)


def _seal(cursor: CursorWrapper) -> SealedState:
    cursor.execute("SELECT registry_seal()")
    (number,) = cursor.fetchone()
    cursor.execute("SELECT encode(hash, 'hex') FROM registry_seal WHERE number = %s", [number])
    row = cursor.fetchone()
    return SealedState(number, row[0] if row else "")
