"""New rows of several models in one statement, for the few rows that one record is: asking five times takes longer than writing them.

A row may refer to another one that is written with it and has no key yet. Constraints, triggers and history are those of any INSERT.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache
from itertools import count
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models, router

from registry.postgresql.prepared import numbered_cursor
from registry.services.copy_text import is_plain
from registry.services.row_adding import add_rows, left_to_database

# More rows than this are written model by model: each number of rows is a statement of its own to prepare.
MOST_TOGETHER = 30
KEPT_STATEMENTS = 200
Rows = Sequence[models.Model]


class RowsTogether:
    """Rows that are gathered while a record is put together, and written at once. A model is added after those it refers to."""

    def __init__(self) -> None:
        self._sets: list[Rows] = []

    def add(self, rows: Rows) -> None:
        """Take rows of one model that are in no table yet."""
        if rows:
            self._sets.append(rows)

    def write(self) -> None:
        """Write them and give them their primary keys. Raises IntegrityError as saving does."""
        if not self._sets:
            return
        sets, self._sets = self._sets, []
        if len(sets) > 1 and sum(map(len, sets)) <= MOST_TOGETHER and all(map(_is_simple, sets)):
            _write(sets)
            return
        for rows in sets:
            _take_keys(rows)
            add_rows(rows)


@dataclass(frozen=True)
class Shape:
    """How many rows of a model are written, and which of their columns is the key of which row written before: set and place."""

    model: type[models.Model]
    count: int
    links: tuple[tuple[int, str, int, int], ...]


def _is_simple(rows: Rows) -> bool:
    """Tell whether rows are written by what is in their columns, by the account that answers requests."""
    model = type(rows[0])
    here = router.db_for_write(model) == DEFAULT_DB_ALIAS
    return here and _is_plain_model(model) and all(row.pk is None for row in rows) and not left_to_database(model, rows)


@cache
def _is_plain_model(model: type[models.Model]) -> bool:
    return all(is_plain(field) for field in model._meta.concrete_fields if not field.primary_key)


def _waiting(rows: Rows) -> list[tuple[models.Model, str, str]]:
    """Return the rows that refer to one which had no key when they were put together, with the reference's name and column."""
    names = _references(type(rows[0]))
    return [
        (row, name, key)
        for row in rows
        for name, key in names
        if getattr(row, key) is None and row._state.fields_cache.get(name) is not None
    ]


def _take_keys(rows: Rows) -> None:
    """Let rows name the keys that those they refer to have by now."""
    for row, name, key in _waiting(rows):
        setattr(row, key, row._state.fields_cache[name].pk)


@cache
def _references(model: type[models.Model]) -> list[tuple[str, str]]:
    return [(field.name, field.attname) for field in model._meta.concrete_fields if field.is_relation]


def _write(sets: Sequence[Rows]) -> None:
    places = {id(row): (number, place) for number, rows in enumerate(sets) for place, row in enumerate(rows)}
    shapes = tuple(Shape(type(rows[0]), len(rows), tuple(_links(rows, places))) for rows in sets)
    values = [text for rows, shape in zip(sets, shapes, strict=True) for text in _texts(rows, shape)]
    with numbered_cursor() as cursor:
        cursor.execute(_statement(shapes), values)
        found = cursor.fetchone()
    for rows, keys in zip(sets, found, strict=True):
        for row, key in zip(rows, keys, strict=True):
            row.pk, row._state.adding, row._state.db = key, False, DEFAULT_DB_ALIAS
    for rows in sets:
        _take_keys(rows)


def _links(rows: Rows, places: dict[int, tuple[int, int]]) -> list[tuple[int, str, int, int]]:
    at = {id(row): place for place, row in enumerate(rows)}
    return [
        (at[id(row)], name, *places[id(row._state.fields_cache[name])])
        for row, name, _ in _waiting(rows)
        if id(row._state.fields_cache[name]) in places
    ]


def _texts(rows: Rows, shape: Shape) -> list[str | None]:
    """Return the cells of all rows, as PostgreSQL reads them whatever the column, but for keys of rows written with them."""
    take = _taker(shape.model)
    if not shape.links:
        return [text_of(value) for row in rows for value in take(row)]
    left_out, columns = {link[:2] for link in shape.links}, _columns(shape.model)
    return [
        text_of(value)
        for place, row in enumerate(rows)
        for (name, _), value in zip(columns, take(row), strict=True)
        if (place, name) not in left_out
    ]


@cache
def _taker(model: type[models.Model]) -> Callable[[models.Model], tuple[Any, ...]]:
    return attrgetter(*(field.attname for field in model._meta.concrete_fields if not field.primary_key))


@lru_cache(maxsize=KEPT_STATEMENTS)
def _statement(shapes: tuple[Shape, ...]) -> str:
    """Return one INSERT a model, and the keys of each model's rows in their order."""
    referred = sorted({link[2] for shape in shapes for link in shape.links})
    parts = [f"keys{number} AS MATERIALIZED ({_keys(shapes[number])})" for number in referred]
    first = 1
    for number, shape in enumerate(shapes):
        parts.append(f"written{number} AS ({_insert(shape, first, keys=f'keys{number}' if number in referred else '')})")
        first += shape.count * len(_columns(shape.model)) - len(shape.links)
    found = ", ".join(f"ARRAY(SELECT id FROM written{number})" for number in range(len(shapes)))
    return f"WITH {', '.join(parts)} SELECT {found}"


def _keys(shape: Shape) -> str:
    """Return a statement that draws keys, where rows written together refer to them."""
    options = shape.model._meta
    sequence = f"pg_get_serial_sequence('{options.db_table}', '{options.pk.column}')"
    return f"SELECT ARRAY(SELECT nextval({sequence}) FROM generate_series(1, {shape.count})) AS drawn"


def _insert(shape: Shape, first: int, *, keys: str) -> str:
    options, columns = shape.model._meta, _columns(shape.model)
    links = {(place, name): f"(SELECT drawn[{at + 1}] FROM keys{number})" for place, name, number, at in shape.links}
    numbers, rows = count(first), []
    for place in range(shape.count):
        cells = [links.get((place, name)) or f"${next(numbers)}" for name, _ in columns]
        rows.append(f"({', '.join([*([f'(SELECT drawn[{place + 1}] FROM {keys})'] if keys else []), *cells])})")
    named = [f'"{options.pk.column}"'] if keys else []
    named += [f'"{column}"' for _, column in columns]
    return f'INSERT INTO "{options.db_table}" ({", ".join(named)}) VALUES {", ".join(rows)} RETURNING "{options.pk.column}" AS id'


@cache
def _columns(model: type[models.Model]) -> list[tuple[str, str]]:
    return [(field.name, str(field.column)) for field in model._meta.concrete_fields if not field.primary_key]


def text_of(value: Any) -> str | None:
    """Return a value as PostgreSQL reads it in any column that holds its kind; TypeError for what no column here does."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, Enum):
        return text_of(value.value)
    raise TypeError(f"{type(value).__name__} has no form in a column")


def _array(values: list[Any]) -> str:
    texts = (text_of(value) for value in values)
    return "{" + ",".join("NULL" if text is None else f'"{_escaped(text)}"' for text in texts) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _same(text: str) -> str:
    return text


_WRITERS: dict[type, Callable[[Any], str | None]] = {
    type(None): lambda nothing: None,
    bool: lambda one: "t" if one else "f",
    str: _same,
    int: str,
    Decimal: str,
    UUID: attrgetter("hex"),
    date: date.isoformat,
    datetime: datetime.isoformat,
    list: _array,
}
