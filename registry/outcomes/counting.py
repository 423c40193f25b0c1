"""Reading the counts: judged endpoints grouped by the open database, and the same grouped by arm inside the closed room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from registry.models import Trial
from registry.outcomes.cells import Cell, CountedRow, Group, cells_from
from registry.outcomes.curves import Reached, reached_from, reached_query
from registry.outcomes.judged_sql import BASELINE, JUDGED_COLUMNS, judged_query, reaches
from registry.outcomes.plans import CheckedPlan

Parameters = dict[str, Any]  # whatever the driver can adapt


@dataclass(frozen=True)
class Counted:
    """What was counted of judged endpoints: cells by group, and how far the observed ones reach."""

    cells: dict[Group, Cell]
    reached: Reached


def judging_parameters(trial: Trial, plan: CheckedPlan, cutoff: datetime) -> Parameters:
    """Return what decides, beside the rows: the cut-off's civil date in the trial's zone and the plan's settings."""
    return {
        "trial": trial.pk,
        "masked": trial.masked,
        "plan": plan.row.pk,
        "all_due": trial.all_due,
        "cutoff_date": cutoff.astimezone(trial.zone).date(),
        "grace": plan.row.grace_days,
        "baseline_min_n": plan.row.baseline_min_n,
        "composite_reasons": plan.row.composite_reasons,
        "thresholds": list(plan.rules.thresholds),
    }


def open_cells(connection: BaseDatabaseWrapper, plan: CheckedPlan, parameters: Parameters) -> tuple[Counted, Parameters]:
    """Count by time point, condition and site, asking nothing about allocation; return also the judged rows for the closed room.

    These are one array text per column: the closed room cannot see into this transaction yet, and texts cost Python nothing per row.
    """
    arrays = ", ".join(f"array_agg({name} ORDER BY enrolment_id, place)::text" for name in JUDGED_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH judged AS MATERIALIZED ({judged_query(plan)}), {_both_counts(plan, "NULL::bigint", "judged")}
            SELECT {_BOTH}, {arrays} FROM judged
            """,
            parameters,
        )
        counted, reached, *texts = cursor.fetchone()
    return _counted_of(plan, counted, reached), dict(zip(JUDGED_COLUMNS, texts, strict=True))


def canonical_input(judged: Parameters) -> str:
    """Return the judged rows as one text, the same for the same rows."""
    return "\n".join(f"{name} {judged[name]}" for name in JUDGED_COLUMNS)


def closed_cells(closed: BaseDatabaseWrapper, plan: CheckedPlan, judged: Parameters) -> Counted:
    """Count the same by arm too; enrolments without an arm are left out."""
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in JUDGED_COLUMNS.items())
    dealt = f"""
        SELECT judged.*, given.arm_id FROM unnest({arrays}) AS judged({", ".join(JUDGED_COLUMNS)})
        JOIN closed.allocation given ON given.enrolment_id = judged.enrolment_id AND given.stage = 1
    """
    with closed.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        cursor.execute(
            f"WITH dealt AS MATERIALIZED ({dealt}), {_both_counts(plan, 'arm_id', 'dealt')} SELECT {_BOTH}",
            judged | {"thresholds": list(plan.rules.thresholds)},
        )
        return _counted_of(plan, *cursor.fetchone())


_BOTH = ", ".join(f"(SELECT coalesce(json_agg(to_json({name})), '[]') FROM {name})" for name in ("counted", "reached"))


def _both_counts(plan: CheckedPlan, arm: str, rows: str) -> str:
    return f"counted AS ({_counting(plan, arm, rows)}), reached AS ({reached_query(rows, arm)})"


def _counted_of(plan: CheckedPlan, counted: Iterable[dict[str, Any]], reached: Iterable[dict[str, Any]]) -> Counted:
    """Return the counts of both queries' rows."""
    cells = cells_from((_counted(tuple(row.values())) for row in counted), plan.rules.thresholds)
    steps = reached_from((row["place"], row["arm_id"], row["tenths"], row["endpoints"]) for row in reached)
    return Counted(cells, steps)


def _counting(plan: CheckedPlan, arm: str, rows: str) -> str:
    """Return the query that counts judged rows alike in everything that matters, with exact sums for their means."""
    places = range(1, len(plan.rules.thresholds) + 1)
    reached = ", ".join(
        f"count(*) FILTER (WHERE source <> '{BASELINE}' AND {reaches(f'(%(thresholds)s::integer[])[{place}]')}) AS reached_{place}"
        for place in places
    )
    return f"""
        SELECT place, condition, site_id, {arm} AS arm_id, status, reason, source,
               CASE WHEN source IS NULL THEN 0 ELSE baseline_n END AS n_b, CASE WHEN source IS NULL THEN 0 ELSE used_n END AS n_u,
               count(*) AS endpoints, sum(baseline_sum) AS b, sum(baseline_sum::numeric * baseline_sum) AS bb,
               sum(used_sum) AS u, sum(used_sum::numeric * used_sum) AS uu, sum(baseline_sum::numeric * used_sum) AS bu, {reached}
        FROM {rows} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    """


def _counted(row: tuple[object, ...]) -> CountedRow:
    place, condition, site, arm, status, reason, source, n_b, n_u, endpoints, *numbers = row
    return CountedRow(
        group=Group(_whole(place), str(condition), _whole(site), None if arm is None else _whole(arm)),
        status=str(status),
        reason=None if reason is None else str(reason),
        source=None if source is None else str(source),
        baseline_n=_whole(n_b),
        used_n=_whole(n_u),
        endpoints=_whole(endpoints),
        sums=_five(numbers[:5]),
        reached=tuple(map(_whole, numbers[5:])),
    )


def _five(numbers: Iterable[object]) -> tuple[int, int, int, int, int]:
    b, bb, u, uu, bu = map(_whole, numbers)
    return b, bb, u, uu, bu


def _whole(number: object) -> int:
    """Return a database number (bigint, or numeric that holds one) as an integer; raise ValueError for any other."""
    return int(str(number))
