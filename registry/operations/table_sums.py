"""A checksum of every table: equal before and after a restore, whatever the order of the rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[object, ...]]
# A row is summed up as the text PostgreSQL writes it in; these decide how.
AS_TEXT = ("SET TimeZone = 'UTC'", "SET DateStyle = 'ISO, YMD'", "SET bytea_output = 'hex'", "SET extra_float_digits = 1")
TABLES = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('public', 'closed') AND c.relkind = 'r' ORDER BY 1, 2"""
SEQUENCES = "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences WHERE schemaname IN ('public', 'closed') ORDER BY 1"


@dataclass(frozen=True)
class TableSum:
    """Number of rows and, over all of them, the sums of two independent 64-bit hashes: a row changed, lost or doubled shows."""

    rows: int
    first: str
    second: str


def table_sums(connection: Connection) -> dict[str, dict[str, object]]:
    """Return the sum of every table by its name, as the connection's transaction sees it."""
    for setting in AS_TEXT:
        connection.execute(setting)  # our own constants
    names = connection.execute(TABLES).fetchall()
    return {f"{schema}.{name}": asdict(sum_of(connection, str(schema), str(name))) for schema, name in names}


def sum_of(connection: Connection, schema: str, name: str) -> TableSum:
    """Return the sum of one table."""
    hashed = "coalesce(sum(hashtextextended(t::text, {})::numeric), 0)::text"
    statement = sql.SQL(f"SELECT count(*), {hashed.format(1)}, {hashed.format(2)} FROM {{}} t").format(sql.Identifier(schema, name))
    row = connection.execute(statement).fetchone()
    assert row is not None  # noqa: S101  (an aggregate always answers)
    return TableSum(int(str(row[0])), str(row[1]), str(row[2]))


def sequence_values(connection: Connection) -> dict[str, int | None]:
    """Return where every sequence stands, None where it gave no number yet: a restored one that began anew would give numbers twice."""
    return {str(name): None if value is None else int(str(value)) for name, value in connection.execute(SEQUENCES).fetchall()}
