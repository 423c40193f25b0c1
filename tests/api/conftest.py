"""A researcher's client: a token, JSON in and out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.serving import served

V1 = "/api/v1/"


@dataclass
class Api:
    """Speaks to the REST door as one person, by token."""

    secret: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the answer to one request."""
        address = path if path.startswith(("/", "http")) else V1 + path
        sent = {"Authorization": f"Bearer {self.secret}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return Client(raise_request_exception=False).generic(method, address, headers=sent, **data)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return the rows of one page."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        return list(answer.json()["results"])


def token_of(user: Any, *, scope: str = "write", trial: Any = None, days: int = 30, name: str = "test") -> str:
    """Return the secret of a new token."""
    from registry.services.tokens import NewToken, make_token
    from registry.vocabulary import TokenScope

    now = timezone.now()
    wanted = NewToken(name, TokenScope(scope), now.date() + timedelta(days=days), uuid.uuid4(), trial)
    return make_token(wanted, by=user, now=now).secret


@pytest.fixture(autouse=True)
def _fresh_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def api() -> Callable[..., Api]:
    """Return a function that gives a person a client."""

    def of(user: Any, **token: Any) -> Api:
        return Api(token_of(user, **token))

    return of


@pytest.fixture
def new_score() -> dict[str, Any]:
    return {
        "trial": "calm-m1", "patient": "P-0001", "value": 4, "for_date": "2026-11-17", "scale": "NRS", "recall": "average_24h",
        "context": "diary", "source": "diary", "pain": "overall",
    }  # fmt: skip


@pytest.fixture
def site(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the application from threads with connections of their own; return its address."""
    from registry.services import jobs

    monkeypatch.setattr(jobs, "announce", lambda job_id: None)
    with served() as address:
        yield address
