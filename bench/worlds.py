"""A database with a trial of so many patients, a person who may read and write it, and its outcomes computed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from bench import live_sql
from bench.design import make_design
from tests import cluster

if TYPE_CHECKING:
    from registry.models import Trial, User

SCORES_EACH = 40
SLUG = "bench"
EMAIL, PASSWORD = "reader@example.org", "correct horse battery staple"
ROLES = ("coordinator", "data_manager", "unmasked_statistician")
SINCE = date(2020, 1, 1)


@dataclass(frozen=True)
class World:
    """One database of the run."""

    database: str
    patients: int
    token: str

    @property
    def scores(self) -> int:
        return self.patients * SCORES_EACH

    @property
    def bearer(self) -> dict[str, str]:
        """Return the headers of a script's request."""
        return {"Authorization": f"Bearer {self.token}"}


@contextmanager
def world(patients: int, seed: int) -> Iterator[World]:
    """Make a database with a filled trial, and throw it away afterwards."""
    with empty_database(f"{patients}") as name:
        fill(name, patients, seed)
        with cluster.administrator(name) as connection:
            for statement in live_sql.MAKE_PROBED.split(";\n"):
                connection.execute(statement.encode())
        token = make_reader()
        from registry.outcomes.refresh import refresh_trial

        refresh_trial(trial().pk)
        with cluster.administrator(name) as connection:
            connection.execute("VACUUM ANALYZE")
        yield World(name, patients, token)


@contextmanager
def empty_database(label: str) -> Iterator[str]:
    """Make a migrated database without records, with the peer's tables, and throw it away afterwards."""
    name = f"rtms_bench_{os.getpid()}_{label}"
    cluster.make_database(name, cluster.ensure_template())
    try:
        use(name)
        make_peers_tables()
        yield name
    finally:
        leave()
        cluster.drop_database(name)


@contextmanager
def bare_database(label: str) -> Iterator[str]:
    """Make a database without any table, and throw it away afterwards."""
    name = f"rtms_bench_{os.getpid()}_{label}"
    cluster.make_database(name, "template1")
    try:
        yield name
    finally:
        cluster.drop_database(name)


def use(name: str) -> None:
    """Let Django of this process work on that database."""
    from django.db import connections

    for connection in connections.all():
        connection.close()
        connection.settings_dict["NAME"] = name


def leave() -> None:
    """Close what would keep a database from being dropped."""
    from django.db import connections

    connections.close_all()


def fill(database: str, patients: int, seed: int) -> None:
    """Fill the database in use, which is empty, with a design and bench/data.sql."""
    numbers = make_design(SLUG)
    script = Path(__file__).with_name("data.sql").read_text(encoding="utf-8")
    for name, value in {"patients": patients, "seed": seed, **numbers}.items():
        script = re.sub(rf"(?<!:):{name}\b", str(value), script)
    with cluster.administrator(database) as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())


def make_peers_tables() -> None:
    """Make the naive peer's tables, which have no migrations."""
    from django.apps import apps
    from django.db import connections

    with connections["peer"].schema_editor() as editor:
        for model in apps.get_app_config("peer").get_models():
            editor.create_model(model)


def trial() -> Trial:
    """Return the filled trial of the database in use."""
    from registry.models import Trial

    return Trial.objects.get(slug=SLUG)


def reader() -> User:
    """Return the person of the database in use, as they are on record now."""
    from registry.models import User

    return User.objects.get(email=EMAIL)


def make_reader() -> str:
    """Make a person with the roles that read, write and take out, and return the secret of a token of theirs."""
    from registry.models import system_actor
    from registry.services import accounts

    setup = system_actor("setup")
    user = accounts.create_user(email=EMAIL, name="Rita Reader", password=PASSWORD, by=setup)
    for role in ROLES:
        accounts.add_membership(user=user, role=role, trial=trial(), by=setup, valid_from=SINCE)
    return token_of(user)


def token_of(user: User) -> str:
    """Return the secret of a new token that may write."""
    from django.utils import timezone

    from registry.services.tokens import NewToken, make_token
    from registry.vocabulary import TokenScope

    now = timezone.now()
    return make_token(NewToken("bench", TokenScope.WRITE, now.date() + timedelta(days=30), uuid4()), by=user, now=now).secret
