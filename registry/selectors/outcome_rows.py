"""A payload as a flat table: one row per count, rate, mean and difference, every number as the snapshot holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from registry.selectors.outcome_payload import (
    Contrast,
    Counts,
    Curve,
    Group,
    Mean,
    Payload,
    ProjectedWeek,
    Rate,
    Recruitment,
    RecruitmentRate,
)
from registry.vocabulary import EndpointStatus, MissingReason, MissingRule

COLUMNS = (
    "kind",
    "time_point",
    "group_kind",
    "group",
    "group_label",
    "suppressed",
    "arm",
    "versus",
    "rule",
    "threshold_percent",
    "measure",
    "responders",
    "n",
    "versus_responders",
    "versus_n",
    "estimate",
    "low",
    "high",
    "sd",
    "nnt",
    "nnt_text",
    "on",
)
Row = dict[str, object]


def outcome_rows(payload: Payload) -> Iterator[Row]:
    """Yield every cell of a document, recruitment first; a suppressed group is one row that says so."""
    yield from (dict.fromkeys(COLUMNS, "") | row for row in recruitment_rows(payload["recruitment"]))
    for time_point in payload["time_points"]:
        for group in time_point["groups"]:
            place: Row = {
                "time_point": time_point["code"],
                "group_kind": group["kind"],
                "group": group["code"],
                "group_label": group["label"],
                "suppressed": "yes" if group["suppressed"] else "no",
            }
            for row in _of_group(group):
                yield dict.fromkeys(COLUMNS, "") | place | row


def percent(tenths: int) -> str:
    """Return a threshold in percent: 300 is 30, 333 is 33.3."""
    whole, rest = divmod(tenths, 10)
    return f"{whole}.{rest}" if rest else str(whole)


@dataclass(frozen=True)
class _Block:
    """What is printed of one group, whole or by arm."""

    arm: str
    counts: Counts | None
    rates: list[Rate]
    means: list[Mean]
    curve: Curve | None


def _of_group(group: Group) -> Iterator[Row]:
    if group["suppressed"]:
        yield {"kind": "suppressed"}
        return
    blocks = [_Block(arm["code"], arm["counts"], arm["rates"], arm["means"], arm.get("curve")) for arm in group.get("arms", [])]
    if "counts" in group:
        blocks.append(_Block("", group["counts"], group.get("rates", []), group.get("means", []), group.get("curve")))
    for block in blocks:
        yield from ({"arm": block.arm} | row for row in _of_block(block))
    yield from map(_difference, group.get("contrasts", []))


def _of_block(block: _Block) -> Iterator[Row]:
    if block.counts is not None:
        yield from _counts(block.counts)
    for rate in block.rates:
        yield {
            "kind": "rate",
            "rule": rate["rule"],
            "threshold_percent": percent(rate["threshold_tenths"]),
            "responders": rate["responders"],
            "n": rate["n"],
            "estimate": _number(rate["rate"]),
            "low": _number(rate["low"]),
            "high": _number(rate["high"]),
        }
    yield from map(_mean, block.means)
    if block.curve is not None:
        yield from curve_rows(block.curve)


def curve_rows(curve: Curve) -> Iterator[Row]:
    """Yield one row for each cut of a cumulative curve."""
    # Nobody due, nothing to divide by.
    rates: list[float | None] = [*curve["rates"]] or [None] * len(curve["cuts_tenths"])
    for cut, responders, rate in zip(curve["cuts_tenths"], curve["responders"], rates, strict=True):
        reached = {"responders": responders, "n": curve["n"], "estimate": _number(rate)}
        yield {"kind": "curve", "rule": MissingRule.NRI.value, "threshold_percent": percent(cut)} | reached


def recruitment_rows(found: Recruitment) -> Iterator[Row]:
    """Yield the total, each week's end total, the rate of late and where it leads."""
    measure = found["measure"]
    yield {"kind": "recruitment", "measure": measure, "n": found["total"], "on": found["until"]}
    if found["undated"]:
        yield {"kind": "recruitment", "measure": f"{measure}_undated", "n": found["undated"]}
    for week in found["weeks"]:
        yield {"kind": "recruitment_week", "measure": measure, "n": week["total"], "estimate": str(week["added"]), "on": week["week"]}
    if (rate := found["recent"]) is not None:
        yield {"kind": "recruitment_rate", "measure": measure, "n": rate["count"], **_estimate(rate["per_week"], rate)}
    for ahead in found["projection"]:
        yield {"kind": "recruitment_projection", "measure": measure, "on": ahead["on"], **_estimate(ahead["total"], ahead)}


def _estimate(estimate: float, limits: RecruitmentRate | ProjectedWeek) -> Row:
    return {"estimate": _number(estimate), "low": _number(limits["low"]), "high": _number(limits["high"])}


def _mean(mean: Mean) -> Row:
    return {
        "kind": "mean",
        "rule": mean["rule"],
        "measure": mean["measure"],
        "n": mean["n"],
        "estimate": _number(mean["mean"]),
        "low": _number(mean["low"]),
        "high": _number(mean["high"]),
        "sd": _number(mean["sd"]),
    }


def _counts(counts: Counts) -> Iterator[Row]:
    named: list[Mapping[str, int]] = [
        {"population": counts["population"], "due": counts["due"]},
        {status: counts["statuses"][status] for status in EndpointStatus if status in counts["statuses"]},
        {f"missing_{reason}": counts["reasons"][reason] for reason in MissingReason if reason in counts["reasons"]},
    ]
    for group in named:
        yield from ({"kind": "count", "measure": measure, "n": number} for measure, number in group.items())
    complete = counts["completeness"]
    yield {"kind": "completeness", "responders": complete["complete"], "n": complete["due"], "estimate": _number(complete["share"])}


def _difference(row: Contrast) -> Row:
    return {
        "kind": "difference",
        "arm": row["first"],
        "versus": row["second"],
        "rule": row["rule"],
        "threshold_percent": percent(row["threshold_tenths"]),
        "responders": row["first_responders"],
        "n": row["first_n"],
        "versus_responders": row["second_responders"],
        "versus_n": row["second_n"],
        "estimate": _number(row["difference"]),
        "low": _number(row["low"]),
        "high": _number(row["high"]),
        "nnt": _number(row["nnt"]),
        "nnt_text": row["nnt_text"],
    }


def _number(value: float | None) -> str:
    """Return the shortest text that reads back as the same number."""
    return "" if value is None else repr(value)
