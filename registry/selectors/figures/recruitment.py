"""How recruitment goes (C11)."""

from __future__ import annotations

from datetime import date

from django.utils import formats
from django.utils.translation import gettext as _

from registry.selectors.figures.figure import Figure, exact, joined
from registry.selectors.outcome_payload import Payload, RecruitedWeek, Recruitment, RecruitmentRate


def recruitment(payload: Payload) -> Figure:
    """Return the cumulative number taken in, with the projection of the recent rate where there is one."""
    found = payload["recruitment"]
    word = _("enrolled") if found["measure"] == "enrolled" else _("allocated")
    told = joined([_total(found, word), *([_rate(found["recent"])] if found["recent"] else [])])
    return Figure(
        key="recruitment",
        heading=told,
        definition=_definition(found, word),
        spoken=_("Cumulative number of patients: %(told)s.") % {"told": told},
        columns=[_("Month"), _("New"), _("In all")],
        rows=_months(found["weeks"]),
        records=_records(found),
        chart="recruitment" if found["weeks"] else "",
        data={
            "x": [week["week"] for week in found["weeks"]],
            "y": [week["total"] - week["added"] for week in found["weeks"]],
            "until": found["until"] if found["recent"] else "",
            "total": found["total"] - found["undated"],
            "word": word,
            "ahead": [[one["on"], one["total"] - found["undated"]] for one in found["projection"]],
            "low": [one["low"] - found["undated"] for one in found["projection"]],
            "high": [one["high"] - found["undated"] for one in found["projection"]],
        },
        caption=_ahead(found, word),
        few="" if found["weeks"] else _("No dates are on record, so nothing is drawn."),
    )


def _total(found: Recruitment, word: str) -> str:
    numbers = {"n": found["total"], "word": word, "on": _day(found["until"])}
    # The last day says something of a trial that goes on; a finished one has its total.
    return _("%(n)s %(word)s by %(on)s") % numbers if found["recent"] else _("%(n)s %(word)s") % numbers


def _rate(rate: RecruitmentRate) -> str:
    return _("%(count)s in the last %(weeks)s weeks: %(rate)s a week, 95 %% CI %(low)s to %(high)s") % {
        "count": rate["count"],
        "weeks": rate["weeks"],
        "rate": f"{rate['per_week']:.1f}",
        "low": f"{rate['low']:.1f}",
        "high": f"{rate['high']:.1f}",
    }


def _definition(found: Recruitment, word: str) -> str:
    undated = _(" %(n)s without a date are in the total only.") % {"n": found["undated"]} if found["undated"] else ""
    return _("Patients %(word)s, all sites together, by week from Monday.%(undated)s") % {"word": word, "undated": undated}


def _ahead(found: Recruitment, word: str) -> str:
    if not found["projection"]:
        return ""
    last = found["projection"][-1]
    return _(
        "At the rate of the last twelve weeks %(n)s would be %(word)s by %(on)s, at the limits of its interval %(low)s to %(high)s."
    ) % {
        "n": f"{last['total']:.0f}",
        "word": word,
        "on": _day(last["on"]),
        "low": f"{last['low']:.0f}",
        "high": f"{last['high']:.0f}",
    }


def _months(weeks: list[RecruitedWeek]) -> list[list[str]]:
    """Return new ones and total by the month a week began in."""
    months: dict[date, tuple[int, int]] = {}
    for week in weeks:
        month = date.fromisoformat(week["week"]).replace(day=1)
        months[month] = months.get(month, (0, 0))[0] + week["added"], week["total"]
    return [[formats.date_format(month, "YEAR_MONTH_FORMAT"), str(added), str(total)] for month, (added, total) in months.items()]


def _records(found: Recruitment) -> list[dict[str, object]]:
    known: list[dict[str, object]] = [
        {"kind": "week", "on": week["week"], "added": week["added"], "total": week["total"], "low": "", "high": ""}
        for week in found["weeks"]
    ]
    return known + [
        {
            "kind": "projection",
            "on": one["on"],
            "added": "",
            "total": exact(one["total"]),
            "low": exact(one["low"]),
            "high": exact(one["high"]),
        }
        for one in found["projection"]
    ]


def _day(iso: str) -> str:
    return formats.date_format(date.fromisoformat(iso), "SHORT_DATE_FORMAT")
