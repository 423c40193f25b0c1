"""What measurements say and noise cannot move: statements and rows of a request, bytes of a page, every cell of the responder table."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench import live_sql, oracle, worlds
from registry.outcomes.refresh import refresh_trial
from registry.selectors.outcomes import latest_closed
from tests import cluster
from tests.outcomes.conftest import worker as worker  # a fixture of the same name
from tests.registry.services.stimulation_scene import allocate, measure, prescribe
from tests.trials import make_enrolment

DASHBOARD = f"/t/{worlds.SLUG}/dashboard/"
SCORES = "/api/v1/scores/?page_size=1000"
# At any number of patients. The dashboard drawn before: whether sign-in, rights, trial and snapshot are as they were, and the note that
# it was read, in one; drawn for the first time, it asks each by itself.
STATEMENTS = {DASHBOARD: 1, f"/api/v1/outcomes/{worlds.SLUG}/": 4, SCORES: 2}
# Who asks with which rights in which trial; begin, who changes and why, the patient (held) with the design's token, what is on record;
# session, block, pains and side effect; mark the outcomes; commit; ask for another refresh where one waits.
SESSION_STATEMENTS = 9
LARGEST_PAGE_BYTES = 50_000


@pytest.fixture
def filled(worker: None) -> Callable[..., dict[str, str]]:
    """Return a function that fills the database, computes the outcomes and returns the headers of a script."""

    def fill(patients: int, seed: int = 7) -> dict[str, str]:
        cache.clear()
        worlds.fill(str(settings.DATABASES["default"]["NAME"]), patients, seed)
        secret = worlds.make_reader()
        refresh_trial(worlds.trial().pk)
        return {"Authorization": f"Bearer {secret}"}

    return fill


@pytest.fixture
def browser() -> Client:
    return Client()


def sign_in(client: Client) -> Client:
    client.force_login(worlds.reader(), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize("seed", [1, 2027])
def test_every_cell_equals_the_oracle_and_rounding_would_not(filled, seed):
    filled(400, seed)
    stored = latest_closed(worlds.trial(), by=worlds.reader())
    assert stored is not None
    compared, wrong = oracle.differences(stored.payload, str(settings.DATABASES["default"]["NAME"]))
    assert (compared, wrong) == (120, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM registry_endpoint e WHERE baseline_n > 0 AND value_n > 0 AND baseline_sum_units > 0
               AND (10 * value_sum_units * baseline_n <= 7 * baseline_sum_units * value_n)
                   <> (value_sum_units::numeric / value_n <= 0.7 * (baseline_sum_units::numeric / baseline_n))"""
        )
        assert cursor.fetchone()[0] > 0, "no planted patient would be misjudged by means"


def test_the_table_from_endpoint_rows_is_the_one_from_the_records(filled):
    filled(200)
    with cluster.administrator(str(settings.DATABASES["default"]["NAME"])) as connected:
        from_rows, from_records = (connected.execute(one.encode()).fetchall() for one in (live_sql.FROM_ENDPOINTS, live_sql.FROM_RECORDS))
    assert from_rows == from_records
    assert len(from_rows) == 8


@pytest.mark.parametrize("patients", [20, 300])
def test_a_request_takes_as_many_statements_whatever_the_patients(filled, browser, patients):
    headers = filled(patients)
    sign_in(browser)
    for path, statements in STATEMENTS.items():
        client, sent = (browser, {}) if path == DASHBOARD else (Client(), headers)
        for _ in range(2 if path == DASHBOARD else 1):
            assert client.get(path, headers=sent).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            client.get(path, headers=sent)
        assert len(queries) == statements, (path, [query["sql"][:100] for query in queries])


@pytest.mark.parametrize("patients", [20, 300])
def test_dashboard_stays_small_and_is_not_sent_twice(filled, browser, patients):
    filled(patients)
    first, _ = (sign_in(browser).get(DASHBOARD) for _ in range(2))
    with CaptureQueriesContext(connection) as queries:
        again = browser.get(DASHBOARD, headers={"If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content, len(queries)) == (200, 304, b"", 1)
    assert len(first.content) <= LARGEST_PAGE_BYTES


def test_dashboard_drawn_for_the_first_time_takes_few_statements(filled, browser):
    """Session, account, memberships, trial, snapshot with its state, the note."""
    filled(20)
    sign_in(browser).get(DASHBOARD)
    with CaptureQueriesContext(connection) as queries:
        other = Client()
        other.cookies = browser.cookies
        other.get(DASHBOARD)
    assert len(queries) == 6


def test_every_page_reads_few_rows_more_than_it_sends(filled, browser):
    headers = filled(150)
    path, read = SCORES, []
    while path:
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(path, headers=headers).json()
        [statement] = [query["sql"] for query in queries if "registry_painscore" in (query["sql"] or "")]
        read.append((rows_read(statement), len(page["results"])))
        path = page["next"]
    assert len(read) == 6
    assert [(rows, sent) for rows, sent in read if rows > 1.1 * sent] == []


def rows_read(statement: str) -> int:
    """Return how many rows of scores a statement takes from the table, kept or thrown away, where it may not read all and sort."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET enable_hashjoin = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".replace("%", "%%"))
        plan = cursor.fetchone()[0]
        cursor.execute("RESET ALL")
    return rows_of((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def rows_of(node: dict[str, Any]) -> int:
    removed = sum(node.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Index Recheck"))
    own = (node["Actual Rows"] + removed) * node["Actual Loops"] if node.get("Relation Name") == "registry_painscore" else 0
    return round(own) + sum(rows_of(child) for child in node.get("Plans", ()))


def test_a_session_takes_as_many_statements_whatever_the_patients(committed_db, trial, oscar, setup_actor):
    counts, secret = [], worlds.token_of(oscar)
    prescribe(trial, setup_actor)
    for number in (1, 40):
        for more in range(len(counts), number):
            newest = make_enrolment(trial, f"P-{more + 1:04}", site="N", by=setup_actor)
        allocate(newest, setup_actor)
        threshold = measure(newest, setup_actor)
        # The first one reads the design of the trial, notes that the token was used, and leaves a refresh waiting.
        counts += [statements_of_a_post(newest, threshold, secret, session) for session in (1, 2)][1:]
    assert counts == [SESSION_STATEMENTS] * 2


def statements_of_a_post(enrolment: Any, threshold: Any, secret: str, number: int) -> int:
    body = {
        "trial": "calm-m1", "patient": enrolment.patient_code, "number": number, "status": "given", "as_planned": True, "pain_before": 6,
        "started_at": "2026-11-19T09:05:00+01:00", "ended_at": "2026-11-19T09:25:00+01:00", "threshold": str(threshold.record),
        "pain_after": 4, "new_since_last": [], "side_effects": [{"term": "headache", "severity": "mild", "relation": "possible"}],
    }  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        answer = Client().post("/api/v1/sessions/", body, content_type="application/json", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 201, answer.content
    return len(queries)
