"""Several of the same section on one page: as many rows as were asked for, blank ones left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import QueryDict

from registry.exceptions import Problem
from registry.rules.tables.columns import Table
from web.trial_settings.forms import Choices, SectionForm
from web.trial_settings.words import Words

MOST_ROWS = 40


class SectionRows:
    """Rows of one table; the count travels in a hidden field, and a button asks for one more, so that no script is needed."""

    def __init__(
        self,
        data: QueryDict | None,
        *,
        name: str,
        table: Table,
        words: Words,
        initial: Sequence[Mapping[str, object]] = (),
        least: int = 3,
        offers: Mapping[str, Choices] | None = None,
        leave_out: Iterable[str] = (),
    ) -> None:
        self.name, self.table = name, table
        wanted = max(least, len(initial) + 1 if initial else 0) if data is None else count_in(data, name)
        filled = [*initial, *({} for _ in range(wanted - len(initial)))] if data is None else [{} for _ in range(wanted)]
        self.forms = [
            SectionForm(
                data, table=table, words=words, offers=offers, leave_out=leave_out, initial=row, prefix=f"{name}-{number}", compact=True
            )
            for number, row in enumerate(filled)
        ]

    @property
    def given(self) -> list[SectionForm]:
        """Return the rows in which something was typed, in their order."""
        return [form for form in self.forms if not form.is_blank]

    def values(self) -> list[dict[str, Any]]:
        """Return those rows as sections."""
        return [form.values() for form in self.given]

    def take(self, problems: Iterable[Problem], section: str) -> list[Problem]:
        """Put problems of `section[number].field` into their rows and return the others."""
        others = list(problems)
        for number, form in enumerate(self.given):
            others = form.take(others, f"{section}[{number}]")
        return others


def count_in(data: QueryDict, name: str) -> int:
    """Return how many rows a form holds, with one more where that was asked for."""
    typed = data.get(f"{name}-count", "")
    count = int(typed) if typed.isdecimal() and len(typed) < 4 else 0
    return min(MOST_ROWS, count + (f"{name}-more" in data))
