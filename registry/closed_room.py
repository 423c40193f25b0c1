"""The only door to schema `closed`: opens the second alias after a right was checked (docs/decisions/0001)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from registry.models.accounts import User
from registry.models.trials import Trial
from registry.roles import UNMASKING_PERMISSIONS, Permission

OPEN_ALIAS, CLOSED_ALIAS = "default", "closed"

_under_way: ContextVar[str] = ContextVar("alias_under_way", default=OPEN_ALIAS)


def current_alias() -> str:
    """Return the alias that work goes through which names none."""
    return _under_way.get()


@contextmanager
def routed_through(alias: str) -> Iterator[None]:
    """Let work that names no alias go through this one, so that what brings allocations in stays one transaction."""
    token = _under_way.set(alias)
    try:
        yield
    finally:
        _under_way.reset(token)


class ClosedRoomRouter:
    """Keep the ORM on the default alias but inside `routed_through`; nothing is migrated through the closed one.

    The models know only what is open: arms are reached by SQL alone, after `open_closed_room` has checked the right.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return current_alias()

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return current_alias()

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:
        return True  # both aliases are the same database under two logins

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"


@contextmanager
def open_closed_room(*, by: User, permission: Permission, trial: Trial) -> Iterator[BaseDatabaseWrapper]:
    """Yield the connection that may read arms, once the person's right to it in the whole trial has been checked.

    Raises NotAllowed for a right that is not held, ValueError for a right that has nothing to do with arms.
    """
    if permission not in UNMASKING_PERMISSIONS:
        raise ValueError(f"{permission} does not open the closed room.")
    if not by.is_system:
        by.check_can(permission, trial=trial)
    yield connections[CLOSED_ALIAS]
