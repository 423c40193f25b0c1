"""A new major version of PostgreSQL: the old programs serve the old files once more, everything moves, the old files stay.

Until the last step the old files are where they were, so whatever breaks off before it leaves the registry as it was.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from registry import environment
from registry.embedded import cluster, credentials, older, provisioning, sharing
from registry.embedded.place import Place
from registry.embedded.processes import end, left_behind, own, server_account, spawn
from registry.embedded.programs import Programs, locate
from registry.embedded.refusals import Refused
from registry.operations.backup import back_up
from registry.operations.programs import Database
from registry.operations.restore import check_empty, restore

STARTS_WITHIN_S = 300
STOPS_WITHIN_S = 60


@dataclass(frozen=True)
class Upgraded:
    """What was moved, and where the old files are now."""

    major: str
    tables: int
    rows: int
    kept: Path


def upgrade(place: Place, *, programs: Path | None, release: str, now: datetime) -> Upgraded | None:
    """Move the database of a data directory to this release's PostgreSQL; None where it is there already. The caller holds `up`'s lock."""
    put_back(place)
    account = server_account()
    brought = locate(account)
    major, new = older.made_by(place.postgresql), older.major_of(brought.postgresql)
    scratch = Place(place.data / older.UNFINISHED)
    if major in ("", new):
        # Without files of its own a data directory may have its only ones in what is unfinished.
        if major:
            clear(scratch)
        return None
    if int(major) > int(new):
        raise Refused(
            f"{place.postgresql} was made by PostgreSQL {major}, which is newer than this release's {new}: use the newer release."
        )
    kept = older.kept(place, major)
    if kept.exists():
        raise Refused(f"{kept} is there already, from an upgrade before: move it away, and start again.")
    check_alone(place)
    clear(scratch)
    check_room(place)
    old = Programs(older.programs_of(major, programs, account), brought.valkey)
    scratch.prepare()
    with served_by(place, old) as database:
        manifest = back_up(
            database, to=scratch.data / "backup", keys=scratch.data / "keys", data=scratch.data, secrets={}, release=release, now=now
        )
    fill(scratch, credentials.read(place.secrets), manifest)
    exchange(place, scratch, kept)
    clear(scratch)
    rows = sum(int(table["rows"]) for table in manifest["tables"].values())
    return Upgraded(major, len(manifest["tables"]), rows, kept)


def put_back(place: Place) -> None:
    """Undo the first half of an exchange that broke off."""
    kept = sorted(place.data.glob("postgresql-[0-9]*"), key=lambda path: path.stat().st_mtime)
    if not place.postgresql.exists() and (place.data / older.UNFINISHED).exists() and kept:
        kept[-1].rename(place.postgresql)


def clear(scratch: Place) -> None:
    """Remove what an upgrade has left: a copy of everything, the patients' keys among it; what cannot be removed is an OSError."""
    if scratch.data.exists():
        shutil.rmtree(scratch.data)
    shutil.rmtree(scratch.sockets, ignore_errors=True)


def check_alone(place: Place) -> None:
    """Refuse while the release before still serves the database."""
    if sharing.keeper_is_at_work(place) or left_behind(place.postgresql, "postgres", server_account()):
        raise Refused(f"The registry before still runs on {place.data}: stop it, and start again.")


def check_room(place: Place) -> None:
    """Refuse where the database does not fit on the disk a second time, with its dump."""
    needed = 2 * sum(path.stat().st_size for path in place.postgresql.rglob("*") if path.is_file())
    free = shutil.disk_usage(place.data).free
    if free < needed:
        megabytes = f"{free // 1_000_000} MB free and the upgrade takes up to {needed // 1_000_000} MB"
        raise Refused(f"The disk of {place.data} has {megabytes}: free some space, and start again.")


@contextmanager
def served_by(place: Place, programs: Programs) -> Iterator[Database]:
    """Serve the old files with the old programs, to nobody but this process."""
    account = server_account()
    own(place.sockets, account)
    for left in (place.postgresql / "postmaster.pid", place.sockets / f"{cluster.SOCKET}.lock"):
        left.unlink(missing_ok=True)  # of a server that was killed: nobody works here any more
    command, handed = cluster.command(place, programs, account)
    server = spawn(command, log=place.log("postgresql"), account=account, descriptors=handed.descriptors, death_signal=signal.SIGINT)
    handed.close()
    try:
        wait_until_served(place, server)
        yield owned(place)
    finally:
        end(server, signal.SIGINT, patience_s=STOPS_WITHIN_S)


def wait_until_served(place: Place, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers, or refuse with where it says why not."""
    give_up_at = time.monotonic() + STARTS_WITHIN_S
    while server.poll() is None and time.monotonic() < give_up_at:
        try:
            with provisioning.administrator(place):
                return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise Refused(f"The PostgreSQL that made {place.postgresql} does not start on it: see {place.log('postgresql')}.")


def owned(place: Place) -> Database:
    """Return the registry's database as its owner reaches it."""
    settings = {
        "HOST": str(place.sockets),
        "PORT": "",
        "NAME": provisioning.DATABASE,
        "USER": provisioning.OWNER,
        "PASSWORD": credentials.read(place.secrets)["database_owner"],
    }
    return Database(settings, locate(None).postgresql, environment.for_child())


def fill(scratch: Place, secrets: dict[str, str], manifest: dict[str, object]) -> None:
    """Make a new cluster under the old passwords, restore into it, compare every table."""
    credentials.write(scratch.secrets, secrets)
    share = sharing.share(scratch)
    try:
        database = owned(scratch)
        check_empty(database)
        restore(database, scratch.data / "backup", scratch.data / "keys", manifest)
        with database.connect() as owner:
            owner.execute("ANALYZE")
    finally:
        sharing.release(scratch, share)


def exchange(place: Place, scratch: Place, kept: Path) -> None:
    """Let the new files take the place of the old ones, which stay beside them."""
    place.postgresql.rename(kept)
    scratch.postgresql.rename(place.postgresql)
    credentials.flush_directory(place.data)
