"""Which scores a person neither may see nor sent: an answer that tells whether a guess is right would show them one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from registry.models import PainScore, User


def unknown_scores(first: Sequence[PainScore], by: User) -> set[UUID]:
    """Return the records of those first versions that the person neither may see nor wrote; no rows ask nothing."""
    if not first or by.is_system:
        return set()
    visible = set(PainScore.objects.visible_to(by).filter(pk__in=[row.pk for row in first]).values_list("pk", flat=True))
    hidden = {row.pk: row.record for row in first if row.pk not in visible}
    own = _written(list(hidden), by) if hidden else set()
    return {record for pk, record in hidden.items() if pk not in own}


def _written(rows: list[int], by: User) -> set[int]:
    events: Any = PainScore.history.rel.related_model  # type: ignore[attr-defined]  # put there by tracked()
    found = events.objects.filter(pgh_obj_id__in=rows, pgh_label="insert", change__actor=by)
    return set(found.values_list("pgh_obj_id", flat=True))
