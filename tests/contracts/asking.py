"""One request by one person of the scene, answered in a still world and undone again; the answer as bytes."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from tests.contracts import scene
from tests.contracts.frozen_world import frozen_world
from tests.contracts.permission_table import Row

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
Answer = tuple[int, bytes, bytes]


def ask(row: Row, who: str, *, query: str = "", **headers: Any) -> Answer:
    """Return status, headers (cookies among them) and body of one answer; whatever it wrote is rolled back."""
    cache.clear()
    client = Client(raise_request_exception=False)
    with transaction.atomic(), frozen_world(scene.NOW, f"{row} {who} {query}"):
        if who != "anonymous":
            client.force_login(scene.person(who), backend=BACKEND)
        body = (encode_multipart(BOUNDARY, row.data), MULTIPART_CONTENT) if row.method == "POST" else ()
        response = client.generic(row.method, reverse(row.route, kwargs=row.kwargs) + query, *body, headers=headers)
        content = b"".join(response.streaming_content) if response.streaming else response.content
        lines = [f"{name}: {value}" for name, value in sorted(response.items())] + [
            cookie.OutputString() for cookie in response.cookies.values()
        ]
        transaction.set_rollback(True)
    return response.status_code, "\n".join(lines).encode(), content
