"""What the database really grants is exactly what registry.database_rights says, read back from its catalog."""

from __future__ import annotations

import pytest

from registry import database_rights
from tests import cluster
from tests.contracts.logins import APPLICATION_ROLES, current_database

pytestmark = pytest.mark.django_db

SCHEMAS = ("public", "closed")
GRANTEE = "CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END"
OUR_ROLES = "SELECT oid FROM pg_roles WHERE rolname LIKE 'rtms\\_%%' AND rolname <> 'rtms_bootstrap'"


def rows(sql: str, *values: object) -> list[tuple[object, ...]]:
    # As the superuser: the application's roles may not even name what lies in schema closed.
    with cluster.administrator(current_database()) as connection:
        return connection.execute(sql, values).fetchall()


def grants_on(kinds: str) -> dict[tuple[str, str], set[str]]:
    """Return the privileges of everybody but the owner: (relation, grantee) -> words. Grantee 0 is PUBLIC."""
    found: dict[tuple[str, str], set[str]] = {}
    granted = rows(
        f"""SELECT format('%%s.%%s', n.nspname, c.relname), {GRANTEE}, g.privilege_type
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) g
           WHERE n.nspname = ANY(%s) AND c.relkind = ANY(%s::"char"[]) AND g.grantee <> c.relowner""",
        list(SCHEMAS), list(kinds),
    )  # fmt: skip
    for relation, grantee, privilege in granted:
        found.setdefault((str(relation), str(grantee)), set()).add(str(privilege))
    return found


def relations(kinds: str, schema: str) -> list[str]:
    sql = 'SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace AND c.relkind = ANY(%s::"char"[]) ORDER BY 1'
    return [str(name) for (name,) in rows(sql, schema, list(kinds))]


def as_words(rights: str) -> set[str]:
    return set(rights.split(", "))


def test_every_grant_on_a_table_is_in_the_table_of_rights():
    expected = {
        (f"public.{table}", role): as_words(database_rights.table_rights(table))
        for table in relations("r", "public")
        for role in APPLICATION_ROLES
    }
    for names, rights in (
        (database_rights.CLOSED_CHANGEABLE, {"SELECT", "INSERT"}),
        (database_rights.CLOSED_INSERT_ONLY, {"SELECT", "INSERT"}),
        (database_rights.CLOSED_READ_ONLY, {"SELECT"}),
    ):
        expected |= {(f"closed.{name}", "rtms_unmasked"): rights for name in names}
    assert grants_on("rpvmf") == expected


def test_every_closed_table_is_in_the_table_of_rights():
    listed = (*database_rights.CLOSED_CHANGEABLE, *database_rights.CLOSED_INSERT_ONLY, *database_rights.CLOSED_READ_ONLY)
    assert relations("rpvmf", "closed") == sorted(listed)


def test_nobody_has_rights_on_single_columns():
    columns = "pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace"
    assert rows(f"SELECT attrelid::regclass, attname FROM {columns} WHERE attacl IS NOT NULL AND nspname = ANY(%s)", list(SCHEMAS)) == []


def test_sequences_can_be_drawn_from_and_no_more():
    expected = {(f"public.{name}", role): {"USAGE"} for name in relations("S", "public") for role in APPLICATION_ROLES}
    expected |= {(f"closed.{name}", "rtms_unmasked"): {"USAGE"} for name in relations("S", "closed")}
    assert grants_on("S") == expected


def test_every_function_is_callable_by_its_holders_alone():
    holders: dict[str, set[str]] = {}
    for function, grantee in rows(
        f"""SELECT p.oid::regprocedure::text, {GRANTEE}
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
           WHERE n.nspname = ANY(%s) AND g.grantee <> p.proowner""",
        list(SCHEMAS),
    ):
        holders.setdefault(str(function), set()).add(str(grantee))
    expected = {str(rows("SELECT %s::regprocedure::text", name)[0][0]): set(roles) for name, roles in database_rights.FUNCTIONS.items()}
    assert holders == expected


def test_every_function_of_ours_that_runs_as_owner_fixes_its_search_path():
    loose = rows(
        """SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
           WHERE n.nspname = ANY(%s) AND p.prosecdef AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=public, pg_temp']""",
        list(SCHEMAS),
    )
    assert loose == []


def test_schemas_can_be_used_as_listed_and_created_in_by_nobody():
    granted = rows(
        f"""SELECT n.nspname, {GRANTEE}, g.privilege_type
           FROM pg_namespace n, aclexplode(n.nspacl) g WHERE n.nspname = ANY(%s) AND g.grantee <> n.nspowner""",
        list(SCHEMAS),
    )
    assert sorted(granted) == [("closed", "rtms_unmasked", "USAGE"), *(("public", role, "USAGE") for role in sorted(APPLICATION_ROLES))]


def test_database_is_entered_by_the_login_roles_alone():
    """Asked of the template: a clone starts with PostgreSQL's own rights for everybody."""
    granted = rows(
        f"SELECT {GRANTEE}, g.privilege_type FROM pg_database d, aclexplode(d.datacl) g WHERE d.datname = %s AND g.grantee <> d.datdba",
        cluster.ensure_template(),
    )
    assert sorted(granted) == [(role, privilege) for role in sorted(APPLICATION_ROLES) for privilege in ("CONNECT", "TEMPORARY")]


def test_everything_belongs_to_the_owner():
    strangers = "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = ANY(%s)"
    assert rows(f"{strangers} AND relowner <> 'rtms_owner'::regrole", list(SCHEMAS)) == []
    functions = "SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname = ANY(%s)"
    assert rows(f"{functions} AND proowner <> 'rtms_owner'::regrole", list(SCHEMAS)) == []


def test_no_default_privilege_hands_out_rights_on_later_tables():
    assert rows("SELECT defaclobjtype FROM pg_default_acl") == []


def test_login_roles_have_no_attribute_and_belong_to_no_role():
    powers = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR NOT rolcanlogin"
    assert rows(f"SELECT rolname FROM pg_roles WHERE oid IN ({OUR_ROLES}) AND ({powers})") == []
    assert (
        rows(f"SELECT roleid::regrole, member::regrole FROM pg_auth_members WHERE member IN ({OUR_ROLES}) OR roleid IN ({OUR_ROLES})") == []
    )
