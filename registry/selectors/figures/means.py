"""Mean pain by visit, with the baseline of the same people (C10)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from registry.selectors.figures.figure import Figure, Line, exact, joined, lines_of, score, whole
from registry.selectors.outcome_payload import Mean, Payload, TimePoint

# A scale no longer than this is drawn whole; of a longer one, what is needed.
DRAWN_WHOLE = 10


def means(payload: Payload, lead: TimePoint) -> Figure:
    """Return observed means with t intervals; the first place is the baseline of those observed at the first time point."""
    places = payload["time_points"]
    by_line = list(zip(*(lines_of(whole(point)) for point in places), strict=True))
    scale = payload["plan"]["scale_label"]
    return Figure(
        key="means",
        heading=_heading(lead),
        definition=_(
            "%(scale)s: mean of those with a baseline and a value, with Student's 95 %% interval. Baseline: those at the first time point."
        )
        % {"scale": scale},
        spoken=_("Means of: %(scale)s. %(told)s.") % {"scale": scale, "told": "; ".join(map(_told, places))},
        columns=[_("Time point"), _("n"), _("Baseline"), _("Mean"), _("95 % CI"), _("SD")],
        # A line of its own for each arm: arms side by side are wider than half a page.
        rows=[[_row_name(point, line), *_cells(line)] for point in places for line in lines_of(whole(point))],
        records=[record for point in places for line in lines_of(whole(point)) for record in _records(point, line)],
        chart="means",
        data={
            "places": [_("Baseline"), *(point["label"] for point in places)],
            "lines": [_course(course) for course in by_line],
            "maximum": _top(payload),
        },
    )


def _heading(point: TimePoint) -> str:
    lines = [line for line in lines_of(whole(point)) if line.mean("value")["n"]]
    if not lines:
        return _("Mean pain, %(when)s: no values yet") % {"when": point["label"]}
    told = [
        _("%(value)s against %(baseline)s at baseline%(arm)s (n = %(n)s)")
        % {
            "value": score(line.mean("value")["mean"]),
            "baseline": score(line.mean("baseline")["mean"]),
            "arm": _(" in %(arm)s") % {"arm": line.name} if line.key else "",
            "n": line.mean("value")["n"],
        }
        for line in lines
    ]
    return _("Mean pain, %(when)s: %(told)s") % {"when": point["label"], "told": joined(told)}


def _told(point: TimePoint) -> str:
    return f"{point['label']}: " + ", ".join(f"{line.name} {score(line.mean('value')['mean'])}" for line in lines_of(whole(point)))


def _row_name(point: TimePoint, line: Line) -> str:
    return f"{point['label']}, {line.name}" if line.key else point["label"]


def _cells(line: Line) -> list[str]:
    value = line.mean("value")
    return [str(value["n"]), score(line.mean("baseline")["mean"]), score(value["mean"]), _interval(value), score(value["sd"])]


def _interval(row: Mean) -> str:
    if row["low"] is None or row["high"] is None:
        return "\u2013"
    return _("%(low)s to %(high)s") % {"low": score(row["low"]), "high": score(row["high"])}


def _course(course: tuple[Line, ...]) -> dict[str, Any]:
    found = [course[0].mean("baseline"), *(line.mean("value") for line in course)]
    drawn = {to: [row[name] for row in found] for to, name in _DRAWN}  # type: ignore[literal-required]
    return {"name": course[0].name, "key": course[0].key, **drawn}


_DRAWN = (("y", "mean"), ("lo", "low"), ("hi", "high"), ("n", "n"))


def _top(payload: Payload) -> float | None:
    maximum = float(str(payload["plan"]["scale_maximum"]))
    return maximum if maximum <= DRAWN_WHOLE else None


def _records(point: TimePoint, line: Line) -> list[dict[str, object]]:
    return [
        {
            "time_point": point["code"],
            "arm": line.key,
            "measure": row["measure"],
            "n": row["n"],
            "mean": exact(row["mean"]),
            "low": exact(row["low"]),
            "high": exact(row["high"]),
            "sd": exact(row["sd"]),
        }
        for row in (line.mean("baseline"), line.mean("value"), line.mean("change"))
    ]
