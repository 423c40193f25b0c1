"""Checking the change history against itself: seals, their chain, live rows, what is sealed, what came from outside.

Every check is a few statements per table, whatever the number of rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from registry.models import Change, Snapshot
from registry.models.history import TRACKED_MODELS

CLOSED_TABLES = ("arm", "allocation_list", "kit", "slot", "allocation")
_EXAMPLES = 5


@dataclass
class AuditReport:
    """What was found: problems are tampering or loss; the rest is for the review."""

    problems: list[str] = field(default_factory=list)
    seals: int = 0
    closed_seals: int = 0
    sealed_changes: int = 0
    unsealed_changes: int = 0
    outside: list[Change] = field(default_factory=list)


def check_audit(closed: BaseDatabaseWrapper) -> AuditReport:
    """Recompute every seal, open and closed, and compare every live row with its last history row."""
    report = AuditReport()
    for checks in (_open_seals, _membership, _events_without_change, _live_rows, _snapshots):
        report.problems += checks()
    report.problems += _closed_seals(closed)
    report.problems += _closed_live_rows(closed)
    report.seals, report.sealed_changes, report.unsealed_changes = _row(
        connection,
        """SELECT (SELECT count(*) FROM registry_seal), (SELECT count(*) FROM registry_sealedchange),
                  (SELECT count(*) FROM registry_change c
                   WHERE NOT EXISTS (SELECT 1 FROM registry_sealedchange m WHERE m.change_id = c.id))""",
    )
    (report.closed_seals,) = _row(closed, "SELECT count(*) FROM closed.seal")
    report.outside = list(Change.objects.filter(outside=True).order_by("at", "id"))
    return report


def _open_seals() -> Iterator[str]:
    """Yield what is wrong with the open chain; a link is compared with the stored hash before it."""
    yield from _gaps(connection, "registry_seal", "Seal")
    statement = """
        SELECT s.number, s.previous_hash IS DISTINCT FROM coalesce(lag(s.hash) OVER (ORDER BY s.number), ''::bytea),
               now_is.hash IS DISTINCT FROM s.hash, s.changes, now_is.changes, s.events, now_is.events
        FROM registry_seal s CROSS JOIN LATERAL registry_seal_hash(s.number, s.previous_hash, s.columns) now_is ORDER BY s.number
    """
    for number, unchained, changed, changes, changes_now, events, events_now in _rows(connection, statement):
        if unchained:
            yield f"Seal {number} does not continue the seal before it: a seal was replaced, removed or put in another order."
        if (changes, events) != (changes_now, events_now):
            yield f"Seal {number} was put on {changes} changes and {events} history rows; now there are {changes_now} and {events_now}."
        elif changed:
            yield f"Seal {number} does not fit its contents any more: a change or a history row under it was altered."


def _membership() -> Iterator[str]:
    statement = """
        SELECT m.seal_id, count(*) FROM registry_sealedchange m
        WHERE NOT EXISTS (SELECT 1 FROM registry_seal s WHERE s.number = m.seal_id) GROUP BY 1 ORDER BY 1
    """
    for number, count in _rows(connection, statement):
        yield f"Seal {number} was removed; {count} changes still name it."
    statement = """
        SELECT count(*) FROM registry_change c WHERE NOT EXISTS (SELECT 1 FROM registry_sealedchange m WHERE m.change_id = c.id)
        AND NOT EXISTS (SELECT 1 FROM registry_unsealed w WHERE w.change_id = c.id)
    """
    (count,) = _row(connection, statement)
    if count:
        yield f"{count} changes are under no seal and wait for none: they were put in, or their seal was taken off, past the triggers."


def _events_without_change() -> Iterator[str]:
    for model in TRACKED_MODELS:
        table = _event_model(model)._meta.db_table
        (count,) = _row(
            connection, f'SELECT count(*) FROM "{table}" e WHERE NOT EXISTS (SELECT 1 FROM registry_change c WHERE c.id = e.change_id)'
        )
        if count:
            yield f"{count} history rows in {table} belong to no change: the change was removed."


def _live_rows() -> Iterator[str]:
    for model in TRACKED_MODELS:
        live, events = model._meta.db_table, _event_model(model)._meta.db_table
        tracked = {str(field.column) for field in model._meta.concrete_fields}
        columns = [str(field.column) for field in _event_model(model)._meta.concrete_fields if field.column in tracked]
        key = str(model._meta.pk.column)
        yield from _compare(connection, live, _last_events(events), key, _same_columns(columns))


def _same_columns(columns: list[str]) -> str:
    live, last = (", ".join(f'{side}."{name}"' for name in columns) for side in "le")
    return f"({live}) IS NOT DISTINCT FROM ({last})"


def _last_events(table: str) -> str:
    """Return the query for the last history row of every object, found by its number and not by sorting whole rows."""
    return f'SELECT e.* FROM "{table}" e JOIN (SELECT max(pgh_id) AS pgh_id FROM "{table}" GROUP BY pgh_obj_id) last USING (pgh_id)'


def _compare(room: BaseDatabaseWrapper, live: str, last: str, key: str, same: str) -> Iterator[str]:
    """Yield a sentence for live rows that are not what their history says, or have none, or should be gone, or are gone."""
    statement = f"""
        SELECT coalesce(l."{key}", e.pgh_obj_id) AS key,
               CASE WHEN l."{key}" IS NULL THEN CASE WHEN e.pgh_label <> 'delete' THEN 'are gone without a history row' END
                    WHEN e.pgh_obj_id IS NULL THEN 'have no history'
                    WHEN e.pgh_label = 'delete' THEN 'are there although history has them deleted'
                    WHEN NOT ({same}) THEN 'differ from their last history row' END AS what
        FROM {live} l FULL JOIN ({last}) e ON e.pgh_obj_id = l."{key}"
    """
    keys = f"(array_agg(key ORDER BY key))[:{_EXAMPLES}]"
    grouped = f"SELECT what, count(*), {keys} FROM ({statement}) found WHERE what IS NOT NULL GROUP BY what ORDER BY what"
    for what, count, keys in _rows(room, grouped):
        yield f"{count} rows of {live} {what}: {', '.join(map(str, keys))}{' and more' if count > len(keys) else ''}."


def _snapshots() -> Iterator[str]:
    """Yield snapshots whose bytes or whose seal are not what they were: a removed last seal shows here alone."""
    seals = dict(_rows(connection, "SELECT number, encode(hash, 'hex') FROM registry_seal"))
    for snapshot in Snapshot.objects.select_related("trial").order_by("trial", "number").iterator(chunk_size=50):
        name = f"Snapshot {snapshot.number} of {snapshot.trial.slug}"
        if hashlib.sha256(snapshot.payload.encode()).hexdigest() != snapshot.sha256:
            yield f"{name} was altered: its bytes do not have its hash."
            continue
        payload = json.loads(snapshot.payload)
        if payload["seal"] is not None and seals.get(payload["seal"]) != payload["seal_hash"]:
            yield f"{name} was made under seal {payload['seal']}, which is gone or another one now."


def _closed_seals(closed: BaseDatabaseWrapper) -> Iterator[str]:
    yield from _gaps(closed, "closed.seal", "Closed seal")
    statement = """
        SELECT number, previous_hash IS DISTINCT FROM coalesce(lag(hash) OVER (ORDER BY number), ''::bytea)
                       OR first_event <> coalesce(lag(last_event) OVER (ORDER BY number), 0) + 1,
               hash IS DISTINCT FROM closed.seal_hash(number, first_event, last_event, previous_hash)
        FROM closed.seal ORDER BY number
    """
    for number, unchained, changed in _rows(closed, statement):
        if unchained:
            yield f"Closed seal {number} does not continue the seal before it: a seal was replaced, removed or put in another order."
        if changed:
            yield f"Closed seal {number} does not fit its contents any more: a history row under it was altered, added or removed."


def _closed_live_rows(closed: BaseDatabaseWrapper) -> Iterator[str]:
    for name in CLOSED_TABLES:
        last = f"""
            SELECT e.* FROM closed.change_event e JOIN (
                SELECT max(pgh_id) AS pgh_id FROM closed.change_event WHERE table_name = '{name}' GROUP BY pgh_obj_id
            ) last USING (pgh_id)
        """
        yield from _compare(closed, f"closed.{name}", last, "id", "to_jsonb(l) = e.row_data")


def _gaps(room: BaseDatabaseWrapper, table: str, name: str) -> Iterator[str]:
    """Yield the numbers missing before the last seal."""
    for (number,) in _rows(
        room, f"SELECT generate_series(1, (SELECT max(number) FROM {table})) EXCEPT SELECT number FROM {table} ORDER BY 1"
    ):
        yield f"{name} {number} is missing."


def _event_model(model: type[Model]) -> type[Model]:
    found: type[Model] = model.history.rel.related_model  # type: ignore[attr-defined]  # pghistory adds it
    return found


def _rows(room: BaseDatabaseWrapper, statement: str) -> list[tuple[Any, ...]]:
    with room.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()  # as many columns as the statement has
    return found


def _row(room: BaseDatabaseWrapper, statement: str) -> tuple[Any, ...]:
    (found,) = _rows(room, statement)
    return found
