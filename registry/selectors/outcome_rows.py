"""A payload as a flat table: one row per count, rate, mean and difference, every number as the snapshot holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from registry.selectors.outcome_payload import Contrast, Counts, Group, Mean, Payload, Rate
from registry.vocabulary import EndpointStatus, MissingReason

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
)
Row = dict[str, object]


def outcome_rows(payload: Payload) -> Iterator[Row]:
    """Yield every cell of a document; a suppressed group is one row that says so."""
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


def _of_group(group: Group) -> Iterator[Row]:
    if group["suppressed"]:
        yield {"kind": "suppressed"}
        return
    blocks = [_Block(arm["code"], arm["counts"], arm["rates"], arm["means"]) for arm in group.get("arms", [])]
    if "counts" in group:
        blocks.append(_Block("", group["counts"], group.get("rates", []), group.get("means", [])))
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
    for mean in block.means:
        numbers = {"n": mean["n"], "estimate": _number(mean["mean"]), "sd": _number(mean["sd"])}
        yield {"kind": "mean", "rule": mean["rule"], "measure": mean["measure"]} | numbers


def _counts(counts: Counts) -> Iterator[Row]:
    named: list[Mapping[str, int]] = [
        {"population": counts["population"], "due": counts["due"]},
        {status: counts["statuses"][status] for status in EndpointStatus if status in counts["statuses"]},
        {f"missing_{reason}": counts["reasons"][reason] for reason in MissingReason},
    ]
    for group in named:
        yield from ({"kind": "count", "measure": measure, "n": number} for measure, number in group.items())


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
