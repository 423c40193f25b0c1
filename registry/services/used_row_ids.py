"""Which of the rows sent have a row_id that another row of their patient has: asked once a constraint has refused them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from registry.exceptions import Conflict


def row_ids_in_use(wanted: Sequence[Any], noun: str) -> Conflict:
    """Return the conflict of records not yet written, all of one kind, with one on record or with an earlier one of them."""
    named = [row for row in wanted if row.row_id]
    holders: dict[tuple[int, str], UUID] = {}
    if named:
        standing = type(named[0])._default_manager.filter(ended_at__isnull=True, enrolment__in={row.enrolment_id for row in named})
        found = standing.filter(row_id__in={row.row_id for row in named}).values_list("enrolment_id", "row_id", "record")
        holders = {(enrolment, row_id): record for enrolment, row_id, record in found}
    taken = [row.record for row in named if holders.setdefault((row.enrolment_id, row.row_id), row.record) != row.record]
    sentence = f"A row_id is in use for this patient already. Correct that {noun}, or give the new one its own."
    return Conflict(sentence, field="row_id", records=taken)
