"""Adding, correcting and voiding a score as a person does it, with a mouse, with keys alone and without script."""

from __future__ import annotations

import pytest

from registry.models import PainScore

PATIENT = "/t/calm-m1/patients/P-0001/"


def fill(page):
    page.get_by_label("Day the pain was felt").fill("2026-11-18")
    page.get_by_label("Occasion").select_option("diary")
    page.get_by_label("How it was given").select_option("diary")


@pytest.mark.parametrize("javascript", [True, False])
def test_score_is_added(tab, oscar, enrolment, javascript):
    page = tab(oscar, javascript=javascript).goto(PATIENT)
    page.get_by_role("link", name="Add a pain score").click()
    page.get_by_text("6", exact=True).click()
    fill(page)
    page.get_by_role("button", name="Save score").click()
    page.get_by_text("Score 6 for Wed 18 Nov 2026 saved.").wait_for()
    assert PainScore.objects.get().value == 6


def test_score_is_added_with_the_keyboard_alone(tab, oscar, enrolment):
    page = tab(oscar).goto(f"{PATIENT}scores/add/")
    page.get_by_role("radio", name="0", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="2", exact=True).is_checked()
    fill(page)
    page.get_by_role("button", name="Save score").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Score 2 for").wait_for()


def test_two_presses_of_save_store_one_score(tab, oscar, enrolment):
    page = tab(oscar).goto(f"{PATIENT}scores/add/")
    page.get_by_text("6", exact=True).click()
    fill(page)
    page.get_by_role("button", name="Save score").dblclick()
    page.get_by_text("Score 6 for").wait_for()
    assert PainScore.objects.count() == 1


def test_form_sent_again_from_the_browsers_history_stores_nothing_new(tab, oscar, enrolment):
    page = tab(oscar).goto(f"{PATIENT}scores/add/")
    page.get_by_text("6", exact=True).click()
    fill(page)
    page.get_by_role("button", name="Save score").click()
    page.get_by_text("Score 6 for").wait_for()
    page.reload()
    assert PainScore.objects.count() == 1


def test_refused_form_takes_the_focus_to_the_summary_and_keeps_the_answer(tab, oscar, enrolment):
    page = tab(oscar).goto(f"{PATIENT}scores/add/")
    page.get_by_text("6", exact=True).click()
    page.get_by_role("button", name="Save score").click()
    summary = page.get_by_role("alert")
    summary.wait_for()
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.id") == "errors"
    assert page.get_by_role("radio", name="6", exact=True).is_checked()
    summary.get_by_role("link", name="Choose the occasion of the answer.").click()
    assert page.evaluate("document.activeElement.name") == "context"


@pytest.mark.parametrize("javascript", [True, False])
def test_score_is_corrected_after_a_look_at_old_and_new(tab, oscar, diary, javascript):
    page = tab(oscar, javascript=javascript).goto(f"{PATIENT}scores/")
    page.get_by_role("link", name="Correct Tue 24 Nov 2026").click()
    page.get_by_text("9", exact=True).click()
    page.get_by_label("Typing error").check()
    page.get_by_role("button", name="Check the change").click()
    row = page.get_by_role("row", name="Pain score for Tue 24 Nov 2026")
    row.wait_for()
    assert row.get_by_role("cell").all_inner_texts() == ["4", "9"]
    page.get_by_role("button", name="Save correction").click()
    page.get_by_text("Score for Tue 24 Nov 2026 corrected from 4 to 9.").wait_for()


@pytest.mark.parametrize("javascript", [True, False])
def test_score_is_voided_and_restored(tab, oscar, diary, javascript):
    page = tab(oscar, javascript=javascript).goto(f"{PATIENT}scores/")
    page.get_by_role("link", name="Void Tue 24 Nov 2026").click()
    page.get_by_label("Other", exact=True).check()
    page.get_by_label("In your own words").fill("Entered twice by mistake")
    page.get_by_role("button", name="Void this score").click()
    page.get_by_text("voided. It stays in the history.").wait_for()
    page.get_by_role("link", name="Pain scores", exact=True).click()
    page.get_by_role("link", name="Restore Tue 24 Nov 2026").click()
    page.get_by_label("Patient corrected the answer").check()
    page.get_by_role("button", name="Restore this score").click()
    page.get_by_text("restored.").wait_for()
    page.get_by_role("link", name="History").click()
    page.get_by_text("Restored the voided pain score of 4 for Tue 24 Nov 2026.").wait_for()
    assert page.get_by_text("Other: Entered twice by mistake").is_visible()
