"""The one way to write: a transaction that says who, why and in which request, and which the database then holds to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import connections, transaction

from registry.models import User

# Bound by the web middleware and by the worker; '' and None outside both.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
current_job_id: ContextVar[int | None] = ContextVar("current_job_id", default=None)


@dataclass(frozen=True)
class AuditedChange:
    """The change under way: its id goes into every history row the transaction writes."""

    id: uuid.UUID
    by: User


@contextmanager
def audited(*, by: User, reason: str = "", using: str = "default") -> Iterator[AuditedChange]:
    """Open a transaction whose every write is attributed; the setting ends with the transaction.

    A write by an application role outside of this is refused by the database (SQLSTATE RT001).
    """
    change = AuditedChange(id=uuid.uuid4(), by=by)
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(
                "SELECT registry_begin_change(%s, %s, %s, %s, %s)",
                [change.id, by.pk, reason, current_request_id.get(), current_job_id.get()],
            )
        yield change
