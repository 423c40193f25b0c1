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
        """Use a connection of the pool time and again: it hands out the one that came back last."""
        for _ in range(10):
            connection.close()
            Trial.objects.count()

    monkeypatch.setattr(base, "TRUSTED_FOR_S", 3600.0)
    each_once()
    asked.clear()
    each_once()
    assert asked == []
    connection.close()
    for held in list(base._answered_at):
        base._answered_at[held] -= base.TRUSTED_FOR_S
    each_once()
    assert len(asked) == len(set(asked)) >= 1


def test_connection_that_came_back_last_is_used_again(committed_db):
    """Each connection plans its statements for itself: a second one is for somebody who comes meanwhile."""
    connection.ensure_connection()  # it opens the pool
    first, second = (connection.pool.getconn() for _ in range(2))
    for one in (first, second):
        connection.pool.putconn(one)
    for _ in range(3):
        taken = connection.pool.getconn()
        assert taken is second
        connection.pool.putconn(taken)
    both = [connection.pool.getconn() for _ in range(2)]
    assert both[0] is second
    assert both[1] is not second
    for one in both:
        connection.pool.putconn(one)


def test_prepared_statements_are_planned_for_any_values(committed_db):
    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)


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
