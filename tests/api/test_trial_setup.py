"""Trials and sites over REST: set up and corrected by whoever may do so in the browser, held to the same rules."""

from __future__ import annotations

from typing import Any

import pytest

from registry.models import CharterLook, Membership, Site, Trial
from tests.api.conftest import Api, token_of
from tests.api.test_doors import person

pytestmark = pytest.mark.django_db
WHY = {"change_reason": "other", "change_text": "named in the amendment"}
NEW = {
    "slug": "calm-m2", "name": "Calm M2", "conduct": "prospective", "time_zone": "Europe/Berlin", "planned_participants": 120,
    "recruitment_starts_on": "2027-01-01", "contact": "Ana Rivera", "site": {"code": "N", "name": "Northfield"},
}  # fmt: skip


def test_an_administrator_sets_up_a_trial_and_gets_no_role_in_it(api: Any, admin: Any) -> None:
    client = api(admin)
    answer = client.post("trials/", NEW, Idempotency_Key="k-1")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    shown = {name: value for name, value in NEW.items() if name not in ("site", "contact")}
    assert shown.items() <= made.items()
    assert (made["design"], made["masked"], "contact" in made) == ("parallel", True, False)
    assert client.get(answer["Location"]).json() == made
    [site] = client.rows("sites/?trial=calm-m2")
    assert (site["code"], site["name"], site["time_zone"]) == ("N", "Northfield", "")
    assert not Membership.objects.filter(trial__slug="calm-m2").exists()
    assert Trial.objects.get(slug="calm-m2").contact == "Ana Rivera"
    assert client.post("trials/", NEW, Idempotency_Key="k-1").content == answer.content


def test_what_is_wrong_is_named_as_the_body_names_it(api: Any, admin: Any, trial: Any) -> None:
    client = api(admin)
    taken = client.post("trials/", {**NEW, "slug": trial.slug})
    assert (taken.status_code, [error["pointer"] for error in taken.json()["errors"]]) == (422, ["/slug"])
    for change, place in (
        ({"time_zone": "Europe/Nowhere"}, "/time_zone"),
        ({"site": {"code": "N", "time_zone": "X/Y"}}, "/site/time_zone"),
        ({"site": {}}, "/site/code"),
        ({"recruitment_ends_on": "2026-12-31"}, "/recruitment_ends_on"),
    ):
        answer = client.post("trials/", {**NEW, **change})
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [place]), answer.content
    assert Trial.objects.count() == 1


def test_a_token_of_one_trial_sets_up_no_other(admin: Any, trial: Any) -> None:
    assert Api(token_of(admin, trial=trial)).post("trials/", NEW).status_code == 403


def test_what_a_correction_does_not_name_stays(api: Any, admin: Any) -> None:
    client = api(admin)
    path = client.post("trials/", NEW)["Location"]
    tag = client.get(path)["ETag"]
    changed = client.patch(path, {**WHY, "title": "Motor cortex", "planned_participants": None}, If_Match=tag)
    assert changed.status_code == 200, changed.content
    assert (changed.json()["title"], changed.json()["planned_participants"]) == ("Motor cortex", None)
    row = Trial.objects.get(slug="calm-m2")
    assert (row.contact, row.time_zone, str(row.recruitment_starts_on)) == ("Ana Rivera", "Europe/Berlin", "2027-01-01")
    assert client.patch(path, {**WHY, "title": "again"}, If_Match=tag).status_code == 412
    assert client.patch(path, {**WHY, "slug": "x"}, If_Match="*").json()["errors"][0]["pointer"] == "/slug"


def test_masking_stays_once_a_patient_is_allocated(api: Any, admin: Any, enrolment: Any, setup_actor: Any) -> None:
    from tests.registry.services.stimulation_scene import allocate

    allocate(enrolment, setup_actor)
    answer = api(admin).patch("trials/calm-m1/", {**WHY, "masked": False}, If_Match="*")
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, ["/masked"])


def test_a_site_is_added_and_corrected(api: Any, admin: Any, trial: Any, enrolment: Any) -> None:
    client = api(admin)
    made = client.post("sites/", {"trial": "calm-m1", "code": "W", "name": "Westfield", "time_zone": "Asia/Tokyo"})
    assert (made.status_code, made.json()["version"]) == (201, 1), made.content
    taken = client.post("sites/", {"trial": "calm-m1", "code": "W"})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (422, "/code")
    changed = client.patch(made["Location"], {**WHY, "name": "West"}, If_Match=made["ETag"])
    assert (changed.status_code, changed.json()["name"], changed.json()["time_zone"]) == (200, "West", "Asia/Tokyo"), changed.content
    assert Site.objects.get(trial=trial, code="N").name == "Northfield"
    assert client.patch(made["Location"], {**WHY, "code": "X"}, If_Match="*").status_code == 422


def test_a_leader_of_the_trial_manages_it_and_others_do_not(api: Any, alice: Any, eve: Any, trial: Any, setup_actor: Any) -> None:
    petra = person("petra", "principal_investigator", trial, setup_actor)
    at_site = person("pia", "principal_investigator", trial, setup_actor, site=trial.sites.get(code="N"))
    site = {"trial": "calm-m1", "code": "W"}
    answers = [api(user).post("sites/", site).status_code for user in (alice, at_site, eve, petra)]
    assert answers == [403, 403, 404, 201]
    answers = [api(user).patch("trials/calm-m1/", {**WHY, "title": "T"}, If_Match="*").status_code for user in (alice, at_site, eve, petra)]
    assert answers == [403, 403, 404, 200]
    assert api(petra).post("trials/", NEW).status_code == 403


LOOK = {"trial": "calm-m1", "code": "interim1", "label": "interim 1, 50 % of patients", "planned_on": "2030-01-07"}


def test_a_look_of_the_charter_is_set_and_moved_with_a_reason(api: Any, admin: Any, alice: Any, trial: Any) -> None:
    client = api(admin)
    unexplained = client.post("looks/", LOOK)
    assert (unexplained.status_code, unexplained.json()["errors"][0]["pointer"]) == (422, "/change_reason")
    empty = client.post("looks/", {**LOOK, "change_reason": "other", "change_text": "so"})
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (422, "/change_text")
    made = client.post("looks/", {**LOOK, **WHY})
    assert (made.status_code, made.json()["called_off"], made.json()["version"]) == (201, False, 1), made.content
    unnamed = client.post("looks/", {"trial": "calm-m1", "code": "x", **WHY})
    assert (unnamed.status_code, unnamed.json()["errors"][0]["pointer"]) == (422, "/planned_on")
    assert client.patch(made["Location"], {"planned_on": "2030-02-04"}, If_Match="*").status_code == 422
    moved = client.patch(made["Location"], {**WHY, "planned_on": "2030-02-04"}, If_Match=made["ETag"])
    assert (moved.status_code, moved.json()["planned_on"], moved.json()["label"]) == (200, "2030-02-04", LOOK["label"]), moved.content
    look: Any = CharterLook.objects.get()
    assert [row.change.reason for row in look.history.order_by("pgh_id")] == ["Other: named in the amendment"] * 2
    assert api(alice).rows("looks/") == [moved.json()]
    assert api(alice).patch(made["Location"], {**WHY, "called_off": True}, If_Match="*").status_code == 403
    assert client.ask("DELETE", made["Location"]).status_code == 405
