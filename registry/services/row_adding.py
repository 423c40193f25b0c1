"""New rows of one model into its table: a few by INSERT, many by COPY. Constraints, triggers and history are the same for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault
from psycopg.adapt import PyFormat, Transformer

# Below this an INSERT is as fast, and brings back what the database fills in.
COPIED_FROM = 100
# What PostgreSQL reads alike whatever the column; all else is made ready by its field.
_AS_IS = {type(None), bool, int, str, Decimal, UUID, date, datetime}


def add_rows(rows: Sequence[models.Model]) -> None:
    """Write rows of one model that are in no table yet, and give them their primary keys. Raises IntegrityError as saving does."""
    if not rows:
        return
    model = type(rows[0])
    if _left_to_database(model, rows) or any(row.pk is not None for row in rows):
        model._default_manager.bulk_create(rows)
    else:
        (_insert if len(rows) < COPIED_FROM else _copy)(model, rows, router.db_for_write(model))


def _left_to_database(model: type[models.Model], rows: Sequence[models.Model]) -> bool:
    """Tell whether the database is to fill in a column, which COPY would not tell back."""
    names = [field.attname for field in model._meta.concrete_fields if field.has_db_default()]
    return any(isinstance(getattr(row, name), DatabaseDefault) for name in names for row in rows)


def _insert(model: type[models.Model], rows: Sequence[models.Model], using: str) -> None:
    """Write rows by a statement that is put together once for each number of them."""
    connection = connections[using]
    columns = [_cells(field, rows, connection) for field in _fields_but_key(model)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, len(rows)), [cell for row in zip(*columns, strict=True) for cell in row])
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, using


@cache
def _fields_but_key(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


@cache
def _statement(model: type[models.Model], count: int) -> str:
    fields = _fields_but_key(model)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES {", ".join([row] * count)} RETURNING "{model._meta.pk.column}"'


def _copy(model: type[models.Model], rows: Sequence[models.Model], using: str) -> None:
    connection, options = connections[using], model._meta
    quote = connection.ops.quote_name
    fields: list[models.Field[Any, Any]] = list(options.concrete_fields)
    with connection.cursor() as cursor:
        for row, number in zip(rows, _new_keys(cursor, options.db_table, len(rows)), strict=True):
            row.pk = number
        columns = ", ".join(quote(str(field.column)) for field in fields)
        cells = zip(*(_cells(field, rows, connection) for field in fields), strict=True)
        statement = f"COPY {quote(options.db_table)} ({columns}) FROM STDIN"
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            for row_of_cells in cells:
                copy.write_row(row_of_cells)
    for row in rows:
        row._state.adding, row._state.db = False, using


def _new_keys(cursor: Any, table: str, count: int) -> Iterable[int]:
    """Draw primary keys, all in one row of the answer: a row for each would cost more than drawing it."""
    cursor.execute(
        "SELECT array_agg(nextval(sequence)) FROM pg_get_serial_sequence(%s, 'id') sequence, generate_series(1, %s)", [table, count]
    )
    (numbers,) = cursor.fetchone()
    return numbers  # type: ignore[no-any-return]


def _cells(field: models.Field[Any, Any], rows: Sequence[models.Model], connection: BaseDatabaseWrapper) -> Sequence[Any]:
    """Return the cells of one column."""
    if not _is_plain(field):
        return [field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows]
    values = list(map(attrgetter(field.attname), rows))
    odd = set(map(type, values)) - _AS_IS
    if not odd:
        return values
    if all(issubclass(one, Enum) for one in odd):
        return [value.value if type(value) in odd else value for value in values]
    if odd == {list}:
        return _arrays(field, values, connection)
    return [field.get_db_prep_save(value, connection) if type(value) in odd else value for value in values]


def _arrays(field: models.Field[Any, Any], values: Sequence[Any], connection: BaseDatabaseWrapper) -> Sequence[str | None]:
    """Return arrays as PostgreSQL reads them, each distinct one written once."""
    known: dict[tuple[Any, ...], str] = {}
    transformer = Transformer(connection.connection)
    for value in {tuple(value) for value in values if value is not None}:
        ready = field.get_db_prep_save(list(value), connection)
        known[value] = bytes(transformer.get_dumper(ready, PyFormat.TEXT).dump(ready) or b"").decode()
    return [None if value is None else known[tuple(value)] for value in values]


def _is_plain(field: models.Field[Any, Any]) -> bool:
    """Tell whether a column holds what its attribute does, rather than what saving makes of it."""
    if isinstance(field, models.DateField):
        return not field.auto_now and not field.auto_now_add
    return type(field).pre_save is models.Field.pre_save and not isinstance(field, models.JSONField)
