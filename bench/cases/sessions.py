"""Sessions sent one by one to the REST door: beside the naive peer, beside bare INSERTs with a history trigger, and under overload."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bench import folders, goals, worlds
from bench.cases.imports import make_peers_patients, session_row
from bench.load import Load, Request, put_load
from bench.results import Result
from bench.sandwich import Take
from bench.servers import WebServer, pgbench

if TYPE_CHECKING:
    from bench.bench import Bench

CLIENTS, CROWD = 8, 64
EACH = 12
# More than any load gets through.
AT_ONCE_A_SECOND = 1500
PEOPLE_AT_LEAST = 60
FLOOR = """
CREATE TABLE floor_session (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, patient_id bigint REFERENCES peer_patient, number smallint,
    status text, started_at timestamptz, ended_at timestamptz, threshold_percent smallint, stimulator text, kit_code text,
    frequency_hz numeric, pulses integer, intensity_percent smallint, pain_before numeric, pain_after numeric, note text);
CREATE TABLE floor_event AS SELECT now() AS at, 'insert'::text AS label, * FROM floor_session;
CREATE FUNCTION floor_history() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO floor_event SELECT now(), ''insert'', * FROM new_values; RETURN NULL; END';
CREATE TRIGGER history AFTER INSERT ON floor_session REFERENCING NEW TABLE AS new_values FOR EACH STATEMENT EXECUTE FUNCTION floor_history()
"""
FLOOR_INSERT = """
INSERT INTO floor_session (patient_id, number, status, started_at, ended_at, threshold_percent, stimulator, kit_code, frequency_hz, pulses,
    intensity_percent, pain_before, pain_after, note)
VALUES (1 + (random() * 99)::integer, 3, 'given', now(), now(), 52, 'ST-N', 'K-3127', 10, 3000, 80, 6, 4, '');
"""


def measure(bench: Bench, stack: ExitStack) -> None:
    """Measure once: what one session costs does not depend on how many patients there are."""
    from tests import cluster

    database = stack.enter_context(worlds.empty_database("sessions"))
    posts = Posts(bench, *make_trial(bench), server=bench.product(database, stack))
    with cluster.administrator(database) as connection:
        for statement in FLOOR.split(";\n"):
            connection.execute(statement.encode())
    peer = bench.peer(database, stack)
    take: Take = lambda: posts.put(CLIENTS).rate  # noqa: E731
    peers: Take = lambda: put_peers(bench, peer)  # noqa: E731
    floor: Take = lambda: pgbench(database, FLOOR_INSERT, connections=CLIENTS, seconds=bench.seconds, folder=bench.folder)  # noqa: E731
    what = f"POST a session, {CLIENTS} clients"
    bench.compare(posts.patients, "DRF with simple-history, one flat row", peers, {what: (take, goals.POST_AGAINST_PEER)}, unit="req/s")
    bench.compare(posts.patients, "pgbench INSERT with trigger", floor, {what: (take, goals.POST_AGAINST_FLOOR)}, unit="req/s")
    overload(bench, posts)


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


def put_peers(bench: Bench, peer: WebServer) -> float:
    """Return how many sessions a second the peer takes in."""
    requests = [Request("/sessions/", "POST", {}, json.dumps(session_row(1 + number % 100, 1 + number % 20))) for number in range(200)]
    found = put_load(peer.port, requests, connections=CLIENTS, seconds=bench.seconds)
    if found.errors:
        raise RuntimeError(f"the peer refused sessions: {found.statuses} {found.said}")
    return found.rate


def make_trial(bench: Bench) -> tuple[list[str], str, int]:
    """Bring in people with thresholds and without sessions; return sessions to send, a token, and how many people they are."""
    from registry.interchange.importer import bring_in
    from registry.models import system_actor

    loads = 2 * (bench.run.repeats + 1) * bench.seconds + 2 * bench.run.repeats * bench.seconds
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
    """Return a session as planned with everything a form asks."""
    start = threshold.measured_at + timedelta(minutes=20 * number)
    return {
        "trial": worlds.SLUG, "patient": threshold.enrolment.patient_code, "number": number, "status": "given", "as_planned": True,
        "started_at": start.isoformat(), "ended_at": (start + timedelta(minutes=15)).isoformat(), "threshold": str(threshold.record),
        "stimulator": f"ST-{threshold.enrolment.site.code}", "hearing_protection": True, "coil_matches_threshold": True,
        "pain_before": 6, "pain_after": 4, "new_since_last": [], "pulse_counter": 3000,
        "side_effects": [{"term": "headache", "severity": "mild", "relation": "possible"}],
    }  # fmt: skip
