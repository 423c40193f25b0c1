"""Sessions posted from many clients while processes are killed: what was acknowledged is there, once, with its pains."""

from __future__ import annotations

import itertools
import logging
import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import httpx
import psutil
import pytest

from registry.embedded.place import Place
from tests.embedded.running import manage, postmaster, wait_until
from tests.embedded.test_up import Running, running

pytestmark = pytest.mark.slow_services
log = logging.getLogger(__name__)

SESSIONS = int(os.environ.get("RTMS_TEST_SESSIONS", "60"))
CLIENTS = 8
PATIENT_COUNT = 10
KILLED = ("web", "worker", "beat", "valkey", "postgresql")
# Between two kills, so that requests get through in between as they would in life.
BREATH_S = (1.0, 4.0)
LEAST_KILLS = 3
# Of the kills, how many do not wait until the last one is mended.
KILLED_WHILE_DOWN = 0.25
GIVE_UP_AFTER_S = 600
TRIAL = "demonstration"
MAKE_TOKEN = """
import uuid
from datetime import timedelta
from django.utils import timezone
from registry.models import User
from registry.services.tokens import NewToken, make_token
from registry.vocabulary import TokenScope
now = timezone.now()
wanted = NewToken("chaos", TokenScope.WRITE, now.date() + timedelta(days=2), uuid.uuid4(), None)
print(make_token(wanted, by=User.objects.get(email="coordinator@demonstration.example"), now=now).secret)
"""


class Killer(threading.Thread):
    """Kills one process after the other with -9 until told to stop."""

    def __init__(self, registry: Running, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.registry, self.chance = registry, chance
        self.stopped = threading.Event()
        self.kills: Counter[str] = Counter()

    def run(self) -> None:
        while not self.stopped.wait(self.chance.uniform(*BREATH_S)):
            if self.chance.random() > KILLED_WHILE_DOWN:
                self._await_ready()
            name = self.chance.choice(KILLED)
            try:
                doomed = postmaster(self.registry.place) if name == "postgresql" else self.registry.program(name)
                doomed.kill()
            except (psutil.Error, OSError, ValueError, IndexError):
                continue  # it is dead from the kill before, and on its way back
            self.kills[name] += 1

    def _await_ready(self) -> None:
        """Wait until the registry is whole again, or there is nothing more to kill for."""
        while not self.stopped.wait(0.2) and not self.registry.is_ready():
            pass


class Poster:
    """Posts one session until it is acknowledged, as a script with retries does."""

    def __init__(self, registry: Running, secret: str) -> None:
        self.address = f"http://127.0.0.1:{registry.port}/api/v1/sessions/"
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.tries: Counter[int] = Counter()

    def post(self, body: dict[str, Any]) -> str:
        headers = {**self.headers, "Idempotency-Key": str(body["id"])}
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        while time.monotonic() < give_up_at:
            try:
                answer = httpx.post(self.address, json=body, headers=headers, timeout=20)
            except httpx.TransportError:
                self.tries[0] += 1
            else:
                self.tries[answer.status_code] += 1
                if answer.status_code == 201:
                    return str(answer.json()["id"])
                assert answer.status_code in (409, 429, 500, 502, 503), answer.text
            time.sleep(0.2)
        raise AssertionError(f"not acknowledged in {GIVE_UP_AFTER_S} s: {body}")


def test_each_acknowledged_session_is_there_once_whatever_is_killed(fresh_place: Place) -> None:
    with running(fresh_place) as registry:
        made = manage("shell", "--data", str(fresh_place.data), "--no-imports", "-c", MAKE_TOKEN)
        assert made.returncode == 0, made.stderr
        poster = Poster(registry, made.stdout.strip())
        before = sessions_there(poster)
        patients = patients_of(poster)
        sent: list[dict[str, Any]] = []
        acknowledged, kills = post_under_fire(registry, poster, bodies(patients, sent))
        wait_until(registry.is_ready, within_s=90)
        after = sessions_there(poster)
    assert sorted(acknowledged) == sorted(one["id"] for one in sent)
    assert len(acknowledged) >= SESSIONS
    assert sum(kills.values()) >= LEAST_KILLS, kills
    assert set(after) - set(before) == set(acknowledged)
    assert all(after[record] == 1 for record in acknowledged), "a session stands twice"


def bodies(patients: list[str], sent: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield sessions without end, and keep what was yielded."""
    for number in itertools.count():
        sent.append(body(number, patients))
        yield sent[-1]


def post_under_fire(registry: Running, poster: Poster, fresh: Iterator[dict[str, Any]]) -> tuple[list[str], Counter[str]]:
    """Return what was acknowledged and who was killed meanwhile; a quick machine posts on until enough were killed."""
    killer = Killer(registry, random.Random(2026))
    killer.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            acknowledged = list(clients.map(poster.post, itertools.islice(fresh, SESSIONS)))
            while sum(killer.kills.values()) < LEAST_KILLS and killer.is_alive():
                acknowledged += clients.map(poster.post, itertools.islice(fresh, CLIENTS))
    finally:
        killer.stopped.set()
        killer.join()
    log.info("%d sessions, answers %s, killed %s", len(acknowledged), dict(poster.tries), dict(killer.kills))
    return acknowledged, killer.kills


def patients_of(poster: Poster) -> list[str]:
    rows = pages(poster, f"patients/?trial={TRIAL}&page_size={PATIENT_COUNT}", most=1)
    return [row["patient"] for row in rows]


def body(number: int, patients: list[str]) -> dict[str, Any]:
    """Return an additional session, given with blocks of its own, with pains and a side effect."""
    day = date.today() - timedelta(days=1 + number % 20)
    block = {
        "frequency_hz": 10, "pulses_per_train": 100, "trains": 30, "gap_s": 20, "intensity_percent": 80, "target": "m1_hand",
        "hemisphere": "left",
    }  # fmt: skip
    return {
        "id": str(uuid.uuid4()),
        "trial": TRIAL,
        "patient": patients[number % len(patients)],
        "status": "given",
        "for_date": day.isoformat(),
        "blocks": [block],
        "pain_before": 6,
        "pain_after": 4,
        "side_effects": [{"term": "headache", "severity": "mild", "relation": "possible"}],
        "deviation_reason": "clinical_decision",
    }


def sessions_there(poster: Poster) -> Counter[str]:
    """Count how often each session is listed."""
    return Counter(row["id"] for row in pages(poster, f"sessions/?trial={TRIAL}&page_size=500"))


def pages(poster: Poster, path: str, most: int = 1000) -> list[dict[str, Any]]:
    """Follow the links to the next page to their end."""
    address: str | None = poster.address.removesuffix("sessions/") + path
    rows: list[dict[str, Any]] = []
    for _ in range(most):
        if address is None:
            break
        answer = httpx.get(address, headers=poster.headers, timeout=60)
        assert answer.status_code == 200, answer.text
        rows += answer.json()["results"]
        address = answer.links.get("next", {}).get("url")
    return rows
