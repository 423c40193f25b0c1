"""A backup holds everything, opens nothing by itself, and comes back to an empty database as it was."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from registry.models import PatientKey
from registry.operations import restore as restoring
from registry.operations.backup import KEY_ROWS, KEY_TABLE
from registry.operations.programs import Database
from registry.operations.table_sums import table_sums
from registry.services.identity import Identity, read_identity, store_identity
from tests import cluster
from tests.contracts.logins import connect, current_database, speaking_to

ERNA = Identity(name="Erna Beispiel", record_number="77-12")


@pytest.fixture
def empty(committed_db: None) -> Iterator[str]:
    """Return an empty database, as the first start on a new machine makes it."""
    name = f"{current_database()}_restored"
    with cluster.administrator() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" OWNER rtms_owner TEMPLATE template0')
    with cluster.administrator(name) as inside:
        inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    yield name
    cluster.drop_database(name)


@pytest.fixture
def backup(committed_db: None, enrolment: Any, alice: Any, tmp_path: Path, settings: Any) -> Path:
    """Return a backup of a registry in which a patient has an identity."""
    store_identity(enrolment, ERNA, by=alice)
    settings.DATA = tmp_path / "data"
    (settings.DATA / "mail").mkdir(parents=True)
    (settings.DATA / "mail" / "one.log").write_text("Dear administrator")
    with speaking_to(current_database(), role="owner"):
        call_command("backup", str(tmp_path / "b"))
    return tmp_path / "b"


def restore(database: str, *arguments: str) -> None:
    with speaking_to(database, role="owner"):
        call_command("restore", *arguments)


def test_everything_comes_back_and_its_history_holds(backup, empty, enrolment, alice, settings, tmp_path, capsys):
    settings.DATA = tmp_path / "new-machine"
    restore(empty, str(backup))
    said = capsys.readouterr().out
    assert "each has the checksum of the backup" in said
    assert "Nothing was tampered with: all seals fit" in said
    with connect("owner") as before, connect("owner", empty) as after:
        assert table_sums(before) == table_sums(after)
        assert after.execute("SELECT count(*) FROM closed.arm").fetchone()
    assert (settings.DATA / "mail" / "one.log").read_text() == "Dear administrator"
    with speaking_to(empty):
        assert read_identity(enrolment, by=type(alice).objects.get(pk=alice.pk)) == ERNA


def test_restored_rights_and_history_are_those_of_any_registry(backup, empty, settings, tmp_path):
    settings.DATA = tmp_path / "new-machine"
    restore(empty, str(backup))
    with connect("web", empty) as web:
        for refused in ("SELECT * FROM closed.arm", "DELETE FROM registry_change", "TRUNCATE registry_actlog"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(refused)
            web.rollback()
    outside = "SELECT array_agg(id ORDER BY id) FROM registry_change WHERE outside"
    with connect("owner") as before, connect("owner", empty) as after:
        # A restore is no change of a record.
        assert after.execute(outside).fetchone() == before.execute(outside).fetchone()


def test_backup_without_its_keys_opens_no_identity(backup, empty, enrolment, settings, tmp_path, capsys):
    settings.DATA = tmp_path / "new-machine"
    restore(empty, str(backup), "--without-keys")
    assert capsys.readouterr().err == "1 rows of registry_patientkey are gone without a history row: 1.\n"
    with speaking_to(empty):
        assert not PatientKey.objects.exists()
    shown = b"".join(path.read_bytes() for path in backup.iterdir())
    assert settings.IDENTITY_KEY.encode() not in shown
    assert settings.SECRET_KEY.encode() not in shown


def test_files_can_be_read_by_nobody_else(backup):
    for path in (backup, Path(f"{backup}.keys")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()} == {0o600}


def test_database_that_holds_anything_is_never_written_over(backup, committed_db):
    before = PatientKey.objects.count()
    with pytest.raises(CommandError, match=r"^The database is not empty \(\d+ tables\): restore to a new one"):
        restore(current_database(), str(backup))
    assert PatientKey.objects.count() == before


def test_broken_backup_is_refused_before_anything_is_written(backup, empty, tmp_path):
    keys = Path(f"{backup}.keys")
    (keys / KEY_ROWS).write_bytes((keys / KEY_ROWS).read_bytes()[:-1])
    with pytest.raises(CommandError, match="is not what was backed up: restore another copy of it"):
        restore(empty, str(backup))
    with pytest.raises(CommandError, match="is missing: name the directory of the keys with --keys"):
        restore(empty, str(backup), "--keys", str(tmp_path))
    with pytest.raises(CommandError, match="holds no finished backup"):
        restore(empty, str(tmp_path / "nothing"))
    restoring.check_empty(owned(empty))


def test_backup_of_a_newer_release_is_refused(backup, empty):
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["migrations"].append("registry.9999_from_the_future")
    (backup / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CommandError, match="which is newer than this one"):
        restore(empty, str(backup))


def test_sum_that_differs_is_told(backup, empty):
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["tables"]["closed.arm"]["rows"] += 1
    (backup / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CommandError, match=r"^closed\.arm came out otherwise than backed up"):
        restore(empty, str(backup))


def test_sequence_that_would_give_a_number_twice_is_told(backup, empty):
    """A registry at work draws numbers while it is backed up, so a sequence may stand further on; never further back."""
    manifest = json.loads((backup / "manifest.json").read_text())
    name = "public.registry_patient_id_seq"
    manifest["sequences"][name] += 1
    (backup / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CommandError, match=r"^public\.registry_patient_id_seq came out otherwise than backed up"):
        restore(empty, str(backup))


def test_sequence_that_went_on_during_the_dump_comes_back(backup, empty, settings, tmp_path):
    settings.DATA = tmp_path / "new-machine"
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["sequences"]["public.registry_patient_id_seq"] -= 1
    (backup / "manifest.json").write_text(json.dumps(manifest))
    restore(empty, str(backup))


def test_failure_half_way_leaves_the_database_empty(backup, empty, monkeypatch):
    parts = restoring.pour
    torn = lambda database, steps: parts(database, [*steps[:2], (backup / "manifest.json", "--data-only"), steps[-1]])  # noqa: E731
    monkeypatch.setattr(restoring, "pour", torn)
    with pytest.raises(CommandError, match=r"^Nothing was restored \(pg_restore: "):
        restore(empty, str(backup))
    restoring.check_empty(owned(empty))


def test_what_psql_says_is_told_where_it_ended_before_it_had_read_all(backup, empty, monkeypatch):
    made = Database.command

    def with_a_wrong_setting(database, program, *arguments):
        return made(database, program, *arguments, *(["--command=SELECT no_such_column"] if program == "psql" else []))

    monkeypatch.setattr(Database, "command", with_a_wrong_setting)
    with pytest.raises(CommandError, match=r'^Nothing was restored \(psql: ERROR:  column "no_such_column" does not exist'):
        restore(empty, str(backup))
    monkeypatch.undo()
    restoring.check_empty(owned(empty))


def test_backup_is_never_written_over(backup):
    with pytest.raises(CommandError, match="is there already: name a new directory"), speaking_to(current_database(), role="owner"):
        call_command("backup", str(backup))


def test_sums_see_a_changed_and_a_doubled_row_and_no_other_order(committed_db):
    with connect("owner") as owner:
        owner.execute("CREATE TABLE witness AS SELECT n, n::text AS word FROM generate_series(1, 9) n")
        was = table_sums(owner)["public.witness"]
        owner.execute("CREATE TABLE other AS SELECT * FROM witness ORDER BY n DESC")
        assert table_sums(owner)["public.other"] == was
        owner.execute("UPDATE witness SET word = 'x' WHERE n = 5")
        assert table_sums(owner)["public.witness"] != was
        owner.execute("UPDATE other SET n = 1, word = '1' WHERE n = 2")
        assert table_sums(owner)["public.other"] != was
        owner.rollback()


def owned(database: str) -> Any:
    from registry.management.commands.backup import owned_database

    with speaking_to(database, role="owner"):
        found = owned_database()
        return type(found)(dict(found.settings), found.programs, found.variables)


def test_key_table_is_the_one_the_registry_uses():
    assert f"public.{PatientKey._meta.db_table}" == KEY_TABLE


def test_address_with_tls_reaches_the_programs_and_its_time_limits_do_not():
    settings = {"HOST": "db", "PORT": "", "NAME": "rtms", "USER": "rtms_owner", "PASSWORD": "x"}
    options = {"sslmode": "verify-full", "sslrootcert": "/run/secrets/ca", "tcp_user_timeout": 30_000, "options": "-c a=b"}
    database = Database({**settings, "OPTIONS": options}, Path("/programs"), {})
    assert database.encryption() == {"sslmode": "verify-full", "sslrootcert": "/run/secrets/ca"}
    command, variables = database.command("pg_dump", "--format=custom")
    assert (variables["PGSSLMODE"], variables["PGSSLROOTCERT"]) == ("verify-full", "/run/secrets/ca")
    assert not {"PGOPTIONS", "PGAPPNAME"} & set(variables)
    assert "x" not in command
