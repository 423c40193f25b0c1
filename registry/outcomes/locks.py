"""Locks of a database session: they end with the process that holds them, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def job_lock(job_id: int) -> str:
    """Return the name of a job's lock: whoever holds it is working on the job."""
    return f"registry_job:{job_id}"


@contextmanager
def session_lock(name: str) -> Iterator[None]:
    """Wait for the lock, hold it, give it back."""
    _ask("SELECT pg_advisory_lock(hashtextextended(%s, 0))", name)
    try:
        yield
    finally:
        _give_back(name)


@contextmanager
def lock_if_free(name: str) -> Iterator[bool]:
    """Yield whether the lock was free and is now held; never wait."""
    got = _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name)
    try:
        yield got
    finally:
        if got:
            _give_back(name)


def _ask(statement: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return cursor.fetchone()[0] is True


def _give_back(name: str) -> None:
    # A lost connection has given its locks back already.
    if connection.is_usable():
        _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)
