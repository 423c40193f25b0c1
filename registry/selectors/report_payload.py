"""The shape of a week's snapshot: the outcomes as anywhere, the week, and how the trial was conducted until its end."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from registry.selectors.outcome_payload import Payload

# What a report adds to the outcomes, which have a format of their own. 2: lines of conduct, when it was due. 3: severe events,
# deaths. 4: serious events one by one, the charter's looks. Reports of another format are not compared with.
REPORT_FORMAT = 4


class Week(TypedDict):
    """Which week; `over` tells whether the cut-off is its end and not a moment inside it, `due` when its report was to be made."""

    iso: str
    first_day: str
    last_day: str
    over: bool
    due: str | None


class Sessions(TypedDict):
    """Sessions on record by status, how many reached the prescribed share of planned pulses, and the pulses of those with a plan.

    `percent_of_planned` is the mean of these sessions, rounded down. By coded arms no pulses are told: prescriptions are known
    to everybody, so numbers of pulses would say which arm has which visible treatment.
    """

    patients: int
    given: int
    partial: int
    not_given: int
    missed: int
    with_plan: int
    received: int
    percent_of_planned: int | None
    pulses_delivered: int | None
    pulses_planned: int | None


class Term(TypedDict):
    """How many treated patients had an event of a kind, and which share of them."""

    term: str
    label: str
    patients: int
    share: float


class Events(TypedDict):
    """Treated patients with adverse events; few are counted as serious alone (`suppressed`).

    `before_treatment` are patients with an event who were never stimulated; serious and severe
    events (grade 3 or more) and deaths count whoever they befell.
    """

    treated: int
    suppressed: bool
    with_any: int | None
    with_any_share: float | None
    before_treatment: int
    serious_events: int
    serious_patients: int
    severe_patients: int | None
    deaths: int
    terms: list[Term]


class ConductLine(TypedDict):
    """Sessions and events of some people: patients, in the closed document those of one arm; or another cohort."""

    label: str
    sessions: Sessions
    events: Events


class SeriousEvent(TypedDict):
    """One serious event: what, since when, why serious, whether related, how it ended; never whose.

    `line` is the line of conduct its person is in, so the arm received, and `words` what was typed of it: both in closed documents only.
    """

    term: str
    label: str
    words: str
    onset: str
    grade: int
    criteria: list[str]
    relatedness: str
    outcome: str
    line: str


class Conduct(TypedDict):
    """Sessions and adverse events of everybody, each person in one line; `by_arm` in closed documents of a trial with arms.

    `serious` lists serious events one by one; it is null in open documents that show no response, for rows beyond one's own patients
    are shown to masked roles under the same setting.
    """

    by_arm: bool
    lines: list[ConductLine]
    serious: list[SeriousEvent] | None


class CharterLook(TypedDict):
    """A look the charter plans, and the week whose report holds it."""

    code: str
    label: str
    planned_on: str
    called_off: bool
    week: str


class CharterChange(TypedDict):
    """A look set or changed after efficacy by arm had been shown: nulls of one that was new."""

    at: str
    label: str
    label_before: str | None
    planned_on: str
    planned_before: str | None
    called_off: bool
    called_off_before: bool | None
    reason: str


class Charter(TypedDict):
    """When efficacy by arm may be looked at: the state, the looks, and by code those in this report and the next one."""

    state: str
    looks: list[CharterLook]
    shown: list[str]
    next: str | None
    changes: list[CharterChange]


class ReportPayload(Payload):
    """A whole week's snapshot; the charter stands in closed ones only."""

    report_format: int
    week: Week
    conduct: Conduct
    charter: NotRequired[Charter]
