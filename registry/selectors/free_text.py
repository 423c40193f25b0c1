"""Free text may hold anything somebody typed: it is shown to those whose role includes reading it, and to others as nothing."""

from __future__ import annotations

from django.db.models import BooleanField, Case, CharField, Expression, F, Q, Value, When

from registry.models import Enrolment, Membership, User
from registry.roles import ROLES, Permission


def free_text(user: User, column: str, *, owner: str = "enrolment", by: str = "pk") -> Expression | F:
    """Return a column of free text, NULL in rows of patients whose text the person may not read.

    `owner` is the row's way to its enrolment, or to what it shares with enrolments (`by`).
    """
    held = [row for row in user.current_memberships() if Permission.PATIENT_VIEW in ROLES[row.role].permissions]
    reading = [row for row in held if ROLES[row.role].reads_free_text]
    if len(reading) == len(held) or any(row.trial_id is None for row in reading):
        return F(column)
    if not reading:
        return Value(None, output_field=CharField())
    readable = Enrolment.objects.filter(_scope(reading)).values(by)
    return Case(When(**{f"{owner}__in": readable}, then=F(column)), default=Value(None), output_field=CharField())


def reads_text(user: User, *, owner: str = "enrolment") -> Case:
    """Return whether the person may read free text about a row's patient."""
    held = [row for row in user.current_memberships() if Permission.PATIENT_VIEW in ROLES[row.role].permissions]
    reading = [row for row in held if ROLES[row.role].reads_free_text]
    scope = Q() if any(row.trial_id is None for row in reading) else _scope(reading)
    readable = Enrolment.objects.filter(scope)
    return Case(When(**{f"{owner}__in": readable}, then=Value(True)), default=Value(False), output_field=BooleanField())


def _scope(memberships: list[Membership]) -> Q:
    """Return which enrolments the memberships reach."""
    found = Q(pk__in=[])
    for row in memberships:
        found |= Q(site_id=row.site_id) if row.site_id else Q(trial_id=row.trial_id)
    return found
