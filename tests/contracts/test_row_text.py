"""Rows that PostgreSQL writes as JSON equal, byte for byte, what Python writes of the same rows: every list, every role, awkward values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from api.kept_lists import BESIDE
from api.records import Records
from api.row_text import form_of
from api.urls import urlpatterns
from registry.roles import ROLES
from tests import cluster
from tests.contracts.asking import ask
from tests.contracts.logins import speaking_to
from tests.contracts.rows import Row

AWKWARD = 'Über "Ω" \\ / \\u0041 </script> \t\n\r\x08\x0c\x01\x1f\x7f \u2028\u2029 日本 \U0001f642 null'
WHOLE = "?page_size=1000"
QUERIES = ("?page_size=3", "?page_size=2&count=exact", "?voided=any", "?changed_since=2026-01-01T00:00:00Z")
# Everybody who is shown something else, and one of them in other ways.
ASKED = (
    *((who, WHOLE) for who in (*ROLES, "northerner", "stranger")),
    *(("data_manager", query) for query in QUERIES),
)
# A value of every parameter that a list can take; one without a value here fails.
SAMPLES = {
    "trial": ("calm-m1", "other-1", "no-such"),
    "site": ("N",),
    "patient": ("P-0002", "P-0404"),
    "diagnosis": ("phantom_limb",),
    "changed_since": ("2026-10-01T00:00:00%2B02:00",),
    "voided": ("true", "any"),
    "date_from": ("2026-10-20",),
    "date_to": ("2026-10-25",),
    "visit": ("W4",),
    "scale": ("NRS",),
    "context": ("diary",),
    "term": ("headache",),
    "serious": ("true",),
}
PAGES = 3
# Written past services and triggers, which would let few of them through; the tables' own checks stand.
MAKE_AWKWARD = (
    """UPDATE registry_painscore SET value = v, value_units = v * 1000000, row_id = CASE mod(n, 2) WHEN 0 THEN %(text)s || id ELSE '' END,
       recorded_at = '2026-10-01 10:00:00+00'::timestamptz + n * interval '1 day' + u * interval '1 microsecond', observed_at = o,
       submitted_at = CASE mod(n, 4) WHEN 0 THEN coalesce(o, submitted_at) ELSE '1969-12-31 23:59:59.9+00' END,
       zone = CASE mod(n, 5) WHEN 0 THEN '' ELSE zone END, for_date = CASE mod(n, 7) WHEN 0 THEN '0044-03-15'::date ELSE for_date END
       FROM (SELECT id AS one, n, (ARRAY[0.000001, 5.5, 10.25, 3, 0, 0.1, 999999.999999, 0.00001, -0.5, 7.100000])[1 + mod(n, 10)] AS v,
             (ARRAY[0, 1, 500000, 123456, 999999, 10, 120000])[1 + mod(n, 7)] AS u,
             CASE mod(n, 3) WHEN 0 THEN '0999-01-02 03:04:05.000100+00'::timestamptz END AS o
             FROM (SELECT id, row_number() OVER (ORDER BY id)::integer AS n FROM registry_painscore WHERE NOT voided) numbered) made
       WHERE id = one""",
    "UPDATE registry_scale SET label = %(text)s, minimum = -0.5, maximum = 10.125000, step = CASE mod(id, 2) WHEN 0 THEN 0.000100 END",
    "UPDATE registry_site SET name = %(text)s",
    "UPDATE registry_trial SET title = %(text)s, sponsor = %(text)s, recruitment_starts_on = '2026-02-28'",
    "UPDATE registry_treatment SET label = %(text)s",
    "UPDATE registry_paindiagnosis SET condition_text = %(text)s",
    "UPDATE registry_enrolmentpain SET body_region = %(text)s",
    "UPDATE registry_disposition SET note = %(text)s, happened_on = CASE mod(id, 2) WHEN 0 THEN happened_on END",
    """UPDATE registry_adverseevent SET term_text = %(text)s, note = %(text)s, serious = true, serious_criteria = '{death,disability}'
       WHERE mod(id, 2) = 0""",
    "UPDATE registry_patient SET birth_year = NULL WHERE mod(id, 2) = 0",
    "UPDATE registry_enrolment SET enrolled_on = NULL WHERE mod(id, 3) = 0",
    """INSERT INTO registry_charterlook (trial_id, code, label, planned_on, called_off)
       SELECT id, 'look-' || n, %(text)s, '2026-12-01', n = 2 FROM registry_trial, generate_series(1, 3) n""",
    "UPDATE registry_allocation SET allocated_at = allocated_at + interval '10 microseconds', kit_code = 'K\"' || id WHERE mod(id, 2) = 0",
)


def lists() -> dict[str, type[Records]]:
    """Return the collections by the name of their list."""
    found = {}
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None) if isinstance(pattern, URLPattern) else None
        if view is not None and issubclass(view, Records) and pattern.callback.actions.get("get") == "list":  # type: ignore[attr-defined]
            found[str(pattern.name)] = view
    return found


WRITTEN = sorted(name for name, view in lists().items() if view.row_is_its_columns)


@pytest.fixture(scope="module")
def awkward(bare_scene: str, django_db_blocker: Any) -> Iterator[None]:
    name = f"{bare_scene}_awkward"
    cluster.make_database(name, bare_scene)
    with cluster.administrator(name) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for statement in MAKE_AWKWARD:
            superuser.execute(statement.encode(), {"text": AWKWARD})
    with django_db_blocker.unblock(), speaking_to(name):
        yield
    cluster.drop_database(name)


def test_lists_but_those_that_follow_rules_are_written_by_postgresql():
    assert sorted(set(lists()) - set(WRITTEN)) == ["api_plans", "api_sessions"]
    for name in WRITTEN:
        assert lists()[name].shown is Records.shown, f"{name} adds to its columns what its list would lack"


@pytest.mark.parametrize("route", WRITTEN)
def test_every_byte_is_the_one_that_python_writes(awkward, monkeypatch, route):
    rows = 0
    for who, query in ASKED:
        with CaptureQueriesContext(connection) as queries:
            written = ask(Row(route), who, query=query)
            statements = "".join(one["sql"] or "" for one in queries)
        with monkeypatch.context() as patched:
            patched.setattr(lists()[route], "row_is_its_columns", False)
            rendered = ask(Row(route), who, query=query)
        assert written == rendered, (who, query)
        found = json.loads(written[2])["results"] if written[0] == 200 else []
        assert not found or f'\'{{"{next(iter(found[0]))}":' in statements
        rows += len(found)
    assert rows > 0


def both_ways(monkeypatch: Any, route: str, who: str, query: str) -> bytes:
    """Return the body of a list, which is the same written by PostgreSQL and by Python."""
    written = ask(Row(route), who, query=query)
    with monkeypatch.context() as patched:
        patched.setattr(lists()[route], "row_is_its_columns", False)
        assert written == ask(Row(route), who, query=query), (who, query)
    assert written[0] == 200, (who, query, written)
    return written[2]


@pytest.mark.parametrize("route", WRITTEN)
def test_every_byte_is_the_same_under_every_filter(awkward, monkeypatch, route):
    names = sorted(set(lists()[route].query_class().fields) - set(BESIDE))
    for name in names:
        for value in SAMPLES[name]:
            both_ways(monkeypatch, route, "northerner", f"?{name}={value}")
    if names:
        whole = "&".join(f"{name}={SAMPLES[name][0]}" for name in names)
        both_ways(monkeypatch, route, "data_manager", f"?{whole}&count=exact")


@pytest.mark.parametrize("route", WRITTEN)
def test_every_byte_is_the_same_on_every_page(awkward, monkeypatch, route):
    query, pages = "?page_size=1", 0
    while query and pages < PAGES:
        following = json.loads(both_ways(monkeypatch, route, "data_manager", query))["next"]
        query, pages = f"?{urlsplit(following).query}" if following else "", pages + 1


def test_the_scene_holds_what_is_awkward(awkward):
    body = ask(Row("api_scores"), "data_manager", query=WHOLE)[2].decode()
    text = json.dumps(AWKWARD, ensure_ascii=False)[1:-1].replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    numbers = (":1e-06,", ":1e-05,", ":5.5,", ":10.25,", ":7.1,", ":3,", ":0,", ":-0.5,", ":999999.999999,")
    times = (".000001Z", ".500000Z", ".120000Z", ":00Z", "0999-01-02T03:04:05.000100Z", '"0044-03-15"')
    assert [one for one in (text, *numbers, *times, ":null,", ":true,") if one not in body] == []


@pytest.mark.parametrize("wrong", ["'NaN'", "'Infinity'"])
def test_the_table_refuses_what_json_has_no_number_for(awkward, wrong):
    from registry.models import PainScore

    name = str(connection.settings_dict["NAME"])
    with cluster.administrator(name) as superuser, pytest.raises(psycopg.Error):
        superuser.execute(f"UPDATE registry_painscore SET value = {wrong} WHERE id = {PainScore.objects.earliest('pk').pk}".encode())


def test_a_kind_that_nobody_said_how_to_write_is_refused():
    with pytest.raises(TypeError, match="JSONField"):
        form_of(models.Value({}, output_field=models.JSONField()))
