"""Sentences of the pure rules, marked for translation where they stand. Where nobody says what translates, they stay as they are."""

from __future__ import annotations

from collections.abc import Callable

_translators: list[Callable[[str], str]] = []


def translate_with(translator: Callable[[str], str]) -> None:
    """Say what translates sentences from now on; the rules themselves know no framework."""
    _translators[:] = [translator]


def _(sentence: str) -> str:
    """Return a sentence in the reader's language; values are put in afterwards, by name."""
    return _translators[0](sentence) if _translators else sentence
