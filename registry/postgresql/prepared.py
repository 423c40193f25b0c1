"""Statements that are planned once for each connection: for the few that are asked at every request and cost more to plan than to run."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorWrapper


class _Prepared(psycopg.Cursor[Any]):
    """A cursor whose values are bound by the server, so that the statement is the same each time."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:  # Django's wrapper gives the first two
        """Run a statement."""
        return super().execute(query, params, prepare=True, **more)


def prepared_cursor() -> CursorWrapper:
    """Return a cursor that prepares what it runs. The server has to be told the type of each value: %(trial)s::bigint."""
    connection.ensure_connection()
    wrapped = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    own: Any = _Prepared(connection.connection)
    return wrapped(own)


def cursor_of(alias: str) -> CursorWrapper:
    """Return a cursor that prepares, on the alias that answers requests; on others a plain one: what they run comes seldom."""
    return prepared_cursor() if alias == DEFAULT_DB_ALIAS else connections[alias].cursor()
