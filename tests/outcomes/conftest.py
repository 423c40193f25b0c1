"""The worker's own login role, and trials as the reference data publish them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections


@pytest.fixture
def worker(committed_db: None) -> Iterator[None]:
    """Let the default alias sign in as the worker, in a database where everything commits."""
    from registry import settings

    connection = connections["default"]
    before = connection.settings_dict
    connection.close()
    of_worker: dict[str, Any] = settings._database("worker", pool=False)
    connection.settings_dict = before | of_worker | {"NAME": before["NAME"]}
    yield
    connection.close()
    connection.settings_dict = before
