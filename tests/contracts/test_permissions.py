"""Every route, asked by everybody: each gets the answer of the table, and a refusal changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from registry.models import Change
from registry.roles import ROLES
from tests import cluster
from tests.contracts import scene
from tests.contracts.logins import current_database
from tests.contracts.permission_table import TABLE, Row

PEOPLE = ("anonymous", *ROLES, "northerner", "southerner", "stranger", "former")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# The sign-in package answers PUT as it answers POST.
ALLAUTH_FORMS = ("account_reset_password_from_key",)
# Rows that come and go with asking itself; the last is the sign-in package's copy of an address.
NO_RECORDS = ("django_session", "registry_actlog", "account_emailaddress")


def routes(patterns: list[Any] | None = None) -> Iterator[URLPattern]:
    """Yield every route of the registry."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        else:
            yield pattern


def writes_so_far() -> Counter[str]:
    """Return how many rows of each table of records this connection has written and not yet reported."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return Counter({name: number for name, number in cursor.fetchall() if name not in NO_RECORDS})


# What the beginning of a change writes. An act may begin it and be refused then: it went with its transaction.
BEGUN = {"registry_change", "registry_unsealed"}


def committed_rows() -> dict[str, str]:
    """Return a digest of every table as others see it."""
    with cluster.administrator(current_database()) as superuser:
        names = superuser.execute("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'closed')")
        digest = "SELECT '{0}', md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM {0} t"
        return dict(superuser.execute(" UNION ALL ".join(digest.format(name) for (name,) in names.fetchall())).fetchall())


def answer(row: Row, who: str) -> tuple[int, set[str]]:
    """Return the status and the tables written to; everything is rolled back."""
    cache.clear()
    client = Client(raise_request_exception=False)
    with transaction.atomic():
        if who != "anonymous":
            client.force_login(scene.person(who), backend=BACKEND)
        before, changes = writes_so_far(), Change.objects.count()
        response = client.generic(row.method, row.address(), *row.body(), headers=row.headers)
        changed = set(writes_so_far() - before)
        if response.status_code >= 400 and changed == BEGUN and Change.objects.count() == changes:
            changed = set()
        transaction.set_rollback(True)
    return response.status_code, changed


@pytest.fixture(autouse=True)
def _today(in_scene: str) -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=scene.NOW):
        yield


def test_every_route_is_in_the_table_and_has_a_name():
    known = {row.route for row in TABLE}
    assert {str(route.pattern) for route in routes() if not route.name} == set()
    assert {route.name for route in routes()} == known


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_everybody_gets_the_answer_of_the_table(row):
    before = committed_rows()
    answers = {who: answer(row, who) for who in PEOPLE}
    assert committed_rows() == before
    assert {who: status for who, (status, _) in answers.items()} == {who: row.status_for(who) for who in PEOPLE}
    may_change = {who for who in PEOPLE if row.writes and row.status_for(who) == row.allowed and who != "anonymous"}
    assert {who: changed for who, (_, changed) in answers.items() if changed and who not in may_change} == {}
    assert {who for who, (_, changed) in answers.items() if changed} == may_change


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "GET" and row.kwargs], ids=str)
def test_methods_that_are_not_in_the_table_change_nothing(row):
    listed = {other.method for other in TABLE if other.route == row.route}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        if method not in listed:
            status, changed = answer(Row(row.route, method, kwargs=row.kwargs), "coordinator")
            assert status >= 400 or row.route in ALLAUTH_FORMS, (method, status)
            assert changed == set()
