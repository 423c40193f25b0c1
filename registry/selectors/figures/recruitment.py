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
    parts = [_total(found, word), *([_rate(found["recent"])] if found["recent"] else [])]
    told = "; ".join(parts) if found["plan"] else joined(parts)
    planned = _planned_line(found)
    return Figure(
        key="recruitment",
        heading=told,
        definition=_definition(found, word),
        spoken=_("Cumulative number of patients: %(told)s.") % {"told": told},
        columns=[_("Month"), _("New"), _("In all"), *([_("Planned by then")] if planned else [])],
        rows=_months(found["weeks"], with_plan=bool(planned)),
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
            "plan": planned,
            "plan_word": _("planned"),
        },
        caption=" ".join(sentence for sentence in (_ahead(found, word), _end(found, word)) if sentence),
        few="" if found["weeks"] else _("No dates are on record, so nothing is drawn."),
    )


def _total(found: Recruitment, word: str) -> str:
    numbers = {"n": found["total"], "word": word, "on": _day(found["until"])}
    # The last day says something of a trial that goes on; a finished one has its total.
    told = _("%(n)s %(word)s by %(on)s") % numbers if found["recent"] else _("%(n)s %(word)s") % numbers
    return f"{told}{_against_plan(found)}"


def _against_plan(found: Recruitment) -> str:
    """Say how far that is from the plan: by now where it has days, else of all."""
    plan = found["plan"]
    if plan is None:
        return ""
    numbers = {"planned": plan["planned"], "all": plan["participants"]}
    if plan["planned"] is None:
        return _(" of %(all)s planned") % numbers
    behind = plan["planned"] - found["total"]
    if behind == 0:
        return _(", on plan (%(planned)s of %(all)s)") % numbers
    words = (
        _(", %(n)s behind plan (%(planned)s of %(all)s by now)")
        if behind > 0
        else _(", %(n)s ahead of plan (%(planned)s of %(all)s by now)")
    )
    return words % {**numbers, "n": abs(behind)}


def _planned_line(found: Recruitment) -> list[list[object]]:
    """Return first and last point of the planned line, nothing where there is none to draw."""
    plan = found["plan"]
    if plan is None or plan["starts_on"] is None or plan["ends_on"] is None:
        return []
    return [[plan["starts_on"], 0], [plan["ends_on"], plan["participants"]]]


def _end(found: Recruitment, word: str) -> str:
    """Say when all who are planned would be there."""
    plan = found["plan"]
    if plan is None or plan["reached_on"] is None:
        return ""
    facts = {"n": plan["participants"], "word": word, "on": _day(plan["reached_on"])}
    if plan["ends_on"] is None:
        return _("All %(n)s would be %(word)s by %(on)s.") % facts
    return _("All %(n)s would be %(word)s by %(on)s; the plan says %(end)s.") % {**facts, "end": _day(plan["ends_on"])}


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


def _months(weeks: list[RecruitedWeek], *, with_plan: bool) -> list[list[str]]:
    """Return new ones, total and plan by the month a week began in."""
    months: dict[date, tuple[int, int, int | None]] = {}
    for week in weeks:
        month = date.fromisoformat(week["week"]).replace(day=1)
        months[month] = months.get(month, (0, 0, 0))[0] + week["added"], week["total"], week["planned"]
    return [
        [formats.date_format(month, "YEAR_MONTH_FORMAT"), str(added), str(total), *([str(planned)] if with_plan else [])]
        for month, (added, total, planned) in months.items()
    ]


def _records(found: Recruitment) -> list[dict[str, object]]:
    known: list[dict[str, object]] = [
        {
            "kind": "week",
            "on": week["week"],
            "added": week["added"],
            "total": week["total"],
            "low": "",
            "high": "",
            "planned": "" if week["planned"] is None else week["planned"],
        }
        for week in found["weeks"]
    ]
    plan: list[dict[str, object]] = [{"kind": "plan", "on": on, "planned": number} for on, number in _planned_line(found)]
    return [*known, *plan] + [
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
