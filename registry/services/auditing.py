"""The one way to write: a transaction that says who, why and in which request, and which the database then holds to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db import connections, transaction

from registry.closed_room import current_alias
from registry.models import User
from registry.postgresql.prepared import cursor_of

# Bound by the web middleware and by the worker; '' and None outside both.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
current_job_id: ContextVar[int | None] = ContextVar("current_job_id", default=None)


@dataclass(frozen=True)
class AuditedChange:
    """The change under way: its id goes into every history row the transaction writes."""

    id: uuid.UUID
    by: User


# The change under way on each alias of this thread.
_under_way: ContextVar[Mapping[str, AuditedChange]] = ContextVar("changes_under_way", default=MappingProxyType({}))


@contextmanager
def audited(*, by: User, reason: str = "", using: str | None = None) -> Iterator[AuditedChange]:
    """Open a transaction whose every write is attributed; the setting ends with the transaction.

    Inside another one on the same alias it joins that change, whose reason holds: one transaction is one change with one
    author, and a second author is a ValueError. A write by an application role outside of this is refused by the database
    (SQLSTATE RT001).
    """
    using = using or current_alias()
    outer = _under_way.get().get(using)
    if outer is None:
        with _change(by, reason, using) as change:
            yield change
        return
    if outer.by.pk != by.pk:
        raise ValueError(f"A change by account {outer.by.pk} is under way; account {by.pk} cannot write inside it.")
    with transaction.atomic(using=using):
        yield outer


@contextmanager
def _change(by: User, reason: str, using: str) -> Iterator[AuditedChange]:
    """Begin a change in a transaction and forget it at the end, also where that transaction is part of a larger one."""
    change = AuditedChange(id=uuid.uuid4(), by=by)
    inside_another = connections[using].in_atomic_block
    with transaction.atomic(using=using):
        _tell_database(
            "SELECT registry_begin_change(%s::uuid, %s::bigint, %s::text, %s::text, %s::bigint)",
            [change.id, by.pk, reason, current_request_id.get(), current_job_id.get()],
            using,
        )
        token = _under_way.set({**_under_way.get(), using: change})
        try:
            yield change
        finally:
            _under_way.reset(token)
        if inside_another:
            _tell_database("SELECT set_config('rtms.change_id', '', true)", [], using)


def _tell_database(sql: str, values: list[Any], using: str) -> None:
    with cursor_of(using) as cursor:
        cursor.execute(sql, values)
