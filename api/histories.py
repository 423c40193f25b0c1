"""How often a record was written, out of its history: the version of records that are corrected in place."""

from __future__ import annotations

from django.db.models import Count, Model, OuterRef, Subquery
from django.db.models.functions import Coalesce


def versions(model: type[Model], record: str = "pk") -> Coalesce:
    """Return the number of entries in a model's history about the row that a column points to."""
    events = model.history.rel.related_model.objects.filter(pgh_obj_id=OuterRef(record))  # type: ignore[attr-defined]
    counted = events.order_by().values("pgh_obj_id").annotate(entries=Count("pk")).values("entries")
    return Coalesce(Subquery(counted), 0)
