"""Columns that several tables share."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func

from registry.vocabulary import Word


class NewUuid(Func):
    """A time-ordered UUID made by PostgreSQL, so that indexes grow at one end."""

    function = "uuidv7"
    template = "%(function)s()"
    output_field = models.UUIDField()


class WordField(models.CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A column that holds one word of a vocabulary, or none where it may be blank; the database refuses any other."""

    def db_check(self, connection: BaseDatabaseWrapper) -> str | None:
        # History keeps what was, under whatever vocabulary; only the live table is checked.
        if str(self.model._meta.model_name).endswith("changeevent"):
            return None
        words = [*(value for value, _ in self.flatchoices), *([""] if self.blank else [])]
        values = ", ".join(f"'{value}'" for value in words)
        return f'"{self.column}" IN ({values})'


def word_column(words: type[Word], **options: Any) -> WordField:
    """Return the column for a vocabulary."""
    return WordField(max_length=40, choices=words.choices(), **options)
