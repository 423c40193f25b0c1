"""How complete the outcome is (C12): of those due, who has a baseline and a value, by time point and site (in closed documents: by arm)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from registry.selectors.figures.figure import Figure, exact, leading, lines_of, percent, whole
from registry.selectors.outcome_payload import Completeness, Payload, TimePoint

# Below these percents a cell is marked.
LOW, VERY_LOW = 92, 85


@dataclass(frozen=True)
class Cell:
    """A share with its counts; `tone` is '', 'lo' or 'vlo'. One that is not printed has no share.

    `query` narrows the list of patients to those who are incomplete; it is empty where none are, and for arms.
    """

    share: str
    counts: str
    incomplete: int
    tone: str
    suppressed: bool
    query: str = ""


@dataclass(frozen=True)
class Matrix:
    """The table: a column for all and for each site, or for each arm."""

    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


Told = tuple[str, str, Completeness | None]


def completeness(payload: Payload) -> Figure:
    """Return how complete the outcome is at every time point."""
    rows = [(point, _told(point)) for point in payload["time_points"]]
    names = [name for _key, name, _found in rows[0][1]] if rows else []
    return Figure(
        key="completeness",
        heading=_heading(payload),
        definition=_(
            "Share of those due who have a baseline above 0 and enough values; the others are incomplete. "
            "Marked: below %(low)s and below %(very_low)s %%."
        )
        % {"low": LOW, "very_low": VERY_LOW},
        spoken="",
        columns=[],
        rows=[],
        records=[_record(point, told) for point, cells in rows for told in cells],
        plot=Matrix(names, [(point["label"], _cells(payload, point, told)) for point, told in rows]),
    )


def _told(point: TimePoint) -> list[Told]:
    """Return key, name and completeness of the whole (or its arms) and, without arms, of each site; None where not printed."""
    lines = lines_of(whole(point))
    found: list[Told] = [(line.key, line.name, line.counts["completeness"]) for line in lines]
    if lines[0].key:
        return found
    sites = [group for group in point["groups"] if group["kind"] == "site"]
    return found + [(group["code"], group["label"], group["counts"]["completeness"] if "counts" in group else None) for group in sites]


def _heading(payload: Payload) -> str:
    lead = leading(payload)
    told = _told(lead) if lead else []
    first = told[0][2] if told else None
    if lead is None or first is None or not any(found and found["due"] for _key, _name, found in told):
        return _("Completeness: nobody is due yet")
    parts = [
        _("%(name)s %(complete)s of %(due)s (%(share)s)") % {"name": name, **found, "share": percent(found["share"])}
        for _key, name, found in told
        if found and found["due"]
    ]
    if told[0][0]:
        return _("Complete at %(when)s: %(told)s") % {"when": lead["label"], "told": ", ".join(parts)}
    sites = [(found["share"], name) for _key, name, found in told[1:] if found and found["share"] is not None]
    lowest = _(", lowest at %(site)s with %(share)s") % {"site": min(sites)[1], "share": percent(min(sites)[0])} if len(sites) > 1 else ""
    return _("Complete at %(when)s: %(complete)s of %(due)s due (%(share)s)%(lowest)s") % {
        "when": lead["label"],
        **first,
        "share": percent(first["share"]),
        "lowest": lowest,
    }


def _cells(payload: Payload, point: TimePoint, told: list[Told]) -> list[Cell]:
    return [_cell(found, query=_query(payload, point, key)) for key, _name, found in told]


def _query(payload: Payload, point: TimePoint, site: str) -> str:
    """Return what narrows the list of patients to those a cell of an open document counts as incomplete."""
    return "" if payload["document"] == "closed" else urlencode({"missing": point["code"], **({"site": site} if site else {})})


def _cell(found: Completeness | None, query: str) -> Cell:
    if found is None:
        return Cell("", "", 0, "", suppressed=True)
    incomplete = found["due"] - found["complete"]
    counts = f"{found['complete']}/{found['due']}"
    return Cell(percent(found["share"]), counts, incomplete, _tone(found), suppressed=False, query=query if incomplete else "")


def _tone(found: Completeness) -> str:
    """Return the mark of a share, decided in whole numbers."""
    if 100 * found["complete"] < VERY_LOW * found["due"]:
        return "vlo"
    return "lo" if 100 * found["complete"] < LOW * found["due"] else ""


def _record(point: TimePoint, told: Told) -> dict[str, object]:
    key, name, found = told
    place: dict[str, object] = {"time_point": point["code"], "group": key or "all", "name": name}
    if found is None:
        return {**place, "suppressed": "yes", "complete": "", "due": "", "share": ""}
    return {**place, "suppressed": "no", "complete": found["complete"], "due": found["due"], "share": exact(found["share"])}
