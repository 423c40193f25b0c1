"""What the entries of a session form say so far, and the two ways in which most of them are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from registry.exceptions import Problem
from registry.rules.stimulation import Block, NewSession
from registry.rules.thresholds import NewThreshold
from registry.vocabulary import SessionStatus, Word
from web.session_form import SessionForm

SomeWord = TypeVar("SomeWord", bound=Word)


@dataclass(frozen=True)
class Times:
    """When the form learned what: first answers before and after stimulation. A record being corrected has its own times."""

    began: datetime
    ended: datetime | None
    now: datetime
    zone: ZoneInfo


@dataclass
class Reading:
    """What the entries say so far; problems are those of reading alone."""

    problems: list[Problem] = field(default_factory=list)
    # In terms of the coil used; None where it cannot be carried over to it.
    threshold_percent: int | Decimal | None = None
    # The coil used is of another model than the threshold's: carried over by the trial's own rule, or refused.
    other_coil: bool = False
    new_threshold: NewThreshold | None = None
    blocks: tuple[Block, ...] = ()
    times: Times | None = None
    # The answers came closer after one another than the pulses take: they say nothing about when the session ended.
    end_unknown: bool = False
    row: NewSession = field(default_factory=lambda: NewSession(patient="", status=SessionStatus.GIVEN))

    def note(self, name: str, message: str, code: str = "required") -> None:
        self.problems.append(Problem(name, message, code))


def word(kind: type[SomeWord], value: str) -> SomeWord | None:
    """Return an answer as the word it is."""
    return kind(value) if value else None


def whole(form: SessionForm, name: str, reading: Reading) -> int | None:
    """Return a whole number, None for nothing; a text that is none becomes a problem. Spaces between thousands are read over."""
    entry = form.value(name).replace(" ", "").replace("\u2009", "")
    if not entry:
        return None
    if entry.isascii() and entry.isdigit():
        return int(entry)
    reading.note(name, _("Enter a whole number."), "not_a_number")
    return None
