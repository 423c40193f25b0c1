"""Nothing a login role other than `unmasked` can say to the database opens the closed room."""

from __future__ import annotations

import psycopg
import pytest
from django.db import router

from registry import database_rights
from registry.closed_room import CLOSED_ALIAS, current_alias, open_closed_room, routed_through
from registry.exceptions import NotAllowed
from registry.models import Trial
from registry.roles import UNMASKING_PERMISSIONS, Permission
from tests.contracts.logins import APPLICATION_ROLES, connect
from tests.contracts.scene import NOW, add_person, prepare_list

MASKED_ROLES = ("rtms_web", "rtms_worker")
TABLES = (*database_rights.CLOSED_CHANGEABLE, *database_rights.CLOSED_INSERT_ONLY, *database_rights.CLOSED_READ_ONLY)
DENIED = ("42501",)
STATEMENTS = (
    "SELECT count(*) FROM closed.{table}",
    "TABLE closed.{table}",
    "COPY closed.{table} TO STDOUT",
    "COPY closed.{table} FROM STDIN",
    "INSERT INTO closed.{table} SELECT * FROM closed.{table}",
    "DELETE FROM closed.{table}",
    "TRUNCATE closed.{table}",
    "LOCK TABLE closed.{table}",
    "EXPLAIN SELECT * FROM closed.{table}",
    "CREATE TEMP VIEW peep AS SELECT * FROM closed.{table}",
    "CREATE TRIGGER peep AFTER INSERT ON closed.{table} EXECUTE FUNCTION registry_refuse()",
    "SELECT to_jsonb(t) FROM closed.{table} t",
    "SELECT query_to_xml('SELECT * FROM closed.{table}', true, true, '')",
    "SELECT 'closed.{table}'::regclass",
)
CALLS = (
    "SELECT closed.seal_events()",
    "SELECT closed.seal_hash(1, 1, 1, '')",
    "SELECT closed.gate()",
    "SELECT closed.note_new()",
)


@pytest.fixture(autouse=True)
def _database_in_place(committed_db: None) -> None:
    """Statements below come over connections of their own."""


def sqlstate(role: str, statement: str) -> str:
    """Return the state a statement is refused with; 'none' where it runs. Nothing is kept either way."""
    connection = connect(role)
    try:
        with connection.cursor() as cursor:
            if statement.endswith("FROM STDIN"):
                with cursor.copy(statement):
                    pass
            else:
                cursor.execute(statement)
    except psycopg.Error as error:
        return str(error.sqlstate)
    finally:
        connection.rollback()
        connection.close()
    return "none"


@pytest.mark.parametrize("role", MASKED_ROLES)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_statement_reaches_a_closed_table(role, statement):
    assert {table: sqlstate(role, statement.format(table=table)) for table in TABLES} == dict.fromkeys(TABLES, "42501")


@pytest.mark.parametrize("role", MASKED_ROLES)
@pytest.mark.parametrize("call", CALLS)
def test_no_function_of_the_closed_room_can_be_called(role, call):
    assert sqlstate(role, call) == "42501"


@pytest.mark.parametrize("role", APPLICATION_ROLES)
@pytest.mark.parametrize("other", ["rtms_owner", "rtms_bootstrap", "rtms_unmasked", "rtms_web", "pg_read_all_data", "pg_monitor"])
def test_no_role_can_be_put_on_inside_a_statement(role, other):
    if other == role:
        return
    assert sqlstate(role, f"SELECT set_config('role', '{other}', true)") == "42501"
    assert sqlstate(role, f"SELECT set_config('session_authorization', '{other}', true)") == "42501"
    assert sqlstate(role, f"SET ROLE {other}") == "42501"
    assert sqlstate(role, f"SET SESSION AUTHORIZATION {other}") == "42501"
    assert sqlstate(role, f"SELECT id FROM registry_trial WHERE set_config('role', '{other}', true) IS NOT NULL OR true") in (
        "42501",
        "none",
    )


@pytest.mark.parametrize("role", MASKED_ROLES)
def test_injected_select_with_forged_variables_opens_nothing(role):
    variables = (("role", "none"), ("rtms.change_id", "00000000-0000-0000-0000-000000000000"), ("row_security", "off"))
    forged = " || ".join(f"set_config('{name}', '{value}', true)" for name, value in variables)
    assert sqlstate(role, f"SELECT arm_id FROM closed.allocation WHERE ({forged}) IS NOT NULL") == "42501"
    assert sqlstate(role, f"SELECT ({forged}), query_to_xml('SELECT * FROM closed.allocation', true, true, '')") == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "COPY registry_trial TO PROGRAM 'cat'",
        "COPY registry_trial TO '/tmp/never'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_import('/etc/hostname')",
        "SELECT pg_ls_dir('base')",
        "CREATE EXTENSION dblink",
        "CREATE SCHEMA mine",
        "CREATE TABLE public.mine (a int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "ALTER ROLE rtms_web SUPERUSER",
        "GRANT rtms_unmasked TO CURRENT_USER",
        "ALTER FUNCTION registry_allocate OWNER TO CURRENT_USER",
        "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION registry_refuse()",
        "SELECT pg_create_logical_replication_slot('mine', 'test_decoding')",
        "SELECT pg_reload_conf()",
    ],
)
def test_application_roles_cannot_widen_their_own_rights(statement):
    assert {role: sqlstate(role, statement) for role in APPLICATION_ROLES} == dict.fromkeys(APPLICATION_ROLES, "42501")


def test_statistics_of_closed_tables_are_hidden_from_masked_roles():
    for role in MASKED_ROLES:
        with connect(role) as connection:
            assert connection.execute("SELECT count(*) FROM pg_stats WHERE schemaname = 'closed'").fetchone() == (0,)
            assert connection.execute(
                "SELECT count(*) FROM pg_sequences WHERE schemaname = 'closed' AND last_value IS NOT NULL"
            ).fetchone() == (0,)


def test_running_queries_of_the_unmasked_role_are_hidden_from_masked_ones():
    with connect("unmasked") as unmasked, connect("web") as web:
        unmasked.execute("SELECT 'active'")
        seen = web.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [unmasked.info.backend_pid]).fetchone()
        assert seen == ("<insufficient privilege>",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("SELECT pg_terminate_backend(%s)", [unmasked.info.backend_pid])


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("UPDATE closed.allocation SET arm_id = arm_id", "42501"),
        ("DELETE FROM closed.slot", "42501"),
        ("TRUNCATE closed.allocation", "42501"),
        ("UPDATE closed.slot SET arm_id = arm_id", "42501"),
        ("UPDATE closed.kit SET part = part", "42501"),
        ("UPDATE closed.arm SET label = label", "42501"),
        ("INSERT INTO closed.arm SELECT * FROM closed.arm", "RT001"),
        ("COPY closed.slot FROM STDIN", "RT001"),
        ("INSERT INTO closed.change_event SELECT * FROM closed.change_event", "42501"),
        ("ALTER TABLE closed.slot DISABLE TRIGGER ALL", "42501"),
        ("SELECT closed.note_new()", "42501"),
    ],
)
def test_even_the_unmasked_role_writes_only_what_it_should(statement, state):
    assert sqlstate("rtms_unmasked", statement) == state


def test_allocation_leaves_its_trace_in_the_closed_history_and_none_outside(committed_db, trial, enrolment, uma, alice):
    from registry.services.allocation import request_allocation

    prepare_list(trial, uma)
    request_allocation(enrolment=enrolment, stratum="site=N", by=alice, now=NOW)
    with connect("unmasked") as unmasked:
        found = unmasked.execute(
            """SELECT e.table_name, e.pgh_label, u.email, e.row_data->>'enrolment_id' FROM closed.change_event e
               JOIN registry_change c ON c.id = e.change_id JOIN registry_user u ON u.id = c.actor_id
               WHERE c.reason = 'allocation requested' ORDER BY 1"""
        ).fetchall()
    told = str(enrolment.pk)
    assert found == [
        ("allocation", "insert", "alice@example.org", told),
        ("kit", "update", "alice@example.org", told),
        ("slot", "update", "alice@example.org", told),
    ]
    columns = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name LIKE 'registry\\_%%'"
    )
    with connect("owner") as owner:
        names = {column for _, column in owner.execute(columns).fetchall()}
    assert not names & {"arm", "arm_id", "part", "letter", "slot_id", "kit_id"}


def test_door_asks_for_a_right_that_shows_arms(trial, uma, alice):
    for permission in Permission:
        if permission not in UNMASKING_PERMISSIONS:
            with pytest.raises(ValueError, match="does not open"), open_closed_room(by=uma, permission=permission, trial=trial):
                pass
    with pytest.raises(NotAllowed), open_closed_room(by=alice, permission=Permission.ALLOCATION_REVEAL, trial=trial):
        pass
    with open_closed_room(by=uma, permission=Permission.ALLOCATION_REVEAL, trial=trial) as connection:
        assert connection.alias == "closed"


def test_door_stays_shut_for_another_trial(trial, other_trial, uma):
    with pytest.raises(NotAllowed), open_closed_room(by=uma, permission=Permission.ALLOCATION_REVEAL, trial=other_trial):
        pass


def test_door_stays_shut_for_a_right_held_at_one_site(trial, setup_actor):
    local = add_person("local-statistician", "unmasked_statistician", by=setup_actor, trial=trial, site="N")
    with (
        pytest.raises(NotAllowed, match="for the whole trial"),
        open_closed_room(by=local, permission=Permission.OUTCOMES_CLOSED, trial=trial),
    ):
        pass


def test_work_is_routed_through_the_closed_alias_only_while_asked():
    assert (current_alias(), router.db_for_read(Trial), router.db_for_write(Trial)) == ("default", "default", "default")
    with routed_through(CLOSED_ALIAS):
        assert (current_alias(), router.db_for_read(Trial), router.db_for_write(Trial)) == ("closed", "closed", "closed")
    with pytest.raises(RuntimeError), routed_through(CLOSED_ALIAS):
        raise RuntimeError
    assert current_alias() == "default"
