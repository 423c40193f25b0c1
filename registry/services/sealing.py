"""Seals over the change history: put on under a lock, and checked again against what the tables hold now (foundations 8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class SealedState:
    """The last seal over what a transaction sees; no number before the first change."""

    number: int | None
    hash: str


@contextmanager
def sealing_lock() -> Iterator[None]:
    """Hold the seal's lock for the session, so that a snapshot taken inside sees every seal put on before it.

    A lock taken inside the transaction would come after its snapshot, which would then miss the seal it waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('registry_seal'))")
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext('registry_seal'))")


def seal_changes() -> SealedState:
    """Put every change the transaction sees under a seal; return the last one. The worker's right alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_seal()")
        (number,) = cursor.fetchone()
        cursor.execute("SELECT encode(hash, 'hex') FROM registry_seal WHERE number = %s", [number])
        row = cursor.fetchone()
    return SealedState(number, row[0] if row else "")
