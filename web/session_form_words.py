"""Entries of the session form in words: what a question is called apart from its page, what its answer says, where two sets differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from django import forms
from django.utils.translation import gettext as _

from web.session_form import BLOCK, LAST, PILLS, SessionForm

# A question that belongs to another one is named after it too: 'In your own words' alone says nothing.
DEPENDENT = ("_why", "_text")


def label_of(form: SessionForm, name: str) -> str:
    """Return what a question is called where the ones beside it are not shown."""
    kind, _between, term = name.partition("_")
    label = str(form.fields[name].label)
    if kind == "severity":
        return _("%(effect)s: how strong") % {"effect": PILLS[term]}  # type: ignore[index]  # terms are strings
    if kind == "relation":
        return _("%(effect)s: related to the stimulation") % {"effect": PILLS[term]}  # type: ignore[index]
    if name.startswith(BLOCK) and len(form.planned) > 1:
        number = int(kind.removeprefix(BLOCK)) + 1
        return _("Block %(n)d: %(what)s") % {"n": number, "what": label}
    parent = next((name.removesuffix(end) for end in DEPENDENT if name.endswith(end)), "")
    if parent == "deviation":
        parent = "deviation_reason"
    return f"{form.fields[parent].label}: {label}" if parent in form.fields else label


def value_text(form: SessionForm, name: str, values: list[str]) -> str:
    """Return an answer as people read it, '' where there is none."""
    threshold = form.asked.threshold
    if name == "threshold" and values == [LAST] and threshold is not None:
        return _("%(value)d %% MSO") % {"value": form.asked.threshold_percent}
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        words = {str(value): str(label) for value, label in cast("list[tuple[str, str]]", field.choices)}
        return ", ".join(words.get(value, value) for value in values)
    return ", ".join(values)


def entries(form: SessionForm, name: str) -> list[str]:
    """Return what a form holds for one question, without blanks, in an order that does not depend on which tick came first."""
    return sorted({value.strip() for value in form.given.getlist(name)} - {""})


def differing(form: SessionForm, other: SessionForm) -> Iterator[str]:
    """Yield the questions that two forms of one session answer differently, in the order of the page."""
    return (name for name in form.fields if entries(form, name) != entries(other, name))


def was_words(form: SessionForm, on_record: SessionForm) -> dict[str, str]:
    """Return what stood on record for each question that the form answers differently."""
    empty = _("empty")
    return {name: value_text(form, name, entries(on_record, name)) or empty for name in differing(form, on_record)}
