"""New rows of one model into its table: a few by INSERT, many by COPY. Constraints, triggers and history are the same for both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault

# Below this an INSERT is as fast, and brings back what the database fills in.
COPIED_FROM = 100
# What PostgreSQL reads alike whatever the column; all else is made ready by its field.
_AS_IS = {type(None), bool, int, str, Decimal, UUID, date, datetime}


def add_rows(rows: Sequence[models.Model]) -> None:
    """Write rows of one model that are in no table yet, and give them their primary keys. Raises IntegrityError as saving does."""
    if not rows:
        return
    model = type(rows[0])
    if len(rows) < COPIED_FROM or any(_left_to_database(row) for row in rows):
        model._default_manager.bulk_create(rows)
    else:
        _copy(model, rows, router.db_for_write(model))


def _left_to_database(row: models.Model) -> bool:
    """Tell whether the database is to fill in a column, which COPY would not tell back."""
    return any(isinstance(value, DatabaseDefault) for value in vars(row).values())


def _copy(model: type[models.Model], rows: Sequence[models.Model], using: str) -> None:
    connection, options = connections[using], model._meta
    quote = connection.ops.quote_name
    fields: list[models.Field[Any, Any]] = list(options.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [options.db_table, len(rows)])
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = number
        columns = ", ".join(quote(str(field.column)) for field in fields)
        cells = zip(*(_cells(field, rows, connection) for field in fields), strict=True)
        statement = f"COPY {quote(options.db_table)} ({columns}) FROM STDIN"
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            for row_of_cells in cells:
                copy.write_row(row_of_cells)
    for row in rows:
        row._state.adding, row._state.db = False, using


def _cells(field: models.Field[Any, Any], rows: Sequence[models.Model], connection: BaseDatabaseWrapper) -> list[Any]:
    """Return the cells of one column."""
    if type(field).pre_save is models.Field.pre_save and not isinstance(field, models.JSONField):
        values = map(attrgetter(field.attname), rows)
        return [value if type(value) in _AS_IS else field.get_db_prep_save(value, connection) for value in values]
    return [field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows]
