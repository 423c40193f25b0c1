"""From an empty registry to the first patient, in the browser: administrator, trial, its parts, a member, and what that member does."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from registry.models import Enrolment, Membership, Trial
from registry.services.accounts import FIRST_ADMINISTRATOR_EMAIL, ensure_first_administrator

PASSWORD = "correct horse battery"
SETTINGS = "/t/calm-m1/settings/"


@pytest.fixture
def administrator(committed_db):
    return ensure_first_administrator(password=PASSWORD, now=datetime.now(UTC))


def sign_in(page, email, password):
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Your trials").wait_for()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def saved(page, words):
    expect(page.get_by_role("status")).to_contain_text(words)


def make_trial(page):
    page.get_by_role("link", name="New trial").click()
    page.get_by_label("Short name").fill("calm-m1")
    page.locator("#id_name").fill("CALM-M1")
    page.get_by_label("Full title").fill("Motor cortex stimulation in central pain")
    page.get_by_label("Sponsor").fill("University hospital")
    page.locator("#id_time_zone").select_option("Europe/Berlin")
    page.locator("#id_site-code").fill("N")
    page.locator("#id_site-name").fill("Northfield")
    press(page, "Make the trial")
    saved(page, "CALM-M1 is there")


def add_parts(page, address):
    page.goto(f"{address}{SETTINGS}treatments/")
    page.get_by_label("Code").fill("m1")
    page.get_by_label("Label").fill("M1, 10 Hz")
    press(page, "Add a treatment")
    saved(page, "m1 added")
    page.goto(f"{address}{SETTINGS}scales/")
    page.get_by_label("Code").fill("NRS")
    page.get_by_label("Label").fill("Pain intensity, 0 to 10")
    page.get_by_label("Highest value").fill("10")
    page.get_by_label("Step").fill("1")
    press(page, "Add a scale")
    saved(page, "NRS added")
    page.goto(f"{address}{SETTINGS}visits/")
    for code, label, day in (("W4", "Week 4", "28"), ("W12", "Week 12", "84")):
        page.get_by_label("Code").fill(code)
        page.get_by_label("Label").fill(label)
        page.get_by_label("Day", exact=False).first.fill(day)
        press(page, "Add a visit")
        saved(page, f"{code} added")


def write_protocol(page, address):
    page.goto(f"{address}{SETTINGS}protocol/new/")
    page.get_by_label("Version").fill("1.0")
    page.locator("#id_epoch-0-kind").select_option("baseline")
    page.locator("#id_epoch-0-first_day").fill("-7")
    page.locator("#id_epoch-0-last_day").fill("-1")
    press(page, "Save this version")
    saved(page, "Protocol version 1.0 saved")


def write_plan(page, address):
    """Windows that overlap are refused at the field, in the words of the rule; then they are mended."""
    page.goto(f"{address}{SETTINGS}plan/new/")
    assert page.locator("#id_point-1-target_day").input_value() == "84"  # the visits are offered as time points
    page.locator("#id_point-1-target_day").fill("30")
    page.locator("#id_recall").select_option("average_24h")
    press(page, "Save this version")
    message = page.locator(".field.wrong .msg")
    expect(message).to_contain_text("time_points[W12]")
    expect(message).to_contain_text("overlap")
    expect(page.get_by_role("alert")).to_contain_text("overlap")
    expect(page).to_have_title(re.compile("^Error:"))
    page.locator("#id_point-1-target_day").fill("84")
    press(page, "Save this version")
    saved(page, "Plan version 1 saved")
    expect(page.get_by_role("main")).to_contain_text("pain reduced by at least: 30 %, 50 %")


def add_coordinator(page, address):
    """Return the first password of the new person, shown once."""
    page.goto(f"{address}{SETTINGS}members/")
    page.get_by_label("E-mail address").fill("alice@hospital.org")
    page.locator("#id_name").fill("Alice Example")
    page.get_by_label("Coordinator").check()
    page.locator("#id_site").select_option("N")
    press(page, "Add to the trial")
    page.get_by_role("heading", name="Alice Example can sign in now").wait_for()
    return page.locator("#first-password").inner_text()


def add_patient(page):
    page.get_by_role("link", name="CALM-M1").first.click()
    page.get_by_role("link", name="Add a patient").click()
    page.get_by_label("Study number").fill("P-0001")
    page.get_by_label("Year of birth").fill("1961")
    page.locator("#id_pain-0-condition").select_option("phantom_limb")
    page.locator("#id_pain-0-body_region").fill("hand")
    page.locator("#id_pain-0-side").select_option("left")
    page.locator("#id_identity-name").fill("Anna Muster")
    press(page, "Add this patient")
    saved(page, "P-0001 added")
    page.get_by_role("heading", name="P-0001").wait_for()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
def test_from_the_first_administrator_to_the_first_patient(tab, administrator, javascript):
    opened = tab(javascript=javascript)
    page = opened.goto("/t/")
    sign_in(page, FIRST_ADMINISTRATOR_EMAIL, PASSWORD)
    expect(page.get_by_role("main")).to_contain_text("This registry is empty.")
    make_trial(page)
    expect(page.get_by_role("link", name="Next: Visible treatments")).to_be_visible()
    add_parts(page, opened.address)
    write_protocol(page, opened.address)
    write_plan(page, opened.address)
    password = add_coordinator(page, opened.address)
    other = tab(javascript=javascript)
    theirs = other.goto("/t/")
    sign_in(theirs, "alice@hospital.org", password)
    add_patient(theirs)
    assert Enrolment.objects.get().patient_code == "P-0001"
    assert Trial.objects.get().plans.get().time_points.count() == 2
    assert {row.user.email for row in Membership.objects.filter(trial=Trial.objects.get())} == {"alice@hospital.org"}
