"""Free text may hold anything somebody typed: it is shown to those whose role includes reading it, and to others as nothing.

This is the one place that decides it, for pages, API and exported folders alike (docs/decisions/0011): as a column of a query,
on rows read for a page, or as a condition of an export.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from django.db.models import BooleanField, Case, CharField, Expression, F, Model, Q, QuerySet, Value, When

from registry.field_classes import FIELD_CLASSES, FieldClass
from registry.models import Enrolment, Membership, User
from registry.roles import ROLES, Permission

Row = TypeVar("Row", bound=Model)


def free_text(user: User, column: str, *, owner: str = "enrolment", by: str = "pk") -> Expression | F:
    """Return a column of free text, NULL in rows of patients whose text the person may not read.

    `owner` is the row's way to its enrolment, or to what it shares with enrolments (`by`).
    """
    readable = reading_memberships(user)
    if readable is None:
        return F(column)
    if not readable:
        return Value(None, output_field=CharField())
    return Case(When(**{f"{owner}__in": _enrolments(readable).values(by)}, then=F(column)), default=Value(None), output_field=CharField())


def reads_text(user: User, *, owner: str = "enrolment") -> Case:
    """Return whether the person may read free text about a row's patient."""
    readable = reading_memberships(user)
    rows = Enrolment.with_voided.all() if readable is None else _enrolments(readable)
    return Case(When(**{f"{owner}__in": rows}, then=Value(True)), default=Value(False), output_field=BooleanField())


def text_enrolments(user: User) -> Sequence[int] | None:
    """Return the enrolments whose text the person may read, by key; None for all that the person may see."""
    readable = reading_memberships(user)
    return None if readable is None else list(_enrolments(readable).values_list("pk", flat=True))


def reads_text_about(user: User, enrolment: Enrolment) -> bool:
    """Tell whether the person may read free text about one patient, whom they may see."""
    readable = reading_memberships(user)
    return readable is None or any(_reaches(row, enrolment) for row in readable)


def without_hidden_text(user: User, rows: Iterable[Row], patient_of: Callable[[Row], Enrolment]) -> list[Row]:
    """Return rows read for a page, with every column of free text empty where the person may not read it."""
    found = list(rows)
    readable = reading_memberships(user)
    for row in found if readable is not None else ():
        if not any(_reaches(membership, patient_of(row)) for membership in readable or ()):
            hide_text(row)
    return found


def hide_text(row: Model) -> None:
    """Empty the columns of free text of a row that will only be shown."""
    for name in FIELD_CLASSES[type(row).__name__].get(FieldClass.FREE_TEXT, "").split():
        setattr(row, name, "")


def reading_memberships(user: User) -> list[Membership] | None:
    """Return the memberships within which the person reads free text; None where that is everything they may see."""
    held = [row for row in user.current_memberships() if Permission.PATIENT_VIEW in ROLES[row.role].permissions]
    reading = [row for row in held if ROLES[row.role].reads_free_text]
    return None if len(reading) == len(held) or any(row.trial_id is None for row in reading) else reading


def _reaches(membership: Membership, enrolment: Enrolment) -> bool:
    return membership.site_id == enrolment.site_id if membership.site_id else membership.trial_id == enrolment.trial_id


def _enrolments(memberships: list[Membership]) -> QuerySet[Enrolment]:
    """Return the enrolments that the memberships reach."""
    found = Q(pk__in=[])
    for row in memberships:
        found |= Q(site_id=row.site_id) if row.site_id else Q(trial_id=row.trial_id)
    return Enrolment.with_voided.filter(found)
