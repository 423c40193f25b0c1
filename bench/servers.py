"""The servers of a run: PostgreSQL and Valkey that nobody will miss, and web servers as production starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from registry import environment
from registry.embedded import broker, recipes, throwaway
from registry.embedded.place import Place
from registry.embedded.processes import server_account
from registry.embedded.programs import locate

ANSWERS_WITHIN_S = 120
# A benchmark's client asks more in a minute than a person's script may.
WITHOUT_LIMIT = "100000000"


@contextmanager
def servers() -> Iterator[None]:
    """Run PostgreSQL, flushing to disk, and Valkey; with RTMS_TEST_SERVER Valkey alone. Enter it before anything reads settings."""
    given = os.environ.get("RTMS_TEST_SERVER", "")
    with ExitStack() as stack:
        if given:
            place = Place(Path(tempfile.mkdtemp(prefix="rtms-bench-")).resolve())
            stack.callback(throwaway.remove, place)
            place.prepare()
            throwaway.start_broker(place, stack)
            os.environ |= {
                "RTMS_DATA": str(place.data),
                "RTMS_TEST_HELD": "1",
                "BROKER_URL": f"redis+socket://{place.sockets / broker.SOCKET}",
            }
        else:
            stack.enter_context(throwaway.throwaway_services(flushing=True))
        yield


def variables_for(database: str, **more: str) -> dict[str, str]:
    """Return the environment of a process that works on one of the run's databases."""
    mine = os.environ["RTMS_DB_NAME"]
    urls = {name: text.replace(f"/{mine}?", f"/{database}?") for name, text in os.environ.items() if name.startswith("DATABASE_URL")}
    return environment.for_child(**urls, RTMS_DB_NAME=database, **more)


@dataclass(frozen=True)
class WebServer:
    """A web server under load."""

    port: int

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def product(database: str, folder: Path) -> Iterator[WebServer]:
    """Serve the product as `serve web` does: same program, same settings, own static files."""
    static = folder / "static"
    variables = variables_for(
        database, DJANGO_SETTINGS_MODULE="registry.settings", RTMS_DB_ROLE="web", STATIC_ROOT=str(static), RTMS_HTTPS="0",
        RTMS_API_REQUESTS_PER_MINUTE=WITHOUT_LIMIT,
    )  # fmt: skip
    if not static.exists():
        collect = [sys.executable, "-m", "django", "collectstatic", "--noinput", "--verbosity=0"]
        subprocess.run(collect, env=variables, cwd=environment.ROOT, check=True)
    with served(recipes.web_module, variables, folder / f"product-{database}.log", "/healthz") as server:
        yield server


@contextmanager
def peer(database: str, folder: Path) -> Iterator[WebServer]:
    """Serve the naive peer with the same web server and the same number of processes and threads."""
    variables = variables_for(database, DJANGO_SETTINGS_MODULE="bench.peer.settings", RTMS_DB_ROLE="owner")
    with served(peer_module, variables, folder / f"peer-{database}.log", "/hello/") as server:
        yield server


def peer_module(bind: str) -> list[str]:
    """Return the module that serves the peer, with its arguments."""
    return [*recipes.web_module(bind), "bench.peer.wsgi:application"]


@contextmanager
def nested_peer(database: str, folder: Path) -> Iterator[tuple[WebServer, str]]:
    """Serve the peer that keeps the same facts, in an empty database; yield the server and a token that may write."""
    variables = variables_for(database, DJANGO_SETTINGS_MODULE="bench.peer_nested.settings", RTMS_DB_ROLE="owner")
    command = [sys.executable, "-m", "bench.peer_nested.prepare"]
    done = subprocess.run(command, env=variables, cwd=environment.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the nested peer could not be made ready: {done.stderr}")
    with served(nested_module, variables, folder / f"peer-{database}.log", "/hello/") as server:
        yield server, done.stdout.split()[-1]


def nested_module(bind: str) -> list[str]:
    """Return the module that serves the nested peer, with its arguments."""
    return [*recipes.web_module(bind), "bench.peer_nested.wsgi:application"]


@contextmanager
def served(module: object, variables: dict[str, str], log: Path, path: str) -> Iterator[WebServer]:
    """Run a web server until the end of the block."""
    server = WebServer(free_port())
    command = [sys.executable, "-m", *module(f"127.0.0.1:{server.port}")]  # type: ignore[operator]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=variables, cwd=environment.ROOT, stdout=output, stderr=output)
    try:
        wait_for(server.base + path, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until an address answers; raise RuntimeError with the log's end where it does not."""
    give_up_at = time.monotonic() + ANSWERS_WITHIN_S
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            with urllib.request.urlopen(address, timeout=10):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"{address} does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def pgbench(database: str, script: str, *, connections: int, seconds: float, folder: Path) -> float:
    """Return how many transactions of a script PostgreSQL's own load program gets through in a second."""
    path = folder / "pgbench.sql"
    path.write_text(script)
    program = locate(server_account()).postgresql / "pgbench"
    options = ["-n", "-M", "prepared", "-c", str(connections), "-j", "1", "-T", str(max(1, round(seconds))), "-f", str(path)]
    done = subprocess.run(
        [str(program), *options, database], env=environment.for_child(**superuser()), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"pgbench broke off: {done.stderr}")
    return next(float(row.split()[2]) for row in done.stdout.splitlines() if row.startswith("tps"))


def superuser() -> dict[str, str]:
    """Return libpq's variables of the superuser, whom only the bench and its yardsticks sign in as."""
    given = conninfo_to_dict(os.environ.get("RTMS_TEST_SERVER", ""))
    if given:
        return {"PGHOST": str(given["host"]), "PGUSER": str(given["user"])}
    host = environment.socket_directory(environment.data_directory())
    return {"PGHOST": str(host), "PGUSER": "rtms_bootstrap", "PGPASSWORD": environment.embedded_secrets()["database_bootstrap"]}


def settings_of(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    """Return what decides how fast the database is."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "work_mem", "max_parallel_workers_per_gather")
    return {name: str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in names}  # type: ignore[index]
