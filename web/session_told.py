"""What a refused session form said beside its questions, and what of it still holds while the answers change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.forms import BaseForm

from web.session_form import SessionForm
from web.session_form_words import entries

TOLD = "told"
# More questions than this no form has.
MOST_TOLD = 100


@dataclass(frozen=True)
class Told:
    """A sentence beside a question. `entry` is what the record itself refused; nobody knows before the next try what it says then."""

    name: str
    sentence: str
    entry: str | None = None

    @property
    def value(self) -> str:
        """Return what the page sends back to say that it shows this sentence."""
        return self.name if self.entry is None else f"{self.name}={self.entry}"


def entry_of(form: SessionForm, name: str) -> str:
    """Return an answer in one line."""
    return ",".join(entries(form, name))


def told_by(form: SessionForm, *others: BaseForm) -> list[Told]:
    """Return what a form says beside its questions, and what the forms on its page say."""
    return [
        Told(name, sentence, entry_of(form, name) if name in form.refused_by_record else None)
        for name, sentence in sentences(form, *others).items()
    ]


def still_told(posted: Iterable[str], form: SessionForm, *others: BaseForm) -> list[Told]:
    """Return what still holds of the sentences a page shows: with their questions as wrong as before, or wrong in another way."""
    now = sentences(form, *others)
    kept = []
    for value in list(posted)[:MOST_TOLD]:
        name, by_record, entry = value.partition("=")
        if name in now:
            kept.append(Told(name, now[name]))
        elif by_record and name in form.fields and entry_of(form, name) == entry:
            kept.append(Told(name, "", entry))
    return kept


def sentences(*forms: BaseForm) -> dict[str, str]:
    """Return the first sentence beside each question."""
    return {name: str(messages[0]) for form in forms for name, messages in form.errors.items() if name in form.fields}


def told_query(posted: Iterable[str]) -> str:
    """Return what a page without script carries to its next view: which sentences it shows."""
    names = [value.partition("=")[0] for value in list(posted)[:MOST_TOLD]]
    return f"?{urlencode([(TOLD, name) for name in names])}" if names else ""
