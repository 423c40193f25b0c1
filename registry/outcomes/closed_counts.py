"""The closed half of a snapshot: counted inside the closed room in the very database snapshot of the open half."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from registry.closed_room import CLOSED_ALIAS, open_closed_room
from registry.models import Trial, system_actor
from registry.outcomes.arms import ArmTable, read_arms
from registry.outcomes.counting import Counted, Parameters, closed_cells
from registry.outcomes.disclosure import Disclosure
from registry.outcomes.plans import CheckedPlan
from registry.roles import Permission


@dataclass(frozen=True)
class ClosedHalf:
    """Arms, counts by arm, and the payload stored last, None before the first."""

    arms: ArmTable
    counted: Counted
    stored: str | None


def read_closed_half(
    trial: Trial, plan: CheckedPlan, judged: Parameters, open_snapshot_id: int | None, disclosure: Disclosure
) -> ClosedHalf:
    """Return the counts by arm of judged endpoints; both connections see the same records."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
    with ExitStack() as stack:
        closed = _closed_room(stack, trial)
        stack.enter_context(transaction.atomic(using=CLOSED_ALIAS))
        with closed.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            cursor.execute("SELECT payload FROM closed.snapshot WHERE open_snapshot_id = %s", [open_snapshot_id])
            stored = cursor.fetchone()
        arms = read_arms(closed, trial, plan.row, coded=not disclosure.decoded)
        return ClosedHalf(arms, closed_cells(closed, plan, judged), stored[0] if stored else None)


def store_closed_half(trial: Trial, *, open_snapshot_id: int, number: int, payload: str, sha256: str) -> None:
    """Store the closed document beside its open one; storing it again changes nothing."""
    with ExitStack() as stack:
        closed = _closed_room(stack, trial)
        stack.enter_context(transaction.atomic(using=CLOSED_ALIAS))
        with closed.cursor() as cursor:
            cursor.execute(
                """INSERT INTO closed.snapshot (open_snapshot_id, trial_id, number, payload, sha256) VALUES (%s, %s, %s, %s, %s)
                   ON CONFLICT DO NOTHING""",
                [open_snapshot_id, trial.pk, number, payload, sha256],
            )


def seal_closed_events(trial: Trial) -> int | None:
    """Put the closed room's own changes under its own seal; return the last one's number."""
    with ExitStack() as stack:
        closed = _closed_room(stack, trial)
        stack.enter_context(transaction.atomic(using=CLOSED_ALIAS))
        with closed.cursor() as cursor:
            cursor.execute("SELECT closed.seal_events()")
            number: int | None = cursor.fetchone()[0]
    return number


def _closed_room(stack: ExitStack, trial: Trial) -> BaseDatabaseWrapper:
    """Open the closed room as the scheduler, who shows nobody what is in there."""
    room = open_closed_room(by=system_actor("scheduler"), permission=Permission.OUTCOMES_CLOSED, trial=trial)
    return stack.enter_context(room)
