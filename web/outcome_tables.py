"""A snapshot's payload laid out as tables. Nothing is counted here: every figure is the payload's own, only written for reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from registry.selectors.figures.figure import MINUS, limits_needed, points, rounded
from registry.selectors.outcome_payload import Arm, Contrast, Counts, Group, Mean, Payload, Rate, TimePoint
from registry.vocabulary import EndpointStatus, MissingReason, MissingRule, ValueRule

MEASURES = ("baseline", "value", "change")


@dataclass(frozen=True)
class Number:
    """A figure as it is read, and exactly as it is stored; the page carries both."""

    shown: str
    exact: str


@dataclass(frozen=True)
class RateCell:
    """Responders of n with the rate and its interval; no n gives a cell without figures."""

    responders: int
    n: int
    rate: Number | None
    low: Number | None
    high: Number | None


@dataclass(frozen=True)
class ContrastCell:
    """First minus second, and the number needed to treat in words."""

    difference: Number | None
    low: Number | None
    high: Number | None
    needed: str


@dataclass(frozen=True)
class RateRow:
    """One threshold under one missing-data rule: a cell for each line (all, or each arm) and each contrast."""

    at_least: str
    rule: str
    rule_label: str
    cells: list[RateCell]
    contrasts: list[ContrastCell]


@dataclass(frozen=True)
class MeanCell:
    """Mean and standard deviation of n."""

    n: int
    mean: Number | None
    sd: Number | None


@dataclass(frozen=True)
class MeanRow:
    """One measure under one missing-data rule."""

    measure: str
    rule: str
    rule_label: str
    cells: list[MeanCell]


@dataclass(frozen=True)
class FlowCell:
    """A count and, under 'missing', what it is made of."""

    n: int
    detail: str


@dataclass(frozen=True)
class FlowRow:
    """Where the people of a group, or of one arm of it, are."""

    group: str
    line: str
    cells: list[FlowCell]


@dataclass(frozen=True)
class GroupView:
    """One group with its tables; a suppressed one has a name and nothing else."""

    label: str
    suppressed: bool
    lines: list[str]
    contrasts: list[str]
    rates: list[RateRow]
    means: list[MeanRow]
    flow: list[FlowRow]


@dataclass(frozen=True)
class Division:
    """The subgroups of one kind."""

    title: str
    groups: list[GroupView]


@dataclass(frozen=True)
class TimePointView:
    """One time point: the whole, and its divisions."""

    code: str
    label: str
    sentence: str
    primary: bool
    overall: GroupView
    divisions: list[Division]


def time_points(payload: Payload) -> list[TimePointView]:
    """Return every time point of the payload as tables, in the plan's order."""
    statuses = _statuses_told(payload)
    return [_time_point(point, statuses) for point in payload["time_points"]]


def leading(views: list[TimePointView]) -> TimePointView | None:
    """Return the primary time point, else the last one."""
    return next((view for view in views if view.primary), views[-1] if views else None)


def flow_columns(payload: Payload) -> list[str]:
    """Return the headings of the table of who is where."""
    return [_("Everybody"), _("Not due"), _("Due"), *(status.label for status in _statuses_told(payload))]


def percent_of(tenths: int) -> str:
    """Return a threshold as people write it: 35 %, 33.3 %."""
    whole, tenth = divmod(tenths, 10)
    return f"{whole}.{tenth} %" if tenth else f"{whole} %"


def _statuses_told(payload: Payload) -> list[EndpointStatus]:
    """Return the statuses of those due that the document counts; one that withholds efficacy leaves some out."""
    groups = [group for point in payload["time_points"] for group in point["groups"]]
    counts = [
        one for group in groups for one in (group.get("counts"), *(arm["counts"] for arm in group.get("arms", []))) if one is not None
    ]
    told = {status for one in counts for status in one["statuses"]}
    return [status for status in EndpointStatus if status != EndpointStatus.NOT_DUE and status in told]


def _time_point(point: TimePoint, statuses: list[EndpointStatus]) -> TimePointView:
    groups = [(group["kind"], _group(group, statuses)) for group in point["groups"]]
    divisions = (("diagnosis", _("By diagnosis")), ("site", _("By site")))
    return TimePointView(
        code=point["code"],
        label=point["label"],
        sentence=_sentence(point),
        primary=point["primary"],
        overall=next(view for kind, view in groups if kind == "overall"),
        divisions=[
            Division(title, parts) for kind_wanted, title in divisions if (parts := [view for kind, view in groups if kind == kind_wanted])
        ],
    )


def _sentence(point: TimePoint) -> str:
    """Say where the values of a time point come from."""
    rule = ValueRule(point["rule"]).label.lower()
    if point["visit"]:
        return _("Visit %(visit)s: %(rule)s, at least %(n)s.") % {"visit": point["visit"], "rule": rule, "n": point["min_n"]}
    window = {"first": point["first_day"], "last": point["last_day"], "rule": rule, "n": point["min_n"]}
    return _("Days %(first)s to %(last)s: %(rule)s, at least %(n)s.") % window


def _group(group: Group, statuses: list[EndpointStatus]) -> GroupView:
    if group["suppressed"]:
        return GroupView(group["label"], suppressed=True, lines=[], contrasts=[], rates=[], means=[], flow=[])
    lines: list[Arm] = group.get("arms") or [_everybody(group)]
    contrasts = group.get("contrasts", [])
    return GroupView(
        label=group["label"],
        suppressed=False,
        lines=[line["label"] for line in lines],
        contrasts=list(dict.fromkeys(_pair(row) for row in contrasts)),
        rates=_rate_rows([line["rates"] for line in lines], contrasts),
        means=_mean_rows([line["means"] for line in lines]),
        flow=[FlowRow(group["label"], line["label"], _flow_cells(line["counts"], statuses)) for line in lines],
    )


def _everybody(group: Group) -> Arm:
    """Return an open group as its only line."""
    return {"code": "", "label": "", "counts": group["counts"], "rates": group.get("rates", []), "means": group.get("means", [])}


def _pair(row: Contrast) -> str:
    return f"{row['first']} {MINUS} {row['second']}"


def _rate_rows(lines: list[list[Rate]], contrasts: Iterable[Contrast]) -> list[RateRow]:
    compared: dict[tuple[int, str], list[ContrastCell]] = {}
    for row in contrasts:
        compared.setdefault((row["threshold_tenths"], row["rule"]), []).append(_contrast_cell(row))
    return [
        RateRow(
            at_least=percent_of(same[0]["threshold_tenths"]),
            rule=same[0]["rule"],
            rule_label=MissingRule(same[0]["rule"]).label,
            cells=[_rate_cell(rate) for rate in same],
            contrasts=compared.get((same[0]["threshold_tenths"], same[0]["rule"]), []),
        )
        for same in zip(*lines, strict=True)
    ]


def _rate_cell(rate: Rate) -> RateCell:
    return RateCell(rate["responders"], rate["n"], _percent(rate["rate"]), _percent(rate["low"]), _percent(rate["high"]))


def _contrast_cell(row: Contrast) -> ContrastCell:
    return ContrastCell(_points(row["difference"]), _points(row["low"]), _points(row["high"]), limits_needed(row["nnt_text"]))


def _mean_rows(lines: list[list[Mean]]) -> list[MeanRow]:
    rows = [
        MeanRow(
            measure=same[0]["measure"],
            rule=same[0]["rule"],
            rule_label=MissingRule(same[0]["rule"]).label,
            cells=[MeanCell(mean["n"], _score(mean["mean"]), _score(mean["sd"])) for mean in same],
        )
        for same in zip(*lines, strict=True)
    ]
    return sorted(rows, key=lambda row: (list(MissingRule).index(MissingRule(row.rule)), MEASURES.index(row.measure)))


def _flow_cells(counts: Counts, statuses: list[EndpointStatus]) -> list[FlowCell]:
    whole = [counts["population"], counts["not_due"], counts["due"]]
    details = [_reasons(counts) if status == EndpointStatus.MISSING else "" for status in statuses]
    told = [FlowCell(counts["statuses"].get(status, 0), detail) for status, detail in zip(statuses, details, strict=True)]
    return [FlowCell(n, "") for n in whole] + told


def _reasons(counts: Counts) -> str:
    """Return what the missing ones are made of: '3 Lost to follow-up, 1 No value in the window'."""
    return ", ".join(f"{n} {reason.label.lower()}" for reason in MissingReason if (n := counts["reasons"].get(reason, 0)))


def _percent(value: float | None) -> Number | None:
    return None if value is None else Number(f"{100 * value:.1f} %", repr(value))


def _points(value: float | None) -> Number | None:
    return None if value is None else Number(points(value), repr(value))


def _score(value: float | None) -> Number | None:
    return None if value is None else Number(rounded(value, 2), repr(value))


def sections(views: list[TimePointView]) -> Iterator[tuple[str, str]]:
    """Yield anchor and name of each section, for the table of contents."""
    for view in views:
        yield f"at-{view.code}", view.label
