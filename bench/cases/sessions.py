"""Sessions sent one by one to the REST door: beside two peers, beside bare INSERTs with history triggers, and under overload."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bench import folders, goals, worlds
from bench.cases.imports import make_peers_patients, session_row
from bench.floor_rows import ONE_ROW, make_floors, whole_session
from bench.load import Load, Request, put_load
from bench.peer_nested.prepare import PATIENTS, code_of, threshold_of
from bench.results import Result
from bench.sandwich import Take
from bench.servers import WebServer, nested_peer, pgbench

if TYPE_CHECKING:
    from bench.bench import Bench

CLIENTS, CROWD = 8, 64
POST = f"POST a session, {CLIENTS} clients"
EACH = 12
# More than any load gets through.
AT_ONCE_A_SECOND = 1500
PEOPLE_AT_LEAST = 60


def measure(bench: Bench, stack: ExitStack) -> None:
    """Measure once: what one session costs does not depend on how many patients there are."""
    from tests import cluster

    database = stack.enter_context(worlds.empty_database("sessions"))
    posts = Posts(bench, *make_trial(bench), server=bench.product(database, stack))
    with cluster.administrator(database) as connection:
        make_floors(connection)
    beside_the_peers(bench, posts, database, stack)
    beside_the_floors(bench, posts, database)
    overload(bench, posts)


def beside_the_peers(bench: Bench, posts: Posts, database: str, stack: ExitStack) -> None:
    """Set the product beside the peer that keeps the same facts, which the goal is for, and beside the one that stores a flat row."""
    flat = bench.peer(database, stack)
    nested, token = stack.enter_context(nested_peer(stack.enter_context(worlds.bare_database("nested")), bench.folder))
    take: Take = lambda: posts.put(CLIENTS).rate  # noqa: E731
    same: Take = lambda: put_peers(bench, nested, nested_requests(token))  # noqa: E731
    row: Take = lambda: put_peers(bench, flat, flat_requests())  # noqa: E731
    # Servers that have just started load and plan what they keep from then on: none of the three is measured while it does.
    for warm_up in (take, same, row):
        warm_up()
    bench.compare(
        posts.patients, "DRF and simple-history, nested, the same facts", same, {POST: (take, goals.POST_AGAINST_PEER)}, unit="req/s"
    )
    bench.compare(posts.patients, "DRF and simple-history, one flat row, no sign-in", row, {POST: (take, None)}, unit="req/s")


def beside_the_floors(bench: Bench, posts: Posts, database: str) -> None:
    """Set the product beside bare inserts of all the rows of a session, which the goal is for, and of one row."""
    take: Take = lambda: posts.put(CLIENTS).rate  # noqa: E731
    for name, script, goal in (
        ("pgbench, the same rows with history in one transaction", whole_session(), goals.POST_AGAINST_FLOOR),
        ("pgbench, one row with history", ONE_ROW, None),
    ):
        floor: Take = partial(pgbench, database, script, connections=CLIENTS, seconds=bench.seconds, folder=bench.folder)
        bench.compare(posts.patients, name, floor, {POST: (take, goal)}, unit="req/s")


def overload(bench: Bench, posts: Posts) -> None:
    """Send from many more clients than there are threads."""
    found = [posts.put(CROWD, seconds=2 * bench.seconds) for _ in range(bench.run.repeats)]
    waits = tuple(one.p95 / (1000 * CROWD / one.rate) for one in found)
    what = f"POST a session, {CROWD} clients"
    bench.run.note(Result(f"{what}: errors", posts.patients, tuple(one.errors for one in found), goal=goals.OVERLOAD_ERRORS))
    bench.run.note(Result(f"{what}: p95 in times of the mean wait", posts.patients, waits, goal=goals.OVERLOAD_WAIT))


@dataclass
class Posts:
    """Sessions to send, each once."""

    bench: Bench
    bodies: list[str]
    token: str
    patients: int
    server: WebServer
    sent: int = 0

    def put(self, clients: int, seconds: float = 0) -> Load:
        """Send sessions for some seconds; raise RuntimeError where one is refused or none are left."""
        seconds = seconds or self.bench.seconds
        bodies = self.bodies[self.sent : self.sent + round(AT_ONCE_A_SECOND * seconds)]
        headers = {"Authorization": f"Bearer {self.token}"}
        requests = [Request("/api/v1/sessions/", "POST", headers, body) for body in bodies]
        found = put_load(self.server.port, requests, connections=clients, seconds=seconds, once=True)
        self.sent += found.answers + clients
        if found.errors and clients <= CLIENTS:
            raise RuntimeError(f"sessions were refused: {found.statuses} {found.said}")
        if found.answers + clients >= len(bodies):
            raise RuntimeError("more sessions are needed than were prepared")
        return found


def put_peers(bench: Bench, peer: WebServer, requests: list[Request]) -> float:
    """Return how many sessions a second a peer takes in."""
    found = put_load(peer.port, requests, connections=CLIENTS, seconds=bench.seconds)
    if found.errors:
        raise RuntimeError(f"the peer refused sessions: {found.statuses} {found.said}")
    return found.rate


def flat_requests() -> list[Request]:
    """Return sessions as the peer of one flat row takes them."""
    rows = (session_row(1 + number % 100, 1 + number % 20) for number in range(200))
    return [Request("/sessions/", "POST", {}, json.dumps(row)) for row in rows]


def nested_requests(token: str) -> list[Request]:
    """Return sessions as the product takes them, of the nested peer's patients."""
    found = []
    for number in range(200):
        patient = 1 + number % PATIENTS
        start = datetime(2026, 3, 2, 8, tzinfo=UTC) + timedelta(minutes=20 * number)
        body = body_of(code_of(patient), str(threshold_of(patient)), "ST-N", start, 1 + number % 20)
        found.append(Request("/sessions/", "POST", {"Authorization": f"Token {token}"}, json.dumps(body)))
    return found


def make_trial(bench: Bench) -> tuple[list[str], str, int]:
    """Bring in people with thresholds and without sessions; return sessions to send, a token, and how many people they are."""
    from registry.interchange.importer import bring_in
    from registry.models import system_actor

    loads = (1 + 4 * (bench.run.repeats + 1)) * bench.seconds + 2 * bench.run.repeats * bench.seconds
    people = max(PEOPLE_AT_LEAST, round(AT_ONCE_A_SECOND / 5 * loads / EACH))
    folder = bench.folder / "people"
    folders.write_sessions(folder, worlds.SLUG, 10 * people, bench.run.seed, datetime.now(UTC))
    for name in ("sessions", "session_blocks", "adverse_events", "pain_scores"):
        (folder / f"{name}.csv").unlink()
    report = bring_in(folder, by=system_actor("setup"), now=datetime.now(UTC))
    shutil.rmtree(folder)
    if report.problem_count:
        raise RuntimeError(f"the folder was refused: {report.lines()[:5]}")
    make_peers_patients()
    bodies = session_bodies()
    return bodies, worlds.make_reader(), len(bodies) // EACH


def session_bodies() -> list[str]:
    """Return twelve sessions for each patient with a threshold, those of one patient far apart."""
    from registry.models import MotorThreshold

    found: dict[int, Any] = {}
    rows = MotorThreshold.objects.select_related("enrolment__site").order_by("enrolment_id", "measured_at")
    for one in rows:
        found.setdefault(one.enrolment_id, one)
    return [json.dumps(session_body(one, number)) for number in range(1, EACH + 1) for one in found.values()]


def session_body(threshold: Any, number: int) -> dict[str, object]:
    """Return a session of a patient of the trial."""
    start = threshold.measured_at + timedelta(minutes=20 * number)
    enrolment = threshold.enrolment
    return body_of(enrolment.patient_code, str(threshold.record), f"ST-{enrolment.site.code}", start, number)


def body_of(patient: str, threshold: str, stimulator: str, start: datetime, number: int) -> dict[str, object]:
    """Return a session as planned with everything a form asks."""
    return {
        "trial": worlds.SLUG, "patient": patient, "number": number, "status": "given", "as_planned": True,
        "started_at": start.isoformat(), "ended_at": (start + timedelta(minutes=15)).isoformat(), "threshold": threshold,
        "stimulator": stimulator, "hearing_protection": True, "coil_matches_threshold": True,
        "pain_before": 6, "pain_after": 4, "new_since_last": [], "pulse_counter": 3000,
        "side_effects": [{"term": "headache", "severity": "mild", "relation": "possible"}],
    }  # fmt: skip
