"""The only door to schema `closed`: opens the second alias after a right was checked (docs/decisions/0001)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from registry.models.accounts import User
from registry.models.trials import Trial
from registry.roles import UNMASKING_PERMISSIONS, Permission

CLOSED_ALIAS = "closed"


class ClosedRoomRouter:
    """Keep the ORM on the default alias: nothing reaches the closed room by accident, nothing is migrated through it."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return "default"

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
