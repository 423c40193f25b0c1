"""Lists of the REST door, 1,000 scores a page: first and deepest, the naive peer, and what a script pays when little is new."""

from __future__ import annotations

import http.client
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from bench import goals
from bench.results import Result
from bench.sandwich import Take, sandwiches, timed
from bench.servers import WebServer
from bench.worlds import World
from tests import cluster

if TYPE_CHECKING:
    from bench.bench import Bench

SIZE = 1000
# A page of the peer costs the same however long its table is; its table takes long to fill.
PEER_ROWS = 100_000
FILL_PEER = f"""
INSERT INTO peer_patient (id, code) SELECT id, patient_code FROM registry_enrolment;
INSERT INTO peer_score (patient_id, for_date, value, scale, context, recall, source, rater, answer_state, scheduled, recorded_at)
SELECT enrolment_id, for_date, value, 'nrs', context, recall, source, rater, answer_state, scheduled, recorded_at
FROM registry_painscore LIMIT {PEER_ROWS};
ANALYZE peer_score
"""


@dataclass
class Client:
    """A script with a token, on one connection."""

    server: WebServer
    headers: dict[str, str]
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=600)

    def get(self, path: str, **headers: str) -> tuple[int, bytes, str]:
        """Return status, body and tag of one answer."""
        self.connection.request("GET", path, headers={**self.headers, **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag", "")

    def rows(self, path: str) -> tuple[int, str]:
        """Return how many rows a page has and the path of the next one; raise RuntimeError for what is no page."""
        status, body, _ = self.get(path)
        if status != 200:
            raise RuntimeError(f"{path} was not sent: {status} {body[:300]!r}")
        page = json.loads(body)
        following = urlsplit(page["next"] or "")
        return len(page["results"]), f"{following.path}?{following.query}" if page["next"] else ""

    def walk(self, path: str) -> list[str]:
        """Return the paths of all pages."""
        paths = []
        while path:
            paths.append(path)
            _, path = self.rows(path)
        return paths

    def seconds_a_row(self, path: str) -> float:
        """Return the time of a page for each of its rows, all of its bytes read; what a client then makes of them is the client's."""
        answers: list[tuple[int, bytes, str]] = []
        seconds = timed(lambda: answers.append(self.get(path)))
        [(status, body, _)] = answers
        if status != 200:
            raise RuntimeError(f"{path} was not sent: {status} {body[:300]!r}")
        return seconds / max(1, len(json.loads(body)["results"]))


def measure(bench: Bench, stack: ExitStack) -> None:
    """Measure each size."""
    for patients in bench.sizes:
        world = bench.world(patients)
        with cluster.administrator(world.database) as connection:
            for statement in FILL_PEER.split(";\n"):
                connection.execute(statement.encode())
        client = Client(bench.product(world.database, stack), world.bearer)
        peer = Client(bench.peer(world.database, stack), {})
        paths = client.walk(f"/api/v1/scores/?page_size={SIZE}")
        by_depth(bench, patients, client, paths)
        beside_the_peer(bench, patients, client, peer)
        bench.run.note(nothing_new(bench, world, client, paths))


def beside_the_peer(bench: Bench, patients: int, client: Client, peer: Client) -> None:
    """Set the rows a second of a page beside the peer's."""
    ours: Take = lambda: 1 / client.seconds_a_row(f"/api/v1/scores/?page_size={SIZE}")  # noqa: E731
    theirs: Take = lambda: 1 / peer.seconds_a_row(f"/scores/?page_size={SIZE}")  # noqa: E731
    candidates: dict[str, tuple[Take, goals.Goal | None]] = {"scores, rows a second": (ours, goals.PAGES_AGAINST_PEER)}
    bench.compare(patients, "DRF ModelSerializer by cursor", theirs, candidates, unit="rows/s")


def by_depth(bench: Bench, patients: int, client: Client, paths: list[str]) -> None:
    """Set the last full page beside the first."""
    deepest = paths[max(0, len(paths) - 2)]
    take: Take = lambda: client.seconds_a_row(deepest)  # noqa: E731
    candidates: dict[str, tuple[Take, goals.Goal | None]] = {f"page {max(1, len(paths) - 1)} of scores": (take, goals.DEEPEST_PAGE)}
    bench.compare(patients, "first page, by row", lambda: client.seconds_a_row(paths[0]), candidates)


def nothing_new(bench: Bench, world: World, client: Client, paths: list[str]) -> Result:
    """Return the time of asking for what changed, where nothing did, as a share of reading everything."""
    since = quote((datetime.now(UTC) + timedelta(days=1)).isoformat())
    asked = f"/api/v1/scores/?page_size={SIZE}&changed_since={since}"
    found = sandwiches(lambda: client.seconds_a_row(paths[0]), {"": lambda: timed(lambda: client.get(asked))}, bench.run.repeats)[""]
    shares = tuple(one / world.scores for one in found.ratios)
    whole = tuple(one * world.scores for one in found.yardstick)
    return Result("scores changed since, none", world.patients, shares, "reading all of them", found.own, whole, "s", goals.SMALL_DELTA)
