"""Requests that may be sent twice and are done once: the answer is kept in the transaction of the work itself.

A crash before the end of that transaction leaves neither work nor answer, so the request can be sent again; after it, both.
While the first is at work the key is held by an advisory lock, which the database drops with the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.models import IdempotentAnswer, User

KEPT_FOR = timedelta(hours=24)
SWEPT_AT_ONCE = 100


class KeyInUse(Conflict):
    """The same key is at work in another request at this moment."""

    code = "idempotency_key_in_progress"


class KeyReused(InvalidInput):
    """The key belongs to a request with another content."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__([Problem("Idempotency-Key", "This key was sent with another request. Use a new key for a new request.", "reused")])


@dataclass(frozen=True)
class Answer:
    """A finished answer: what a second request with the same key gets, byte by byte."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class OnceOnly:
    """One request under a key: `before` is what it was answered already, `answer` is to be set by whoever does the work."""

    before: Answer | None = None
    answer: Answer | None = None


@contextmanager
def once_only(key: str, *, by: User, fingerprint: str, now: datetime) -> Iterator[OnceOnly]:
    """Open a transaction in which the work is done once for a person's key; the answer set in it is kept.

    An error inside undoes the work and keeps nothing. Raises KeyInUse and KeyReused.
    """
    with transaction.atomic():
        _hold(key, by)
        stored = IdempotentAnswer.objects.filter(user=by, key=key, expires_at__gt=now).first()
        if stored is not None and stored.fingerprint != fingerprint:
            raise KeyReused
        request = OnceOnly(Answer(stored.status, stored.body, stored.headers) if stored else None)
        yield request
        if request.before is None and request.answer is not None:
            _sweep(now)
            _keep(key, by, fingerprint, request.answer, now)


def _hold(key: str, by: User) -> None:
    """Take the key until the end of the transaction; raise KeyInUse where another request holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('idempotency'), hashtext(%s))", [f"{by.pk} {key}"])
        if not cursor.fetchone()[0]:
            raise KeyInUse("A request with this key is being worked on. Send it again in a second.")


def _keep(key: str, by: User, fingerprint: str, answer: Answer, now: datetime) -> None:
    IdempotentAnswer.objects.filter(user=by, key=key).delete()  # one of an earlier day that nobody has swept yet
    IdempotentAnswer.objects.create(
        user=by, key=key, fingerprint=fingerprint, status=answer.status, headers=answer.headers, body=answer.body,
        expires_at=now + KEPT_FOR,
    )  # fmt: skip


def _sweep(now: datetime) -> None:
    """Throw some expired answers away, so that nobody has to come by for it; rows that others are at are passed over."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM registry_idempotentanswer WHERE id IN (
                   SELECT id FROM registry_idempotentanswer WHERE expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)""",
            [now, SWEPT_AT_ONCE],
        )
