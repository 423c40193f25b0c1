"""Services that write to both aliases commit for real. No broker listens."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.services import jobs

    monkeypatch.setattr(jobs, "announce", lambda job_id: None)
