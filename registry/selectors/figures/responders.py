"""Who responds: by size of effect at the leading time point (C1), and over time at one threshold (C2)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from registry.selectors.figures.figure import (
    Figure,
    Line,
    at_least,
    cut_tabs,
    exact,
    interval,
    joined,
    lines_of,
    percent,
    points,
    share_of,
    threshold,
    whole,
)
from registry.selectors.outcome_payload import Contrast, Curve, Payload, Rate, TimePoint
from registry.vocabulary import MissingRule

# The curve's table names every tenth percent; the rest is in the download.
TABLE_STEP = 100


def responders(payload: Payload, point: TimePoint) -> Figure:
    """Return the cumulative curve of responders: for each amount of pain relief, the share with at least that much."""
    lines, cuts = lines_of(whole(point)), payload["thresholds_tenths"]
    drawn = [(line, curve) for line in lines if (curve := line.curve) is not None and curve["n"]]
    return Figure(
        key="responders",
        heading=_heading(point, lines, cuts),
        definition=_("Share of those due whose pain fell from baseline by at least the amount below; incomplete counts as none. %(n)s.")
        % {"n": joined([f"{line.name} n = {line.counts['due']}" for line in lines])},
        spoken=_spoken(point, lines, cuts),
        columns=[_("Less pain by at least"), *(line.name for line, _curve in drawn)],
        rows=[[threshold(cut), *(_reached(curve, cut) for _line, curve in drawn)] for cut in _table_cuts(drawn, cuts)],
        records=[record for line, curve in drawn for record in _records(point, line, curve)],
        chart="cumulative",
        data={"lines": [_steps(line, curve, cuts) for line, curve in drawn]},
        few="" if drawn else few(point, lines, payload),
    )


def over_time(payload: Payload, cut: int) -> Figure:
    """Return the share of responders at each time point, at one threshold."""
    places = payload["time_points"]
    by_line = list(zip(*(lines_of(whole(point)) for point in places), strict=True))
    return Figure(
        key="over-time",
        heading=_course(places, cut),
        definition=_("Share of those due with at least %(cut)s less pain than at baseline; incomplete counts as none. Under the axis: due.")
        % {"cut": threshold(cut)},
        spoken=_("Share with at least %(cut)s less pain: %(shares)s.")
        % {"cut": threshold(cut), "shares": "; ".join(_told(point, cut) for point in places)},
        columns=[_("Time point"), *(text for line in lines_of(whole(places[0])) for text in (line.name, _("95 % CI")))],
        rows=[[point["label"], *_cells(point, cut)] for point in places],
        records=[
            {"time_point": point["code"], "arm": line.key, **_record(line.rate(one))}
            for point in places
            for line in lines_of(whole(point))
            for one in payload["thresholds_tenths"]
        ],
        chart="overtime",
        data={
            "cut": at_least(cut),
            "places": [point["label"] for point in places],
            "lines": [{"name": course[0].name, "key": course[0].key, **_at(course, cut)} for course in by_line],
        },
        cuts=cut_tabs(payload, cut),
    )


def few(point: TimePoint, lines: list[Line], payload: Payload) -> str:
    """Say why a curve is not drawn."""
    due = sum(line.counts["due"] for line in lines)
    if not due:
        return _("Nobody is due at %(when)s yet.") % {"when": point["label"]}
    return _("Too few at %(when)s (n = %(n)s). Shown from %(least)s.") % {
        "when": point["label"],
        "n": due,
        "least": payload["plan"]["small_cell_minimum"],
    }


def _heading(point: TimePoint, lines: list[Line], cuts: list[int]) -> str:
    if not any(line.counts["due"] for line in lines):
        return _("%(when)s: nobody is due yet") % {"when": point["label"]}
    if len(lines) == 1:
        told = [
            _("%(share)s had at least %(cut)s less pain") % {"share": share_of(lines[0].rate(cut)), "cut": threshold(cut)} for cut in cuts
        ]
    else:
        shares = joined([_("%(share)s of %(arm)s") % {"share": percent(line.rate(cuts[0])["rate"]), "arm": line.name} for line in lines])
        told = [_("%(shares)s had at least %(cut)s less pain") % {"shares": shares, "cut": threshold(cuts[0])}]
    return f"{point['label']}: {joined(told)}"


def _spoken(point: TimePoint, lines: list[Line], cuts: list[int]) -> str:
    told = [
        _("%(arm)s, at least %(cut)s less pain: %(share)s") % {"arm": line.name, "cut": threshold(cut), "share": share_of(line.rate(cut))}
        for line in lines
        for cut in cuts
    ]
    return _("Cumulative curve of responders at %(when)s. %(told)s.") % {"when": point["label"], "told": "; ".join(told)}


def _table_cuts(lines: list[tuple[Line, Curve]], cuts: list[int]) -> list[int]:
    return sorted({*range(TABLE_STEP, 1000, TABLE_STEP), *cuts}) if lines else []


def _reached(curve: Curve, cut: int) -> str:
    at = curve["cuts_tenths"].index(cut)
    return f"{percent(curve['rates'][at])} ({curve['responders'][at]}/{curve['n']})"


def _steps(line: Line, curve: Curve, cuts: list[int]) -> dict[str, Any]:
    """Return what the chart draws of a line: the steps in percent, and the thresholds with their intervals."""
    return {
        "name": line.name,
        "key": line.key,
        "x": [cut / 10 for cut in curve["cuts_tenths"]],
        "y": [100 * rate for rate in curve["rates"]],
        "at": [{"x": cut / 10, **_drawn(line.rate(cut))} for cut in cuts],
    }


def _drawn(row: Rate) -> dict[str, Any]:
    """Return a rate as the charts draw it, in percent."""
    ends = {end: None if row[name] is None else 100 * row[name] for end, name in _ENDS}  # type: ignore[literal-required]
    return {"k": row["responders"], "n": row["n"], **ends}


_ENDS = (("y", "rate"), ("lo", "low"), ("hi", "high"))


def _at(course: tuple[Line, ...], cut: int) -> dict[str, list[Any]]:
    found = [_drawn(line.rate(cut)) for line in course]
    return {name: [one[name] for one in found] for name in ("k", "n", "y", "lo", "hi")}


def _records(point: TimePoint, line: Line, curve: Curve) -> list[dict[str, object]]:
    return [
        {
            "time_point": point["code"],
            "arm": line.key,
            "at_least_percent": exact(cut / 10),
            "responders": k,
            "n": curve["n"],
            "rate": exact(rate),
        }
        for cut, k, rate in zip(curve["cuts_tenths"], curve["responders"], curve["rates"], strict=True)
    ]


def _record(row: Rate) -> dict[str, object]:
    return {
        "at_least_percent": exact(row["threshold_tenths"] / 10),
        "responders": row["responders"],
        "n": row["n"],
        "rate": exact(row["rate"]),
        "low": exact(row["low"]),
        "high": exact(row["high"]),
    }


def _course(places: list[TimePoint], cut: int) -> str:
    """Say where it came to: the difference where two arms are compared, else the first and the last share."""
    due = [point for point in places if any(line.counts["due"] for line in lines_of(whole(point)))]
    if not due:
        return _("Over time: nobody is due yet")
    compared = difference_at(due[-1], cut)
    if compared is not None and compared["difference"] is not None and compared["low"] is not None and compared["high"] is not None:
        return _("%(when)s: the difference %(pair)s at %(cut)s is %(d)s points, 95 %% CI %(low)s to %(high)s") % {
            "when": due[-1]["label"],
            "pair": f"{compared['first']} \u2212 {compared['second']}",
            "cut": at_least(cut),
            "d": points(compared["difference"]),
            "low": points(compared["low"]),
            "high": points(compared["high"]),
        }
    ends = [due[0], due[-1]] if len(due) > 1 else due
    return _("At least %(cut)s less pain: %(shares)s") % {"cut": threshold(cut), "shares": ", ".join(_told(point, cut) for point in ends)}


def difference_at(point: TimePoint, cut: int) -> Contrast | None:
    """Return the one comparison of two arms, None where there are several or none."""
    found = [row for row in whole(point).get("contrasts", []) if (row["threshold_tenths"], row["rule"]) == (cut, MissingRule.NRI)]
    return found[0] if len(found) == 1 else None


def _told(point: TimePoint, cut: int) -> str:
    lines = lines_of(whole(point))
    shares = [f"{percent(line.rate(cut)['rate'])}{f' ({line.name})' if line.key else ''}" for line in lines]
    return _("%(shares)s at %(when)s") % {"shares": joined(shares), "when": point["label"]}


def _cells(point: TimePoint, cut: int) -> list[str]:
    rates = [line.rate(cut) for line in lines_of(whole(point))]
    return [text for row in rates for text in (f"{percent(row['rate'])} ({row['responders']}/{row['n']})", interval(row))]
