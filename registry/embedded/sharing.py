"""Hold a share of the private PostgreSQL; the first holder has it started, the keeper stops it after the last."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from registry.embedded import credentials, locks, provisioning
from registry.embedded.place import Place
from registry.embedded.refusals import Refused, disk_full, failed_for_room
from registry.environment import ROOT

# Recovery after a crash replays the log since the last checkpoint; longer than this it is not recovery.
PATIENCE_S = 300
STOPS_WITHIN_S = 40
_keepers: list[subprocess.Popen[bytes]] = []  # a keeper outlives its starter; the handle is kept so that its end is noticed


def share(place: Place, between: Callable[[], None] = lambda: None) -> int:
    """Return the descriptor of a share: while it or a copy is open, the server runs. `between` is called while waiting."""
    place.prepare()
    with locks.holding(place.lock("gate"), between):
        credentials.mint(place)
        use = locks.open_lock(place.lock("use"))
        try:
            locks.wait_for_lock(use, locks.SHARED, patience_s=PATIENCE_S, between=between)
            start_unless_ready(place, between)
        except BaseException:
            os.close(use)
            raise
    return use


def release(place: Place, descriptor: int) -> None:
    """Give a share back; after the last one wait until the server has stopped."""
    os.close(descriptor)
    use = locks.open_lock(place.lock("use"))
    # The keeper tries this lock too, for a moment each time.
    nobody_else = locks.wait_for_lock(use, locks.EXCLUSIVE, patience_s=0.2)
    os.close(use)
    give_up_at = time.monotonic() + STOPS_WITHIN_S
    while nobody_else and keeper_is_at_work(place) and time.monotonic() < give_up_at:
        time.sleep(0.05)


def revive(place: Place, between: Callable[[], None]) -> None:
    """Have the server kept again after its keeper was killed; the caller holds a share."""
    with locks.holding(place.lock("gate"), between):
        start_unless_ready(place, between)


def start_unless_ready(place: Place, between: Callable[[], None]) -> None:
    """Return once the server answers and is provisioned; the caller holds the gate."""
    keeper: subprocess.Popen[bytes] | None = None
    give_up_at = time.monotonic() + PATIENCE_S
    while not (keeper_is_at_work(place) and answers_and_is_provisioned(place)):
        if time.monotonic() > give_up_at:
            raise Refused(f"PostgreSQL did not get ready within {PATIENCE_S} s: see {place.log('postgresql')} and start again.")
        if keeper is None or keeper.poll() == 0:  # 0: another keeper was at work, and may have ended since
            keeper = start_keeper(place)
        elif keeper.poll() is not None:
            raise why_not(place)
        between()
        time.sleep(0.05)


def answers_and_is_provisioned(place: Place) -> bool:
    """Return whether a real connection works: a pid file or a port would say too early or too late."""
    try:
        with provisioning.administrator(place) as connection:
            provisioning.provision(place, connection)
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            message = f"{place.secrets} does not fit the database beside it: put the one back that was made with it."
            raise Refused(message) from error
        return False
    return True


def start_keeper(place: Place) -> subprocess.Popen[bytes]:
    """Start a keeper in a session of its own; where another is at work it ends with 0."""
    with open(place.log("keeper"), "wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "registry.embedded.keeper", str(place.data)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _keepers[:] = [earlier for earlier in _keepers if earlier.poll() is None] + [keeper]
    return keeper


def keeper_is_at_work(place: Place) -> bool:
    """Return whether some process keeps the server."""
    alone = locks.open_lock(place.lock("keeper"))
    try:
        return not locks.try_lock(alone, locks.EXCLUSIVE)
    finally:
        os.close(alone)


def why_not(place: Place) -> Refused:
    """Return the sentence for a keeper that gave up, from what it and the server said last."""
    said = last_lines(place.log("keeper"), 5)
    server = last_lines(place.log("postgresql"), 20)
    if failed_for_room(place.data, said + server):
        return disk_full(place.data)
    return Refused(said.splitlines()[-1] if said else f"PostgreSQL does not start: see {place.log('postgresql')}.")


def last_lines(path: Path, count: int) -> str:
    """Return the end of a log, or nothing where there is none."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
