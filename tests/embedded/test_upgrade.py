"""A data directory of an older PostgreSQL: `up` refuses with the command, the command moves everything, and nothing is lost on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from registry.embedded import cluster, credentials, locks, older, provisioning, sharing
from registry.embedded.place import Place
from registry.embedded.processes import end, own, server_account, spawn
from registry.embedded.programs import Programs, locate
from registry.embedded.refusals import Refused
from registry.environment import ROOT
from registry.operations.table_sums import table_sums
from registry.operations.upgrade import Upgraded, owned, upgrade
from tests.deploy.test_hosts import COORDINATOR, MAKE_TRIAL
from tests.embedded.conftest import data_directory
from tests.embedded.running import manage, users_environment
from tests.interchange.folders import PATIENTS, SCORES, write_folder

pytestmark = [
    pytest.mark.slow_services,
    pytest.mark.skipif(sys.platform != "linux", reason="PostgreSQL 17 comes as a package for Linux alone"),
]

OLD = "17"
# The release before would have used what its PostgreSQL has. This one's tables want a function that only 18 brings.
STAND_IN = """
SET allow_system_table_mods = on;
CREATE FUNCTION pg_catalog.uuidv7() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT gen_random_uuid()';
"""


@pytest.fixture
def old_place(tmp_path: Path) -> Iterator[Place]:
    """Return a registry that PostgreSQL 17 made, with a trial, people and history in it."""
    folder = write_folder(tmp_path / "calm", patients=PATIENTS, pain_scores=SCORES)
    with data_directory() as place:
        place.prepare()
        place.without_fsync.touch()
        credentials.mint(place)
        with served_by_old(place):
            with provisioning.administrator(place) as connection:
                provisioning.provision(place, connection)
            with provisioning.administrator(place, provisioning.DATABASE) as inside:
                inside.execute(STAND_IN)
            run(place, "owner", "migrate", "--verbosity=0", "--no-input")
            run(place, "worker", "shell", "--no-imports", "-c", MAKE_TRIAL.format(folder=folder, coordinator=COORDINATOR))
        yield place


@pytest.fixture
def files_of_17(fresh_place: Place) -> Place:
    """Return a data directory that looks as if PostgreSQL 17 had made it, and is never served."""
    fresh_place.prepare()
    credentials.mint(fresh_place)
    fresh_place.postgresql.mkdir()
    (fresh_place.postgresql / "PG_VERSION").write_text("17\n")
    return fresh_place


@contextmanager
def served_by_old(place: Place) -> Iterator[None]:
    """Serve a data directory with PostgreSQL 17, made by it where there is none."""
    account = server_account()
    programs = Programs(older.programs_of(OLD, None, account), locate(account).valkey)
    own(place.sockets, account)
    cluster.make(place, programs, account, credentials.read(place.secrets)["database_bootstrap"])
    command, handed = cluster.command(place, programs, account)
    server = spawn(command, log=place.log("postgresql"), account=account, descriptors=handed.descriptors, death_signal=signal.SIGINT)
    handed.close()
    try:
        wait_for(place)
        yield
    finally:
        end(server, signal.SIGINT, patience_s=30)


def wait_for(place: Place) -> None:
    for _ in range(600):
        with suppress(psycopg.OperationalError), provisioning.administrator(place):
            return
        time.sleep(0.1)
    raise AssertionError(place.log("postgresql").read_text())


def run(place: Place, role: str, *arguments: str) -> None:
    """Run a command of the release of that time: it met a server that was there already."""
    held = credentials.read(place.secrets)
    at = {
        name: f"postgresql://rtms_{login}:{held[f'database_{login}']}@/rtms?host={place.sockets}"
        for name, login in [("DATABASE_URL", "web"), *((f"DATABASE_URL_{each.upper()}", each) for each in ("owner", "worker", "unmasked"))]
    }
    secrets = {"SECRET_KEY": held["secret_key"], "IDENTITY_KEY": held["identity_key"]}
    variables = users_environment(**at, **secrets, RTMS_DATA=str(place.data), RTMS_DB_ROLE=role, RTMS_HTTPS="0")
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def sums(place: Place) -> dict[str, dict[str, object]]:
    with owned(place).connect() as connection:
        return table_sums(connection)


def move(place: Place, programs: Path | None = None) -> Upgraded | None:
    return upgrade(place, programs=programs, release="test", now=datetime(2026, 11, 22, tzinfo=UTC))


def test_up_says_which_command_moves_the_database_and_that_moves_all_of_it(old_place: Place) -> None:
    """One story, for each start of everything takes seconds; it breaks off once on the way, between the last two steps."""
    place = old_place
    with served_by_old(place):
        before = sums(place)
    refused = manage("up", "--data", str(place.data))
    command = f"upgrade_database --data {place.data}"
    made_by = f"{place.postgresql} was made by PostgreSQL 17 and this release brings 18"
    assert (refused.returncode, refused.stdout) == (1, "Starting ...\n")
    assert refused.stderr == f"{made_by}: run 'python3 run.py {command}' once. Nothing was touched.\n"
    (place.data / older.UNFINISHED).mkdir()
    place.postgresql.rename(older.kept(place, OLD))
    with pytest.raises(Refused, match=r"broke off: run 'python3 run\.py upgrade_database --data .*' again\.$"):
        sharing.share(place)
    assert not place.postgresql.exists()
    moved = manage(*command.split())
    assert moved.returncode == 0, moved.stderr
    assert f"Moved {len(before)} tables with " in moved.stdout
    assert f"The files of before are in {older.kept(place, OLD)}:" in moved.stdout
    nothing_was_lost(place, before)
    assert move(place) is None
    # The old files can still be read, and say the same.
    place.postgresql.rename(place.data / "new")
    older.kept(place, OLD).rename(place.postgresql)
    with served_by_old(place):
        assert sums(place) == before


def nothing_was_lost(place: Place, before: dict[str, dict[str, object]]) -> None:
    share = sharing.share(place)
    after = sums(place)
    sharing.release(place, share)
    assert after == before
    filled = {name for name, table in before.items() if table["rows"]}
    assert {"public.registry_painscore", "public.registry_painscorechangeevent", "public.registry_change"} <= filled
    assert (older.made_by(place.postgresql), older.made_by(older.kept(place, OLD))) == ("18", "17")
    assert not (place.data / older.UNFINISHED).exists()


def test_programs_that_are_not_the_old_ones_are_refused(files_of_17: Place, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"holds no PostgreSQL 17: name the directory of its programs, in which 'postgres' lies\."):
        move(files_of_17, tmp_path)
    with pytest.raises(Refused, match="holds no PostgreSQL 17"):
        move(files_of_17, locate(None).postgresql)


def test_lost_programs_are_named_with_the_way_to_get_them(files_of_17: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older, "candidates", lambda major: iter(()))
    with pytest.raises(Refused, match=r"^No PostgreSQL 17 was found .*apt install postgresql-17\), or name the directory"):
        move(files_of_17)


def test_newer_database_than_this_release_is_refused(files_of_17: Place) -> None:
    (files_of_17.postgresql / "PG_VERSION").write_text("99\n")
    with pytest.raises(Refused, match="made by PostgreSQL 99, which is newer than this release's 18: use the newer release"):
        move(files_of_17)


def test_files_kept_from_an_upgrade_before_are_not_written_over(files_of_17: Place) -> None:
    older.kept(files_of_17, OLD).mkdir()
    with pytest.raises(Refused, match="postgresql-17 is there already, from an upgrade before: move it away"):
        move(files_of_17)


def test_registry_that_still_runs_is_not_upgraded(files_of_17: Place) -> None:
    keeper = locks.open_lock(files_of_17.lock("keeper"))
    assert locks.try_lock(keeper, locks.EXCLUSIVE)
    with pytest.raises(Refused, match="The registry before still runs on"):
        move(files_of_17)
    os.close(keeper)


def test_upgrade_that_does_not_fit_on_the_disk_is_refused(files_of_17: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.operations.upgrade.shutil.disk_usage", lambda path: SimpleNamespace(free=1))
    with pytest.raises(Refused, match="has 0 MB free and the upgrade takes up to"):
        move(files_of_17)


def test_room_is_asked_for_once_the_leftovers_of_a_failed_one_are_gone(files_of_17: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    left = leave_behind(files_of_17)
    monkeypatch.setattr("registry.operations.upgrade.shutil.disk_usage", lambda path: SimpleNamespace(free=0 if left.exists() else 10**12))
    with pytest.raises(Refused, match="does not start on it: see"):
        move(files_of_17)
    assert not left.exists()


def test_leftovers_of_one_that_broke_off_after_its_last_step_go(files_of_17: Place) -> None:
    """The new files are in their place then; what lies beside them holds the keys of every patient."""
    left = leave_behind(files_of_17)
    (files_of_17.postgresql / "PG_VERSION").write_text(f"{older.major_of(locate(server_account()).postgresql)}\n")
    assert move(files_of_17) is None
    assert not left.exists()
    assert not (files_of_17.data / older.UNFINISHED).exists()


def test_what_is_unfinished_stays_where_nothing_else_is_there(files_of_17: Place) -> None:
    left = leave_behind(files_of_17)
    (files_of_17.postgresql / "PG_VERSION").unlink()
    files_of_17.postgresql.rmdir()
    assert move(files_of_17) is None
    assert left.exists()


def leave_behind(place: Place) -> Path:
    """Leave a file as an upgrade does that is killed; return where."""
    left = place.data / older.UNFINISHED / "keys" / "patient_keys.dump"
    left.parent.mkdir(parents=True)
    left.write_text("kept from whoever has the data alone")
    return left


def test_old_server_that_does_not_start_leaves_everything_as_it_was(files_of_17: Place) -> None:
    with pytest.raises(Refused, match="does not start on it: see"):
        move(files_of_17)
    assert (files_of_17.postgresql / "PG_VERSION").read_text() == "17\n"


def test_server_of_ones_own_is_not_touched(settings: Any) -> None:
    settings.EMBEDDED_DATABASE = False
    with pytest.raises(CommandError, match="DATABASE_URL names a server of yours: upgrade that one"):
        call_command("upgrade_database")
