"""verify_audit finds every kind of tampering a superuser could do, and nothing where nobody did."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from registry.models import Allocation, Enrolment, Snapshot
from registry.outcomes.refresh import refresh_trial
from registry.selectors.audit_check import check_audit
from registry.services.auditing import audited
from tests.trials import ENROLLED_ON, make_diary, make_enrolment

Superuser = psycopg.Connection[Any]


@pytest.fixture
def sealed(worker: None, trial: Any, setup_actor: Any) -> Any:
    """A trial with three seals, closed events, a voided history and a snapshot."""
    enrolment = make_enrolment(trial, "P-0001", site="N", by=setup_actor)
    with audited(by=setup_actor):
        Allocation.objects.create(
            enrolment=enrolment, treatment=trial.treatments.first(), analysis_site=enrolment.site, allocated_on=ENROLLED_ON
        )
    with audited(by=setup_actor, using="closed"), connections["closed"].cursor() as cursor:
        cursor.execute(
            """INSERT INTO closed.arm (trial_id, code, label, treatment_id, part, letter, position)
               SELECT trial_id, part, part, id, part, letter, position FROM registry_treatment,
               (VALUES ('active', 'A', 1), ('sham', 'B', 2)) given(part, letter, position) WHERE trial_id = %s AND code = 'm1'""",
            [trial.pk],
        )
    for day in (-3, -2, -1):
        make_diary(enrolment, {day: "6"}, by=setup_actor)
        refresh_trial(trial.pk)
        seal(setup_actor)
    return trial


def seal(by: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_seal()")


def verify() -> tuple[int, str]:
    """Return exit status and everything printed."""
    out = io.StringIO()
    try:
        call_command("verify_audit", stdout=out, stderr=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def as_superuser(sealed: Any, owner_connection: Superuser) -> Iterator[None]:
    """Let the default alias write behind every trigger's back and read every room, as only a superuser can."""
    before = connection.settings_dict
    connection.close()
    info = owner_connection.info
    at = {"USER": info.user, "PASSWORD": info.password, "HOST": info.host, "PORT": str(info.port), "NAME": info.dbname}
    connection.settings_dict = before | at
    yield
    connection.close()
    connection.settings_dict = before


def test_nothing_is_found_where_nothing_was_done(sealed: Any) -> None:
    status, text = verify()
    assert status == 0, text
    assert "Nothing was tampered with" in text


FIRST = "(SELECT min(pgh_id) FROM registry_painscorechangeevent)"
_HASH_OF_THE_FIRST = "SELECT n.hash FROM registry_seal s, registry_seal_hash(s.number, s.previous_hash, s.columns) n WHERE s.number = 1"
EDITED = "UPDATE registry_painscorechangeevent SET value = 1, value_units = 1000000 WHERE pgh_id = " + FIRST


CASES: list[tuple[list[str], str]] = [
    ([EDITED], "does not fit its contents any more"),
    (
        ["DELETE FROM registry_painscorechangeevent WHERE pgh_id = (SELECT min(pgh_id) FROM registry_painscorechangeevent)"],
        "have no history",
    ),
    (
        ["UPDATE registry_painscore SET value = 1, value_units = 1000000"],
        "rows of registry_painscore differ from their last history row",
    ),
    (["DELETE FROM registry_painscore WHERE id = (SELECT min(id) FROM registry_painscore)"], "are gone without a history row"),
    (["DELETE FROM registry_seal WHERE number = 2"], "Seal 2 is missing"),
    (["DELETE FROM registry_seal WHERE number = (SELECT max(number) FROM registry_seal)"], "was removed"),
    (
        [
            "DELETE FROM registry_sealedchange WHERE seal_id = (SELECT max(number) FROM registry_seal)",
            "DELETE FROM registry_seal WHERE number = (SELECT max(number) FROM registry_seal)",
        ],
        "which is gone or another one now",
    ),
    (["DELETE FROM registry_change WHERE id = (SELECT change_id FROM registry_painscorechangeevent LIMIT 1)"], "belong to no change"),
    (["UPDATE registry_change SET reason = 'another'"], "does not fit its contents any more"),
    (
        ["DELETE FROM registry_sealedchange WHERE change_id = (SELECT change_id FROM registry_painscorechangeevent LIMIT 1)"],
        "under no seal",
    ),
    (["UPDATE registry_seal SET columns = jsonb_set(columns, '{registry_change,4}', '\"id\"')"], "does not fit its contents any more"),
    (
        ["UPDATE registry_sealedchange SET seal_id = CASE seal_id WHEN 2 THEN 3 WHEN 3 THEN 2 ELSE seal_id END"],
        "does not fit its contents any more",
    ),
    (
        [
            "UPDATE registry_sealedchange SET seal_id = -seal_id WHERE seal_id IN (2, 3)",
            "UPDATE registry_sealedchange SET seal_id = 5 + seal_id WHERE seal_id < 0",
            "UPDATE registry_seal SET number = -number WHERE number IN (2, 3)",
            "UPDATE registry_seal SET number = 5 + number WHERE number < 0",
        ],
        "does not continue the seal before it",
    ),
    (["UPDATE registry_snapshot SET payload = replace(payload, 'NRS', 'VAS')"], "was altered: its bytes do not have its hash"),
    (["UPDATE closed.arm SET label = 'another'"], "rows of closed.arm differ from their last history row"),
    (['UPDATE closed.change_event SET row_data = row_data || \'{"part": "another"}\''], "Closed seal 1 does not fit"),
]


def test_every_kind_of_tampering_is_found(sealed: Any, as_superuser: None) -> None:
    assert check_audit(connection).problems == []
    for statements, sentence in CASES:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                for statement in statements:
                    cursor.execute(statement)
            found = check_audit(connection).problems
            transaction.set_rollback(True)
        assert any(sentence in problem for problem in found), (statements, found)


def test_a_column_added_later_alters_no_seal(sealed: Any, owner_connection: Superuser, setup_actor: Any) -> None:
    """Neither an empty one nor one whose default fills the old rows; the next seal goes over it."""
    owner_connection.execute("ALTER TABLE registry_painscorechangeevent ADD later boolean NOT NULL DEFAULT true, ADD empty text")
    owner_connection.execute("ALTER TABLE registry_change ADD later text NOT NULL DEFAULT 'x'")
    assert verify()[0] == 0
    make_diary(Enrolment.objects.get(), {-4: "6"}, by=setup_actor)
    seal(setup_actor)
    assert verify()[0] == 0
    owner_connection.execute("SET session_replication_role = replica")
    owner_connection.execute("UPDATE registry_painscorechangeevent SET later = false")
    status, text = verify()
    assert (status, text.count("does not fit")) == (1, 1)


def _fitting() -> list[int]:
    """Return the numbers of the seals whose hash comes out again."""
    again = "registry_seal_hash(s.number, s.previous_hash, s.columns) again"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT s.number FROM registry_seal s, {again} WHERE s.hash = again.hash ORDER BY 1")
        return [number for (number,) in cursor.fetchall()]


def test_seals_hold_in_every_session(sealed: Any) -> None:
    assert _fitting() == [1, 2, 3]
    settings = "SET timezone = 'Asia/Kathmandu'; SET bytea_output = 'escape'; SET extra_float_digits = -9; SET work_mem = '64kB'"
    with connection.cursor() as cursor:
        cursor.execute(f"{settings}; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'; SET quote_all_identifiers = on")
    fitting = _fitting()
    connection.close()
    assert fitting == [1, 2, 3]


@pytest.mark.parametrize("change", ["DROP COLUMN value", "RENAME COLUMN value TO score", "ALTER COLUMN value TYPE numeric(12, 2)"])
def test_a_column_taken_away_or_rewritten_fails_the_seals_over_it(sealed: Any, owner_connection: Superuser, change: str) -> None:
    owner_connection.execute(f"ALTER TABLE registry_painscorechangeevent {change}")
    assert _fitting() == []


def _rows_read_of_changes(cursor: Any) -> int:
    """Return how many rows of the changes this transaction has read: one after another, by bitmap, or each through an index."""
    cursor.execute(
        """SELECT pg_stat_get_xact_tuples_returned(c) + pg_stat_get_xact_tuples_fetched(c)
                  + (SELECT sum(pg_stat_get_xact_tuples_fetched(indexrelid)) FROM pg_index WHERE indrelid = c)
           FROM (SELECT 'registry_change'::regclass AS c) changes"""
    )
    return int(cursor.fetchone()[0])


def test_a_seal_looks_at_what_is_new_alone(sealed: Any, setup_actor: Any) -> None:
    begin = "SELECT registry_begin_change(gen_random_uuid(), %s, '', '', NULL) FROM generate_series(1, %s)"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # what a parallel worker reads is counted as its own
        for new, least, most in ((5000, 5000, 50000), (1, 1, 100)):
            cursor.execute(begin, [setup_actor.pk, new])
            before = _rows_read_of_changes(cursor)
            cursor.execute("SELECT registry_seal()")
            assert least <= _rows_read_of_changes(cursor) - before < most


def test_rows_that_would_read_alike_are_told_apart(sealed: Any, as_superuser: None) -> None:
    """Text moved from one column into the next, empty for missing, and a separator inside a text."""
    moves = ("row_id = '', zone = row_id", "zone = zone || ',' || row_id, row_id = ''", "ended_at = NULL, pain_id = 0")
    for move in moves:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute("UPDATE registry_painscorechangeevent SET row_id = 'a'")
                cursor.execute(_HASH_OF_THE_FIRST)
                before = cursor.fetchone()
                cursor.execute(f"UPDATE registry_painscorechangeevent SET {move}")
                cursor.execute(_HASH_OF_THE_FIRST)
                assert cursor.fetchone() != before, move
            transaction.set_rollback(True)


def test_the_command_ends_with_status_1(sealed: Any, owner_connection: Superuser) -> None:
    owner_connection.execute("SET session_replication_role = replica")
    owner_connection.execute("UPDATE registry_painscore SET value = 1, value_units = 1000000")
    status, text = verify()
    assert (status, "3 rows of registry_painscore differ from their last history row" in text) == (1, True)


def test_changes_from_outside_are_listed_but_no_tampering(sealed: Any, owner_connection: Superuser) -> None:
    owner_connection.execute("UPDATE registry_enrolment SET enrolled_on = enrolled_on + 1")
    status, text = verify()
    assert status == 0
    assert "changes came from outside the application" in text
    assert "1 changes wait for the next seal" in text
    assert Enrolment.objects.count() == 1
    assert Snapshot.objects.exists()
