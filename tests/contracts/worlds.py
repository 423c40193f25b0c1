"""Databases that differ in concealed parts alone: the scene as allocated, and copies with the parts permuted within strands.

Everything a masked person can see is fixed: slots, kit codes, row ids, times, visible treatments. In `swapped` every active is
sham and the reverse; in `shuffled` parts are dealt anew, so that who shares an arm with whom changes too (a swap keeps that).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import psycopg

from registry.models import Trial, WeeklyReport, system_actor
from registry.outcomes.refresh import refresh_trial
from registry.reports.making import make_report
from tests import cluster
from tests.contracts.logins import connect, speaking_to
from tests.contracts.scene import NOW, REPORT_WEEK, SLUG

# Allocations, kits and the closed history say what the slots say.
FOLLOW_THE_SLOTS = """
    UPDATE closed.allocation a SET arm_id = s.arm_id FROM closed.slot s WHERE s.id = a.slot_id;
    UPDATE closed.kit k SET part = a.part FROM closed.slot s JOIN closed.arm a ON a.id = s.arm_id WHERE s.kit_id = k.id;
    UPDATE closed.change_event e SET row_data = row_data || jsonb_build_object('arm_id', s.arm_id)
    FROM closed.slot s WHERE e.table_name = 'slot' AND s.id = e.pgh_obj_id;
    UPDATE closed.change_event e SET row_data = row_data || jsonb_build_object('arm_id', a.arm_id)
    FROM closed.allocation a WHERE e.table_name = 'allocation' AND a.id = e.pgh_obj_id;
    UPDATE closed.change_event e SET row_data = row_data || jsonb_build_object('part', k.part)
    FROM closed.kit k WHERE e.table_name = 'kit' AND k.id = e.pgh_obj_id;
"""
# A file that names who got what is another one where somebody else did.
OTHER_FILES = "UPDATE closed.upload SET size_bytes = size_bytes + length(%s), sha256 = encode(sha256(sha256::text::bytea), 'hex')"
# The worlds were computed one after the other; that instant is no difference we look for.
AT_ONE_INSTANT = (
    "UPDATE registry_snapshot SET made_at = %s",
    "UPDATE registry_seal SET sealed_at = %s",
    "UPDATE closed.snapshot SET made_at = %s",
    "UPDATE registry_job SET created_at = %s WHERE kind = 'report_mail'",
)

Slots = list[tuple[int, int]]
Deal = Callable[[list[int]], list[int]]


def swapped(arms: list[int]) -> list[int]:
    """Exchange the two arms of a strand."""
    first, second = sorted(set(arms))
    return [second if arm == first else first for arm in arms]


def shuffled(arms: list[int]) -> list[int]:
    """Deal the arms of a strand anew, always in the same way; the first patient's changes in any case."""
    deals = (random.Random(seed).sample(arms, len(arms)) for seed in itertools.count())
    return next(deal for deal in deals if deal[0] != arms[0])


DEALS: dict[str, Deal] = {"swapped": swapped, "shuffled": shuffled}


def make_world(scene: str, name: str, deal: Deal | None) -> None:
    """Copy the scene's database under a name, deal the concealed parts anew within each strand, compute its outcomes."""
    cluster.make_database(name, scene)
    with cluster.administrator(name) as superuser, superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        if deal is not None:
            for (strand,) in superuser.execute("SELECT DISTINCT treatment_id FROM closed.arm").fetchall():
                _deal_strand(superuser, strand, deal)
            superuser.execute(FOLLOW_THE_SLOTS)
            superuser.execute(OTHER_FILES, [deal.__name__])
    with speaking_to(name, role="worker"):
        trial = Trial.objects.get(slug=SLUG)
        refresh_trial(trial.pk, clock=lambda: NOW)
        report = WeeklyReport.objects.create(
            trial=trial, week=REPORT_WEEK, version=1, cutoff=NOW, by_schedule=True, requested_by=system_actor("scheduler"), requested_at=NOW
        )
        if cause := make_report(report, now=NOW):
            raise RuntimeError(cause)
    with cluster.administrator(name) as superuser, superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        for statement in AT_ONE_INSTANT:
            superuser.execute(statement, [NOW])


def _deal_strand(superuser: psycopg.Connection[Any], treatment: object, deal: Deal) -> None:
    slots: Slots = superuser.execute(
        "SELECT s.id, s.arm_id FROM closed.slot s JOIN closed.arm a ON a.id = s.arm_id WHERE a.treatment_id = %s ORDER BY s.id", [treatment]
    ).fetchall()
    arms = deal([arm for _, arm in slots])
    superuser.cursor().executemany(
        "UPDATE closed.slot SET arm_id = %s WHERE id = %s", [(arm, slot) for (slot, _), arm in zip(slots, arms, strict=True)]
    )


def arms_of_patients(database: str) -> dict[str, str]:
    """Return who got which arm."""
    with connect("unmasked", database) as unmasked:
        rows = unmasked.execute(
            """SELECT e.patient_code, r.code FROM closed.allocation a
               JOIN registry_enrolment e ON e.id = a.enrolment_id JOIN closed.arm r ON r.id = a.arm_id"""
        )
        return dict(rows.fetchall())


def public_rows(database: str) -> dict[str, str]:
    """Return a digest of every table the web role can read, as it reads it."""
    with connect("web", database) as web:
        names = [name for (name,) in web.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()]
        digest = "SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} t"
        return {name: web.execute(digest.format(name)).fetchone()[0] for name in names}  # type: ignore[index]
