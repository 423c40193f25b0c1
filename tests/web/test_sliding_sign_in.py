"""A sign-in ends half an hour after its last use, and using it writes once a minute at most."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone


def test_sign_in_lasts_while_it_is_used_and_is_stored_once_a_minute(trial, alice, signed_in, monkeypatch):
    now = [1_000_000]
    monkeypatch.setattr("web.sliding_sign_in.time.time", lambda: now[0])
    client = signed_in(alice)
    stored = []
    for seconds in (0, 30, 29, 1):
        now[0] += seconds
        answer = client.get("/t/calm-m1/patients/")
        stored.append("rtms_session" in answer.cookies)
    assert stored == [True, False, False, True]
    assert answer.cookies["rtms_session"]["max-age"] == 30 * 60


def test_sign_in_left_alone_for_half_an_hour_is_over(trial, alice, signed_in):
    client = signed_in(alice)
    assert client.get("/t/calm-m1/patients/").status_code == 200
    assert 29 * 60 < client.session.get_expiry_age() <= 30 * 60
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/t/calm-m1/patients/")["Location"].startswith("/login/")


def test_reading_a_page_twice_in_a_minute_writes_no_session(trial, alice, signed_in):
    client = signed_in(alice)
    client.get("/t/calm-m1/patients/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/t/calm-m1/patients/")
    assert not [query["sql"] for query in queries if "UPDATE" in query["sql"]]
