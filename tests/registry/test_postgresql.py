"""A pooled connection is asked whether it lives only where its silence does not tell, and a dead one costs no request."""

from __future__ import annotations

import time

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from registry.models import Trial
from registry.postgresql import base
from tests.contracts.logins import connect


@pytest.fixture
def asked(monkeypatch):
    """Return the connections that were asked whether they live."""
    found = []
    ask = ConnectionPool.check_connection
    monkeypatch.setattr(ConnectionPool, "check_connection", staticmethod(lambda one: found.append(one) or ask(one)))
    return found


def test_connection_that_just_answered_is_not_asked_and_a_quiet_one_is(committed_db, asked, monkeypatch):
    def each_once():
        """Use every connection of the pool: it hands out the one that waits longest."""
        for _ in range(10):
            connection.close()
            Trial.objects.count()

    monkeypatch.setattr(base, "TRUSTED_FOR_S", 3600.0)
    each_once()
    asked.clear()
    each_once()
    assert asked == []
    for held in list(base._answered_at):
        base._answered_at[held] -= base.TRUSTED_FOR_S
    each_once()
    assert len(asked) == len(set(asked)) >= 1


def test_connection_ended_by_the_server_is_replaced_before_anybody_notices(owner_connection):
    ended = set()
    for _ in range(3):
        Trial.objects.count()
        ended.add(connection.connection.info.backend_pid)
        connection.close()
        owner_connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'rtms_web' AND datname = current_database()"
        )
    assert Trial.objects.count() == 0
    assert len(ended) == 3


def test_farewell_and_end_are_news_and_silence_is_none(committed_db, owner_connection):
    with connect("web") as web:
        web.autocommit = True
        web.execute("SELECT 1")
        assert not base.has_news(web)
        owner_connection.execute("SELECT pg_terminate_backend(%s, 10000)", [web.info.backend_pid])
        assert base.has_news(web)
        assert not base.is_alive(web, now=time.monotonic())
        web.close()
        assert base.has_news(web)
        with pytest.raises(psycopg.OperationalError):
            web.execute("SELECT 1")
