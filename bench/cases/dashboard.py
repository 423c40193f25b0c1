"""The outcome dashboard as the web server sends it: beside 1 KB from the same server, at each size, and beside a page that computes."""

from __future__ import annotations

import gzip
import http.cookiejar
import re
import urllib.parse
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import goals
from bench.load import Load, Request, put_load
from bench.results import Result
from bench.sandwich import Take
from bench.servers import WebServer
from bench.worlds import EMAIL, PASSWORD, SLUG

if TYPE_CHECKING:
    from bench.bench import Bench

CONNECTIONS = 8
PAGE = f"/t/{SLUG}/dashboard/"
HEAVY = ("plotly", "pandas", "numpy", "pyarrow", "registry.outcomes", "registry.stats")
ASSETS = re.compile(r'<(?:script|link)[^>]*\s(?:src|href)="(/static/[^"]+)"')


@dataclass(frozen=True)
class Reader:
    """A signed-in person's browser."""

    server: WebServer
    cookie: str

    def request(self, path: str = PAGE, **headers: str) -> Request:
        """Return what the browser sends."""
        return Request(path, headers={"Cookie": self.cookie, "Accept-Encoding": "gzip, br", **headers})

    def load(self, path: str = PAGE, *, connections: int, seconds: float, **headers: str) -> Load:
        """Ask for a page over and over; raise RuntimeError where one is no page."""
        found = put_load(self.server.port, [self.request(path, **headers)], connections=connections, seconds=seconds)
        if found.errors:
            raise RuntimeError(f"{path} was not sent: {found.statuses} {found.said}")
        return found

    def etag(self, path: str = PAGE) -> str:
        """Return the tag of a page."""
        return str(fetch(self.server.base + path, self.cookie)[1].get("ETag", ""))


def measure(bench: Bench, stack: ExitStack) -> None:
    """Measure each size, then the largest beside the smallest."""
    readers = {}
    for patients in bench.sizes:
        world = bench.world(patients)
        reader = readers[patients] = sign_in(bench.product(world.database, stack))
        peer = bench.peer(world.database, stack)
        against_hello(bench, patients, reader, peer)
        against_live(bench, patients, reader, peer)
    if len(readers) > 1:
        growth(bench, readers)
    reader = readers[bench.sizes[-1]]
    bench.run.note(first_visit(bench.sizes[-1], reader))
    bench.run.note(heavy_modules(bench.sizes[-1], reader.server))


def against_hello(bench: Bench, patients: int, reader: Reader, peer: WebServer) -> None:
    """Take the median wait of eight connections."""
    tag = reader.etag()
    loads: dict[str, tuple[Take, goals.Goal | None]] = {
        "dashboard, p50 at 8 connections": (lambda: waiting(bench, reader), goals.DASHBOARD_AGAINST_HELLO),
    }
    if tag:
        loads["dashboard unchanged (304), p50 at 8 connections"] = (lambda: waiting(bench, reader, **{"If-None-Match": tag}), None)
    bench.compare(patients, "1 KB", lambda: hello(bench, peer), loads, unit="ms")


def waiting(bench: Bench, reader: Reader, **headers: str) -> float:
    """Return the median wait for the dashboard in ms."""
    return reader.load(connections=CONNECTIONS, seconds=bench.seconds, **headers).p50


def hello(bench: Bench, peer: WebServer) -> float:
    """Return the median wait for 1 KB in ms."""
    return put_load(peer.port, [Request("/hello/")], connections=CONNECTIONS, seconds=bench.seconds).p50


def against_live(bench: Bench, patients: int, reader: Reader, peer: WebServer) -> None:
    """Take the wait of one person, beside a page that computes its table from the records."""

    def live() -> float:
        return put_load(peer.port, [Request("/live/")], connections=1, seconds=bench.seconds).p50

    stored: Take = lambda: reader.load(connections=1, seconds=bench.seconds).p50  # noqa: E731
    bench.compare(patients, "live-SQL page", live, {"dashboard, one person": (stored, goals.DASHBOARD_AGAINST_LIVE)}, unit="ms")


def growth(bench: Bench, readers: dict[int, Reader]) -> None:
    """Set the dashboard of the largest trial beside that of the smallest."""
    small, large = min(readers), max(readers)
    candidates: dict[str, tuple[Take, goals.Goal | None]] = {
        f"dashboard of {large} patients": (lambda: waiting(bench, readers[large]), goals.DASHBOARD_GROWTH)
    }
    bench.compare(large, f"of {small}", lambda: waiting(bench, readers[small]), candidates, unit="ms")


def first_visit(patients: int, reader: Reader) -> Result:
    """Return the bytes of the page with its scripts and styles, as a browser without a cache gets them."""
    page, headers = fetch(reader.server.base + PAGE, reader.cookie)
    text = gzip.decompress(page) if headers.get("Content-Encoding") == "gzip" else page
    sizes = {"page": len(page)}
    encodings = {headers.get("Content-Encoding", "none")}
    for path in sorted(set(ASSETS.findall(text.decode()))):
        body, headers = fetch(reader.server.base + path, reader.cookie)
        sizes[Path(path).name] = len(body)
        encodings.add(headers.get("Content-Encoding", "none"))
    largest = ", ".join(f"{name} {size / 1000:.0f}" for name, size in sorted(sizes.items(), key=lambda one: -one[1])[:4])
    note = f"{largest}; encodings {', '.join(sorted(encodings))}"
    return Result("first visit of the dashboard", patients, (sum(sizes.values()) / 1000,), unit="KB", goal=goals.FIRST_VISIT_KB, note=note)


def heavy_modules(patients: int, server: WebServer) -> Result:
    """Return how many of the heavy packages a web process has mapped or opened after sending pages: compiled parts leave a trace."""
    found = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            command = (maps.parent / "cmdline").read_bytes().decode(errors="replace")
            text = maps.read_text() if f"127.0.0.1:{server.port}" in command else ""
        except OSError:
            continue
        found |= {name for name in HEAVY if f"/site-packages/{name}/" in text}
    return Result("heavy packages in a web process", patients, (len(found),), goal=goals.HEAVY_MODULES, note=", ".join(sorted(found)))


def fetch(address: str, cookie: str = "") -> tuple[bytes, dict[str, str]]:
    """Return body and headers as a browser gets them, compressed where the server compresses."""
    headers = {"Accept-Encoding": "gzip, br", **({"Cookie": cookie} if cookie else {})}
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=120) as answer:
        return answer.read(), dict(answer.headers)


def sign_in(server: WebServer) -> Reader:
    """Sign in by the form, as a person does."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{server.base}/login/", timeout=120).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    form = urllib.parse.urlencode({"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token[1] if token else ""})
    opener.open(urllib.request.Request(f"{server.base}/login/", form.encode(), {"Referer": f"{server.base}/login/"}), timeout=120).read()
    return Reader(server, "; ".join(f"{one.name}={one.value}" for one in jar))
