"""verify_audit finds every kind of tampering a superuser could do, and nothing where nobody did."""

from __future__ import annotations

import io
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections

from registry.models import Enrolment, Snapshot
from registry.outcomes.refresh import refresh_trial
from registry.services.auditing import audited
from tests.trials import make_diary, make_enrolment

Superuser = psycopg.Connection[Any]


@pytest.fixture
def sealed(worker: None, trial: Any, setup_actor: Any) -> Any:
    """A trial with three seals, closed events, a voided history and a snapshot."""
    enrolment = make_enrolment(trial, "P-0001", site="N", by=setup_actor)
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


def tamper(superuser: Superuser, *statements: str) -> None:
    """Write behind every trigger's back, as only a superuser can."""
    superuser.execute("SET session_replication_role = replica")
    for statement in statements:
        superuser.execute(statement)
    superuser.execute("SET session_replication_role = DEFAULT")


def test_nothing_is_found_where_nothing_was_done(sealed: Any) -> None:
    status, text = verify()
    assert status == 0, text
    assert "Nothing was tampered with" in text


EDITED = "UPDATE registry_painscorechangeevent SET value = 1, value_units = 1000000 WHERE pgh_id = (SELECT min(pgh_id) FROM registry_painscorechangeevent)"


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
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
        (["DELETE FROM registry_change WHERE id = (SELECT change_id FROM registry_sealedchange LIMIT 1)"], "belong to no change"),
        (["UPDATE registry_change SET reason = 'another'"], "does not fit its contents any more"),
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
    ],
)
def test_tampering_is_found(sealed: Any, owner_connection: Superuser, statements: list[str], sentence: str) -> None:
    tamper(owner_connection, *statements)
    status, text = verify()
    assert status == 1
    assert sentence in text


def test_changes_from_outside_are_listed_but_no_tampering(sealed: Any, owner_connection: Superuser) -> None:
    owner_connection.execute("UPDATE registry_enrolment SET enrolled_on = enrolled_on + 1")
    status, text = verify()
    assert status == 0
    assert "changes came from outside the application" in text
    assert "1 changes wait for the next seal" in text
    assert Enrolment.objects.count() == 1
    assert Snapshot.objects.exists()
