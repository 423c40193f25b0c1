"""Start clients and registries as a user would, look at their processes, kill them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil
import psycopg

from registry.embedded import provisioning, sharing
from registry.embedded.place import Place
from registry.environment import ROOT

OURS = re.compile(r"RTMS_|DATABASE_URL|BROKER_URL|DJANGO_|SECRET_KEY|IDENTITY_KEY|PYTEST_|LOG_LEVEL")

CLIENT = """
import sys, time
from pathlib import Path
from registry.embedded import sharing
from registry.embedded.place import Place
sharing.share(Place(Path(sys.argv[1])))
print("shared", flush=True)
time.sleep(600)
"""


def users_environment(**values: str) -> dict[str, str]:
    """Return the environment of somebody who has set nothing of the registry's."""
    return {**{name: value for name, value in os.environ.items() if not OURS.match(name)}, **values}


def start_client(place: Place) -> subprocess.Popen[str]:
    """Start a process that takes a share; it may not have it yet."""
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(place.data)], cwd=ROOT, env=users_environment(), stdout=subprocess.PIPE, text=True
    )


def client_with_share(place: Place) -> subprocess.Popen[str]:
    """Start a client and return once it holds its share."""
    client = start_client(place)
    assert client.stdout is not None
    assert client.stdout.readline() == "shared\n"
    return client


def manage(*arguments: str, **values: str) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=users_environment(**values), capture_output=True, text=True, timeout=400, check=False)


def processes_of(place: Place) -> list[psutil.Process]:
    """Return every process that names the data directory or works in it, and what these started."""
    found = [process for process in psutil.process_iter() if _belongs(process, str(place.data))]
    below = [child for process in found for child in _children(process)]
    return [process for process in {*found, *below} if process.pid != os.getpid() and _is_live(process)]


def _belongs(process: psutil.Process, data: str) -> bool:
    try:
        return any(data in word for word in process.cmdline()) or process.cwd().startswith(data)
    except (psutil.Error, OSError):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _is_live(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kill with -9, at once, and return when all are gone."""
    doomed = list(processes)
    for process in doomed:
        with suppress(psutil.Error):
            process.kill()
    wait_until(lambda: not any(_is_live(process) for process in doomed), within_s=10)


def postmaster(place: Place) -> psutil.Process:
    """Return the server's first process."""
    pid = int((place.postgresql / "postmaster.pid").read_text().split("\n", 1)[0])
    return psutil.Process(pid)


def keeper(place: Place) -> psutil.Process:
    """Return the process that keeps the server."""
    parent = postmaster(place).parent()
    assert parent is not None
    return parent


def wait_until(condition: Callable[[], bool], within_s: float) -> None:
    """Return once the condition holds; fail if it does not in time."""
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at, f"not within {within_s} s"
        time.sleep(0.05)


def write_rows(place: Place, count: int) -> None:
    """Commit rows, each in a transaction of its own."""
    with provisioning.administrator(place) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS witness (n int)")
        for number in range(count):
            connection.execute("INSERT INTO witness VALUES (%s)", [number])


def rows(place: Place) -> int:
    """Return how many rows are there, or -1 where the server does not answer."""
    try:
        with provisioning.administrator(place) as connection:
            row = connection.execute("SELECT count(*) FROM witness").fetchone()
    except psycopg.OperationalError:
        return -1
    assert row is not None
    return int(str(row[0]))


def is_served(place: Place) -> bool:
    """Return whether somebody keeps the server."""
    return sharing.keeper_is_at_work(place)
