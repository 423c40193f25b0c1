"""Who took a record out of use, when and why, for the lists that show it: told to those who may read the patient's history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from registry.models import Change, Enrolment, User
from registry.roles import Permission
from registry.selectors.history_events import events_of


@dataclass(frozen=True)
class Voiding:
    """When a record was voided; by whom and why is empty for who may not read it."""

    at: datetime
    who: str = ""
    reason: str = ""


def who_of(change: Change) -> str:
    """Return who made a change."""
    if change.actor is None:
        return _("Outside the application, by the database account %(role)s") % {"role": change.database_role}
    return change.actor.name


def voidings_of(user: User, rows: Iterable[Any], enrolment: Enrolment | None = None) -> dict[Any, Voiding]:
    """Return how the voided ones of some rows of one table came to be so, by row, in at most two statements.

    The rows belong to one patient, or are patients themselves.
    """
    voided = {row.pk: (row, at) for row in rows if (at := voided_at(row)) is not None}
    if not voided:
        return {}
    readable = {pk for pk, (row, _at) in voided.items() if _reads_history(user, enrolment or row)}
    changes = _changes(type(next(iter(voided.values()))[0]), readable)
    told = {pk: Voiding(at, who_of(changes[pk]), changes[pk].reason) for pk, (_row, at) in voided.items() if pk in changes}
    return {row: told.get(pk, Voiding(at)) for pk, (row, at) in voided.items()}


def voided_at(row: Any) -> datetime | None:
    """Return when a row was voided: a version ends then, other rows say it."""
    if hasattr(row, "voided_at"):
        return row.voided_at  # type: ignore[no-any-return]  # two kinds of tables
    return row.ended_at if row.voided else None


def _reads_history(user: User, enrolment: Enrolment) -> bool:
    return Permission.HISTORY_VIEW in user.permissions_in(enrolment.trial, enrolment.site)


def _changes(model: type[models.Model], keys: set[Any]) -> dict[Any, Change]:
    """Return the change that voided each row last."""
    names = {field.name for field in model._meta.fields}
    is_voided = Q(voided_at__isnull=False) if "voided_at" in names else Q(voided=True)
    events = events_of(model).objects.filter(is_voided, pgh_obj_id__in=keys).order_by("pgh_id")
    last = dict(events.values_list("pgh_obj_id", "change_id"))
    found = Change.objects.filter(pk__in=last.values()).select_related("actor").in_bulk()
    return {key: found[change] for key, change in last.items()}
