"""The same by diagnosis (C3): a table whose cells hold the drawing, so that it prints and reads aloud as it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from django.utils.translation import gettext as _

from registry.selectors.figures.figure import (
    Figure,
    Line,
    at_least,
    cut_tabs,
    exact,
    interval,
    lines_of,
    percent,
    points,
    threshold,
)
from registry.selectors.outcome_payload import Contrast, Group, Payload, Rate, TimePoint
from registry.vocabulary import MissingRule

# Half the side of the largest square, in pixels; the area goes with the number of people.
LARGEST = 8.0
HEIGHT = 30


@dataclass(frozen=True)
class Mark:
    """A drawn estimate: places along the axis in percent of its width, the square in pixels; the whole is a diamond."""

    low: str
    at: str
    high: str
    width: str
    half: str
    top: str
    side: str
    is_whole: bool


@dataclass(frozen=True)
class ForestRow:
    """A diagnosis, its counts, and the estimate drawn and in words; one that is not printed has a name only."""

    label: str
    counts: list[str]
    comparison: str
    mark: Mark | None
    text: str
    suppressed: bool


@dataclass(frozen=True)
class Forest:
    """The table: columns of counts, the axis, the rows."""

    counts: list[str]
    compares: bool
    several: bool
    estimate: str
    ticks: list[tuple[str, str]]
    zero: str
    rows: list[ForestRow]


@dataclass(frozen=True)
class _Estimate:
    """One number to draw, as a share of 1, for a group or a comparison in it."""

    group: Group
    comparison: str
    value: float | None
    low: float | None
    high: float | None
    people: int
    text: str


def diagnoses(payload: Payload, point: TimePoint, cut: int) -> Figure:
    """Return responders by diagnosis at one threshold: differences where arms are compared, else shares."""
    groups = [group for group in point["groups"] if group["kind"] == "diagnosis"]
    groups += [group for group in point["groups"] if group["kind"] == "overall"]
    found = [estimate for group in groups for estimate in _estimates(group, cut)]
    compares = any(estimate.comparison for estimate in found)
    forest = _forest(payload, found, cut, compares=compares)
    return Figure(
        key="diagnoses",
        heading=_heading(point, found, cut, compares=compares),
        definition=_definition(payload, cut, compares=compares),
        spoken="",
        columns=[],
        rows=[],
        records=[record for group in groups for record in _records(point, group)],
        cuts=cut_tabs(payload, cut),
        caption=_("Not powered for single diagnoses."),
        plot=forest,
    )


def _estimates(group: Group, cut: int) -> list[_Estimate]:
    if group["suppressed"]:
        return [_Estimate(group, "", None, None, None, 0, "")]
    compared = [row for row in group.get("contrasts", []) if (row["threshold_tenths"], row["rule"]) == (cut, MissingRule.NRI)]
    if compared:
        return [_difference(group, row) for row in compared]
    return [_share(group, line, cut) for line in lines_of(group)]


def _difference(group: Group, row: Contrast) -> _Estimate:
    pair = f"{row['first']} \u2212 {row['second']}"
    people = row["first_n"] + row["second_n"]
    if row["difference"] is None or row["low"] is None or row["high"] is None:
        return _Estimate(group, pair, None, None, None, people, "\u2013")
    numbers = {"d": points(row["difference"]), "low": points(row["low"]), "high": points(row["high"])}
    text = _("%(d)s (%(low)s to %(high)s)") % numbers
    return _Estimate(group, pair, row["difference"], row["low"], row["high"], people, text)


def _share(group: Group, line: Line, cut: int) -> _Estimate:
    row = line.rate(cut)
    text = f"{percent(row['rate'])} ({interval(row)})" if row["n"] else "\u2013"
    return _Estimate(group, "", row["rate"], row["low"], row["high"], row["n"], f"{line.name}: {text}" if line.key else text)


def _forest(payload: Payload, found: list[_Estimate], cut: int, *, compares: bool) -> Forest:
    printed = next((estimate.group for estimate in found if not estimate.group["suppressed"]), None)
    names = lines_of(printed) if printed else []
    cuts = payload["thresholds_tenths"]
    ticks = (-80, -40, 0, 40, 80) if compares else (0, 25, 50, 75, 100)
    most = max((estimate.people for estimate in found if estimate.group["kind"] != "overall"), default=0)
    return Forest(
        counts=[f"{at_least(one)}{f', {line.name}' if line.key else ''}" for one in cuts for line in names],
        compares=compares,
        several=len({estimate.comparison for estimate in found if estimate.comparison}) > 1,
        estimate=_("Difference, %(cut)s") % {"cut": at_least(cut)} if compares else _("Share, %(cut)s") % {"cut": at_least(cut)},
        ticks=[(_place(tick / 100, compares), f"{tick:+d}".replace("-", "\u2212") if compares and tick else str(tick)) for tick in ticks],
        zero=_place(0, compares) if compares else "",
        rows=[_row(estimate, cuts, most, compares=compares) for estimate in found],
    )


def _row(estimate: _Estimate, cuts: list[int], most: int, *, compares: bool) -> ForestRow:
    group = estimate.group
    if group["suppressed"]:
        return ForestRow(group["label"], [], "", None, "", suppressed=True)
    rates = [line.rate(cut) for cut in cuts for line in lines_of(group)]
    counts = [f"{row['responders']}/{row['n']}" for row in rates]
    return ForestRow(group["label"], counts, estimate.comparison, _mark(estimate, most, compares=compares), estimate.text, suppressed=False)


def _mark(estimate: _Estimate, most: int, *, compares: bool) -> Mark | None:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    half = max(2.0, LARGEST * sqrt(estimate.people / most)) if most else 2.0
    low, high = _place(estimate.low, compares), _place(estimate.high, compares)
    return Mark(
        low=low,
        at=_place(estimate.value, compares),
        high=high,
        width=f"{float(high[:-1]) - float(low[:-1]):.2f}%",
        half=f"{-half:.1f}",
        top=f"{HEIGHT / 2 - half:.1f}",
        side=f"{2 * half:.1f}",
        is_whole=estimate.group["kind"] == "overall",
    )


def _place(value: float, compares: bool) -> str:
    """Return where along the axis a share or a difference lies; a margin keeps the ends inside."""
    share = (value + 1) / 2 if compares else value
    return f"{4 + 92 * share:.2f}%"


def _heading(point: TimePoint, found: list[_Estimate], cut: int, *, compares: bool) -> str:
    """Say the range over diagnoses and the whole."""
    places = {"when": point["label"], "cut": threshold(cut)}
    parts = [one for one in found if one.value is not None and one.group["kind"] == "diagnosis"]
    overall = [one for one in found if one.value is not None and one.group["kind"] == "overall"]
    names = {one.comparison for one in overall}
    if not overall:
        return _("By diagnosis, %(when)s: nobody is due yet") % places
    if len(overall) > 1 or len(names) > 1 or not parts:
        return _("By diagnosis, %(when)s: at least %(cut)s less pain, %(n)s groups") % {
            **places,
            "n": len({one.group["code"] for one in parts}),
        }
    low, high = min(parts, key=lambda one: one.value or 0), max(parts, key=lambda one: one.value or 0)

    def write(one: _Estimate) -> str:
        return points(one.value or 0) if compares else percent(one.value)

    told = {
        **places,
        "pair": overall[0].comparison,
        "all": write(overall[0]),
        "parts": _range(write(low), low, write(high), high, compares=compares),
    }
    if compares:
        return _("By diagnosis, %(when)s: difference %(pair)s %(parts)s, %(all)s in all") % told
    return _("By diagnosis, %(when)s: %(parts)s had at least %(cut)s less pain, %(all)s of all") % told


def _range(least: str, low: _Estimate, most: str, high: _Estimate, *, compares: bool) -> str:
    """Write from where to where single diagnoses lie; of a single one, where that lies."""
    unit = _(" points") if compares else ""
    last = f"{most}{unit} ({high.group['label']})"
    return last if low is high else _("from %(low)s (%(lowest)s) to %(last)s") % {"low": least, "lowest": low.group["label"], "last": last}


def _definition(payload: Payload, cut: int, *, compares: bool) -> str:
    if compares:
        return _("Difference in responders at %(cut)s, in percentage points with 95 %% Newcombe interval. Area of a square: people.") % {
            "cut": at_least(cut)
        }
    return _("Share of those due with at least %(cut)s less pain, with 95 %% Wilson interval. Area of a square: people.") % {
        "cut": threshold(cut)
    }


def _records(point: TimePoint, group: Group) -> list[dict[str, object]]:
    place: dict[str, object] = {"time_point": point["code"], "diagnosis": group["code"] or "all"}
    if group["suppressed"]:
        return [{**place, "suppressed": "yes", **dict.fromkeys(_RECORD, "")}]
    shares = [_record(line.key, "", row["rate"], row) for line in lines_of(group) for row in line.rates if row["rule"] == MissingRule.NRI]
    compared = [row for row in group.get("contrasts", []) if row["rule"] == MissingRule.NRI]
    differences = [_record(row["first"], row["second"], row["difference"], row) for row in compared]
    return [{**place, "suppressed": "no", **record} for record in shares + differences]


def _record(arm: str, versus: str, estimate: float | None, row: Rate | Contrast) -> dict[str, object]:
    numbers = (
        exact(row["threshold_tenths"] / 10),
        row.get("responders", ""),
        row.get("n", ""),
        exact(estimate),
        exact(row["low"]),
        exact(row["high"]),
    )
    return dict(zip(_RECORD, (arm, versus, *numbers), strict=True))


_RECORD = ("arm", "versus", "at_least_percent", "responders", "n", "estimate", "low", "high")
