"""Every table has its history, or a reason why not; every field has its class; every trigger is really there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps

from registry import database_rights
from registry.field_classes import CLOSED_TABLES, FIELD_CLASSES, WITHOUT_HISTORY, FieldClass, fields_of
from registry.models.history import TRACKED_MODELS, ChangeEvent
from tests import cluster
from tests.contracts.logins import current_database

ROOT = Path(cluster.ROOT)
OUR_MODELS = [model for model in apps.get_app_config("registry").get_models() if not issubclass(model, ChangeEvent)]
TRACKED_TABLES = {model._meta.db_table for model in TRACKED_MODELS}


def catalog(sql: str) -> list[tuple[object, ...]]:
    with cluster.administrator(current_database()) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("model", OUR_MODELS, ids=lambda model: model.__name__)
def test_every_field_is_listed_once_under_one_class(model):
    names = [name for listed in FIELD_CLASSES.get(model.__name__, {}).values() for name in listed.split()]
    assert sorted(names) == sorted(field.name for field in model._meta.concrete_fields)
    assert len(names) == len(fields_of(model.__name__))


def test_no_model_is_listed_that_does_not_exist():
    assert set(FIELD_CLASSES) == {model.__name__ for model in OUR_MODELS}


def test_identifying_values_of_patients_are_bytes_that_only_the_key_opens():
    for model in OUR_MODELS:
        for name, kind in fields_of(model.__name__).items():
            if kind is FieldClass.IDENTIFYING and model.__name__.startswith("Patient"):
                assert model._meta.get_field(name).get_internal_type() == "BinaryField"


def test_visible_half_of_an_allocation_stands_in_two_models_only():
    assert [name for name, classes in FIELD_CLASSES.items() if FieldClass.ALLOCATION in classes] == ["StimulationSession", "Allocation"]


@pytest.mark.django_db
def test_every_table_is_tracked_or_says_why_not():
    tables = {str(name) for (name,) in catalog("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert tables - TRACKED_TABLES - set(database_rights.event_tables()) == set(WITHOUT_HISTORY)
    assert not TRACKED_TABLES & set(WITHOUT_HISTORY)
    assert all(reason for reason in WITHOUT_HISTORY.values())
    assert {str(name) for (name,) in catalog("SELECT tablename FROM pg_tables WHERE schemaname = 'closed'")} == set(CLOSED_TABLES)
    assert (
        catalog("SELECT schemaname FROM pg_tables WHERE schemaname NOT IN ('public', 'closed', 'pg_catalog', 'information_schema')") == []
    )


def triggers() -> dict[str, set[str]]:
    """Return the names of each table's enabled triggers, pgtrigger's own mark cut off."""
    found: dict[str, set[str]] = {}
    rows = catalog(
        """SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND n.nspname IN ('public', 'closed')"""
    )
    for schema, table, name, enabled in rows:
        assert enabled == "O", f"{name} on {table} is not enabled"
        short = re.sub(r"^pgtrigger_(.*)_[0-9a-f]+$", r"\1", str(name))
        found.setdefault(str(table) if schema == "public" else f"{schema}.{table}", set()).add(short)
    return found


@pytest.mark.django_db
def test_every_tracked_table_has_gate_history_and_guard_in_the_catalog():
    found = triggers()
    for table in TRACKED_TABLES:
        append_only = table in database_rights.append_only_tables()
        expected = {"audit_gate", "insert_insert", "update_update", "delete_delete", "whole_rows"} | (
            {"append_only"} if append_only else set()
        )
        assert found[table] >= expected, table
    for name in ("arm", "allocation_list", "kit", "slot", "allocation"):
        assert found[f"closed.{name}"] >= {"audit_gate", "history_insert", "history_update", "history_delete"}, name
    for table in database_rights.append_only_tables():
        assert "append_only" in found[table], table


@pytest.mark.django_db
def test_history_keeps_every_column_but_passwords_and_keys():
    for model in TRACKED_MODELS:
        event = model.history.rel.related_model
        kept = {field.column for field in event._meta.concrete_fields}
        missing = {field.column for field in model._meta.concrete_fields} - kept
        assert missing == {"User": {"password"}, "PatientKey": {"wrapped_key"}}.get(model.__name__, set()), model


def imported_modules(path: Path) -> set[str]:
    """Return the dotted names a module imports anything from."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_no_signal_carries_logic():
    """Celery's are connected in registry.celery, for logging and the ends of processes; Django's nowhere."""
    found = {
        str(path.relative_to(ROOT))
        for room in ("registry", "web", "api")
        for path in (ROOT / room).rglob("*.py")
        if any(re.search(r"\.(signals|dispatch)\b", name) for name in imported_modules(path))
    }
    assert found == {"registry/celery.py"}
