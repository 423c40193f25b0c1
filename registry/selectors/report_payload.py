"""The shape of a week's snapshot: the outcomes as anywhere, the week, and how the trial was conducted until its end."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from registry.selectors.outcome_payload import Payload


class Week(TypedDict):
    """Which week; `over` tells whether the cut-off is its end and not a moment inside it."""

    iso: str
    first_day: str
    last_day: str
    over: bool


class Sessions(TypedDict):
    """Sessions on record by status, how many reached the prescribed share of planned pulses, and the pulses of those with a plan."""

    patients: int
    given: int
    partial: int
    not_given: int
    missed: int
    with_plan: int
    received: int
    pulses_delivered: int
    pulses_planned: int


class Term(TypedDict):
    """How many treated patients had an event of a kind, and which share of them."""

    term: str
    label: str
    patients: int
    share: float


class Events(TypedDict):
    """Treated patients with adverse events; few are counted as serious alone (`suppressed`).

    `before_treatment` are patients with an event who were never stimulated; serious events count whoever had them.
    """

    treated: int
    suppressed: bool
    with_any: int | None
    with_any_share: float | None
    before_treatment: int
    serious_events: int
    serious_patients: int
    terms: list[Term]


class ConductOfArm(TypedDict):
    """One arm, in the closed document only."""

    code: str
    label: str
    sessions: Sessions
    events: Events


class Conduct(TypedDict):
    """Sessions and adverse events of everybody, in the closed document by arm."""

    sessions: NotRequired[Sessions]
    events: NotRequired[Events]
    arms: NotRequired[list[ConductOfArm]]


class ReportPayload(Payload):
    """A whole week's snapshot."""

    week: Week
    conduct: Conduct
