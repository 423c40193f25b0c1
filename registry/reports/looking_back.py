"""A trial's rows as they stood at an instant, from the change history, for the length of one transaction.

Scores, sessions and adverse events carry their own times and are asked as of the cut-off. The other tables that decide an
outcome are put back here: a temporary table of the same name stands before the real one, so that the statements of the
outcome job read it without knowing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.db import connection
from django.db.models import Field, Model

from registry.models import (
    Allocation,
    AnalysisPlan,
    Disposition,
    Enrolment,
    EnrolmentPain,
    PainDiagnosis,
    PlanTimePoint,
    Scale,
    Site,
    Trial,
    User,
)

_OF_ENROLMENT = "enrolment_id IN (SELECT id FROM pg_temp.registry_enrolment)"
# Which rows are a trial's own; a table may be told from one put back before it.
REMEMBERED: dict[type[Model], str] = {
    Trial: "pgh_obj_id = %s",
    Site: "trial_id = %s",
    Scale: "trial_id = %s",
    Enrolment: "trial_id = %s",
    EnrolmentPain: _OF_ENROLMENT,
    PainDiagnosis: "patient_id IN (SELECT patient_id FROM pg_temp.registry_enrolment)",
    Disposition: _OF_ENROLMENT,
    Allocation: _OF_ENROLMENT,
    AnalysisPlan: "trial_id = %s",
    PlanTimePoint: "plan_id IN (SELECT id FROM pg_temp.registry_analysisplan)",
}


def look_back(trial_id: int, cutoff: datetime) -> None:
    """Let the rest of this transaction see a trial's rows of these tables as they were before the instant, and no others'."""
    for model, own in REMEMBERED.items():
        _put_back(model, own, [trial_id] * own.count("%s"), cutoff)


def name_at(user: User, moment: datetime) -> str:
    """Return what somebody was called at an instant: a document drawn again says what it said."""
    before = cast("Any", user).history.filter(pgh_created_at__lte=moment).order_by("-pgh_id").first()
    return str(before.name if before else user.name)


def set_endpoints_aside() -> None:
    """Let the rest of this transaction fill endpoints of its own, beside those that are kept up to date."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE registry_endpoint (LIKE public.registry_endpoint INCLUDING ALL) ON COMMIT DROP")


def know_sizes() -> None:
    """Let the planner know the sizes of the endpoints set aside: planned for an empty table, a count takes minutes."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE pg_temp.registry_endpoint")


def _put_back(model: type[Model], own: str, of_trial: list[int], cutoff: datetime) -> None:
    table = model._meta.db_table
    events = model.history.rel.related_model._meta.db_table  # type: ignore[attr-defined]
    columns = ", ".join(_column(field) for field in model._meta.concrete_fields)
    defaults = [field.get_default() for field in model._meta.concrete_fields if _may_be_younger(field)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS
            SELECT {columns} FROM (
                SELECT DISTINCT ON (pgh_obj_id) * FROM public.{events} WHERE pgh_created_at < %s AND {own} ORDER BY pgh_obj_id, pgh_id DESC
            ) last WHERE pgh_label <> 'delete'
            """,
            [*defaults, cutoff, *of_trial],
        )
        cursor.execute(f"CREATE UNIQUE INDEX ON pg_temp.{table} (id)")
        cursor.execute(f"ANALYZE pg_temp.{table}")


def _column(field: Field[Any, Any]) -> str:
    """Return a column of the history; one that the table got later is empty in older rows, for which the table took the default."""
    return f'coalesce("{field.column}", %s) AS "{field.column}"' if _may_be_younger(field) else f'"{field.column}"'


def _may_be_younger(field: Field[Any, Any]) -> bool:
    """Tell whether older rows of the history may lack what the table never lacks."""
    return field.has_default() and not field.null
