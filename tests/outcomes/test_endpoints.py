"""The one statement and the counts against the plain definition, on random trials dense around every edge."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings

from registry.models import Endpoint
from registry.outcomes.cells import Cell, Group, sum_cells
from registry.outcomes.counting import judging_parameters, open_cells
from registry.outcomes.curves import CurveMaker, Reached
from registry.outcomes.endpoints import fill_endpoints
from registry.outcomes.judged_sql import judged_query
from registry.outcomes.plans import CheckedPlan, current_plan
from registry.rules import response
from registry.rules.response import cumulative_curve, measured, population_counts, rule_counts
from registry.stats.moments import moments
from registry.vocabulary import EndpointStatus, MissingRule
from tests.outcomes.stored_trials import StoredTrial, store_trial
from tests.rules.random_trials import RandomTrial, trials

# The connection pool's threads draw from `random` while an example is drawn, which hypothesis takes for the strategy's doing.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")

several = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def checked(stored: StoredTrial) -> CheckedPlan:
    """Return the stored plan; it is the plan the trial was drawn with."""
    plan = current_plan(stored.trial)
    assert plan is not None
    return plan


def expected_endpoints(stored: StoredTrial) -> dict[tuple[int, str], response.Endpoint]:
    """Return what the plain definition gives, by enrolment and time point."""
    return {
        (enrolment, found.time_point): found
        for enrolment, record in stored.records.items()
        for found in response.endpoints(stored.plan, record, stored.cutoff)
    }


def stored_endpoints(stored: StoredTrial) -> dict[tuple[int, str], tuple[object, ...]]:
    """Return the endpoint rows, by enrolment and time point."""
    rows = Endpoint.objects.filter(time_point__plan__trial=stored.trial).select_related("time_point")
    return {
        (row.enrolment_id, row.time_point.code): (
            row.anchor_on, row.anchor_is_fallback, row.baseline_sum_units, row.baseline_n, row.value_sum_units, row.value_n,
        )
        for row in rows
    }  # fmt: skip


def as_stored(found: response.Endpoint) -> tuple[object, ...]:
    baseline, value = found.baseline, found.value
    return found.anchor.on, found.anchor.fallback, baseline.sum_units, baseline.n, value.sum_units, value.n


def judged(stored: StoredTrial, plan: CheckedPlan) -> dict[tuple[int, str], tuple[str, str | None]]:
    """Return status and reason of each endpoint, by enrolment and time point."""
    with connection.cursor() as cursor:
        cursor.execute(judged_query(plan), judging_parameters(stored.trial, plan, stored.cutoff.at))
        rows = cursor.fetchall()
    codes = [time_point.code for time_point in plan.time_points]
    return {(row[0], codes[row[1] - 1]): (row[4], row[5] if row[4] == "missing" else None) for row in rows}


@several
@given(drawn=trials(max_patients=5))
def test_every_endpoint_and_every_count_equals_the_plain_definition(db: None, setup_actor: Any, drawn: RandomTrial) -> None:
    with transaction.atomic():
        stored = store_trial(drawn.plan, drawn.records, drawn.cutoff, by=setup_actor)
        plan = checked(stored)
        fill_endpoints(stored.trial, plan, cutoff=stored.cutoff.at)
        expected = expected_endpoints(stored)
        assert stored_endpoints(stored) == {key: as_stored(found) for key, found in expected.items()}
        assert judged(stored, plan) == {key: (found.status, found.reason) for key, found in expected.items()}
        counted, _ = open_cells(connection, plan, judging_parameters(stored.trial, plan, stored.cutoff.at))
        check_cells(stored, counted.cells, expected)
        check_curves(stored, counted.reached, expected)
        transaction.set_rollback(True)


def check_cells(stored: StoredTrial, cells: dict[Group, Cell], expected: dict[tuple[int, str], response.Endpoint]) -> None:
    """Compare every time point by condition, by site and as a whole."""
    for place, time_point in enumerate(stored.plan.time_points, start=1):
        here = {key[0]: found for key, found in expected.items() if key[1] == time_point.code}
        conditions, sites = set(stored.condition_of.values()), set(stored.site_of.values())
        whole = {group: cell for group, cell in cells.items() if group.place == place}
        check_cell(stored, sum_cells(whole.values()), list(here.values()))
        for condition in conditions:
            part = sum_cells(cell for group, cell in whole.items() if group.condition == condition)
            check_cell(stored, part, [found for key, found in here.items() if stored.condition_of[key] == condition])
        for site in sites:
            part = sum_cells(cell for group, cell in whole.items() if group.site_id == site)
            check_cell(stored, part, [found for key, found in here.items() if stored.site_of[key] == site])


def check_curves(stored: StoredTrial, reached: Reached, expected: dict[tuple[int, str], response.Endpoint]) -> None:
    """Compare the curve of every time point with the plain definition (R15), and with what a curve must be."""
    for place, time_point in enumerate(stored.plan.time_points, start=1):
        here = [found for key, found in expected.items() if key[1] == time_point.code]
        plain = cumulative_curve(here, MissingRule.NRI, stored.plan.thresholds)
        due = plain[0].n
        curve = CurveMaker(reached, place, tuple(stored.plan.thresholds)).curve(due)
        assert dict(zip(curve["cuts_tenths"], curve["responders"], strict=True)) == {cut: one.responders for cut, one in plain.items()}
        assert curve["responders"] == sorted(curve["responders"], reverse=True)
        assert curve["responders"][0] <= sum(found.status == EndpointStatus.OBSERVED for found in here)
        assert curve["rates"] == ([number / due for number in curve["responders"]] if due else [])


def check_cell(stored: StoredTrial, cell: Cell, group: list[response.Endpoint]) -> None:
    """Compare statuses, reasons, responders, denominators and moments of one group."""
    cell.check(stored.plan.thresholds)
    assert +cell.statuses == Counter(found.status for found in group)
    assert +cell.missing == Counter(found.reason for found in group if found.reason is not None)
    for threshold in stored.plan.thresholds:
        population_counts(group, threshold)
        for rule in MissingRule:
            counted = rule_counts(group, rule, threshold)
            assert (cell.responders[rule, threshold], cell.denominator(rule)) == (counted.responders, counted.n), (rule, threshold)
    for rule, sums in cell.sums.items():
        pairs = [(found.baseline.mean / 10**6, value.mean / 10**6) for found in group if (value := measured(found, rule)) is not None]
        assert sums.moments("baseline") == moments(before for before, _ in pairs)
        assert sums.moments("value") == moments(after for _, after in pairs)
        assert sums.moments("change") == moments(after - before for before, after in pairs)


@pytest.mark.parametrize("seed", range(1))
@settings(several, max_examples=20)
@given(drawn=trials(max_patients=5))
def test_making_some_again_gives_what_making_all_gives(db: None, setup_actor: Any, seed: int, drawn: RandomTrial) -> None:
    with transaction.atomic():
        stored = store_trial(drawn.plan, drawn.records, drawn.cutoff, by=setup_actor)
        plan, ids = checked(stored), list(stored.records)
        fill_endpoints(stored.trial, plan, cutoff=stored.cutoff.at, enrolment_ids=ids[:2])
        fill_endpoints(stored.trial, plan, cutoff=stored.cutoff.at, enrolment_ids=ids[2:])
        parts = stored_endpoints(stored)
        assert parts == {key: as_stored(found) for key, found in expected_endpoints(stored).items()}
        assert fill_endpoints(stored.trial, plan, cutoff=stored.cutoff.at) == 0
        transaction.set_rollback(True)
