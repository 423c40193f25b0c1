"""Versioned records as a list shows them: the standing version of each, or the voided one where none stands."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

SomeModel = TypeVar("SomeModel", bound=Model)


def last_versions(rows: QuerySet[SomeModel]) -> QuerySet[SomeModel]:
    """Keep standing versions and, of records that have none, the last voided one."""
    standing = rows.filter(ended_at__isnull=True)
    voided = rows.filter(voided=True).exclude(record__in=standing.values("record"))
    latest = voided.order_by("record", "-version").distinct("record")
    return rows.filter(Q(ended_at__isnull=True) | Q(pk__in=latest.values("pk")))
