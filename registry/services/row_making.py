"""Rows of a model without what its constructor does for each: the same rows, at a tenth of the time where there are thousands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=models.Model)


def make_row(model: type[Row], values: Mapping[str, Any], **related: models.Model | None) -> Row:
    """Return a row that is in no table yet: values by column attribute (`trial_id`), defaults for the others.

    `related` are objects that foreign keys lead to, whose keys are among the values. Raises TypeError for what is no column.
    """
    constants, callables, names = _defaults(model)
    if not values.keys() <= names:
        raise TypeError(f"{model.__name__} has no columns {sorted(values.keys() - names)}")
    row = model.__new__(model)
    attributes = vars(row)
    attributes["_state"] = ModelState()
    attributes.update(constants)
    for name, default in callables:
        if name not in values:
            attributes[name] = default()
    attributes.update(values)
    if related:
        row._state.fields_cache.update(related)
    return row


def read_row(model: type[Row], names: Sequence[str], values: Sequence[Any]) -> Row:
    """Return a row that was read, whole or in part, as `from_db` of a model without signals of its own does."""
    row = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    attributes = vars(row)
    attributes["_state"] = state
    attributes.update(zip(names, values, strict=True))
    return row


@cache
def _defaults(model: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]], frozenset[str]]:
    """Return the defaults that are the same for each row, how to make the others, and the names of all columns."""
    fields = model._meta.concrete_fields
    own = {field.attname: field.get_default for field in fields if callable(field.default) or field.has_db_default()}
    constants = {field.attname: field.get_default() for field in fields if field.attname not in own}
    return constants, list(own.items()), frozenset(field.attname for field in fields)
