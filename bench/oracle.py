"""Who responds, worked out from the stored scores with fractions and loops: no SQL that computes, no code of the registry."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from tests import cluster

Cell = tuple[str, str, str, str, int]
CUTS = {300: Fraction(7, 10), 500: Fraction(1, 2)}
PEOPLE = """
SELECT a.enrolment_id, a.allocated_on, d.condition, site.code, arm.{name} FROM registry_allocation a
JOIN registry_site site ON site.id = a.analysis_site_id
JOIN registry_enrolmentpain p ON p.enrolment_id = a.enrolment_id AND p.rank = 1 JOIN registry_paindiagnosis d ON d.id = p.diagnosis_id
JOIN closed.allocation given ON given.enrolment_id = a.enrolment_id JOIN closed.arm arm ON arm.id = given.arm_id
"""
SCORES = """
SELECT enrolment_id, for_date, context, value FROM registry_painscore
WHERE ended_at IS NULL AND context IN ('diary', 'visit') AND recall = 'average_24h' AND recorded_at < '{cutoff}'
"""


def differences(closed: Any, database: str) -> tuple[int, int]:
    """Return how many responder counts of a closed document were compared with the oracle's, and how many differ."""
    name = "letter" if closed["coded"] else "code"
    wanted, found = counted(database, closed["cutoff"], name), dict(printed(closed))
    return len(found), sum(wanted[cell] != number for cell, number in found.items()) + len(set(wanted) - set(found))


def printed(closed: Any) -> Iterator[tuple[Cell, int]]:
    """Yield every responder count of the document."""
    for point in closed["time_points"]:
        for group in point["groups"]:
            for arm in group["arms"]:
                for cut, number in arm["counts"]["responders"].items():
                    yield (point["code"], group["kind"], group["code"], arm["code"], int(cut)), number


def counted(database: str, cutoff: str, name: str) -> Counter[Cell]:
    """Return the same counts from the records, zeros among them, with arms by code or by letter."""
    cells: Counter[Cell] = Counter()
    with cluster.administrator(database) as connection:
        values: dict[int, list[tuple[date, str, Fraction]]] = defaultdict(list)
        for who, day, context, value in connection.execute(SCORES.format(cutoff=cutoff)):  # type: ignore[misc]
            values[who].append((day, context, Fraction(value)))
        for who, anchor, condition, site, arm in connection.execute(PEOPLE.format(name=name)):  # type: ignore[misc]
            for code, relief in reliefs(anchor, values[who]):
                for group in (("overall", ""), ("diagnosis", condition), ("site", site)):
                    for cut, share in CUTS.items():
                        cells[code, *group, arm, cut] += relief is not None and relief <= share
    return cells


def reliefs(anchor: date, values: list[tuple[date, str, Fraction]]) -> Iterator[tuple[str, Fraction | None]]:
    """Yield, for each time point, what is left of the baseline: None where that cannot be said."""
    by_day = {"diary": {}, "visit": {}}  # type: dict[str, dict[int, Fraction]]
    for day, context, value in values:
        by_day[context][(day - anchor).days] = value
    both = {**by_day["visit"], **by_day["diary"]}
    before = [value for day, value in both.items() if -7 <= day <= -1]
    baseline = sum(before) / len(before) if len(before) >= 4 else Fraction()
    after = [value for day, value in both.items() if 22 <= day <= 28]
    nearest = min((day for day in both if 49 <= day <= 63), key=lambda day: abs(day - 56), default=None)
    yield "W4", sum(after) / len(after) / baseline if baseline and len(after) >= 4 else None
    yield "W8", both[nearest] / baseline if baseline and nearest is not None else None
