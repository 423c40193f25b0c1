"""Whether an import wrote over what somebody changed after the folder was checked. The change history says it, for every table."""

from __future__ import annotations

from django.apps import apps
from django.db import connections

from registry.models.history import ChangeEvent

# Rows this transaction changed that were also changed, since the check, by somebody else: an id alone does not tell before from
# after, for a transaction that began earlier may have ended later. A snapshot does.
NEWER = """
EXISTS (
    SELECT FROM {events} own
    JOIN {events} other ON other.pgh_obj_id = own.pgh_obj_id AND other.change_id <> own.change_id
    JOIN registry_change theirs ON theirs.id = other.change_id
    WHERE own.change_id = (SELECT registry_current_change()) AND own.pgh_label = 'update'
      AND NOT pg_visible_in_snapshot(theirs.transaction_id::text::xid8, %(seen)s::pg_snapshot)
)
"""


def seen_by_now(using: str) -> str:
    """Return what the database can say afterwards of which transactions had ended by now."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


def overwrites_newer(seen: str, using: str) -> bool:
    """Tell whether the change under way changed a row that another change made or changed after `seen`."""
    tables = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, ChangeEvent))
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT " + " OR ".join(NEWER.format(events=f'"{table}"') for table in tables), {"seen": seen})
        return bool(cursor.fetchone()[0])
