"""Contract tests commit for real; their database is emptied after each instead of cloned again. No broker listens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.emptying import empty_database


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        empty_database()
        yield
        empty_database()


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.services import jobs

    monkeypatch.setattr(jobs, "announce", lambda job_id: None)
