"""No way to write goes past the change history: each known way round it is tried, as every role, on every tracked table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pgtrigger
import psycopg
import pytest
from django.db import DatabaseError, connection

from registry import database_rights
from registry.models import Change, Patient, User
from registry.models.history import TRACKED_MODELS
from registry.services.auditing import audited
from tests import cluster
from tests.contracts.logins import APPLICATION_ROLES, connect, current_database

TRACKED_TABLES = [model._meta.db_table for model in TRACKED_MODELS]
NO_CONTEXT, REFUSED, NO_RIGHT = "RT001", "RT002", "42501"


@pytest.fixture(autouse=True)
def _database_in_place(committed_db: None) -> None:
    """Statements below come over connections of their own."""


@pytest.fixture
def patient(setup_actor: User) -> Patient:
    with audited(by=setup_actor, reason="a patient"):
        return Patient.objects.create(birth_year=1961)


@pytest.fixture(params=APPLICATION_ROLES)
def application(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[Any]]:
    with connect(request.param) as session:
        yield session
        session.rollback()


def state_of(session: psycopg.Connection[Any], statement: str, *values: object) -> str:
    """Return the state a statement is refused with, or 'none'; the transaction is rolled back."""
    try:
        with session.cursor() as cursor:
            if statement.endswith("FROM STDIN"):
                with cursor.copy(statement):
                    pass
            else:
                cursor.execute(statement, values or None)
    except psycopg.Error as error:
        return str(error.sqlstate)
    finally:
        session.rollback()
    return "none"


def ordinary_column(table: str) -> str:
    """Return a column that is no part of the primary key."""
    model = next(model for model in TRACKED_MODELS if model._meta.db_table == table)
    return next(field.column for field in model._meta.concrete_fields if not field.primary_key)


def begin(session: psycopg.Connection[Any], by: User) -> str:
    change = str(uuid4())
    session.execute("SELECT registry_begin_change(%s, %s, 'a test', '', NULL)", [change, by.pk])
    return change


# --- without context -------------------------------------------------------------------------------------------------------


def test_insert_without_context_is_refused_on_every_tracked_table(application):
    for table in TRACKED_TABLES:
        assert state_of(application, f"INSERT INTO {table} SELECT * FROM {table}") == NO_CONTEXT, table


def test_update_without_context_is_refused_even_when_it_meets_no_row(application):
    for table in TRACKED_TABLES:
        rights = database_rights.table_rights(table)
        column = ordinary_column(table)
        expected = NO_CONTEXT if "UPDATE" in rights else NO_RIGHT
        assert state_of(application, f"UPDATE {table} SET {column} = {column} WHERE false") == expected, table


def test_copy_without_context_is_refused(application):
    for table in TRACKED_TABLES:
        assert state_of(application, f"COPY {table} FROM STDIN") == NO_CONTEXT, table


def test_merge_without_context_is_refused(application):
    merge = "MERGE INTO registry_patient p USING registry_patient q ON p.id = q.id WHEN MATCHED THEN UPDATE SET birth_year = 1900"
    assert state_of(application, merge) == NO_CONTEXT


def test_function_and_anonymous_block_without_context_are_refused(application):
    body = "BEGIN UPDATE registry_patient SET birth_year = 1900; END"
    application.execute(f"CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE plpgsql AS $${body}$$")
    assert state_of(application, "SELECT pg_temp.f()") in (NO_CONTEXT, "42883")
    assert state_of(application, f"DO $${body}$$") == NO_CONTEXT


def test_data_modifying_with_clause_without_context_is_refused(application):
    assert state_of(application, "WITH w AS (UPDATE registry_patient SET birth_year = 1900 RETURNING 1) SELECT * FROM w") == NO_CONTEXT


def test_rows_of_tracked_tables_are_deleted_and_truncated_by_no_application_role(application):
    for table in TRACKED_TABLES:
        assert state_of(application, f"DELETE FROM {table} WHERE false") == NO_RIGHT, table
        assert state_of(application, f"TRUNCATE {table} CASCADE") == NO_RIGHT, table


def test_orm_write_outside_audited_is_refused(patient):
    for write in (lambda: Patient.objects.create(), lambda: Patient.objects.filter(pk=patient.pk).update(sex="male"), patient.save):
        with pytest.raises(DatabaseError) as caught:
            write()
        assert caught.value.__cause__.sqlstate == NO_CONTEXT


# --- forged context --------------------------------------------------------------------------------------------------------


def test_change_of_another_transaction_is_no_context(application, setup_actor, patient):
    old = begin(application, setup_actor)
    application.commit()
    for forged in (old, str(uuid4()), "no uuid", ""):
        application.execute("SELECT set_config('rtms.change_id', %s, false)", [forged])
        state = state_of(application, "UPDATE registry_patient SET birth_year = 1900")
        assert state == ("22P02" if forged == "no uuid" else NO_CONTEXT)


def test_change_exchanged_inside_the_statement_is_refused(application, setup_actor, patient):
    """The gate has let the statement pass when the variable is exchanged; the history must still not believe it."""
    old = begin(application, setup_actor)
    application.commit()
    begin(application, setup_actor)
    forging = "UPDATE registry_patient SET birth_year = 1900 WHERE set_config('rtms.change_id', %s, true) IS NOT NULL"
    assert state_of(application, forging, old) == "23502"
    patient.refresh_from_db()
    assert patient.birth_year == 1961


def test_change_needs_a_real_actor_and_cannot_be_begun_twice(application, setup_actor):
    begun = begin(application, setup_actor)
    application.commit()
    assert state_of(application, "SELECT registry_begin_change(%s, %s, '', '', NULL)", begun, setup_actor.pk) == "23505"
    assert state_of(application, "SELECT registry_begin_change(gen_random_uuid(), NULL, '', '', NULL)") == "23514"


def test_change_rolled_back_to_a_savepoint_is_no_context(application, setup_actor, patient):
    application.execute("SAVEPOINT before")
    begun = begin(application, setup_actor)
    application.execute("ROLLBACK TO before")
    application.execute("SELECT set_config('rtms.change_id', %s, true)", [begun])
    assert state_of(application, "UPDATE registry_patient SET birth_year = 1900") == NO_CONTEXT


# --- switches --------------------------------------------------------------------------------------------------------------


def test_triggers_cannot_be_switched_off_by_an_application_role(application):
    for statement in (
        "SET session_replication_role = replica",
        "SELECT set_config('session_replication_role', 'replica', true)",
        "ALTER TABLE registry_patient DISABLE TRIGGER ALL",
        "ALTER TABLE registry_patient DISABLE TRIGGER USER",
        "DROP TRIGGER append_only ON registry_change",
        "CREATE RULE quiet AS ON UPDATE TO registry_patient DO INSTEAD NOTHING",
        "CREATE OR REPLACE FUNCTION registry_require_change() RETURNS void LANGUAGE sql AS ''",
        "ALTER FUNCTION registry_current_change() RESET ALL",
        "DROP FUNCTION registry_refuse() CASCADE",
        "DROP TABLE registry_patientchangeevent",
        "ALTER TABLE registry_patient RENAME TO other",
    ):
        assert state_of(application, statement) == NO_RIGHT, statement


def test_pgtriggers_ignore_switch_switches_nothing(patient, setup_actor):
    with pgtrigger.ignore(), pytest.raises(DatabaseError):
        Patient.objects.filter(pk=patient.pk).update(birth_year=1900)
    with audited(by=setup_actor, reason="ignored?"), pgtrigger.ignore():
        Patient.objects.filter(pk=patient.pk).update(birth_year=1900)
    assert patient.history.filter(change__reason="ignored?", birth_year=1900).count() == 1


def test_no_trigger_function_reads_a_switch(patient):
    with connect("owner") as owner:
        bodies = owner.execute(
            "SELECT p.proname, p.prosrc FROM pg_proc p WHERE p.pronamespace IN ('public'::regnamespace, 'closed'::regnamespace)"
            " AND p.prorettype = 'trigger'::regtype AND p.proname NOT LIKE '\\_pgh%%'"
        ).fetchall()
    assert bodies
    assert [name for name, body in bodies if "ignore" in body.lower() or "current_setting" in body.lower()] == []


# --- what history could not follow -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", database_rights.append_only_tables())
def test_append_only_tables_refuse_their_owner_and_the_superuser(table):
    name = table if "." in table else f"public.{table}"
    with connect("owner") as owner:
        query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped LIMIT 1"
        [(column,)] = owner.execute(query, [name]).fetchall()
        statements = (f"UPDATE {name} SET {column} = {column} WHERE false", f"DELETE FROM {name} WHERE false", f"TRUNCATE {name} CASCADE")
        assert [state_of(owner, statement) for statement in statements] == [REFUSED] * 3
    with cluster.administrator(current_database()) as superuser:
        superuser.autocommit = False
        assert [state_of(superuser, statement) for statement in statements] == [REFUSED] * 3


def test_append_only_tables_refuse_application_roles(application):
    for table in database_rights.append_only_tables():
        assert state_of(application, f"DELETE FROM {table}") == NO_RIGHT, table
        assert state_of(application, f"TRUNCATE {table}") == NO_RIGHT, table


def test_audit_tables_are_written_by_functions_alone(application):
    for table in (*database_rights.AUDIT_TABLES, *database_rights.event_tables()):
        assert state_of(application, f"INSERT INTO {table} SELECT * FROM {table}") == NO_RIGHT, table


def test_tracked_tables_cannot_be_truncated_by_their_owner():
    with connect("owner") as owner:
        for table in database_rights.guarded_tables():
            assert state_of(owner, f"TRUNCATE {table} CASCADE") == REFUSED, table


def test_primary_key_cannot_be_moved_past_the_history(setup_actor, patient):
    """The update trigger pairs old and new rows by the key: a moved row would leave no trace."""
    with connect("web") as web:
        begin(web, setup_actor)
        assert state_of(web, "UPDATE registry_patient SET id = id + 1000, birth_year = 1900") == REFUSED
        begin(web, setup_actor)
        upsert = "INSERT INTO registry_patient (id, sex, handedness, time_zone) VALUES (%s, 'male', 'left', '')"
        assert state_of(web, f"{upsert} ON CONFLICT (id) DO UPDATE SET id = registry_patient.id + 1", patient.pk) == REFUSED
    with connect("owner") as owner:
        for table in database_rights.guarded_tables():
            keys = "pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)"
            for (key,) in owner.execute(f"SELECT attname FROM {keys} WHERE indrelid = %s::regclass AND indisprimary", [table]).fetchall():
                assert state_of(owner, f"UPDATE {table} SET {key} = {key} WHERE false") == REFUSED, table


# --- what history keeps ----------------------------------------------------------------------------------------------------


def events_of(patient: Patient) -> list[tuple[Any, ...]]:
    return list(patient.history.order_by("pgh_id").values_list("pgh_label", "birth_year", "change__reason"))


def test_every_way_of_writing_is_in_the_history_with_its_reason(patient, setup_actor):
    with audited(by=setup_actor, reason="orm"):
        Patient.objects.filter(pk=patient.pk).update(birth_year=1962)
    with audited(by=setup_actor, reason="raw"), connection.cursor() as cursor:
        cursor.execute("UPDATE registry_patient SET birth_year = 1963")
    with audited(by=setup_actor, reason="function"), connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql AS 'UPDATE registry_patient SET birth_year = 1964'")
        cursor.execute("SELECT pg_temp.f()")
    assert events_of(patient) == [
        ("insert", 1961, "a patient"),
        ("update", 1962, "orm"),
        ("update", 1963, "raw"),
        ("update", 1964, "function"),
    ]
    with audited(by=setup_actor, reason="copy"), connection.cursor() as cursor:
        with cursor.copy("COPY registry_patient (birth_year, sex, handedness, time_zone) FROM STDIN") as copy:
            copy.write_row((1970, "male", "left", ""))
    copied = Patient.objects.get(birth_year=1970)
    assert events_of(copied) == [("insert", 1970, "copy")]


def test_row_written_through_the_second_alias_is_in_the_history(patient, setup_actor):
    with audited(by=setup_actor, reason="closed alias", using="closed"):
        Patient.objects.using("closed").filter(pk=patient.pk).update(birth_year=1950)
    assert events_of(patient)[-1] == ("update", 1950, "closed alias")


def test_write_from_outside_is_kept_with_role_and_time_as_outside(patient):
    migrations = list(Change.objects.values_list("pk", flat=True))
    with connect("owner") as owner:
        owner.execute("UPDATE registry_patient SET birth_year = 1940")
        owner.execute("UPDATE registry_patient SET birth_year = 1941")
        [(when,)] = owner.execute("SELECT now()").fetchall()
    outside = Change.objects.exclude(pk__in=migrations).get(outside=True)
    assert (outside.actor, outside.database_role, outside.reason) == (None, "rtms_owner", "")
    assert abs((outside.at - when).total_seconds()) < 5
    assert list(patient.history.filter(change=outside).order_by("pgh_id").values_list("birth_year", flat=True)) == [1940, 1941]


def test_row_deleted_from_outside_stays_in_the_history(patient):
    with connect("owner") as owner:
        owner.execute("DELETE FROM registry_patient")
    event_model = patient.history.model
    last = event_model.objects.order_by("-pgh_id").values("pgh_label", "birth_year", "change__outside", "change__database_role").first()
    assert last == {"pgh_label": "delete", "birth_year": 1961, "change__outside": True, "change__database_role": "rtms_owner"}


def test_password_hashes_and_patient_keys_never_enter_the_history():
    with connect("owner") as owner:
        columns = owner.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_name LIKE '%changeevent'"
        ).fetchall()
    kept = {column for _, column in columns}
    assert "ciphertext" in kept
    assert not kept & {"password", "wrapped_key"}


def test_sealing_the_closed_room_never_holds_up_an_allocation(trial, uma):
    """A long import writes closed history; the seal must give way instead of queueing between it and everybody else."""
    with connect("unmasked") as importing, connect("unmasked") as sealing:
        importing.execute("SELECT registry_begin_change(gen_random_uuid(), %s, 'import', '', NULL)", [uma.pk])
        importing.execute(
            """INSERT INTO closed.arm (trial_id, code, label, treatment_id, part, letter, position)
               SELECT trial_id, 'z', 'Z', id, 'z', 'Z', 9 FROM registry_treatment LIMIT 1"""
        )
        sealing.execute("SET lock_timeout = '2s'")
        assert sealing.execute("SELECT closed.seal_events()").fetchone() == (None,)
        importing.commit()
        assert sealing.execute("SELECT closed.seal_events()").fetchone() == (1,)
