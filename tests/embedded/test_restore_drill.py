"""A restore drill: a registry is backed up while several clients write, and comes back on a machine with nothing on it."""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.embedded import sharing
from registry.embedded.place import Place
from registry.operations.table_sums import table_sums
from registry.operations.upgrade import owned
from tests.embedded.conftest import data_directory
from tests.embedded.running import manage, wait_until
from tests.embedded.test_sessions_survive import MAKE_TOKEN, TRIAL, Poster, body, patients_of
from tests.embedded.test_up import Running, running

pytestmark = pytest.mark.slow_services

CLIENTS = 3
WRITTEN_BEFORE = 15
WRITTEN_AFTER = 6
THERE = "SELECT record::text FROM registry_painscore UNION SELECT record::text FROM registry_stimulationsession"
WITHOUT_BLOCKS = """SELECT count(*) FROM registry_stimulationsession s
                    WHERE s.status = 'given' AND NOT EXISTS (SELECT FROM registry_stimulationblock b WHERE b.session_id = s.id)"""


class Clients:
    """Scripts that record sessions and scores one after the other, and note what was acknowledged."""

    def __init__(self, registry: Running, secret: str) -> None:
        self.poster = Poster(registry, secret)
        self.patients = patients_of(self.poster)
        self.acknowledged: list[str] = []
        self.sent: list[str] = []
        self.told_to_stop = threading.Event()
        self.numbers = itertools.count()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with ThreadPoolExecutor(CLIENTS) as clients:
            at_work: list[Future[None]] = [clients.submit(self.write_on) for _ in range(CLIENTS)]
            try:
                yield
            finally:
                self.told_to_stop.set()
            for one in at_work:
                one.result()

    def write_on(self) -> None:
        while not self.told_to_stop.is_set():
            number = next(self.numbers)
            kind, record = ("sessions", body(number, self.patients)) if number % 2 else ("scores", self.score(number))
            self.sent.append(record["id"])
            address = self.poster.address.replace("/sessions/", f"/{kind}/")
            answer = httpx.post(address, json=record, headers=self.poster.headers, timeout=60, trust_env=False)
            assert answer.status_code == 201, answer.text
            self.acknowledged.append(answer.json()["id"])
            time.sleep(0.05)

    def score(self, number: int) -> dict[str, Any]:
        day = date.today() - timedelta(days=1 + number // len(self.patients) % 60)
        return {
            "id": str(uuid.uuid4()), "trial": TRIAL, "patient": self.patients[number % len(self.patients)], "value": 4, "scale": "NRS",
            "for_date": day.isoformat(), "recall": "now", "context": "unscheduled", "source": "clinic", "pain": "overall",
        }  # fmt: skip


def test_backup_of_a_busy_registry_comes_back_on_an_empty_machine(fresh_place: Place, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    with running(fresh_place) as registry:
        made = manage("shell", "--data", str(fresh_place.data), "--no-imports", "-c", MAKE_TOKEN)
        assert made.returncode == 0, made.stderr
        clients = Clients(registry, made.stdout.strip())
        with clients.writing():
            wait_until(lambda: len(clients.acknowledged) >= WRITTEN_BEFORE, within_s=120)
            before = set(clients.acknowledged)
            backed_up = manage("backup", str(backup), "--data", str(fresh_place.data))
            after = len(clients.acknowledged)
            wait_until(lambda: len(clients.acknowledged) >= after + WRITTEN_AFTER, within_s=120)
        assert backed_up.returncode == 0, backed_up.stderr
        assert len(set(clients.acknowledged)) > len(before) + WRITTEN_AFTER, "nobody wrote while the backup ran"
        secrets = json.loads(fresh_place.secrets.read_text())
        assert registry.stop() == 0
    the_keys_lie_apart(backup, secrets)
    with data_directory() as other:
        restored = manage("restore", str(backup), "--data", str(other.data))
        assert restored.returncode == 0, restored.stderr
        assert "each has the checksum of the backup" in restored.stdout
        assert "Nothing was tampered with: all seals fit" in restored.stdout
        there = what_came_back(other, json.loads((backup / "manifest.json").read_text()))
    assert before <= there, "acknowledged before the backup began, and lost"
    assert set(clients.acknowledged[after:]) - there, "what was written after the backup cannot be in it"


def the_keys_lie_apart(backup: Path, secrets: dict[str, str]) -> None:
    held = b"".join(path.read_bytes() for path in sorted(backup.iterdir()))
    for name in ("identity_key", "secret_key"):
        assert secrets[name].encode() not in held, name
    assert json.loads((backup.with_name("backup.keys") / "secrets.json").read_text())["identity_key"] == secrets["identity_key"]


def what_came_back(other: Place, manifest: dict[str, Any]) -> set[str]:
    """Compare the restored tables with the backup's sums once more and return the records."""
    share = sharing.share(other)
    try:
        with owned(other).connect() as connection:
            assert table_sums(connection) == manifest["tables"]
            assert connection.execute(WITHOUT_BLOCKS).fetchone() == (0,)
            return {str(record) for (record,) in connection.execute(THERE).fetchall()}
    finally:
        sharing.release(other, share)
