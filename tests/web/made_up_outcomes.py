"""A payload with the counts of a published trial (Vickers 2004, responders at 35 % after a year) and made-up subgroups."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from registry.selectors.outcome_payload import FORMAT
from registry.selectors.outcomes import StoredOutcomes
from registry.vocabulary import EndpointStatus, MissingReason

RULES = ("NRI", "OC", "LOCF", "BOCF")
WILSON = (0.4631838, 0.6155294)
MEASURES = {"baseline": 26.7, "value": 16.2, "change": -10.5}


def counts(responders: int, n: int, missing: int = 3, *, withheld: bool = False) -> dict[str, Any]:
    """Return counts that add up: n observed, some missing, one not due."""
    statuses: dict[str, int] = dict.fromkeys(map(str, EndpointStatus), 0) | {"observed": n, "missing": missing, "not_due": 1}
    reasons = dict.fromkeys(map(str, MissingReason), 0) | {"lost": missing - 1, "none": 1}
    complete = {"complete": n, "due": n + missing, "share": n / (n + missing)}
    told: dict[str, Any] = {"population": n + missing + 1, "due": n + missing, "not_due": 1, "statuses": statuses, "reasons": reasons}
    told["completeness"] = complete
    if withheld:
        statuses.pop("composite_stop")
        return told
    return told | {"responders": {"350": responders}, "observed_non_responders": {"350": n - responders}}


def rates(responders: int, n: int) -> list[dict[str, Any]]:
    low, high = WILSON
    row = {"threshold_tenths": 350, "responders": responders, "n": n, "rate": responders / n, "low": low, "high": high}
    return [row | {"rule": rule} for rule in RULES]


def means(n: int) -> list[dict[str, Any]]:
    return [
        {"rule": rule, "measure": name, "n": n, "mean": mean, "low": mean - 1.7, "high": mean + 1.7, "sd": 15.0}
        for rule in ("BOCF", "LOCF", "OC")
        for name, mean in MEASURES.items()
    ]


def curve(responders: int, n: int) -> dict[str, Any]:
    """Return a curve that falls evenly to the responders at 35 %, and from there on to nobody."""
    cuts = sorted({*range(0, 1001, 10), 350})
    reached = [responders + (350 - cut) // 10 if cut <= 350 else responders * (1000 - cut) // 650 for cut in cuts]
    return {"n": n, "cuts_tenths": cuts, "responders": reached, "rates": [number / n for number in reached]}


def recruitment() -> dict[str, Any]:
    """Return twenty weeks of recruitment with a projection."""
    mondays = [date(2026, 7, 6) + timedelta(weeks=number) for number in range(20)]
    weeks = [
        {"week": monday.isoformat(), "added": 2, "total": 2 * number, "planned": 3 * number - 1}
        for number, monday in enumerate(mondays, start=1)
    ]
    recent = {"weeks": 12, "count": 24, "per_week": 2.0, "low": 1.28, "high": 2.98}
    ahead = [
        {
            "on": (date(2026, 11, 18) + timedelta(weeks=week)).isoformat(),
            "total": 40 + 2.0 * week,
            "low": 40 + 1.28 * week,
            "high": 40 + 2.98 * week,
        }
        for week in range(13)
    ]
    return {
        "measure": "allocated", "until": "2026-11-18", "total": 40, "undated": 0, "weeks": weeks, "recent": recent, "projection": ahead,
        "plan": {"participants": 160, "starts_on": "2026-07-06", "ends_on": "2027-07-31", "planned": 55, "reached_on": "2028-01-12"},
    }  # fmt: skip


def contrasts(first: str, second: str) -> list[dict[str, Any]]:
    row = {
        "first": first, "second": second, "threshold_tenths": 350, "first_responders": 87, "first_n": 161, "second_responders": 45,
        "second_n": 140, "difference": 0.2189, "low": 0.1073, "high": 0.3223, "nnt": 4.57, "nnt_text": "NNTB 3.1027 to NNTB 9.3197",
    }  # fmt: skip
    return [row | {"rule": rule} for rule in RULES]


def arms(first: str, second: str) -> list[dict[str, Any]]:
    return [
        {"code": code, "label": f"Arm {code}", "counts": counts(k, n), "rates": rates(k, n), "means": means(n), "curve": curve(k, n)}
        for code, k, n in ((first, 87, 161), (second, 45, 140))
    ]


def group(kind: str, code: str, label: str, **tables: Any) -> dict[str, Any]:
    return {"kind": kind, "code": code, "label": label, "suppressed": not tables, **tables}


def groups(**tables: Any) -> list[dict[str, Any]]:
    """Return the whole, a diagnosis, one that is not printed, and a site."""
    return [
        group("overall", "", "All", **tables),
        group("diagnosis", "other", "Other chronic pain", **tables),
        group("diagnosis", "pelvic", "Pelvic pain"),
        group("site", "N", "Northfield", **tables),
    ]


def payload(document: str, *, withheld: bool = False) -> dict[str, Any]:
    """Return a whole payload of two time points, the second one primary."""
    if document == "closed":
        printed = groups(arms=arms("A", "B"), contrasts=contrasts("A", "B"))
    elif withheld:
        printed = groups(counts=counts(0, 301, withheld=True))
    else:
        printed = groups(counts=counts(132, 301), rates=rates(132, 301), means=means(301))
        printed[0]["curve"] = curve(132, 301)
    point = {"kind": "diary", "visit": "", "rule": "mean", "min_n": 4, "groups": printed}
    week_4 = {**point, "code": "W4", "label": "Week 4", "target_day": 28, "first_day": 22, "last_day": 28, "primary": False}
    week_52 = {**point, "code": "W52", "label": "Week 52", "target_day": 364, "first_day": 358, "last_day": 364, "primary": True}
    return {
        "format": FORMAT,
        "document": document,
        "trial": {"slug": "calm-m1", "name": "CALM-M1", "masked": True, "decoded": False, "time_zone": "Europe/Berlin"},
        "plan": {"version": "1", "post_hoc": False, "scale_label": "Headache score", "scale_maximum": "100", "small_cell_minimum": 5},
        "cutoff": "2026-11-19T09:30:00+00:00",
        "seal": 7,
        "seal_hash": "ab" * 32,
        "code_version": "0.1.0+abcdef",
        "efficacy": "withheld" if withheld else "shown",
        "coded": document == "closed",
        "thresholds_tenths": [350],
        "definitions": [{"term": "Response", "text": "A reduction of at least 35 %."}],
        "notes": ["A note on the plan."],
        "recruitment": recruitment(),
        "time_points": copy.deepcopy([week_4, week_52]),
    }


def stored(document: str, *, withheld: bool = False, is_waiting: bool = False, failure: str = "") -> StoredOutcomes:
    """Return the payload as the selectors give it."""
    made = payload(document, withheld=withheld)
    at = datetime(2026, 11, 19, 9, 31, tzinfo=UTC)
    return StoredOutcomes(3, at, "cd" * 32, json.dumps(made), made, at, is_waiting, failure)  # type: ignore[arg-type]
