"""Contract tests commit for real. No broker listens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import cluster
from tests.contracts.logins import current_database, speaking_to


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.services import jobs

    monkeypatch.setattr(jobs, "announce", lambda job_id: None)


@pytest.fixture(scope="session")
def bare_scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Return the name of a database that holds the committed scene without outcomes."""
    from registry.services import jobs
    from tests.contracts import scene

    name = f"{current_database()}_bare"
    cluster.make_database(name, cluster.ensure_template())
    with django_db_blocker.unblock(), speaking_to(name), pytest.MonkeyPatch.context() as patched:
        patched.setattr(jobs, "announce", lambda job_id: None)
        scene.build()
    yield name
    cluster.drop_database(name)


@pytest.fixture(scope="session")
def scene_database(bare_scene: str, django_db_blocker: Any) -> Iterator[str]:
    """Return the name of a database that holds the committed scene with its outcomes; tests leave it as it is."""
    from tests.contracts.worlds import make_world

    name = bare_scene.removesuffix("_bare") + "_scene"
    with django_db_blocker.unblock():
        make_world(bare_scene, name, None)
    yield name
    cluster.drop_database(name)


@pytest.fixture
def in_scene(scene_database: str, django_db_blocker: Any) -> Iterator[str]:
    """Speak to the scene."""
    with django_db_blocker.unblock(), speaking_to(scene_database):
        yield scene_database
