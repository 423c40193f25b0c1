"""Rows of the event tables as people read them: names behind keys, words behind codes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import models


def events_of(model: type[models.Model]) -> Any:  # an event model made by pghistory
    """Return the model of a table's history."""
    return model.history.rel.related_model  # type: ignore[attr-defined]  # put there by tracked()


def names_behind(events: list[Any], model: type[models.Model], fields: tuple[str, ...]) -> dict[tuple[str, int], str]:
    """Return the names behind foreign keys, one query for each column that has one."""
    names = {}
    for name in fields:
        column = model._meta.get_field(name)
        if isinstance(column, models.ForeignKey):
            keys = {getattr(event, column.attname) for event in events}
            names.update({(name, row.pk): str(row) for row in column.related_model._default_manager.filter(pk__in=keys)})
    return names


def words_of(event: Any, name: str, names: dict[tuple[str, int], str]) -> str:
    """Return a value as people read it."""
    column = event._meta.get_field(name)
    if isinstance(column, models.ForeignKey):
        return names.get((name, getattr(event, column.attname)), "")
    value = getattr(event, name)
    if isinstance(value, datetime):
        return value.date().isoformat()
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
