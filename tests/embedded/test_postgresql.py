"""The private PostgreSQL: whoever is killed, the next start finds everything."""

from __future__ import annotations

import json
import os
import stat
import time

import psycopg
import pytest

from registry.embedded import credentials, provisioning, sharing
from registry.embedded.place import Place
from registry.embedded.refusals import Refused
from tests.embedded.running import (
    client_with_share,
    is_served,
    keeper,
    kill_all,
    postmaster,
    processes_of,
    rows,
    start_client,
    wait_until,
    write_rows,
)

pytestmark = pytest.mark.slow_services


def connect(place: Place, role: str, database: str = "rtms") -> psycopg.Connection[tuple[object, ...]]:
    password = credentials.read(place.secrets)[f"database_{role}"]
    return psycopg.connect(host=str(place.sockets), user=f"rtms_{role}", password=password, dbname=database, autocommit=True)


def test_first_start_makes_roles_that_may_enter_one_database_and_do_nothing_there(fresh_place: Place) -> None:
    share = sharing.share(fresh_place)
    with connect(fresh_place, "owner") as owner:
        owner.execute("CREATE SCHEMA closed")
        owner.execute("CREATE FUNCTION public.one() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'")
    for role in ("web", "worker", "unmasked"):
        with connect(fresh_place, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.t (n int)")
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            connect(fresh_place, role, "postgres")
    sharing.release(fresh_place, share)


def test_passwords_are_asked_for_and_kept_from_others(fresh_place: Place) -> None:
    share = sharing.share(fresh_place)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(fresh_place.sockets), user="rtms_web", password="wrong", dbname="rtms")
    assert stat.S_IMODE(fresh_place.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(fresh_place.sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE(fresh_place.postgresql.stat().st_mode) == 0o700
    sharing.release(fresh_place, share)


def test_second_start_finds_data_and_secrets(place: Place) -> None:
    share = sharing.share(place)
    write_rows(place, 3)
    secrets = place.secrets.read_text()
    sharing.release(place, share)
    assert not is_served(place)
    share = sharing.share(place)
    assert rows(place) == 3
    assert place.secrets.read_text() == secrets
    sharing.release(place, share)


def test_two_clients_share_one_server_until_the_last_is_gone(place: Place) -> None:
    first = client_with_share(place)
    pid = postmaster(place).pid
    second = client_with_share(place)
    first.kill()
    first.wait()
    time.sleep(1)  # longer than the keeper lingers
    assert postmaster(place).pid == pid
    with provisioning.administrator(place) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    second.kill()
    second.wait()
    wait_until(lambda: not is_served(place), within_s=10)
    wait_until(lambda: not processes_of(place), within_s=5)


def test_two_starts_at_once_make_one_server(fresh_place: Place) -> None:
    clients = [start_client(fresh_place) for _ in range(3)]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "shared\n"
    assert len([process for process in processes_of(fresh_place) if "registry.embedded.keeper" in process.cmdline()]) == 1
    kill_all(processes_of(fresh_place))


def test_killed_postmaster_is_started_again(place: Place) -> None:
    share = sharing.share(place)
    write_rows(place, 20)
    postmaster(place).kill()
    wait_until(lambda: rows(place) == 20, within_s=20)
    sharing.release(place, share)


def test_killed_keeper_takes_the_server_along_and_another_one_takes_over(place: Place) -> None:
    share = sharing.share(place)
    write_rows(place, 20)
    killed = keeper(place).pid
    keeper(place).kill()
    wait_until(lambda: not is_served(place), within_s=5)
    sharing.revive(place, lambda: None)
    assert rows(place) == 20
    assert keeper(place).pid != killed
    sharing.release(place, share)


def test_everything_killed_then_started_loses_nothing_acknowledged(place: Place) -> None:
    client = client_with_share(place)
    write_rows(place, 50)
    kill_all(processes_of(place))
    client.wait()
    share = sharing.share(place)
    assert rows(place) == 50
    sharing.release(place, share)


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9])
def test_first_start_killed_on_the_way_is_completed_by_the_next(fresh_place: Place, after_s: float) -> None:
    client = start_client(fresh_place)
    time.sleep(after_s)
    kill_all(processes_of(fresh_place))
    client.wait()
    share = sharing.share(fresh_place)
    for role in ("owner", "web", "worker", "unmasked"):
        connect(fresh_place, role).close()
    sharing.release(fresh_place, share)
    assert [path.name for path in fresh_place.data.glob("postgresql*")] == ["postgresql"]


def test_stale_pid_file_that_names_a_living_process_is_no_obstacle(place: Place) -> None:
    """After a restart of a container its numbers belong to other programs."""
    share = sharing.share(place)
    pid_file = (place.postgresql / "postmaster.pid").read_text()
    kill_all(processes_of(place))
    os.close(share)
    lines = pid_file.split("\n")
    (place.postgresql / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    share = sharing.share(place)
    assert postmaster(place).pid != os.getpid()
    sharing.release(place, share)


def test_provisioning_again_sets_the_passwords_on_file(place: Place) -> None:
    share = sharing.share(place)
    changed = {**credentials.read(place.secrets), "database_web": "another"}
    credentials.write(place.secrets, changed)
    sharing.release(place, share)
    share = sharing.share(place)
    connect(place, "web").close()
    sharing.release(place, share)


def test_secrets_gone_beside_a_database_are_refused(place: Place) -> None:
    place.secrets.unlink()
    with pytest.raises(Refused, match=r"secrets\.json is missing beside its database: put it back from a backup"):
        sharing.share(place)


def test_secrets_of_another_database_are_refused(place: Place) -> None:
    place.secrets.write_text(json.dumps(dict.fromkeys(credentials.KEYS, "other")))
    with pytest.raises(Refused, match="does not fit the database beside it"):
        sharing.share(place)


def test_directory_of_another_major_version_is_refused(place: Place) -> None:
    (place.postgresql / "PG_VERSION").write_text("17\n")
    with pytest.raises(Refused, match=r"brings 18: run .python3 run\.py upgrade_database --data "):
        sharing.share(place)


def test_server_that_does_not_start_is_named_with_its_log(place: Place) -> None:
    (place.postgresql / "global" / "pg_control").unlink()
    with pytest.raises(Refused, match=r"PostgreSQL does not start: see .*postgresql\.log"):
        sharing.share(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands directories over to another account")
def test_root_keeps_data_where_the_servers_account_cannot_go(fresh_place: Place) -> None:
    private = fresh_place.data / "private"
    private.mkdir(mode=0o700)
    inner = Place(private / "data")
    share = sharing.share(inner)
    write_rows(inner, 1)
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert postmaster(inner).username() != "root"
    sharing.release(inner, share)


def test_refused_statement_leaves_no_value_in_the_log(place: Place) -> None:
    share = sharing.share(place)
    with provisioning.administrator(place) as connection:
        connection.execute("CREATE TABLE people (code text UNIQUE)")
        connection.execute("INSERT INTO people VALUES ('PATIENT-77')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES ('PATIENT-77')")
    sharing.release(place, share)
    assert "PATIENT-77" not in place.log("postgresql").read_text()
