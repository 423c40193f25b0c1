"""Connections with the real login roles, to databases of one's choosing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from registry import environment

APPLICATION_ROLES = ("rtms_web", "rtms_worker", "rtms_unmasked")


def connect(role: str, database: str | None = None) -> psycopg.Connection[Any]:
    """Sign in as one of the login roles, with that role's own password."""
    at = _address(role.removeprefix("rtms_"))
    return psycopg.connect(
        host=at.host, port=at.port or None, user=at.user, password=at.password or None, dbname=database or current_database(), **at.options
    )


def _address(role: str) -> environment.Address:
    if environment.is_set("DATABASE_URL"):
        name = "DATABASE_URL" if role == "web" else f"DATABASE_URL_{role.upper()}"
        return environment.address(name, environment.text(name))
    sockets = str(environment.socket_directory(environment.data_directory()))
    return environment.Address(sockets, "", "", f"rtms_{role}", environment.embedded_secrets()[f"database_{role}"], {})


def current_database() -> str:
    """Return the name of the database both aliases speak to."""
    return str(settings.DATABASES["default"]["NAME"])


@contextmanager
def speaking_to(database: str, role: str = "web") -> Iterator[None]:
    """Let both aliases, in every thread, speak to another database; `default` signs in as the role."""
    before = {key: settings.DATABASES["default"][key] for key in ("NAME", "USER", "PASSWORD")}
    at = _address(role)
    _switch({"NAME": database, "USER": at.user, "PASSWORD": at.password})
    try:
        yield
    finally:
        _switch(before)


def _switch(login: dict[str, Any]) -> None:
    for alias in ("default", "closed"):
        connections[alias].close()
        connections[alias].close_pool()
    for values in (settings.DATABASES["default"], connections["default"].settings_dict):
        values.update(login)
    for values in (settings.DATABASES["closed"], connections["closed"].settings_dict):
        values["NAME"] = login["NAME"]


@contextmanager
def without_pool() -> Iterator[None]:
    """Give every thread a connection of its own instead of one out of the pool."""
    connections["default"].close()
    connections["default"].close_pool()
    options = connections["default"].settings_dict["OPTIONS"]
    pool = options.pop("pool", None)
    try:
        yield
    finally:
        connections["default"].close()
        if pool is not None:
            options["pool"] = pool
