"""The shape of a snapshot's payload: what the worker writes and pages, commands and scripts read."""

from __future__ import annotations

import hashlib
import json
from typing import NotRequired, TypedDict

# 2: curves, intervals of means, completeness, recruitment. 3: planned recruitment. A snapshot of an older format waits to be
# computed again.
FORMAT = 3


class Definition(TypedDict):
    """A term and what it means under this plan."""

    term: str
    text: str


class Completeness(TypedDict):
    """How many of those due have a baseline above 0 and a value; nobody due gives a null."""

    complete: int
    due: int
    share: float | None


class Counts(TypedDict):
    """Who is where: due = responders + observed non-responders + statuses that are neither observed nor not due, at each threshold.

    `responders` and `observed_non_responders` are keyed by threshold in tenths of a percent, and absent where efficacy is withheld.
    """

    population: int
    due: int
    not_due: int
    statuses: dict[str, int]
    reasons: dict[str, int]
    completeness: Completeness
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


class Curve(TypedDict):
    """For each cut in tenths of a percent, rising: how many of n, who are all those due, have at least that much less pain (NRI)."""

    n: int
    cuts_tenths: list[int]
    responders: list[int]
    rates: list[float]


class Mean(TypedDict):
    """Mean, its 95 % t interval and sample SD, on the scale, of baseline, value or change (value minus baseline)."""

    rule: str
    measure: str
    n: int
    mean: float | None
    low: float | None
    high: float | None
    sd: float | None


class Arm(TypedDict):
    """One arm of a group, in the closed document only; `code` is a letter before decoding."""

    code: str
    label: str
    counts: Counts
    rates: list[Rate]
    means: list[Mean]
    curve: NotRequired[Curve]


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
    """The whole trial or a subgroup at one time point. A suppressed one has its label and nothing else.

    The whole alone has a curve, here or in its arms; an open document leaves the curve of a few out.
    """

    kind: str
    code: str
    label: str
    suppressed: bool
    counts: NotRequired[Counts]
    rates: NotRequired[list[Rate]]
    means: NotRequired[list[Mean]]
    curve: NotRequired[Curve]
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


class RecruitedWeek(TypedDict):
    """How many were taken in in the week of a Monday, and until its end; `planned` is how many were to be by then, null without a plan."""

    week: str
    added: int
    total: int
    planned: int | None


class PlannedRecruitment(TypedDict):
    """How many the trial plans to recruit, from when until when, and how many of them by `until`; nulls where it says no days.

    `reached_on` is the day on which all would be there at the recent rate.
    """

    participants: int
    starts_on: str | None
    ends_on: str | None
    planned: int | None
    reached_on: str | None


class RecruitmentRate(TypedDict):
    """Patients a week in the last so many weeks, with the exact Poisson interval of their count."""

    weeks: int
    count: int
    per_week: float
    low: float
    high: float


class ProjectedWeek(TypedDict):
    """How many there would be on a day if the recent rate, or its limits, went on."""

    on: str
    total: float
    low: float
    high: float


class Recruitment(TypedDict):
    """Patients taken in until a day; `measure` is 'allocated' or 'enrolled', `undated` are in the total and in no week."""

    measure: str
    until: str
    total: int
    undated: int
    weeks: list[RecruitedWeek]
    recent: RecruitmentRate | None
    projection: list[ProjectedWeek]
    plan: PlannedRecruitment | None


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
    recruitment: Recruitment
    time_points: list[TimePoint]


def canonical(payload: Payload) -> str:
    """Return the one text of a payload: keys sorted, no blanks, numbers as short as they can be read back exactly."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a payload's bytes."""
    return hashlib.sha256(text.encode()).hexdigest()
