"""Several hosts: web, two workers, database and broker each on a machine of its own, and one worker cut off in the middle of a job."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.hosts import Hosts, hosts
from tests.deploy.servers import HOST, Deployment, servers, until
from tests.embedded.test_sessions_survive import MAKE_TOKEN
from tests.interchange.folders import TRIAL as FOLDER
from tests.interchange.folders import write_folder

pytestmark = pytest.mark.slow_services

TRIAL = "calm-m1"
PATIENTS = ("P-01", "P-02", "P-03")
WORKERS = ("worker1", "worker2")
# Nobody is allocated here; everybody enrolled counts.
TRIAL_OF_ALL = FOLDER.replace("[plan]\n", '[plan]\npopulation = "enrolled"\n')
# Whom the token is made for.
COORDINATOR = "coordinator@demonstration.example"
MAKE_TRIAL = """
from django.core.management import call_command
call_command("add_account", "admin@example.org", "administrator", name="Ada Admin")
call_command("import_trial", "{folder}", "--as", "admin@example.org")
call_command("add_account", "{coordinator}", "coordinator", name="Alice Example", trial="calm-m1")
"""
# Whoever is silent for this long is taken as gone; the default is 30 s.
LOST_AFTER_S = 6
PATIENCE_S = 90
QUICK = {
    "RTMS_PEER_LOST_AFTER_S": str(LOST_AFTER_S),
    "RTMS_SWEEP_INTERVAL_S": "2",
    "WORKER_PROCESSES": "1",
    "WEB_WORKERS": "1",
}
AT_WORK = "SELECT host(client_addr) FROM pg_stat_activity WHERE usename = 'rtms_worker' AND wait_event_type = 'Lock'"
SNAPSHOTS = "SELECT count(*), max(number), count(DISTINCT sha256) FROM registry_snapshot"
UNFINISHED = "SELECT count(*) FROM registry_job WHERE state <> 'done'"


@pytest.fixture
def machines() -> Iterator[Hosts]:
    with hosts("web", *WORKERS, "db", "broker", "client") as made:
        yield made


@pytest.fixture
def at(machines: Hosts) -> Iterator[Deployment]:
    with servers(machines, **QUICK) as deployment:
        deployment.start_service("web")
        for worker in WORKERS:
            deployment.start_service("worker", on=worker)
        deployment.start_service("beat")
        yield deployment
        # Shown where the test failed; each service says why in its own log.
        sys.stdout.write(deployment.said())


def test_job_of_a_worker_that_was_cut_off_is_done_once_elsewhere(at: Deployment, tmp_path: Path) -> None:
    """One story, for each start of everything takes seconds."""
    machines, client = at.machines, Client(at, make_trial(at, tmp_path))
    assert machines is not None
    until(client.is_ready)
    until(lambda: is_done(at, snapshots=1), within_s=PATIENCE_S)
    client.write(PATIENTS[0])
    until(lambda: is_done(at, snapshots=2), within_s=PATIENCE_S)
    cut_off = cut_off_in_the_middle_of_a_job(at, client)
    (other,) = set(WORKERS) - {cut_off}
    until(lambda: is_done(at, snapshots=3), within_s=PATIENCE_S)
    assert ask(at, "SELECT attempts, failure FROM registry_job ORDER BY id DESC LIMIT 1") == "2|"
    machines.plug_in(cut_off)
    at.stop_one(other)
    client.write(PATIENTS[2])
    # Whoever was cut off works again, and has left nothing behind but what it does now.
    until(lambda: is_done(at, snapshots=4), within_s=PATIENCE_S)
    assert ask(at, SNAPSHOTS) == "4|4|4"
    assert ask(at, "SELECT count(*) FROM closed.snapshot", login="rtms_unmasked") == "4"
    assert at.manage("verify_audit", service="migrate").returncode == 0


class Client:
    """A script of the site, on a machine of its own."""

    def __init__(self, at: Deployment, secret: str) -> None:
        self.at = at
        # What the proxy in front adds.
        self.headers = {"Authorization": f"Bearer {secret}", "Host": HOST, "X-Forwarded-Proto": "https"}

    def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        address = f"http://{self.at.web}{path}"
        question = lambda: httpx.request(method, address, json=body, headers=self.headers, timeout=30, trust_env=False)  # noqa: E731
        assert self.at.machines is not None
        return self.at.machines.ask("client", question)

    def is_ready(self) -> bool:
        try:
            return self.request("GET", "/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def write(self, patient: str) -> None:
        """Record the patient's score of week 4, which outcomes count."""
        score: dict[str, Any] = {
            "trial": TRIAL, "patient": patient, "visit": "W4", "value": 3, "scale": "nrs", "recall": "not_stated", "context": "visit",
            "source": "clinic", "pain": "overall",
        }  # fmt: skip
        made = self.request("POST", "/api/v1/scores/", score)
        assert made.status_code == 201, made.text


def make_trial(at: Deployment, tmp_path: Path) -> str:
    """Import a trial and return a token for writing in it; in one process, for each start of one takes seconds."""
    patients = [{"patient": patient, "site": "N"} for patient in PATIENTS]
    baselines = [{"patient": patient, "visit": "BL", "value": "7"} for patient in PATIENTS]
    folder = write_folder(tmp_path / "calm", TRIAL_OF_ALL, patients=patients, pain_scores=baselines)
    made = at.manage("shell", "--no-imports", "-c", MAKE_TRIAL.format(folder=str(folder), coordinator=COORDINATOR) + MAKE_TOKEN)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout.split()[-1]


def cut_off_in_the_middle_of_a_job(at: Deployment, client: Client) -> str:
    """Let a job get as far as writing its endpoints, pull its worker's cable, and return the worker once the database gave it up.

    What the job waits for is held until then: a connection whose client is gone must end although it is busy.
    """
    assert at.machines is not None
    with at.holding("LOCK TABLE registry_endpoint IN SHARE MODE"):
        client.write(PATIENTS[1])
        until(lambda: ask(at, AT_WORK) != "")
        address = ask(at, AT_WORK)
        (worker,) = (name for name in WORKERS if at.machines.addresses[name] == address)
        at.machines.pull(worker)
        gone = f"SELECT count(*) FROM pg_stat_activity WHERE host(client_addr) = '{address}' AND wait_event_type = 'Lock'"
        until(lambda: ask(at, gone) == "0", within_s=PATIENCE_S)
    return worker


def is_done(at: Deployment, snapshots: int) -> bool:
    return ask(at, SNAPSHOTS).startswith(f"{snapshots}|") and ask(at, UNFINISHED) == "0"


def ask(at: Deployment, statement: str, login: str = "rtms_bootstrap") -> str:
    done = at.psql(login, statement)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
