"""A database that goes away in the middle of a request: 503 with Retry-After, and the same request again does what was asked, once."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from registry.models import StimulationSession
from tests import cluster
from tests.contracts.logins import current_database
from tests.registry.services.stimulation_scene import allocate, measure, prescribe

BLOCK = {
    "frequency_hz": 10, "pulses_per_train": 100, "trains": 30, "gap_s": 20, "intensity_percent": 80, "target": "m1_hand",
    "hemisphere": "left",
}  # fmt: skip
# Asking who comes; the first row of the session; its pains; the answer that is kept for a repetition.
STATEMENTS = (
    "registry_apitoken",
    'INSERT INTO "registry_stimulationsession"',
    'INSERT INTO "registry_painscore"',
    "INSERT INTO registry_job",
)


def end_it() -> None:
    """Let the server end the connection and say so, as one that is stopped does."""
    with cluster.administrator(current_database()) as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


def cut_it() -> None:
    """Let the server be gone without a word, as one that was killed is."""
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def lost_before(statement: str, lose: Callable[[], None]) -> Iterator[None]:
    """Lose the connection before the first statement that has these words."""
    lost: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if statement in sql and not lost:
            lost.append(sql)
            lose()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield
    assert lost


@pytest.fixture
def session(committed_db: None, trial: Any, enrolment: Any, setup_actor: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    from registry.services import jobs

    monkeypatch.setattr(jobs, "announce", lambda job_id: None)
    prescribe(trial, setup_actor)
    allocate(enrolment, setup_actor)
    measure(enrolment, setup_actor)
    return {
        "trial": "calm-m1", "patient": "P-0001", "status": "given", "for_date": "2026-11-18", "blocks": [BLOCK], "pain_before": 6,
        "pain_after": 4, "deviation_reason": "clinical_decision", "id": str(uuid.uuid4()),
    }  # fmt: skip


def post(client: Any, session: dict[str, Any]) -> Any:
    answer = client.post("sessions/", session, Idempotency_Key=session["id"])
    connection.close()  # as after every request; the test client leaves it open
    return answer


def is_told_to_come_again(answer: Any) -> bool:
    return (answer.status_code, answer.get("Retry-After"), answer["Content-Type"]) == (503, "2", "application/problem+json")


@pytest.mark.parametrize("lose", [end_it, cut_it])
def test_session_whose_database_goes_away_is_stored_by_the_next_try(api, oscar, session, lose):
    client = api(oscar)
    for statement in STATEMENTS:
        with lost_before(statement, lose):
            assert is_told_to_come_again(post(client, session)), statement
        assert not StimulationSession.objects.exists()
    assert [post(client, session).status_code for _ in range(2)] == [201, 201]
    assert StimulationSession.objects.count() == 1


@pytest.mark.parametrize("lose", [end_it, cut_it])
def test_session_lost_while_it_is_committed_is_told_to_come_again(api, oscar, session, lose, monkeypatch):
    client, original = api(oscar), BaseDatabaseWrapper._commit
    with monkeypatch.context() as patched:
        patched.setattr(BaseDatabaseWrapper, "_commit", lambda self: (lose(), original(self)))
        assert is_told_to_come_again(post(client, session))
    assert post(client, session).status_code == 201
    assert StimulationSession.objects.count() == 1
