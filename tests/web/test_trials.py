"""The choice of trial: one's own only, with the first page that one's roles open."""

from __future__ import annotations

import re

import pytest

from registry.services.accounts import add_membership, create_user
from tests.web.conftest import PASSWORD


def test_bare_address_leads_to_the_trials(alice, signed_in):
    assert signed_in(alice).get("/")["Location"] == "/t/"


@pytest.mark.parametrize("address", ["/", "/t/", "/t/calm-m1/patients/", "/account/", "/password/change/"])
def test_without_signing_in_every_page_leads_to_the_sign_in(address, trial, client):
    assert client.get(address)["Location"].startswith("/login/?next=")


def test_person_sees_own_trials_only(alice, other_trial, signed_in):
    page = signed_in(alice).get("/t/").content.decode()
    assert "CALM-M1" in page
    assert "OTHER-1" not in page
    assert "Coordinator" in page


def test_person_without_a_trial_is_told_whom_to_ask(trial, setup_actor, signed_in):
    nobody = create_user(email="no@example.org", name="No Body", password=PASSWORD, by=setup_actor)
    page = signed_in(nobody).get("/t/").content.decode()
    assert "You are not in a trial yet" in page


def test_trial_of_others_is_not_found_like_one_that_does_not_exist(eve, trial, signed_in):
    client = signed_in(eve)
    there, nowhere = client.get("/t/calm-m1/patients/"), client.get("/t/no-such/patients/")
    assert there.status_code == nowhere.status_code == 404
    assert there.content.replace(there["X-Request-ID"].encode(), b"") == nowhere.content.replace(nowhere["X-Request-ID"].encode(), b"")


@pytest.mark.parametrize(
    ("role", "address"),
    [
        ("coordinator", "/t/calm-m1/patients/"),
        ("operator", "/t/calm-m1/today/"),
        ("safety_board", "/t/calm-m1/dashboard/"),
        ("unmasked_statistician", "/t/calm-m1/patients/"),
    ],
)
def test_card_leads_to_the_first_page_of_the_role(role, address, trial, setup_actor, signed_in, now):
    user = create_user(email="x@example.org", name="X Y", password=PASSWORD, by=setup_actor)
    add_membership(user=user, role=role, trial=trial, by=setup_actor, valid_from=now.date().replace(month=1))
    assert f'href="{address}"' in signed_in(user).get("/t/").content.decode()


def test_role_without_records_to_see_is_led_to_what_the_trial_is(trial, setup_actor, signed_in, now):
    user = create_user(email="x@example.org", name="X Y", password=PASSWORD, by=setup_actor)
    add_membership(user=user, role="setup_person", trial=trial, by=setup_actor, valid_from=now.date().replace(month=1))
    page = signed_in(user).get("/t/").content.decode()
    assert "CALM-M1" in page
    assert 'href="/t/calm-m1/settings/"' in page


def test_frame_says_whether_the_person_is_masked(alice, uma, signed_in):
    assert "Masked</span>" in signed_in(alice).get("/t/calm-m1/patients/").content.decode()
    assert "Unmasked</span>" in signed_in(uma).get("/t/calm-m1/patients/").content.decode()


def test_navigation_offers_what_the_role_opens(alice, oscar, uma, signed_in):
    closed, open_ = 'href="/t/calm-m1/dashboard/closed/"', 'href="/t/calm-m1/dashboard/"'
    assert open_ in signed_in(alice).get("/t/calm-m1/patients/").content.decode()
    assert closed not in signed_in(alice).get("/t/calm-m1/patients/").content.decode()
    assert open_ not in signed_in(oscar).get("/t/calm-m1/patients/").content.decode()
    assert closed in signed_in(uma).get("/t/calm-m1/patients/").content.decode()


def test_account_page_tells_memberships_in_words_and_stores_the_theme(oscar, signed_in):
    client = signed_in(oscar)
    page = client.get("/account/").content.decode()
    assert "CALM-M1, Northfield" in page
    assert "never sees who got which treatment" in page
    client.post("/account/", {"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/account/").content.decode()


def test_account_page_stores_whether_mail_is_wanted_and_leaves_the_theme_alone(oscar, signed_in):
    client = signed_in(oscar)
    client.post("/account/", {"theme": "dark"})
    assert chosen(client) == "yes"
    client.post("/account/", {"report_mail": "no"})
    page = client.get("/account/").content.decode()
    assert chosen(client) == "no"
    assert 'data-theme="dark"' in page
    client.post("/account/", {"report_mail": "yes"})
    assert chosen(client) == "yes"
    refused = client.post("/account/", {"report_mail": "sometimes"})
    assert refused.status_code == 400
    assert "There is a problem" in refused.content.decode()


def chosen(client):
    page = client.get("/account/").content.decode()
    return re.search(r'name="report_mail" value="(yes|no)"[^>]*checked', page)[1]


def test_unknown_theme_is_refused(oscar, signed_in):
    assert signed_in(oscar).post("/account/", {"theme": "pink"}).status_code == 400
