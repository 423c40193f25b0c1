"""Requests by people of the scene, each answered in a still world and undone again; the answers as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.test import Client

from tests.contracts import scene
from tests.contracts.frozen_world import frozen_world
from tests.contracts.permission_table import Row

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
Answer = tuple[int, bytes, bytes]
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@contextmanager
def signed_in(who: str) -> Iterator[SimpleCookie]:
    """Sign a person in and give the cookies; whatever was written meanwhile is rolled back at the end."""
    client = Client()
    with transaction.atomic():
        if who != "anonymous":
            with frozen_world(scene.NOW, f"{who} signs in"):
                client.force_login(scene.person(who), backend=BACKEND)
        yield client.cookies
        transaction.set_rollback(True)


def ask(row: Row, who: str, *, query: str = "", **headers: Any) -> Answer:
    """Return the answer to one request of somebody who signed in for it alone."""
    with signed_in(who) as cookies:
        return answer_to(row, who, cookies, query=query, **headers)


def answer_to(row: Row, who: str, cookies: SimpleCookie, *, query: str = "", **headers: Any) -> Answer:
    """Return status, headers (cookies among them) and body of one answer; whatever it wrote is rolled back."""
    cache.clear()
    client = Client(raise_request_exception=False)
    client.cookies = SimpleCookie({name: cookie.value for name, cookie in cookies.items()})
    with transaction.atomic(), frozen_world(scene.NOW, f"{row} {who} {query}"):
        response = client.generic(row.method, row.address() + query, *row.body(), headers={**row.headers, **headers})
        content = b"".join(response.streaming_content) if response.streaming else response.content
        lines = [f"{name}: {value}" for name, value in sorted(response.items())] + [
            cookie.OutputString() for cookie in response.cookies.values()
        ]
        transaction.set_rollback(True)
    answer = response.status_code, "\n".join(lines).encode(), content
    return without_new_id(answer) if row.makes_id else answer


def without_new_id(answer: Answer) -> Answer:
    """Blank the id that the database's own clock gave to a new record, and the tag that hangs on it."""
    status, lines, content = answer
    lines = b"\n".join(line for line in lines.splitlines() if not line.startswith((b"ETag:", b"Location:")))
    return status, lines, UUID.sub(b"...", content)
