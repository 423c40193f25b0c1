"""One request by one person of the scene, answered in a still world and undone again; the answer as bytes."""

from __future__ import annotations

import re
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


def ask(row: Row, who: str, *, query: str = "", **headers: Any) -> Answer:
    """Return status, headers (cookies among them) and body of one answer; whatever it wrote is rolled back."""
    cache.clear()
    client = Client(raise_request_exception=False)
    with transaction.atomic(), frozen_world(scene.NOW, f"{row} {who} {query}"):
        if who != "anonymous":
            client.force_login(scene.person(who), backend=BACKEND)
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
