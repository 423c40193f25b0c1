"""A row as JSON, put together by PostgreSQL: a long page is read and sent without making an object of each value and a text again.

What a row is made of is said once, by the columns of its collection. How a value of each kind is written is said here, letter for
letter as `JsonRenderer` writes it; tests/contracts/test_row_text.py compares the two over every list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import LOUTER

from api.formats import JsonRenderer
from registry.models import Enrolment, Trial
from registry.models.columns import WordField

# Of one sum.
TERMS = 6
# Columns in which the table itself lets nothing stand that JSON has to escape; words of a vocabulary are such, too.
NEEDS_NO_ESCAPE = {Enrolment._meta.get_field("patient_code"), Trial._meta.get_field("slug")}
# What stands before a value, the value as text, and what stands behind it.
_PLAIN, _QUOTED = ("", "({0})::text", ""), ('"', "({0})::text", '"')
_ESCAPED, _AS_JSON = ("", "to_json(({0})::text)::text", ""), ("", "to_json({0})::text", "")
# Six digits behind the second, or none where all are zero.
_DIGITS = """replace(to_char(({0}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""
_INSTANT = ('"', _DIGITS, '"')
# Whole numbers without a point, others with the fewest digits that mean them, as Python writes them (`formats.number`).
_NUMBER = ("", "({0})::float8::text", "")
Form = tuple[str, str, str]
FORMS: tuple[tuple[type[models.Field[Any, Any]], Form], ...] = (
    (WordField, _QUOTED),
    (models.UUIDField, _QUOTED),
    (models.CharField, _ESCAPED),
    (models.TextField, _ESCAPED),
    (models.IntegerField, _PLAIN),
    (models.BooleanField, _PLAIN),
    (models.DecimalField, _NUMBER),
    (models.DateTimeField, _INSTANT),
    (models.DateField, _AS_JSON),
    (ArrayField, _AS_JSON),
)


class RowText(models.Expression):
    """A row's columns as the text of one JSON object."""

    output_field = models.TextField()

    def __init__(self, columns: Mapping[str, Any]) -> None:
        super().__init__()
        self.names = tuple(columns)
        self.sources: list[Any] = list(columns.values())

    def get_source_expressions(self) -> list[Any]:
        """Return where the values come from."""
        return self.sources

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """Take the same, resolved in a query."""
        self.sources = [*exprs]

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Resolve columns of the table itself at once: most are, and looking for a way to other tables takes long."""
        found = self.copy()
        found.sources = [own_column(query, source) or source.resolve_expression(query, *args, **kwargs) for source in self.sources]
        return found

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """Return the text as a sum of its parts."""
        constant, parts = "{", []
        params: list[Any] = []
        for name, source in zip(self.names, self.sources, strict=True):
            sql, own = compiler.compile(source)
            before, written, after = form_of(source)
            if is_never_null(source, compiler):
                parts += [_text(f'{constant}"{name}":{before}'), written.format(sql)]
            else:
                whole = " || ".join([*_some(before), written.format(sql), *_some(after)])
                parts += [_text(f'{constant}"{name}":'), f"coalesce({whole}, 'null')"]
                after = ""
            constant = f"{after},"
            params += own
        return _sum([*parts, _text(f"{constant[:-1]}}}")]), tuple(params)


def _text(constant: str) -> str:
    return f"'{constant}'"


def _some(constant: str) -> list[str]:
    return [_text(constant)] if constant else []


def _sum(parts: list[str]) -> str:
    """Return a sum of sums: each sum copies what stands before it, so that one long one would copy a row twenty times."""
    sums = [" || ".join(parts[first : first + TERMS]) for first in range(0, len(parts), TERMS)]
    return f"({' || '.join(f'({one})' for one in sums)})"


def own_column(query: Any, source: Any) -> Col | None:
    """Return a column of the query's own table; None for anything else."""
    name = getattr(source, "name", "")
    if not isinstance(source, models.F) or name in query.annotations:
        return None
    field = query.get_meta()._forward_fields_map.get(name)
    return None if field is None or field.is_relation else Col(query.get_initial_alias(), field)


def is_never_null(source: Any, compiler: SQLCompiler) -> bool:
    """Tell whether a column has a value in every row: the table says so, and the row is there."""
    if not isinstance(source, Col) or source.target.null:
        return False
    return bool(compiler.query.alias_map[source.alias].join_type != LOUTER)


def form_of(source: Any) -> Form:
    """Return how a value is written in JSON; raise TypeError for a kind that nobody has said."""
    field = source.output_field
    if isinstance(source, Col) and source.target in NEEDS_NO_ESCAPE:
        return _QUOTED
    for kind, form in FORMS:
        if isinstance(field, kind):
            return form
    raise TypeError(f"api.row_text does not say how a {type(field).__name__} is written")


def list_of(rows: str, beside: Mapping[str, Any]) -> bytes:
    """Return the body of a list: its rows as one text, then what stands beside them."""
    # JSON allows these two and JavaScript did not: DRF escapes them.
    written = rows.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return b'{"results":[' + written.encode() + b"]," + JsonRenderer().render(dict(beside))[1:]
