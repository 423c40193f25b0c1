"""What is left of a document while its readers may not see response: who is where, and how complete it is.

That is an open one while the masked may not see pooled response, and a closed one between the looks of the charter.
"""

from __future__ import annotations

from typing import cast

from registry.selectors.outcome_payload import FORMAT, Arm, Counts, Group, Payload, TimePoint
from registry.vocabulary import EndpointStatus

WHO_IS_WHERE = ("population", "due", "not_due", "completeness")
# Of those due, nobody of these has a value; who stopped for a listed reason counts as observed or missing, as in a withheld document.
WITHOUT_VALUE = (EndpointStatus.DIED, EndpointStatus.NO_BASELINE, EndpointStatus.BASELINE_ZERO)


def without_efficacy(payload: Payload) -> Payload:
    """Return a document as the next snapshot will have it, but for the reasons of missing values, which it cannot tell yet."""
    if payload["efficacy"] == "withheld":
        return payload
    # A document of an older format may hold anything: nothing of its groups is shown.
    points = [_time_point(point) for point in payload["time_points"]] if payload["format"] == FORMAT else []
    return {**payload, "efficacy": "withheld", "time_points": points}


def _time_point(point: TimePoint) -> TimePoint:
    return {**point, "groups": [_group(group) for group in point["groups"]]}


def _group(group: Group) -> Group:
    left: Group = {name: group[name] for name in ("kind", "code", "label", "suppressed")}  # type: ignore[assignment]
    if "counts" in group:
        left["counts"] = _counts(group["counts"])
    if "arms" in group:
        left["arms"] = [_arm(arm) for arm in group["arms"]]
        left["contrasts"] = []
    return left


def _arm(arm: Arm) -> Arm:
    return {"code": arm["code"], "label": arm["label"], "counts": _counts(arm["counts"]), "rates": [], "means": []}


def _counts(counts: Counts) -> Counts:
    told, complete = counts["statuses"], counts["completeness"]["complete"]
    statuses = {status: number for status, number in told.items() if status != EndpointStatus.COMPOSITE_STOP}
    statuses[EndpointStatus.OBSERVED.value] = complete
    statuses[EndpointStatus.MISSING.value] = counts["due"] - complete - sum(told[status] for status in WITHOUT_VALUE)
    left = {name: counts[name] for name in WHO_IS_WHERE}  # type: ignore[literal-required]
    return cast(Counts, {**left, "statuses": statuses, "reasons": {}})
