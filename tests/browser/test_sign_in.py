"""Signing in as a person does it."""

from __future__ import annotations

from tests.web.conftest import PASSWORD


def sign_in(page, address, password=PASSWORD):
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_person_signs_in_and_out(tab, alice):
    page = tab().goto("/")
    sign_in(page, "alice@example.org")
    page.get_by_role("heading", name="Your trials").wait_for()
    page.get_by_role("link", name="CALM-M1").click()
    page.get_by_role("heading", name="Patients").wait_for()
    page.get_by_role("link", name="Alice Example, your account").click()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_wrong_password_takes_the_focus_to_what_is_wrong(tab, alice):
    page = tab().goto("/login/")
    sign_in(page, "alice@example.org", "wrong password")
    page.get_by_role("alert").wait_for()
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "errors"
    assert page.get_by_label("E-mail address").input_value() == "alice@example.org"
    assert page.get_by_label("Password").input_value() == ""


def test_missing_answer_is_one_press_away_from_its_summary(tab, alice):
    page = tab().goto("/login/")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").get_by_role("link", name="Enter your password.").click()
    assert page.evaluate("document.activeElement.name") == "password"


def test_lockout_says_how_long_to_wait(tab, alice):
    page = tab().goto("/login/")
    for _ in range(11):
        sign_in(page, "alice@example.org", "wrong password")
        page.get_by_role("alert").wait_for()
    assert "Try again in 15 minutes" in page.get_by_role("alert").inner_text()


def test_sign_in_works_without_script(tab, alice):
    page = tab(javascript=False).goto("/login/")
    sign_in(page, "alice@example.org")
    assert page.get_by_role("heading", name="Your trials").is_visible()


def test_session_that_ended_leads_back_to_where_the_person_was(tab, alice, diary):
    opened = tab(alice)
    page = opened.goto("/t/calm-m1/patients/")
    opened.context.clear_cookies()
    page.get_by_label("Status").select_option("in_trial")
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, "alice@example.org")
    page.get_by_role("heading", name="Patients").wait_for()
