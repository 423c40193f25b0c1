"""From study numbers to the enrolments a person may see. A patient at another site does not exist for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from registry.models import Enrolment, Trial, User
from registry.roles import Permission
from registry.services.row_sets import RowChecks

# Longer lists are answered by reading all of the trial, which is quicker than naming each.
NAMED_ONE_BY_ONE = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """An enrolment the person may see."""

    id: int
    patient_id: int
    site_id: int


def visible_enrolments(trial: Trial, by: User, using: str | None = None) -> QuerySet[Enrolment]:
    """Return the trial's enrolments that the person may see."""
    return Enrolment.objects.using(using).visible_to(by).filter(trial=trial)


def known_patients(trial: Trial, by: User, codes: Collection[str], using: str | None = None) -> dict[str, Known]:
    """Return the visible enrolments among these study numbers, or more."""
    rows = visible_enrolments(trial, by, using)
    if len(codes) <= NAMED_ONE_BY_ONE:
        rows = rows.filter(patient_code__in=codes)
    found = rows.values_list("patient_code", "pk", "patient_id", "site_id").iterator()
    return {code: Known(pk, patient_id, site_id) for code, pk, patient_id, site_id in found}


def allowed_sites(trial: Trial, by: User, permission: Permission, using: str | None = None) -> set[int]:
    """Return the sites where the person holds a right; raise NotAllowed where they hold it nowhere."""
    sites = list(trial.sites.using(using))
    found = {site.pk for site in sites if by.can(permission, trial=trial, site=site)}
    if not found:
        by.check_can(permission, trial=trial, site=sites[0] if sites else None)
    return found


def note_unknown(checks: RowChecks, row: int, code: str, known: dict[str, Known], sites: set[int]) -> Known | None:
    """Return the patient of a row, or note why the row cannot be written."""
    patient = known.get(code)
    if patient is None:
        checks.note(row, "patient", code, "is no patient you can see in this trial", "Check the study number, or add it to patients.csv")
        return None
    if patient.site_id not in sites:
        checks.note(row, "patient", code, "belongs to a site where you may not write", "Ask somebody who may write there")
        return None
    return patient


def scope_sql(cursor: Any, trial: Trial, by: User, using: str, field: str = "pk") -> str:
    """Return SQL that selects a column of the trial's visible enrolments, with its values written in."""
    sql, values = visible_enrolments(trial, by, using).values(field).query.get_compiler(using=using).as_sql()
    return str(cursor.mogrify(sql, values))
