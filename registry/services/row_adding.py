"""New rows of one model into its table: a few by INSERT, many by COPY. Constraints, triggers and history are the same for both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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

from registry.services.copy_text import blocks_of, column_texts, is_plain

# What adds rows of one model: `add_rows`, or something that keeps them for a moment.
Adding = Callable[[Sequence[models.Model]], None]
# Below this an INSERT is as fast, and brings back what the database fills in.
COPIED_FROM = 100
# What PostgreSQL reads alike whatever the column; all else is made ready by its field.
_AS_IS = {type(None), bool, int, str, Decimal, UUID, date, datetime}


def add_rows(rows: Sequence[models.Model]) -> None:
    """Write rows of one model that are in no table yet, and give them their primary keys. Raises IntegrityError as saving does."""
    if not rows:
        return
    model = type(rows[0])
    if left_to_database(model, rows) or any(row.pk is not None for row in rows):
        model._default_manager.bulk_create(rows)
    else:
        (_insert if len(rows) < COPIED_FROM else _copy)(model, rows, router.db_for_write(model))


def left_to_database(model: type[models.Model], rows: Sequence[models.Model]) -> bool:
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
    for row, number in zip(rows, new_keys(model, len(rows), using), strict=True):
        row.pk = number
    copy_lines(model, lines_of(model, rows, using), using)
    for row in rows:
        row._state.adding, row._state.db = False, using


def lines_of(model: type[models.Model], rows: Sequence[models.Model], using: str) -> Iterable[str]:
    """Return the lines of COPY of rows that have their keys."""
    return map("\t".join, zip(*(column_texts(field, rows, connections[using]) for field in model._meta.concrete_fields), strict=True))


def copy_lines(model: type[models.Model], lines: Iterable[str], using: str) -> None:
    """Write lines with a cell for each concrete field, in their order. Raises IntegrityError as saving does."""
    connection = connections[using]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in model._meta.concrete_fields)
    statement = f"COPY {connection.ops.quote_name(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for block in blocks_of(lines):
            copy.write(block)


def new_keys(model: type[models.Model], count: int, using: str) -> Sequence[int]:
    """Draw primary keys, all in one row of the answer: a row for each would cost more than drawing it."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(nextval(sequence)) FROM pg_get_serial_sequence(%s, 'id') sequence, generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        (numbers,) = cursor.fetchone()
    return numbers or []


def _cells(field: models.Field[Any, Any], rows: Sequence[models.Model], connection: BaseDatabaseWrapper) -> Sequence[Any]:
    """Return the cells of one column."""
    if not is_plain(field):
        return [field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows]
    values = list(map(attrgetter(field.attname), rows))
    odd = set(map(type, values)) - _AS_IS
    if not odd:
        return values
    if all(issubclass(one, Enum) for one in odd):
        return [value.value if type(value) in odd else value for value in values]
    return [field.get_db_prep_save(value, connection) if type(value) in odd else value for value in values]
