"""Signing in by password: refusals that tell a guesser nothing, a lockout that tells the owner how long, an act log."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.core import mail
from django.test import Client

from registry.models import ActLog, Trial, User
from registry.services import accounts
from registry.services.auditing import audited
from tests.web.conftest import PASSWORD

WRONG = "The e-mail address or the password is wrong. Check both, then try again."


def attempt(client, email, password=PASSWORD, **more):
    return client.post("/login/", {"login": email, "password": password, **more})


def acts_of(user):
    return list(ActLog.objects.filter(actor=user).order_by("pk").values_list("act", flat=True))


def test_right_password_leads_to_the_trials_and_into_the_act_log(alice, client):
    answer = attempt(client, "alice@example.org")
    assert answer.status_code == 302
    assert answer["Location"] == "/t/"
    assert acts_of(alice) == ["sign_in"]


def test_operator_of_one_trial_begins_with_the_day(oscar, client):
    assert attempt(client, "oscar@example.org")["Location"] == "/t/calm-m1/today/"


def test_operator_of_two_trials_chooses(oscar, other_trial, setup_actor, client):
    accounts.add_membership(user=oscar, role="operator", trial=other_trial, by=setup_actor, valid_from=date(2026, 1, 1))
    assert attempt(client, "oscar@example.org")["Location"] == "/t/"


def test_address_is_found_whatever_its_capitals(alice, client):
    assert attempt(client, "Alice@Example.ORG").status_code == 302


def test_sign_in_leads_on_to_the_page_that_was_asked_for(alice, trial, client):
    asked = client.get("/t/calm-m1/patients/")
    assert asked["Location"] == "/login/?next=/t/calm-m1/patients/"
    assert attempt(client, "alice@example.org", next="/t/calm-m1/patients/")["Location"] == "/t/calm-m1/patients/"


def test_sign_in_leads_nowhere_else(alice, client):
    assert attempt(client, "alice@example.org", next="https://elsewhere.example/")["Location"] == "/t/"


@pytest.mark.parametrize("email", ["alice@example.org", "stranger@example.org"])
def test_refusal_is_the_same_for_a_wrong_name_and_a_wrong_password(alice, client, email):
    answer = attempt(client, email, "wrong password")
    assert WRONG in answer.content.decode()
    assert "<title>Error: Sign in" in answer.content.decode()


def test_refused_sign_in_is_in_the_act_log(alice, client):
    attempt(client, "alice@example.org", "wrong password")
    assert acts_of(alice) == ["sign_in_failed"]


def test_empty_form_names_each_missing_field(alice, client):
    page = attempt(client, "", "").content.decode()
    assert '<a href="#id_login">Enter your e-mail address.</a>' in page
    assert '<a href="#id_password">Enter your password.</a>' in page


def test_ten_wrong_passwords_lock_the_account_and_say_for_how_long(alice, client):
    for _ in range(10):
        assert WRONG in attempt(client, "alice@example.org", "wrong password").content.decode()
    page = attempt(client, "alice@example.org").content.decode()
    assert "Too many wrong passwords. Try again in 15 minutes" in page


def test_lockout_of_one_account_leaves_others_alone(alice, oscar, client):
    for _ in range(11):
        attempt(client, "alice@example.org", "wrong password")
    assert attempt(client, "oscar@example.org").status_code == 302


def test_another_host_name_gives_a_guesser_no_second_count(alice, client, settings):
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    for number in range(10):
        client.post(
            "/login/", {"login": "alice@example.org", "password": "wrong"}, headers={"host": ("one.example", "two.example")[number % 2]}
        )
    answer = client.post("/login/", {"login": "alice@example.org", "password": PASSWORD}, headers={"host": "two.example"})
    assert "Too many wrong passwords" in answer.content.decode()


def test_right_passwords_are_not_counted(alice, client):
    for _ in range(12):
        assert attempt(Client(), "alice@example.org").status_code == 302


def test_many_tries_within_a_minute_from_one_place_are_put_off(alice, client):
    for number in range(30):
        attempt(client, f"person{number}@example.org", "wrong password")
    answer = attempt(client, "alice@example.org")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "60"
    assert "Wait one minute" in answer.content.decode()


def test_demonstration_account_is_refused_once_a_real_trial_exists(trial, setup_actor, client):
    accounts.create_user(email="demo@example.org", name="Demo Person", password=PASSWORD, by=setup_actor, is_demonstration=True)
    assert not trial.synthetic
    answer = client.post("/login/", {"login": "demo@example.org", "password": PASSWORD}, follow=True)
    assert "demonstration account" in answer.content.decode()
    assert client.get("/t/").status_code == 302


def test_demonstration_account_signs_in_among_synthetic_trials(trial, setup_actor, client):
    with audited(by=setup_actor):
        Trial.objects.update(synthetic=True)
    accounts.create_user(email="demo@example.org", name="Demo Person", password=PASSWORD, by=setup_actor, is_demonstration=True)
    assert attempt(client, "demo@example.org")["Location"] == "/t/"


def test_nobody_signs_up(client, database):
    assert client.get("/signup/").status_code == 404
    assert client.get("/accounts/signup/").status_code == 404


def test_signing_out_is_noted_and_ends_the_session(alice, signed_in):
    client = signed_in(alice)
    client.post("/logout/")
    assert acts_of(alice)[-1] == "sign_out"
    assert client.get("/t/").status_code == 302


def test_a_link_alone_signs_nobody_out(alice, signed_in):
    client = signed_in(alice)
    assert "Sign out?" in client.get("/logout/").content.decode()
    assert client.get("/t/").status_code == 200


def test_password_is_changed_by_the_audited_way(alice, signed_in):
    client = signed_in(alice)
    new = "four plain words here"
    answer = client.post("/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert answer.status_code == 302
    assert client.get("/t/").status_code == 200
    assert User.objects.get(pk=alice.pk).check_password(new)
    assert "password_changed" in acts_of(alice)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"oldpassword": "wrong", "password1": "four plain words here", "password2": "four plain words here"},
            "This is not your current password.",
        ),
        ({"oldpassword": PASSWORD, "password1": "short", "password2": "short"}, "at least 12 characters"),
        ({"oldpassword": PASSWORD, "password1": "four plain words here", "password2": "other plain words here"}, "same password"),
    ],
)
def test_new_password_is_refused_with_a_reason(alice, signed_in, given, sentence):
    page = signed_in(alice).post("/password/change/", given).content.decode()
    assert sentence in page
    assert User.objects.get(pk=alice.pk).check_password(PASSWORD)


def reset_link(client, email):
    client.post("/password/reset/", {"email": email})
    (letter,) = mail.outbox
    return letter, re.search(r"http://testserver(/password/reset/\S+)", letter.body)[1]


def test_forgotten_password_is_set_again_by_a_link_that_works_once(alice, client):
    _, link = reset_link(client, "alice@example.org")
    form = client.get(link)["Location"]
    new = "four plain words here"
    done = client.post(form, {"password1": new, "password2": new})
    assert done["Location"] == "/password/reset/done/"
    assert attempt(client, "alice@example.org", new).status_code == 302
    assert "no longer works" in Client().get(link).content.decode()


def test_new_password_by_link_lifts_the_lockout(alice, client):
    for _ in range(11):
        attempt(client, "alice@example.org", "wrong password")
    _, link = reset_link(client, "alice@example.org")
    form = client.get(link)["Location"]
    client.post(form, {"password1": "four plain words here", "password2": "four plain words here"})
    assert attempt(client, "alice@example.org", "four plain words here").status_code == 302


def test_reset_letter_carries_no_figure_and_no_name(alice, client):
    letter, link = reset_link(client, "alice@example.org")
    rest = letter.body.replace(link, "")
    assert not re.search(r"\d", rest.replace("http://testserver", ""))
    assert "Alice" not in rest
    assert letter.subject == "rTMS Pain Registry: set a new password"


def test_stranger_gets_the_same_answer_and_no_letter(alice, client):
    known = client.post("/password/reset/", {"email": "alice@example.org"})
    mail.outbox.clear()
    unknown = client.post("/password/reset/", {"email": "stranger@example.org"})
    assert unknown["Location"] == known["Location"] == "/password/reset/sent/"
    assert mail.outbox == []
