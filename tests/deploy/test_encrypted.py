"""Database and broker by TLS, as the addresses of deploy.md say it: verified, and refused where nobody vouches for the other end.

The packaged servers are built without TLS, so a stand-in ends it in front of them, as stunnel would; the clients are the registry's own.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from registry.embedded.processes import server_account
from registry.embedded.programs import locate
from registry.environment import ROOT
from tests.deploy.servers import until
from tests.embedded.running import users_environment

pytestmark = pytest.mark.slow_services
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
LOOK = """
import json
from celery import current_app
from django.core.cache import cache
from django.db import connection
cache.set("asked", "by TLS", 60)
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    user = cursor.fetchone()[0]
with current_app.connection_for_write() as broker:
    broker.ensure_connection(max_retries=1, timeout=20)
    channel = broker.default_channel
    pinged = channel.client.ping()
    kind = type(channel.client.connection_pool.make_connection()).__mro__[1].__name__
print(json.dumps([user, bool(connection.connection.pgconn.ssl_in_use), cache.get("asked"), pinged, kind]))
"""


@contextmanager
def ending_tls(certificates: Path, behind: Path, greet: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """Take TLS at a port of this machine and pass what is in it on to a socket; give the port and what came first of each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "tls_certificate", certificates / "tls_key")
    first: list[bytes] = []

    def pass_on(plain: socket.socket) -> None:
        with suppress(OSError), plain:
            greet(plain)
            with context.wrap_socket(plain, server_side=True) as outside, socket.socket(socket.AF_UNIX) as inside:
                inside.connect(str(behind))
                back = threading.Thread(target=pump, args=(inside, outside), daemon=True)
                back.start()
                pump(outside, inside, first)
                back.join(5)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=take_all, args=(listening, pass_on), daemon=True).start()
        yield listening.getsockname()[1], first


def take_all(listening: socket.socket, pass_on: Callable[[socket.socket], None]) -> None:
    with suppress(OSError):  # closed at the end of the test
        while True:
            threading.Thread(target=pass_on, args=(listening.accept()[0],), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket, noted: list[bytes] | None = None) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            if noted is not None:
                noted.append(part)
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


def as_postgresql(plain: socket.socket) -> None:
    """Answer PostgreSQL's question whether there is TLS."""
    assert plain.recv(8) == SSL_REQUEST
    plain.sendall(b"S")


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Return a folder with a certificate for localhost and, below `other`, one that nobody trusts."""
    for folder in (tmp_path / "tls", tmp_path / "tls" / "other"):
        made = [sys.executable, "deploy/make_secrets.py", str(folder), "--host", "localhost"]
        subprocess.run(made, cwd=ROOT, check=True, capture_output=True)
    return tmp_path / "tls"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Path]:
    """Return the socket of a Valkey."""
    path = Path("/tmp") / f"rtms-tls-{tmp_path.name[-20:]}.sock"
    program = [str(locate(server_account()).valkey), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL) as server:
        until(path.exists, 60)
        yield path
        server.terminate()
    path.unlink(missing_ok=True)


@pytest.fixture
def ports(certificates: Path, valkey: Path, committed_db: None) -> Iterator[tuple[int, int, list[bytes]]]:
    at = settings.DATABASES["default"]
    database = Path(at["HOST"]) / f".s.PGSQL.{at['PORT'] or 5432}"
    with ending_tls(certificates, database, as_postgresql) as (first, said), ending_tls(certificates, valkey, lambda plain: None) as second:
        yield first, second[0], said + second[1]


def look(ports: tuple[int, int, list[bytes]], trusted: Path) -> subprocess.CompletedProcess[str]:
    """Let a process of the registry use both, with the options of deploy.md in its addresses."""
    at = settings.DATABASES["default"]
    login = f"{at['USER']}:{quote(at['PASSWORD'] or 'none', safe='')}@localhost:{ports[0]}/{at['NAME']}"
    database = f"postgresql://{login}?{option('sslmode=verify-full', trusted)}"
    broker = f"rediss://localhost:{ports[1]}/0?{option('ssl_cert_reqs=required', trusted)}"
    variables = users_environment(
        DATABASE_URL=database, DATABASE_URL_UNMASKED=database, BROKER_URL=broker, RTMS_DB_ROLE="web", RTMS_HTTPS="0",
        SECRET_KEY="x" * 50, IDENTITY_KEY="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", RTMS_DATA=str(trusted.parent),
    )  # fmt: skip
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", LOOK]
    return subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)


def option(start: str, trusted: Path) -> str:
    """Return the query that deploy.md writes out, with a file of this machine in it."""
    page = (ROOT / "docs/how-to/deploy.md").read_text()
    (written,) = {found for found in re.findall(r"\?([^`\s]+)", page) if found.startswith(start)}
    return written.replace("/run/secrets/ca", str(trusted))


def test_both_are_reached_by_tls_and_the_other_end_is_verified(ports: Any, certificates: Path) -> None:
    done = look(ports, certificates / "tls_certificate")
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == ["rtms_web", True, "by TLS", True, "SSLConnection"]


def test_an_end_that_nobody_vouches_for_is_refused(ports: Any, certificates: Path) -> None:
    done = look(ports, certificates / "other" / "tls_certificate")
    assert done.returncode != 0
    assert re.search("certificate verify failed", done.stderr, re.IGNORECASE), done.stderr[-2000:]
