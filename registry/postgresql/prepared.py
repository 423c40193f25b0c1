"""Statements that are planned once for each connection: for the few that are asked at every request and cost more to plan than to run."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper


class _Prepared(psycopg.Cursor[Any]):
    """A cursor whose values are bound by the server, so that the statement is the same each time."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:  # Django's wrapper gives the first two
        """Run a statement."""
        return super().execute(query, params, prepare=True, **more)


class _Logged(CursorDebugWrapper):
    """A cursor that notes what it ran for whoever counts statements, with the values in it: the driver keeps them apart."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        """Run a statement."""
        operations: Any = connection.ops
        with self.debug_sql(sql if isinstance(self.cursor, psycopg.RawCursor) else operations.compose_sql(sql, params)):
            return CursorWrapper.execute(self, sql, params)


def prepared_cursor() -> CursorWrapper:
    """Return a cursor that prepares what it runs. The server has to be told the type of each value: %(trial)s::bigint."""
    return _wrapped(_Prepared)


def _wrapped(kind: type[_Prepared]) -> CursorWrapper:
    # The thread's own connection: looked up once, not at each word.
    here: Any = connections[DEFAULT_DB_ALIAS]
    here.ensure_connection()
    own = kind(here.connection)
    wrapped: CursorWrapper = _Logged(own, here) if here.queries_logged else here.make_cursor(own)
    return wrapped


class _Numbered(_Prepared, psycopg.RawCursor[Any]):
    """The same, whose statements name their values as PostgreSQL does: $1, $2. Nobody has to look for them in a long statement."""


def numbered_cursor() -> CursorWrapper:
    """Return a cursor that prepares statements with values $1, $2 and so on, for the alias that answers requests."""
    return _wrapped(_Numbered)


def cursor_of(alias: str) -> CursorWrapper:
    """Return a cursor that prepares, on the alias that answers requests; on others a plain one: what they run comes seldom."""
    return prepared_cursor() if alias == DEFAULT_DB_ALIAS else connections[alias].cursor()
