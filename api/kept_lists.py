"""Pages of lists as one text each, by statements that are put together once and kept in the process as text.

What a page asks follows from the list, from who asks (memberships in force, each with its trial and site as they are on record now) and
from the filters in use. Putting that together takes Django longer than it takes PostgreSQL to find the rows. The text is kept under all
that it follows from, and the cursor and whatever else is free come with each request. Nothing that was read is kept: rights are read at
every request, and rows are asked for under them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NoReturn

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from psycopg.sql import Literal
from rest_framework import serializers

from api import paging
from api.row_text import RowText
from registry.models import User
from registry.postgresql.prepared import prepared_cursor

# Statements of a process, some 6 KB each; past it, all are put together again.
MOST_KEPT = 500
# Parameters whose value may be anything; any other decides what is asked.
FREE = (serializers.RegexField, serializers.DateField, serializers.DateTimeField)
BESIDE = ("cursor", "page_size", "count")
ASKED = "asked_"
TYPES = {str: "text", int: "bigint", date: "date", datetime: "timestamptz"}
PLACEHOLDER = re.compile("%(.)")
# How long the page is, is said where the planner can see it.
WHOLE = """
SELECT string_agg(written, ',' ORDER BY {keys}) FILTER (WHERE place <= {size}), max(place) > {size}, {last}
FROM (SELECT *, row_number() OVER (ORDER BY {keys}) AS place FROM ({rows}) page ({keys}, written)) numbered
"""
_kept: dict[Hashable, str] = {}


class Coming(models.Expression):
    """A value that comes with each request, under a name."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__()
        self.name, self.type = name, TYPES[type(value)]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return its place."""
        return "%s", (self,)


@dataclass(frozen=True)
class Asked:
    """One page of a list, as one person asks for it."""

    view: Any
    user: User
    filters: dict[str, Any]
    after: Sequence[Any]
    size: int

    def kept_under(self) -> Hashable:
        """Return all that the statement follows from."""
        free = free_fields(self.view.query_class)
        filters = tuple((name, TYPES[type(value)] if name in free else value) for name, value in sorted(self.filters.items()))
        return type(self.view), self.user.pk, reach_of(self.user), filters, tuple(type(value) for value in self.after), self.size

    def values(self) -> dict[str, Any]:
        """Return what comes with the request."""
        free = free_fields(self.view.query_class)
        asked = {f"{ASKED}{name}": value for name, value in self.filters.items() if name in free}
        return asked | {f"after_{place}": value for place, value in enumerate(self.after)}

    def rows(self) -> models.QuerySet[Any]:
        """Return the rows as Django asks for them, each as its key and its text."""
        free = free_fields(self.view.query_class)
        filters = {name: Coming(f"{ASKED}{name}", value) if name in free else value for name, value in self.filters.items()}
        rows = self.view.listed(self.user, filters)
        if self.after:
            rows = rows.filter(paging.behind(self.view.order, [Coming(f"after_{n}", value) for n, value in enumerate(self.after)]))
        written = RowText(self.view.sources(self.user))
        found: models.QuerySet[Any] = rows.order_by(*self.view.order).values_list(*self.view.order, written)[: self.size + 1]
        return found


def read_page(view: Any, user: User, asked: dict[str, Any], *, scope: str) -> tuple[str, str]:
    """Return the rows of a page as one text, and the cursor after them, empty where they are the last."""
    filters = {name: value for name, value in asked.items() if name not in BESIDE}
    after = paging.key_of(asked["cursor"], scope, view.order) if asked.get("cursor") else []
    one = Asked(view, user, filters, after, asked["page_size"])
    statement = statement_of(one)
    if not statement:
        return "", ""
    values = one.values()
    # How rows of a day or a patient are best found depends on which: such a statement is planned anew. Where a page begins is all one.
    with connection.cursor() if any(name.startswith(ASKED) for name in values) else prepared_cursor() as cursor:
        cursor.execute(statement, values)
        written, more, *last = cursor.fetchone()
    return written or "", paging.cursor_after(last, scope) if more else ""


def statement_of(asked: Asked) -> str:
    """Return the statement of a page, empty where there is nothing to ask: the person reaches nothing."""
    key = asked.kept_under()
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[key] = put_together(asked)
    return found


def put_together(asked: Asked) -> str:
    """Return the statement of a page, with names where values come in."""
    try:
        with asking_nothing():
            sql, params = asked.rows().query.sql_with_params()
    except EmptyResultSet:
        return ""
    keys = [f"key_{place}" for place, _ in enumerate(asked.view.order)]
    last = ", ".join(f"max({key}) FILTER (WHERE place = {asked.size})" for key in keys)
    return WHOLE.format(keys=", ".join(keys), size=asked.size, last=last, rows=with_names(sql, params))


def with_names(sql: str, params: Sequence[Any]) -> str:
    """Return a statement whose constants are said in it, and whose other values have a name and a type."""
    values: Iterator[Any] = iter(params)
    return PLACEHOLDER.sub(lambda found: _said(next(values)) if found[1] == "s" else found[0], sql)


def _said(value: Any) -> str:
    if isinstance(value, Coming):
        return f"%({value.name})s::{value.type}"
    return Literal(value).as_string(connection.connection).replace("%", "%%")


def asking_nothing() -> Any:
    """Refuse statements meanwhile: what was read while a statement is put together would be kept with it."""

    def refuse(execute: Callable[..., Any], sql: str, *more: Any) -> NoReturn:
        raise RuntimeError(f"a statement that is kept may not follow from what another one reads: {sql[:200]}")

    connection.ensure_connection()
    return connection.execute_wrapper(refuse)


def reach_of(user: User) -> Hashable:
    """Return the memberships in force, with trial and site, as they were read for this request: each row whole."""
    return tuple((_whole(row), _whole(row.trial), _whole(row.site)) for row in user.current_memberships())


def _whole(row: models.Model | None) -> tuple[Any, ...]:
    return () if row is None else tuple(getattr(row, field.attname) for field in row._meta.concrete_fields)


@cache
def free_fields(shape: type[serializers.Serializer[Any]]) -> frozenset[str]:
    """Return the parameters of a query whose value may be anything."""
    return frozenset(name for name, field in shape().fields.items() if isinstance(field, FREE) and name not in BESIDE)
