"""Health answers whatever is broken, and tells nothing about accounts and addresses."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client

from api import health


@pytest.fixture
def no_servers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point both servers at places where nobody answers."""
    settings.BROKER_URL = "redis+socket:///nowhere/valkey.sock"
    parameters = {"host": "/nowhere", "user": "rtms_web", "password": "a-secret", "dbname": "rtms"}
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: parameters)


def test_healthz_touches_nothing(no_servers: None, client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_readyz_names_what_does_not_answer_and_no_address(no_servers: None, client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {
            "database": {"ok": False, "reason": "does not answer"},
            "broker": {"ok": False, "reason": "does not answer"},
            "worker": {"ok": False, "reason": "its heartbeat cannot be read"},
        },
    }
    assert "no-store" in answer["Cache-Control"]
    assert not any(word in json.dumps(answer.json()) for word in ("nowhere", "rtms_web", "a-secret"))


def test_readyz_is_ready_when_all_checks_pass(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECKS", dict.fromkeys(health.CHECKS, lambda: ""))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {name: {"ok": True} for name in ("database", "broker", "worker")}}


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_health_is_only_read(client: Client, method: str) -> None:
    assert getattr(client, method)("/healthz").status_code == 405
    assert getattr(client, method)("/readyz").status_code == 405


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(0), ""),
        (timedelta(seconds=80), ""),
        (timedelta(seconds=100), "no heartbeat within 90 s"),
        (None, "no heartbeat within 90 s"),
    ],
)
def test_worker_counts_by_its_last_heartbeat(owner_connection: psycopg.Connection[Any], age: timedelta | None, reason: str) -> None:
    assert django_settings.HEARTBEAT_STALE_AFTER_S == 90
    owner_connection.execute("DELETE FROM registry_workerheartbeat")
    if age is not None:
        owner_connection.execute(
            "INSERT INTO registry_workerheartbeat VALUES ('worker@here', now() - %s, now() - interval '1 hour')", [age]
        )
    assert health.worker() == reason
    assert health.database() == ""
