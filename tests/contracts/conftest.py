"""Contract tests commit for real; their database is emptied after each instead of cloned again. No broker listens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import cluster
from tests.contracts.emptying import empty_database
from tests.contracts.logins import current_database, speaking_to


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


@pytest.fixture(scope="session")
def scene_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Return the name of a database that holds the committed scene; tests leave it as it is."""
    from registry.services import jobs
    from tests.contracts import scene

    name = f"{current_database()}_scene"
    cluster.make_database(name, cluster.ensure_template())
    with django_db_blocker.unblock(), speaking_to(name), pytest.MonkeyPatch.context() as patched:
        patched.setattr(jobs, "announce", lambda job_id: None)
        scene.build()
    yield name
    cluster.drop_database(name)


@pytest.fixture
def in_scene(scene_database: str, django_db_blocker: Any) -> Iterator[str]:
    """Speak to the scene."""
    with django_db_blocker.unblock(), speaking_to(scene_database):
        yield scene_database
