"""The backend named by DATABASES: as Django's, but for how a pooled connection is judged before it is used again.

A restarted server must not cost a request, so Django has the pool ask the server before each; that is as long as many a page's own
question. A server that ends, or ends a connection, says so on the socket at once. Only one that answered nobody for a while may have
gone without a word, and is asked.
"""

from __future__ import annotations

import select
import time
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

TRUSTED_FOR_S = 2.0
Connection = psycopg.Connection[Any]
_answered_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


class LastUsedFirst(ConnectionPool[Connection]):
    """A pool that gives out the connection that came back last, so that few are used: each plans its statements for itself."""

    def _get_ready_connection(self, timeout: float | None) -> Connection | None:
        self._pool.rotate(1)
        return super()._get_ready_connection(timeout)


class DatabaseWrapper(base.DatabaseWrapper):
    """Take living connections from the pool. CONN_HEALTH_CHECKS stays off where there is one: the pool would ask as well."""

    @property
    def pool(self) -> ConnectionPool[Connection] | None:
        """Return the pool of this process for the alias, None where connections are not pooled."""
        pool: ConnectionPool[Connection] | None = super().pool
        if type(pool) is ConnectionPool:
            pool.__class__ = LastUsedFirst  # Django makes the pool, and of no class but its own
        return pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Return a connection that lives; the pool replaces those that do not."""
        connection: Connection = super().get_new_connection(conn_params)
        while self.pool and not is_alive(connection, now=time.monotonic()):
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    def _close(self) -> None:
        if self.connection is not None and self.pool:
            _answered_at[self.connection] = time.monotonic()
        super()._close()  # type: ignore[misc]  # not in django-stubs


def is_alive(connection: Connection, *, now: float) -> bool:
    """Tell whether the server still serves a connection: by its silence shortly after an answer, else by asking; times in seconds."""
    if now - _answered_at.get(connection, -TRUSTED_FOR_S) < TRUSTED_FOR_S and not has_news(connection):
        return True
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        return False
    return True


def has_news(connection: Connection) -> bool:
    """Tell whether a connection nobody uses has something to read: a farewell, or its end."""
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN | select.POLLPRI)
    return bool(waiting.poll(0))
