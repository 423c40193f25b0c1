"""Statements of lists that are kept: put together once, never followed by a right that has ended, and by nothing that was read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.utils import timezone

from api import kept_lists
from api.kept_lists import Asked, Coming, put_together, with_names
from registry.models import Membership, PainScore
from registry.services import accounts
from registry.services.auditing import audited
from tests.contracts.test_row_text import WRITTEN, lists
from tests.registry.services.stimulation_scene import allocate
from tests.trials import make_diary, make_enrolment

# Of the one that `allocate` writes.
ALLOCATED_ON = date(2026, 11, 16)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    kept_lists._kept.clear()


@pytest.fixture
def diaries(trial: Any, setup_actor: Any) -> Any:
    """Two patients with three days each before day 0 and two after it, one at each site; the first one is allocated."""
    for code, site in (("P-0001", "N"), ("P-0002", "S")):
        one = make_enrolment(trial, code, site=site, by=setup_actor)
        make_diary(one, dict.fromkeys((-3, -2, -1, 1, 2), "5"), by=setup_actor, anchor=ALLOCATED_ON)
        if site == "N":
            allocate(one, setup_actor)
    return trial


def add_role(user: Any, role: str, trial: Any, by: Any, site: str | None = None) -> Membership:
    place = trial.sites.get(code=site) if site else None
    return accounts.add_membership(user=user, role=role, trial=trial, site=place, by=by, valid_from=date(2026, 1, 1))


def test_a_list_is_put_together_once_whatever_comes_with_the_request(api, alice, oscar, diaries):
    client = api(alice)
    with mock.patch.object(kept_lists, "put_together", side_effect=put_together) as made:
        for patient in ("P-0001", "P-0002", "P-0003"):
            following = client.get(f"scores/?page_size=2&patient={patient}").json()["next"]
            while following:
                following = client.get(following.removeprefix("http://testserver")).json()["next"]
        assert made.call_count == 2  # the first page, and any after it
        for query in ("page_size=3&patient=P-0001", "page_size=2&site=N", "page_size=2&context=diary", "page_size=2&context=visit"):
            client.get(f"scores/?{query}")
        assert made.call_count == 6
        api(oscar).get("scores/?page_size=2&site=N")
        assert made.call_count == 7


def test_a_right_counts_at_the_very_next_request(api, oscar, diaries, setup_actor):
    client, trial = api(oscar), diaries
    assert {row["patient"] for row in client.rows("scores/")} == {"P-0001"}
    south = add_role(oscar, "operator", trial, setup_actor, site="S")
    assert {row["patient"] for row in client.rows("scores/")} == {"P-0001", "P-0002"}
    with audited(by=setup_actor, reason="left"):
        south.valid_until = date(2026, 1, 2)
        south.save(update_fields=["valid_until"])
    assert {row["patient"] for row in client.rows("scores/")} == {"P-0001"}
    with audited(by=setup_actor, reason="left"):
        oscar.memberships.update(valid_until=date(2026, 1, 2))
    assert client.get("scores/").status_code == 401


def test_a_setting_of_the_trial_counts_at_the_very_next_request(api, diaries, setup_actor):
    dora = accounts.create_user(email="dora@example.org", name="Dora", password="correct horse battery", by=setup_actor)
    add_role(dora, "researcher", diaries, setup_actor)
    client, days = api(dora), []
    for pooled in (False, True, False):
        with audited(by=setup_actor, reason="setting"):
            diaries.pooled_efficacy = pooled
            diaries.save(update_fields=["pooled_efficacy"])
        days.append(len(client.rows("scores/?patient=P-0001")))
    assert days == [3, 5, 3]


def test_whoever_reaches_nothing_is_asked_nothing_for(api, diaries, setup_actor):
    adam = accounts.create_user(email="adam@example.org", name="Adam", password="correct horse battery", by=setup_actor)
    add_role(adam, "administrator", None, setup_actor)
    assert api(adam).get("scores/").json() == {"results": [], "next": None}
    assert api(adam).get("scores/?count=exact").json() == {"results": [], "next": None, "count": 0}


def asked_by(user: Any, route: str, filters: dict[str, Any], after: list[Any]) -> Asked:
    view = lists()[route]()
    view.request = SimpleNamespace(user=user)  # type: ignore[assignment]
    user.current_memberships()
    return Asked(view, user, filters, after, 10)


@pytest.mark.parametrize("route", WRITTEN)
def test_no_statement_follows_from_the_clock_or_from_what_is_on_record(alice, oscar, trial, other_trial, setup_actor, route):
    def statements() -> list[str]:
        return [put_together(asked_by(user, route, {}, [])) for user in (alice, oscar)]

    before = statements()
    make_diary(make_enrolment(trial, "P-0001", site="N", by=setup_actor), {1: "5"}, by=setup_actor)
    with mock.patch.object(timezone, "now", return_value=datetime(2031, 1, 1, tzinfo=UTC)):
        assert statements() == before


def test_a_statement_that_follows_from_another_is_refused(alice):
    asked = asked_by(alice, "api_scores", {}, [])
    asked.view.listed = lambda user, filters: PainScore.objects.filter(pk__in=list(PainScore.objects.values_list("pk", flat=True)))
    with pytest.raises(RuntimeError, match="may not follow"):
        put_together(asked)


def test_constants_are_said_and_other_values_have_a_name_and_a_type():
    connection.ensure_connection()
    params = ["50% 'off'", Coming("asked_patient", "P-0001"), -1, None, True, Coming("after_0", 5)]
    said = with_names("a LIKE '%%s' AND b = %s AND c = %s AND d > %s AND e = %s AND f = %s AND g > %s", params)
    shown = "a LIKE '%%s' AND b = '50%% ''off''' AND c = %(asked_patient)s::text AND d >  -1 AND e = NULL AND f = true"
    assert said == f"{shown} AND g > %(after_0)s::bigint"


def test_few_statements_are_kept(api, alice, diaries, monkeypatch):
    monkeypatch.setattr(kept_lists, "MOST_KEPT", 3)
    client = api(alice)
    for size in range(1, 9):
        assert len(client.rows(f"scores/?page_size={size}")) == size
        assert len(kept_lists._kept) <= 3
