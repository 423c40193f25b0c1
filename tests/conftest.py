"""Fixtures: the databases, and the people every test knows.

Alice coordinates the trial at all sites; Oscar is operator at site N; Charlie is operator at site S and must never see N;
Uma is the unmasked statistician; Eve belongs to another trial; the admin belongs to none.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from tests import cluster
from tests.longest_first import pytest_collection_modifyitems  # noqa: F401  (pytest finds it here)
from tests.starting_state import StartingState, read_state, restore

SHARED = Path(os.environ.get("RTMS_SHARED", cluster.ROOT.parent / "shared"))
REQUIRED = {word for word in os.environ.get("RTMS_REQUIRE", "").split(",") if word}


def pytest_collection_finish() -> None:
    """Let the collector look no more at what was loaded: it stays, and looking at it took a tenth of the tests' own time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data; skip (in CI: fail) where it is not there."""
    if not (SHARED / "data").is_dir():
        if "shared" in REQUIRED:
            pytest.fail(f"reference data are required but {SHARED} has none: set RTMS_SHARED")
        pytest.skip(f"needs the reference data of ../shared ({SHARED} has none)")
    return SHARED


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[StartingState]:
    """Replace pytest-django's own set-up: clone the migrated template, connect as the application's roles; yield what it holds."""
    with django_db_blocker.unblock():
        cluster.make_database(_database_name(), cluster.ensure_template())
        yield read_state(_database_name())
        connections.close_all()
        cluster.drop_database(_database_name())


def _database_name() -> str:
    return str(settings.DATABASES["default"]["NAME"])


@pytest.fixture
def committed_db(django_db_setup: StartingState, django_db_blocker: Any) -> Iterator[None]:
    """Give a test a database where everything really commits and both aliases see it, and put it back afterwards."""
    with django_db_blocker.unblock():
        connections.close_all()
        yield
        connections.close_all()
        # A pool that finds its database gone while it is cloned again waits longer and longer before it tries once more.
        connections["default"].close_pool()  # type: ignore[attr-defined]  # of PostgreSQL's wrapper
        restore(_database_name(), django_db_setup)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> None:
    """Use the test's own kind of database: committed if it asked for that, else one that is rolled back."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")


@pytest.fixture
def owner_connection(committed_db: None) -> Iterator[psycopg.Connection[Any]]:
    """Connect as a superuser to the test's database, to look behind the application's back."""
    with cluster.administrator(_database_name()) as connection:
        yield connection


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 19, 9, 30, tzinfo=UTC)


@pytest.fixture
def setup_actor(database: None) -> Any:
    from registry.models import system_actor

    return system_actor("setup")


@pytest.fixture
def trial(setup_actor: Any) -> Any:
    """A masked prospective trial with sites N and S, a 0-10 scale, visits and a diary plan."""
    from tests.trials import make_trial

    return make_trial("calm-m1", by=setup_actor)


@pytest.fixture
def other_trial(setup_actor: Any) -> Any:
    from tests.trials import make_trial

    return make_trial("other-1", by=setup_actor)


def _person(name: str, *roles: tuple[str, Any, Any], by: Any) -> Any:
    from registry.services import accounts

    user = accounts.create_user(email=f"{name.lower()}@example.org", name=f"{name} Example", password="correct horse battery", by=by)
    for role, trial, site in roles:
        accounts.add_membership(user=user, role=role, trial=trial, site=site, by=by, valid_from=date(2026, 1, 1))
    return user


@pytest.fixture
def admin(setup_actor: Any) -> Any:
    return _person("Admin", ("administrator", None, None), by=setup_actor)


@pytest.fixture
def alice(trial: Any, setup_actor: Any) -> Any:
    return _person("Alice", ("coordinator", trial, None), by=setup_actor)


@pytest.fixture
def oscar(trial: Any, setup_actor: Any) -> Any:
    return _person("Oscar", ("operator", trial, trial.sites.get(code="N")), by=setup_actor)


@pytest.fixture
def charlie(trial: Any, setup_actor: Any) -> Any:
    return _person("Charlie", ("operator", trial, trial.sites.get(code="S")), by=setup_actor)


@pytest.fixture
def uma(trial: Any, setup_actor: Any) -> Any:
    return _person("Uma", ("unmasked_statistician", trial, None), by=setup_actor)


@pytest.fixture
def eve(other_trial: Any, setup_actor: Any) -> Any:
    return _person("Eve", ("coordinator", other_trial, None), by=setup_actor)


@pytest.fixture
def enrolment(trial: Any, setup_actor: Any) -> Any:
    """P-0001 at site N: phantom limb pain of the left hand, enrolled and due for diaries."""
    from tests.trials import make_enrolment

    return make_enrolment(trial, "P-0001", site="N", by=setup_actor)


@pytest.fixture
def other_site_enrolment(trial: Any, setup_actor: Any) -> Any:
    from tests.trials import make_enrolment

    return make_enrolment(trial, "P-0002", site="S", by=setup_actor)
