"""The whole registry as a user starts it: one process tree that heals, stops cleanly and finds everything again."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from registry.embedded.place import Place
from registry.environment import ROOT
from tests.conftest import REQUIRED
from tests.deploy.hosts import hosts, why_not
from tests.embedded.running import kill_all, manage, processes_of, rows, users_environment, wait_until, write_rows

pytestmark = pytest.mark.slow_services

READY_WITHIN_S = 180
PROGRAMS = {
    "keeper": "registry.embedded.keeper",
    "valkey": "valkey-server",
    "web": "gunicorn",
    "worker": "worker --hostname",
    "beat": " beat ",
}


class AnyStatus(urllib.request.HTTPErrorProcessor):
    """Takes an answer for an answer, whatever its status."""

    def http_response(self, request: urllib.request.Request, response: http.client.HTTPResponse) -> http.client.HTTPResponse:
        return response


class Running:
    """A registry started by `manage.py up`."""

    def __init__(self, place: Place, *options: str, on: Sequence[str] = ()) -> None:
        self.place = place
        self.port = free_port()
        command = [*on, sys.executable, str(ROOT / "manage.py"), "up", "--data", str(place.data), "--port", str(self.port), *options]
        self.output = place.data / "up.output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(command, env=users_environment(), stdout=output, stderr=subprocess.STDOUT)

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_announced(self) -> None:
        give_up_at = time.monotonic() + READY_WITHIN_S
        while "Ctrl-C stops it." not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < give_up_at, self.said()
            time.sleep(0.1)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body, or 0 where nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}")
        try:
            with urllib.request.build_opener(AnyStatus).open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):  # the latter where it was killed in the middle of its answer
            return 0, ""

    def is_ready(self) -> bool:
        return self.get("readyz")[0] == 200

    def program(self, name: str) -> psutil.Process:
        """Return one of the supervisor's own children."""
        (found,) = (child for child in psutil.Process(self.process.pid).children() if PROGRAMS[name] in " ".join(child.cmdline()))
        return found

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(place: Place, *options: str, on: Sequence[str] = ()) -> Iterator[Running]:
    registry = Running(place, *options, on=on)
    try:
        registry.wait_until_announced()
        yield registry
    finally:
        if registry.process.poll() is None:
            registry.process.kill()
            registry.process.wait()


def test_a_registry_from_its_first_start_to_its_third(fresh_place: Place) -> None:
    """One story, for each start of everything takes seconds."""
    with running(fresh_place) as registry:
        write_rows(fresh_place, 10)
        it_says_where_everything_is(registry)
        it_answers_for_its_health(registry)
        each_killed_program_comes_back(registry)
        a_second_one_is_refused(registry)
        accounts = account_lines(registry)
        kill_all([*processes_of(fresh_place), psutil.Process(registry.process.pid)])
        registry.process.wait()
    with running(fresh_place) as registry:
        assert rows(fresh_place) == 10
        assert account_lines(registry) == accounts
        # Only the supervisor dies; what it started follows, and the next start waits for that by itself.
        registry.process.kill()
        registry.process.wait()
    with running(fresh_place) as registry:
        assert rows(fresh_place) == 10
        assert registry.is_ready()
        assert registry.stop() == 0
        assert registry.said().endswith("Stopping ...\n")
    wait_until(lambda: not processes_of(fresh_place), within_s=5)


def it_says_where_everything_is(registry: Running) -> None:
    said = registry.said()
    assert f"Address         http://127.0.0.1:{registry.port}/\n" in said
    assert f"Data directory  {registry.place.data}\n" in said
    assert f"Logs            {registry.place.logs}\n" in said
    assert f"Mail            {registry.place.mail}\n" in said
    assert account_lines(registry)


def account_lines(registry: Running) -> list[str]:
    return re.findall(r"\S+@\S+ +\S+", registry.said())


def it_answers_for_its_health(registry: Running) -> None:
    assert registry.get("healthz") == (200, '{"status": "ok"}')
    status, body = registry.get("readyz")
    assert status == 200
    assert json.loads(body) == {"status": "ok", "checks": {name: {"ok": True} for name in ("database", "broker", "worker")}}


def each_killed_program_comes_back(registry: Running) -> None:
    for name in PROGRAMS:
        killed = registry.program(name)
        killed.kill()
        wait_until(lambda killed=killed, name=name: is_another(registry, name, killed.pid), within_s=60)  # type: ignore[misc]
        wait_until(registry.is_ready, within_s=90)
    assert rows(registry.place) == 10


def is_another(registry: Running, name: str, pid: int) -> bool:
    try:
        return registry.program(name).pid != pid
    except (ValueError, psutil.Error):
        return False


def a_second_one_is_refused(registry: Running) -> None:
    data = registry.place.data
    done = manage("up", "--data", str(data), "--port", str(free_port()))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"A registry is already running on {data}: use that one, stop it first, or name another directory with --data.\n"


@dataclass(frozen=True)
class Ward:
    """A machine that serves and a tablet that asks; where no machines can be made, this one by another of its addresses."""

    served_on: Sequence[str]
    address: str
    ask: Callable[[Callable[[], Any]], Any]


@contextmanager
def ward() -> Iterator[Ward]:
    if why_not() and "namespaces" not in REQUIRED:
        yield Ward((), "127.0.0.2", lambda question: question())
        return
    with hosts("registry", "tablet") as made:
        yield Ward(made.at("registry"), made.addresses["registry"], lambda question: made.ask("tablet", question))


def test_ward_is_let_in_by_https(place: Place) -> None:
    """From another machine, under a name, and with the certificate that was printed; what else it is called by is refused."""
    options = ("--bind", "0.0.0.0", "--host", "ward-3.example.org", "--https", "--without-demonstration")
    with ward() as at, running(place, *options, on=at.served_on) as registry:
        assert f"Address         https://127.0.0.1:{registry.port}/\n" in registry.said()
        assert "ward-3.example.org" in registry.said()
        trusted = ssl.create_default_context(cafile=str(place.data / "tls" / "certificate.pem"))
        shown = at.ask(lambda: certificate_of(at.address, registry.port, trusted, "ward-3.example.org"))
        assert hashlib.sha256(shown).hexdigest().upper() == fingerprint(registry.said())
        assert at.ask(lambda: answer(at.address, registry.port, trusted, "ward-3.example.org"))[:2] == (200, None)
        for name in ("evil.example.org", at.address):
            assert at.ask(lambda name=name: answer(at.address, registry.port, trusted, name))[0] == 400  # type: ignore[misc]
        assert at.ask(lambda: answers_in_the_clear(at.address, registry.port)) is False
        assert registry.stop() == 0


def answers_in_the_clear(host: str, port: int) -> bool:
    """Tell whether a question without encryption is answered as HTTP."""
    with socket.create_connection((host, port), timeout=10) as plain:
        plain.sendall(b"GET /login/ HTTP/1.1\r\nHost: ward-3.example.org\r\nConnection: close\r\n\r\n")
        try:
            return b"200 OK" in plain.recv(4096)
        except OSError:
            return False


def fingerprint(said: str) -> str:
    found = re.search(r"Fingerprint     (\S+)", said)
    assert found
    return found[1].replace(":", "")


def certificate_of(host: str, port: int, trusted: ssl.SSLContext, name: str) -> bytes:
    with socket.create_connection((host, port)) as plain, trusted.wrap_socket(plain, server_hostname=name) as encrypted:
        shown = encrypted.getpeercert(binary_form=True)
        assert shown
        return shown


def answer(host: str, port: int, trusted: ssl.SSLContext, name: str) -> tuple[int, str | None]:
    """Return the status of the sign-in page under a name, and what it says of insisting on HTTPS."""
    with socket.create_connection((host, port)) as plain, trusted.wrap_socket(plain, server_hostname="ward-3.example.org") as encrypted:
        encrypted.sendall(f"GET /login/ HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(encrypted)
        response.begin()
        return response.status, response.headers.get("Strict-Transport-Security")


def test_port_taken_is_refused_before_anything_starts(fresh_place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = manage("up", "--data", str(fresh_place.data), "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Port {port} is taken by another program: stop that one, or choose another port, as in --port {port + 1}.\n"
    assert not fresh_place.postgresql.exists()


def test_ctrl_c_during_the_start_ends_it_cleanly(fresh_place: Place) -> None:
    registry = Running(fresh_place)
    wait_until(fresh_place.postgresql.exists, within_s=60)
    assert registry.stop() == 0
    assert registry.said() == "Starting ...\nStopping ...\n"
    wait_until(lambda: not processes_of(fresh_place), within_s=5)


def test_a_command_holds_the_database_while_it_runs(place: Place) -> None:
    question = "from django.db import connection as c; print(c.cursor().execute('SELECT current_user').fetchone()[0])"
    done = manage("shell", "--data", str(place.data), "--no-imports", "-c", question)
    assert (done.returncode, done.stdout) == (0, "rtms_worker\n"), done.stderr
    wait_until(lambda: not processes_of(place), within_s=5)
