"""Which login role may do what to which table: one table of rights, applied after every migrate, read back by a test."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from registry.models.history import TRACKED_MODELS

APPLICATION_ROLES = ("rtms_web", "rtms_worker", "rtms_unmasked")

# Written by triggers and functions alone; read by everybody.
AUDIT_TABLES = ("registry_change", "registry_seal", "registry_sealedchange")
# Filled by a trigger, emptied by the seal.
WAITING_TABLES = ("registry_unsealed",)
# Written by triggers on what it is about.
DERIVED_TABLES = ("registry_designversion",)
# Written once, never changed.
INSERT_ONLY_TABLES = ("registry_actlog", "registry_allocation", "registry_snapshot", "registry_reportdocument")
# Of these the allocation function alone, as the owner, updates who got them.
CLOSED_CHANGEABLE = ("kit", "slot")
CLOSED_INSERT_ONLY = ("arm", "allocation_list", "allocation", "snapshot", "upload", "report_document")
CLOSED_READ_ONLY = ("change_event", "seal")

FUNCTIONS = {
    "registry_begin_change(uuid, bigint, text, text, bigint)": APPLICATION_ROLES,
    "registry_current_change()": APPLICATION_ROLES,
    "registry_require_change()": APPLICATION_ROLES,
    "registry_seal()": ("rtms_worker",),
    "registry_seal_hash(bigint, bytea, jsonb)": ("rtms_worker",),
    "registry_analyze_grown()": ("rtms_worker",),
    "registry_allocate(bigint, smallint, text, timestamptz, date)": ("rtms_web", "rtms_worker", "rtms_unmasked"),
    "closed.gate()": ("rtms_unmasked",),
    "closed.seal_events()": ("rtms_unmasked",),
    "closed.seal_hash(bigint, bigint, bigint, bytea)": ("rtms_unmasked",),
}


def event_tables() -> list[str]:
    """Return the history tables, which nobody but the triggers writes."""
    return [model.history.rel.related_model._meta.db_table for model in TRACKED_MODELS]  # type: ignore[attr-defined]


def append_only_tables() -> list[str]:
    """Return the tables that refuse UPDATE, DELETE and TRUNCATE even from their owner."""
    closed = [f"closed.{name}" for name in (*CLOSED_INSERT_ONLY, *CLOSED_READ_ONLY)]
    return [*event_tables(), *AUDIT_TABLES, *INSERT_ONLY_TABLES, *closed]


def guarded_tables() -> list[str]:
    """Return the tables with a history, which refuse TRUNCATE and a change of their primary key even from their owner."""
    return [*(model._meta.db_table for model in TRACKED_MODELS), *(f"closed.{name}" for name in CLOSED_CHANGEABLE)]


def table_rights(table: str) -> str:
    """Return what an application role may do to a public table."""
    if table in (*AUDIT_TABLES, *WAITING_TABLES, *DERIVED_TABLES, *event_tables(), "django_migrations"):
        return "SELECT"
    if table in INSERT_ONLY_TABLES:
        return "SELECT, INSERT"
    if table in {model._meta.db_table for model in TRACKED_MODELS}:
        return "SELECT, INSERT, UPDATE"
    return "SELECT, INSERT, UPDATE, DELETE"


def statements(public_tables: list[str]) -> Iterator[str]:
    """Yield the SQL that makes rights what this module says, whatever they were."""
    roles = ", ".join(APPLICATION_ROLES)
    yield from database_statements(roles)
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {roles}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA closed FROM PUBLIC, {roles}"
    yield f"REVOKE ALL ON SCHEMA closed FROM PUBLIC, {roles}"
    yield f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, {roles}"
    yield f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA closed FROM PUBLIC, {roles}"
    yield f"GRANT USAGE ON SCHEMA public TO {roles}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {roles}"
    for table in sorted(public_tables):
        yield f'GRANT {table_rights(table)} ON "{table}" TO {roles}'
    yield "GRANT USAGE ON SCHEMA closed TO rtms_unmasked"
    yield "GRANT USAGE ON ALL SEQUENCES IN SCHEMA closed TO rtms_unmasked"
    for names, rights in (
        (CLOSED_CHANGEABLE, "SELECT, INSERT"),
        (CLOSED_INSERT_ONLY, "SELECT, INSERT"),
        (CLOSED_READ_ONLY, "SELECT"),
    ):
        for name in names:
            yield f"GRANT {rights} ON closed.{name} TO rtms_unmasked"
    for function, holders in FUNCTIONS.items():
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join(holders)}"
    for table in append_only_tables():
        yield f"SELECT registry_protect('{table}')"
    for table in guarded_tables():
        yield f"SELECT registry_guard('{table}')"


def database_statements(roles: str) -> Iterator[str]:
    """Yield who may enter the database; sets of rows are staged in temporary tables, so the application's roles may make those."""
    for statement in ("REVOKE ALL ON DATABASE %I FROM PUBLIC", f"GRANT CONNECT, TEMPORARY ON DATABASE %I TO {roles}"):
        yield f"DO $$ BEGIN EXECUTE format('{statement}', current_database()); END $$"


def apply(connection: BaseDatabaseWrapper) -> None:
    """Apply all rights in one transaction, as the owner."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for statement in statements(connection.introspection.table_names(cursor)):
            cursor.execute(statement)
        cursor.execute("COMMIT")
