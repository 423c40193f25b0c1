"""The watch over every page of these tests: a request given up on a page that stays open is an error, but for a question asked anew."""

from __future__ import annotations

from tests.browser.conftest import GIVEN_UP, to_session_1

LIST = "/t/calm-m1/patients/"


def said(found):
    found.page.evaluate("0")  # its answer comes after whatever the console said so far
    return [error.split(",")[0] for error in found.errors]


def pick(page, value):
    page.locator(f"label:has([name=pain_before][value='{value}'])").click()


def test_request_given_up_on_an_open_page_is_an_error(tab, due, oscar, slow_part):
    found = tab(oscar, width=820)
    page = to_session_1(found)
    pick(page, "7")
    slow_part.await_begun(1)
    page.evaluate("htmx.trigger(document.getElementById('session'), 'htmx:abort')")
    assert said(found) == GIVEN_UP
    found.errors.clear()


def test_entries_given_up_for_newer_ones_are_an_error(tab, due, oscar, slow_part):
    found = tab(oscar, width=820)
    page = to_session_1(found)
    page.evaluate("document.getElementById('session').setAttribute('hx-sync', 'this:replace')")
    pick(page, "7")
    slow_part.await_begun(1)
    pick(page, "8")
    slow_part.await_begun(2)
    assert said(found) == GIVEN_UP
    found.errors.clear()


def test_question_asked_anew_is_none(tab, alice, diary, slow_part):
    found = tab(alice)
    page = found.goto(LIST)
    given_up = []
    page.on("console", lambda message: given_up.append(message.text.split(",")[0]))
    page.get_by_label("Site").select_option("S")
    slow_part.await_begun(1)
    page.get_by_label("Site").select_option("N")
    page.wait_for_url("**/patients/?*site=N*")
    assert [text for text in given_up if text in GIVEN_UP] == GIVEN_UP
    assert said(found) == []


def test_page_left_while_a_request_is_on_its_way_says_nothing(tab, due, oscar, slow_part):
    found = tab(oscar, width=820)
    page = to_session_1(found)
    pick(page, "7")
    slow_part.await_begun(1)
    page.goto(found.address + LIST)
    page.get_by_role("heading", name="Patients").wait_for()
    assert said(found) == []
