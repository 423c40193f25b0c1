"""Forms made from the sections of a trial. They take what was typed as it is; the rules behind the services judge it."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import permutations
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from registry.exceptions import Problem
from registry.rules.tables.cells import canonical_decimal
from registry.rules.tables.columns import Column, Kind, Table
from registry.vocabulary import ScoreSource
from web.trial_settings.words import Words

Choices = list[tuple[str, str | Promise]]
MOST_BUTTONS = 3
# A mark that one of several rows may carry.
TICKS = ("primary",)
YES, NO = "yes", "no"


class AsTyped(forms.Field):
    """A field that judges nothing; `required` only says so to the reader."""

    def clean(self, value: object) -> object:
        """Return what was typed."""
        return value


class SectionForm(forms.Form):
    """One section of a trial, a field for each column that is asked."""

    use_required_attribute = False

    def __init__(
        self,
        data: object = None,
        *,
        table: Table,
        words: Words,
        leave_out: Iterable[str] = (),
        offers: Mapping[str, Choices] | None = None,
        initial: Mapping[str, object] | None = None,
        prefix: str | None = None,
        compact: bool = False,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), prefix=prefix)  # type: ignore[arg-type]  # request.POST or None
        self.table = table
        for column in table.columns:
            if column.name in words and column.name not in leave_out:
                offer = (offers or {}).get(column.name)
                if offer is None and compact and column.words is not None and not column.many:
                    offer = word_choices(column)
                self.fields[column.name] = asked(column, words, offer)

    def values(self) -> dict[str, Any]:
        """Return what was typed as the section's reader takes it; nothing where nothing was typed."""
        typed = {name: as_section(self.table.column(name), self[name].data) for name in self.fields}
        return {name: value for name, value in typed.items() if value not in (None, "", [])}

    @property
    def is_blank(self) -> bool:
        """Tell whether every field is empty or as it was offered."""
        return all(str(self[name].data or "").strip() in ("", self.table.column(name).default) for name in self.fields)

    def take(self, problems: Iterable[Problem], *places: str) -> list[Problem]:
        """Put problems of these places beside their fields and return the others."""
        others = []
        for problem in problems:
            place, _dot, name = problem.field.rpartition(".")
            if place in places:
                self.add_error(name if name in self.fields else None, ValidationError(self.said(name, problem.message), code=problem.code))
            else:
                others.append(problem)
        return others

    def said(self, name: str, message: str) -> str:
        """Return a message that can also stand alone above the page: an empty field's remedy does not name it."""
        if name not in self.fields or self[name].data:
            return message
        return f"{self.fields[name].label}: {message[:1].lower()}{message[1:]}"


class Reason(forms.Form):
    """Why something on record is corrected."""

    use_required_attribute = False
    reason = AsTyped(
        label=_("Reason"),
        help_text=_("Stands in the history beside the change. No names: everybody in the trial may read it."),
        widget=forms.Textarea(attrs={"rows": 2, "maxlength": 500}),
    )

    def text(self) -> str:
        """Return the reason."""
        return str(self["reason"].data or "").strip()[:500]


def sent(request: HttpRequest) -> QueryDict | None:
    """Return what a form sent, also where that is nothing at all; None where the page is only asked for."""
    return request.POST if request.method == "POST" else None


def asked(column: Column, words: Words, offer: Choices | None) -> forms.Field:
    """Return the field that asks for a column."""
    label, hint = (cast(str, text) for text in words[column.name])  # lazy texts count as texts
    widget = chooser(offer) if offer is not None else WIDGETS.get(column.kind, plain_text)(column)
    if column.many:
        widget = many_widget(column)
    if column.name in TICKS:
        widget = forms.CheckboxInput()
    return AsTyped(label=label, help_text=hint, required=column.required, widget=widget, initial=column.default)


def chooser(offer: Choices) -> forms.Widget:
    return forms.Select(choices=offer)


def plain_text(column: Column) -> forms.Widget:
    if column.longest > 1000:
        return forms.Textarea(attrs={"rows": 3, "maxlength": column.longest})
    return forms.TextInput(attrs={"autocomplete": "off", "maxlength": column.longest})


def short_text(column: Column) -> forms.Widget:
    return forms.TextInput(attrs={"autocomplete": "off", "maxlength": 40, "class": "short", "spellcheck": "false"})


def whole_number(column: Column) -> forms.Widget:
    return forms.TextInput(
        attrs={"autocomplete": "off", "maxlength": 10, "class": "short", "inputmode": "text" if signed(column) else "numeric"}
    )


def signed(column: Column) -> bool:
    """Tell whether the number may be negative: the numeric keypad of a telephone has no minus."""
    return column.least is not None and column.least < 0


def number(column: Column) -> forms.Widget:
    return forms.TextInput(attrs={"autocomplete": "off", "maxlength": 20, "class": "short", "inputmode": "decimal"})


def civil_date(column: Column) -> forms.Widget:
    return forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d")


def word(column: Column) -> forms.Widget:
    words = cast(Choices, column.words.choices()) if column.words is not None else []
    if (column.required or column.default) and len(words) <= MOST_BUTTONS:
        return forms.RadioSelect(choices=words)
    return forms.Select(choices=word_choices(column))


def word_choices(column: Column) -> Choices:
    """Return the words of a column; where none is the default, nothing is chosen beforehand."""
    words = cast(Choices, column.words.choices()) if column.words is not None else []
    return words if column.default else [("", _("Choose") if column.required else _("As usual")), *words]


def yes_no(column: Column) -> forms.Widget:
    choices: Choices = [(YES, _("Yes")), (NO, _("No"))]
    return forms.RadioSelect(choices=choices if column.default else [("", _("As usual")), *choices])


def zone(column: Column) -> forms.Widget:
    nothing: Choices = [] if column.default else [("", _("The trial's"))]
    return forms.Select(choices=[*nothing, *((name, name.replace("_", " ")) for name in time_zones())])


@cache
def time_zones() -> tuple[str, ...]:
    """Return the zones people live in, UTC first."""
    regions = ("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ("UTC", *sorted(name for name in zoneinfo.available_timezones() if name.startswith(regions)))


WIDGETS: dict[Kind, Callable[[Column], forms.Widget]] = {
    Kind.CODE: short_text,
    Kind.SLUG: short_text,
    Kind.PATIENT: short_text,
    Kind.INTEGER: whole_number,
    Kind.DECIMAL: number,
    Kind.DATE: civil_date,
    Kind.PARTIAL_DATE: short_text,
    Kind.WORD: word,
    Kind.YES_NO: yes_no,
    Kind.ZONE: zone,
}


def many_widget(column: Column) -> forms.Widget:
    """Return the control of a list: an order to choose, boxes to tick, or numbers in a row."""
    if column.words is ScoreSource:
        return forms.Select(choices=source_orders())
    if column.words is not None:
        return forms.CheckboxSelectMultiple(choices=column.words.choices())
    long = column.kind is Kind.INTEGER  # the days of all sessions
    attributes = {"autocomplete": "off", "maxlength": 1000} if long else {"autocomplete": "off", "maxlength": 60, "class": "short"}
    return forms.TextInput(attrs=attributes)


def source_orders() -> Choices:
    """Return every ranking of sources, the usual one first."""
    orders = [order for length in (3, 2, 1) for order in permutations(ScoreSource, length)]
    return [(" ".join(order), ", ".join(source.label for source in order)) for order in orders]


def as_section(column: Column, data: object) -> Any:
    """Return what was typed in a field as the reader of a section takes it."""
    if column.kind is Kind.YES_NO:
        # A box is ticked or not; a radio button says which.
        return {YES: True, NO: False, True: True, "on": True}.get(cast(str, data), False if data is False else None)
    if column.many and isinstance(data, str):
        return split_list(data)
    if column.kind in (Kind.INTEGER, Kind.DECIMAL) and isinstance(data, str):
        return data.strip().replace("\u2212", "-")
    return data


def split_list(typed: str) -> list[str]:
    """Return the items of a list parted by blanks or semicolons; a comma inside makes one unreadable, for 30,50 may mean two things."""
    return [item.rstrip(",").replace(",", " , ") for item in re.split(r"[;\s]+", typed) if item.strip(",")]


def as_typed(value: object) -> object:
    """Return a stored fact as somebody would type it."""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, Decimal):
        return canonical_decimal(value)
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value if isinstance(value, (list, tuple)) else str(value)


def typed_facts(facts: object, table: Table) -> dict[str, object]:
    """Return facts as initial values of a form."""
    found = {name: as_typed(getattr(facts, name)) for name in table.names if hasattr(facts, name)}
    return {name: joined(table.column(name), value) for name, value in found.items()}


def joined(column: Column, value: object) -> object:
    """Return a list as one text where it is typed or chosen in one field."""
    if isinstance(value, (list, tuple)) and (column.words is None or column.words is ScoreSource):
        return " ".join(str(as_typed(item)) for item in value)
    return list(value) if isinstance(value, tuple) else value
