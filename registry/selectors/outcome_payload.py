"""The shape of a snapshot's payload: what the worker writes and pages, commands and scripts read."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Definition(TypedDict):
    """A term and what it means under this plan."""

    term: str
    text: str


class Counts(TypedDict):
    """Who is where: due = responders + observed non-responders + statuses that are neither observed nor not due, at each threshold.

    `responders` and `observed_non_responders` are keyed by threshold in tenths of a percent, and absent where efficacy is withheld.
    """

    population: int
    due: int
    not_due: int
    statuses: dict[str, int]
    reasons: dict[str, int]
    responders: NotRequired[dict[str, int]]
    observed_non_responders: NotRequired[dict[str, int]]


class Rate(TypedDict):
    """Responders among n with Wilson's interval; nothing to divide by gives nulls."""

    threshold_tenths: int
    rule: str
    responders: int
    n: int
    rate: float | None
    low: float | None
    high: float | None


class Mean(TypedDict):
    """Mean and sample SD on the scale of baseline, value or change (value minus baseline)."""

    rule: str
    measure: str
    n: int
    mean: float | None
    sd: float | None


class Arm(TypedDict):
    """One arm of a group, in the closed document only; `code` is a letter before decoding."""

    code: str
    label: str
    counts: Counts
    rates: list[Rate]
    means: list[Mean]


class Contrast(TypedDict):
    """First arm minus second at one threshold under one rule, with Newcombe's interval and the number needed to treat."""

    first: str
    second: str
    threshold_tenths: int
    rule: str
    first_responders: int
    first_n: int
    second_responders: int
    second_n: int
    difference: float | None
    low: float | None
    high: float | None
    nnt: float | None
    nnt_text: str


class Group(TypedDict):
    """The whole trial or a subgroup at one time point. A suppressed one has its label and nothing else."""

    kind: str
    code: str
    label: str
    suppressed: bool
    counts: NotRequired[Counts]
    rates: NotRequired[list[Rate]]
    means: NotRequired[list[Mean]]
    arms: NotRequired[list[Arm]]
    contrasts: NotRequired[list[Contrast]]


class TimePoint(TypedDict):
    """One time point of the plan with its groups: overall first, then diagnoses, then sites."""

    code: str
    label: str
    kind: str
    target_day: int | None
    first_day: int | None
    last_day: int | None
    visit: str
    rule: str
    min_n: int
    primary: bool
    groups: list[Group]


class Payload(TypedDict):
    """A whole snapshot. `document` is 'open' or 'closed'; `efficacy` is 'shown' or 'withheld'."""

    format: int
    document: str
    trial: dict[str, str | bool]
    plan: dict[str, object]
    cutoff: str
    seal: int | None
    seal_hash: str
    code_version: str
    efficacy: str
    coded: NotRequired[bool]
    open_sha256: NotRequired[str]
    input_sha256: NotRequired[str]
    closed_seal: NotRequired[int | None]
    thresholds_tenths: list[int]
    definitions: list[Definition]
    notes: list[str]
    time_points: list[TimePoint]
