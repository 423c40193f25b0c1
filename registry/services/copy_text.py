"""Columns as the text that COPY reads: what many rows say alike is written once, and no library is asked for each cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.adapt import PyFormat, Transformer

NULL = "\\N"
# About 64 KB.
LINES_IN_BLOCK = 400
_SPECIAL = re.compile(r"[\\\b\t\n\v\f\r]")
_ESCAPED = {"\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"}


def escaped(text: str) -> str:
    """Return a text as a cell."""
    return _SPECIAL.sub(lambda sign: _ESCAPED[sign[0]], text)


# All else is made ready by its field.
_TEXTS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: NULL,
    bool: lambda value: "t" if value else "f",
    int: str,
    str: escaped,
    Decimal: str,
    UUID: attrgetter("hex"),
    date: str,
    datetime: str,
}


def cell_text(value: Any) -> str:
    """Return one value as a cell."""
    return _TEXTS[type(value)](value)


class KnownTexts(dict[Any, str]):
    """Writes each distinct value of a column once; values of one type, or none."""

    def __missing__(self, value: Any) -> str:
        found = self[value] = cell_text(value)
        return found


def column_texts(field: models.Field[Any, Any], rows: Sequence[models.Model], connection: BaseDatabaseWrapper) -> list[str]:
    """Return the cells of one column of these rows."""
    if not is_plain(field):
        return _ready(field, [field.pre_save(row, True) for row in rows], connection)
    values = list(map(attrgetter(field.attname), rows))
    odd = set(map(type, values)) - _TEXTS.keys()
    if odd and all(issubclass(one, Enum) for one in odd):
        values = [value.value if type(value) in odd else value for value in values]
    elif odd:
        return _arrays(field, values, connection) if odd == {list} else _ready(field, values, connection)
    kinds = set(map(type, values))
    # Equal values of two types may read differently; and identifiers are nearly all different.
    return list(map(_TEXTS[kinds.pop()], values)) if kinds in ({UUID}, {int}) else _known(values, kinds - {type(None)})


def _known(values: list[Any], kinds: set[type]) -> list[str]:
    return list(map(KnownTexts().__getitem__ if len(kinds) < 2 else cell_text, values))


def _ready(field: models.Field[Any, Any], values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[str]:
    """Return cells that the column's field makes ready, as the library would send them."""
    transformer = Transformer(connection.connection)

    def text(ready: Any) -> str:
        if ready is None:
            return NULL
        return escaped(bytes(transformer.get_dumper(ready, PyFormat.TEXT).dump(ready) or b"").decode())

    return [text(field.get_db_prep_save(value, connection)) for value in values]


def _arrays(field: models.Field[Any, Any], values: Sequence[Any], connection: BaseDatabaseWrapper) -> list[str]:
    """Return arrays as PostgreSQL reads them, each distinct one written once."""
    distinct = list({tuple(value) for value in values if value is not None})
    known = dict(zip(distinct, _ready(field, map(list, distinct), connection), strict=True))
    return [NULL if value is None else known[tuple(value)] for value in values]


def is_plain(field: models.Field[Any, Any]) -> bool:
    """Tell whether a column holds what its attribute does, rather than what saving makes of it."""
    if isinstance(field, models.DateField):
        return not field.auto_now and not field.auto_now_add
    return type(field).pre_save is models.Field.pre_save and not isinstance(field, models.JSONField)


def blocks_of(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines many at a time: a write for each would cost more than the line."""
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) >= LINES_IN_BLOCK:
            yield "\n".join([*block, ""]).encode()
            block.clear()
    if block:
        yield "\n".join([*block, ""]).encode()
