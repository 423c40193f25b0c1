"""What tests of pages share: a client for each person, and counters that start at nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

PASSWORD = "correct horse battery"
Signed = Callable[[Any], Client]


@pytest.fixture(autouse=True)
def fresh_counters() -> Iterator[None]:
    """Forget the sign-in attempts of earlier tests: they are counted in the cache."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def signed_in(database: None) -> Signed:
    """Return a function that gives the client of a signed-in person."""

    def client_of(user: Any) -> Client:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return client_of
