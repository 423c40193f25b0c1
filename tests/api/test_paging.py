"""Pages by key: each row once, cursors that belong to one list of one person, the deepest page at the cost of the first."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import PainScore
from registry.services.auditing import audited
from tests.trials import ENROLLED_ON, make_diary, make_enrolment

pytestmark = pytest.mark.django_db


@pytest.fixture
def diaries(trial: Any, setup_actor: Any) -> None:
    """Three patients with ten days each, the last one at the other site."""
    for code, site in (("P-0001", "N"), ("P-0002", "N"), ("P-0003", "S")):
        make_diary(make_enrolment(trial, code, site=site, by=setup_actor), dict.fromkeys(range(10), "5"), by=setup_actor)


def next_of(answer: Any) -> str:
    """Return the next page's address out of the header."""
    found = re.search(r'<([^>]+)>; rel="next"', answer["Link"])
    return found[1] if found else ""


def walk(client: Any, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while path:
        answer = client.get(path.removeprefix("http://testserver"))
        assert answer.status_code == 200, answer.content
        assert (answer.json()["next"] or "") == next_of(answer)
        rows += answer.json()["results"]
        path = next_of(answer)
    return rows


@pytest.mark.parametrize("size", [1, 4, 7, 30, 1000])
def test_a_walk_meets_every_row_once(api, alice, diaries, size):
    rows = walk(api(alice), f"scores/?page_size={size}")
    assert len(rows) == len({row["id"] for row in rows}) == 30
    assert [row["patient"] for row in rows] == sorted(row["patient"] for row in rows)


def test_every_list_can_be_walked(api, alice, diaries):
    for name in ("sites", "visit-types", "treatments", "patients", "enrolments", "diagnoses", "pains"):
        whole = api(alice).rows(f"{name}/")
        assert walk(api(alice), f"{name}/?page_size=1") == whole != []


def test_rows_that_arrive_meanwhile_shift_nothing(api, alice, diaries, trial, setup_actor):
    client = api(alice)
    first = client.get("scores/?page_size=15")
    seen = [row["id"] for row in first.json()["results"]]
    make_diary(make_enrolment(trial, "P-0000", site="N", by=setup_actor), {1: "3"}, by=setup_actor)
    rest = walk(client, first.json()["next"])
    assert not set(seen) & {row["id"] for row in rest}
    assert len(seen) + len(rest) == 31


def test_no_total_is_counted_unless_asked_for(api, alice, diaries):
    client = api(alice)
    with CaptureQueriesContext(connection) as queries:
        assert "count" not in client.get("scores/?page_size=5").json()
    assert "COUNT(*)" not in "".join(query["sql"] for query in queries if "registry_painscore" in (query["sql"] or ""))
    assert client.get("scores/?page_size=5&count=exact&patient=P-0002").json()["count"] == 10


@pytest.mark.parametrize("cursor", ["x", "AAAA", "e30", "-" * 300])
def test_a_made_up_cursor_is_refused(api, alice, diaries, cursor):
    answer = api(alice).get(f"scores/?cursor={cursor}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["type"] == "/api/v1/problems/invalid-cursor/"


def test_a_cursor_serves_its_own_list_and_person_alone(api, alice, oscar, diaries):
    cursor = re.search(r"cursor=([^&>]+)", api(alice).get("scores/?page_size=5")["Link"])[1]
    assert api(alice).get(f"scores/?cursor={cursor}&page_size=50").status_code == 200
    for client, path in ((api(oscar), "scores/?"), (api(alice), "scores/?patient=P-0001&"), (api(alice), "pains/?")):
        assert client.get(f"{path}cursor={cursor}").json()["type"] == "/api/v1/problems/invalid-cursor/"


@pytest.mark.parametrize(
    "query", ["page_size=0", "page_size=1001", "page_size=x", "count=all", "pagesize=5", "patient=P-0001&patient=P-0002", "date_from=x"]
)
def test_a_wrong_query_is_refused_by_name(api, alice, query):
    answer = api(alice).get(f"scores/?{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, "/api/v1/problems/invalid-query/")
    assert answer.json()["errors"][0]["pointer"] == "?" + query.split("=")[0]


def test_filters_keep_what_they_name(api, alice, diaries):
    client = api(alice)
    day = (ENROLLED_ON + timedelta(days=3)).isoformat()
    assert len(walk(client, "scores/?site=S")) == 10
    assert len(walk(client, "scores/?patient=P-0001")) == 10
    assert {row["for_date"] for row in walk(client, f"scores/?date_from={day}&date_to={day}")} == {day}
    assert len(walk(client, "scores/?diagnosis=phantom_limb")) == 30
    for nothing in ("trial=other-1", "site=X", "patient=P-9", "diagnosis=fibromyalgia", "visit=W4", "scale=VAS", "context=visit"):
        assert walk(client, f"scores/?{nothing}") == []
    assert len(client.rows("patients/?site=N&date_from=2026-10-19")) == 2
    assert client.rows("patients/?date_to=2026-10-18") == []


def test_changed_since_lists_new_corrected_and_voided_records(api, alice, diaries):
    client = api(alice)
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    assert client.rows(f"scores/?changed_since={since}") == []
    first, second = (row["id"] for row in client.rows("scores/?page_size=2"))
    reason = {"change_reason": "typing_error"}
    client.patch(f"scores/{first}/", {**reason, "value": 1}, If_Match="*")
    client.post(f"scores/{second}/void/", reason, If_Match="*")
    changed = client.rows(f"scores/?changed_since={since}")
    assert {(row["id"], row["version"], row["voided"]) for row in changed} == {(first, 2, False), (second, 1, True)}
    patient = client.rows("patients/?patient=P-0002")[0]["id"]
    client.patch(f"patients/{patient}/", {**reason, "birth_year": 1950}, If_Match="*")
    # Histories bear the time of the transaction's beginning, which here is that of the test.
    assert patient in [row["id"] for row in client.rows("patients/?changed_since=2026-01-01T00:00:00Z")]


def many_scores(trial: Any, by: Any, patients: int, each: int) -> None:
    """Write so many patients with so many scores each, in a statement a patient."""
    scale = trial.scales.get()
    at = datetime(2026, 10, 19, tzinfo=UTC)
    with audited(by=by, reason="many"):
        for number in range(patients):
            enrolment = make_enrolment(trial, f"P-{number:04d}", site="N", by=by)
            days = [ENROLLED_ON + timedelta(days=day) for day in range(each)]
            PainScore.objects.bulk_create(
                PainScore(enrolment=enrolment, scale=scale, context="diary", recall="average_24h", source="diary", for_date=day,
                          submitted_at=at, recorded_at=at, value=5, value_units=5_000_000) for day in days
            )  # fmt: skip


def cost_of(client: Any, path: str) -> int:
    """Return how many pages of tables and indexes the statement of one list page touched."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    [statement] = [query["sql"] for query in queries if "registry_painscore" in (query["sql"] or "")]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}".replace("%", "%%"))
        plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


def test_the_deepest_page_costs_what_the_first_does(api, alice, trial, setup_actor):
    many_scores(trial, setup_actor, patients=100, each=60)
    client = api(alice)
    path, paths = "scores/?page_size=200", []
    while path:
        paths.append(path)
        path = (client.get(path).json()["next"] or "").removeprefix("http://testserver")
    assert len(paths) == 30
    first, middle, deepest = (cost_of(client, paths[place]) for place in (0, 15, 28))
    assert max(middle, deepest) <= 1.5 * first + 20, (first, middle, deepest)
