"""Endpoint rows of a trial under its plan: made for everybody, or made again for some."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection

from registry.models import Trial
from registry.outcomes.endpoint_sql import endpoint_statement
from registry.outcomes.plans import CheckedPlan


def last_day_before(cutoff: datetime, trial: Trial) -> date:
    """Return the last civil date, in the trial's zone, of which something lies before the instant."""
    return (cutoff.astimezone(UTC) - timedelta(microseconds=1)).astimezone(trial.zone).date()


def fill_endpoints(trial: Trial, plan: CheckedPlan, *, cutoff: datetime, enrolment_ids: Collection[int] | None = None) -> int:
    """Make the endpoint rows of the trial (None) or of some enrolments what the records before the cut-off say.

    Rows of enrolments that left the population go; unchanged rows are not written. Returns how many rows were written.
    """
    with connection.cursor() as cursor:
        # Every enrolment's places fit into memory at any size of trial this registry is meant for.
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        cursor.execute(endpoint_statement(plan, only_some=enrolment_ids is not None), _parameters(trial, plan, cutoff, enrolment_ids))
        return int(cursor.rowcount)


def _parameters(trial: Trial, plan: CheckedPlan, cutoff: datetime, enrolment_ids: Collection[int] | None) -> dict[str, Any]:
    return {
        "trial": trial.pk,
        "masked": trial.masked,
        "plan": plan.row.pk,
        "scale": plan.row.scale_id,
        "recall": plan.row.recall,
        "contexts": plan.row.contexts,
        "sources": plan.row.sources,
        "cutoff": cutoff,
        "last_day": last_day_before(cutoff, trial),
        "enrolments": list(enrolment_ids) if enrolment_ids is not None else None,
    }
