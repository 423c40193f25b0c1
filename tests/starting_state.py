"""A worker's database put back to what the migrations left, after a test that really committed: much faster than another clone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from tests import cluster

# What migrations put there and nothing changes.
KEPT = ("django_migrations", "django_content_type", "auth_permission")
_TABLES = (
    "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'closed') AND tablename <> ALL (%s)"
)
_SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), last_value, start_value FROM pg_sequences"
# Columns, triggers, functions, rights: everything of ours that is not a row.
_SHAPE = """
    SELECT (SELECT sum(hashtext(attrelid || attname || atttypid || atttypmod || attisdropped || attnotnull)) FROM pg_attribute
            WHERE attrelid >= 16384),
           (SELECT sum(hashtext(oid || tgname || tgenabled::text)) FROM pg_trigger WHERE oid >= 16384),
           (SELECT sum(hashtext(oid || proname || prosrc || coalesce(proacl::text, ''))) FROM pg_proc WHERE oid >= 16384),
           (SELECT sum(hashtext(oid || relname || coalesce(relacl::text, ''))) FROM pg_class WHERE oid >= 16384),
           (SELECT sum(hashtext(oid || conname)) FROM pg_constraint WHERE oid >= 16384)
"""


@dataclass(frozen=True)
class StartingState:
    """What a fresh clone holds: the rows of its tables, where its sequences stand, and its shape."""

    rows: dict[str, bytes]
    sequences: dict[str, int]
    shape: tuple[Any, ...]


def read_state(database: str) -> StartingState:
    """Read the state of a clone that nobody has written to."""
    with cluster.administrator(database) as connection:
        rows = {table: _copy_out(connection, table) for table in _filled(connection)}
        sequences = {name: last for name, last, _ in connection.execute(_SEQUENCES).fetchall() if last is not None}
        return StartingState(rows, sequences, _shape(connection))  # type: ignore[arg-type]  # names are text, values bigint


def restore(database: str, state: StartingState) -> None:
    """Make every row and sequence what it was, past all triggers; a changed shape, or somebody's lock, takes another clone."""
    with cluster.administrator(database) as connection:
        restored = _shape(connection) == state.shape and _restore_rows(connection, state)
    if not restored:
        cluster.make_database(database, cluster.ensure_template())


def _restore_rows(connection: psycopg.Connection[Any], state: StartingState) -> bool:
    try:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica; SET LOCAL lock_timeout = '3s'")
            for table in _filled(connection):
                connection.execute(f"DELETE FROM {table}")
            for table, rows in state.rows.items():
                with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(rows)
            for name, last, first in connection.execute(_SEQUENCES).fetchall():
                if last != state.sequences.get(name):
                    connection.execute(
                        "SELECT setval(%s::regclass, %s, %s)", [name, state.sequences.get(name, first), name in state.sequences]
                    )
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _filled(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the tables that hold a row."""
    tables = [name for (name,) in connection.execute(_TABLES, [list(KEPT)]).fetchall()]
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)
    return [name for (name,) in connection.execute(asked).fetchall()]


def _copy_out(connection: psycopg.Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
        return b"".join(bytes(block) for block in copy)


def _shape(connection: psycopg.Connection[Any]) -> tuple[Any, ...]:
    found = connection.execute(_SHAPE).fetchone()
    return tuple(found or ())
