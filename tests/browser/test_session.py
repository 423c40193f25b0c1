"""A session as an operator logs it: six answers on one screen, values that follow, saved once, found again anywhere."""

from __future__ import annotations

import threading

import pytest
from django.test import Client

from registry.models import PainScore, SessionDraft, StimulationSession
from tests.browser.conftest import HEIGHTS, to_session_1
from tests.browser.test_every_page import faults_in_every_view, violations
from tests.web.session_answers import OPEN, PATIENT, six

SIX = (("pain_before", "6"), ("anything_new", "no"), ("threshold", "last"), ("given", "plan"), ("pain_after", "4"), ("effects", "none"))
HIDDEN_HEIGHT = "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"


def pick(page, name, value):
    page.locator(f"label:has([name={name}][value='{value}'])").click()


def answer(page, answers=SIX):
    for name, value in answers:
        pick(page, name, value)


@pytest.mark.parametrize("javascript", [True, False])
def test_six_answers_are_saved_and_shown(opened, oscar, javascript):
    page = opened(oscar, width=820, javascript=javascript)
    assert page.locator("input:checked").count() == 0
    answer(page)
    page.get_by_role("button", name="Save session 1").click()
    page.get_by_text("Session 1 saved").wait_for()
    assert page.get_by_role("row", name="Delivered, % of threshold").inner_text().split()[-2:] == ["79.6", "%"]
    session = StimulationSession.objects.get()
    assert (session.status, session.as_planned, session.pulses_delivered) == ("given", True, 3000)
    assert sorted(PainScore.objects.values_list("value", flat=True)) == [4, 6]


def test_form_fits_a_tablet_and_has_no_fault(opened, oscar):
    page = opened(oscar, width=820)
    assert page.evaluate(HIDDEN_HEIGHT) == [0, 0]
    answer(page, SIX[:5])
    pick(page, "effects", "scalp_pain")
    pick(page, "severity_scalp_pain", "mild")
    page.get_by_text("All questions answered.").wait_for()
    assert page.evaluate(HIDDEN_HEIGHT) == [0, 0]
    assert faults_in_every_view(page) == []


def test_values_follow_the_answers(opened, oscar):
    page = opened(oscar, width=820)
    setting, left = page.locator("#setting"), page.locator("#left")
    assert "–" in setting.inner_text()
    assert left.inner_text() == "6 questions left."
    pick(page, "threshold", "last")
    setting.get_by_text("43 %").wait_for()
    page.get_by_text("5 questions left.").wait_for()
    pick(page, "given", "changed")
    page.get_by_label("Pause, s").fill("5")
    page.locator("#live").get_by_text("7 min 25 s").wait_for()
    page.get_by_label("Pause, s").fill("")
    page.locator("#live").get_by_text("Length –").wait_for()
    assert SessionDraft.objects.get().answers["block0_gap_s"] == [""]


def test_bad_values_are_named_above_and_beside_their_questions(opened, oscar):
    page = opened(oscar, width=820)
    answer(page, (*SIX[:3], ("given", "changed"), ("hearing_protection", "yes"), ("coil_matches", "yes"), SIX[5]))
    page.get_by_label("Trains", exact=True).fill("many")
    page.get_by_role("button", name="Save session 1").click()
    summary = page.get_by_role("alert")
    summary.wait_for()
    assert page.title().startswith("Error: Log session 1")
    assert page.evaluate("document.activeElement.id") == "errors"
    assert summary.get_by_role("link").all_inner_texts() == [
        "Enter a whole number.",
        "Ask for the pain after the session, or say why there is no answer.",
    ]
    assert page.get_by_label("Trains", exact=True).input_value() == "many"
    summary.get_by_role("link", name="Enter a whole number.").click()
    assert page.evaluate("document.activeElement.name") == "block0_trains"
    assert page.locator(".field.wrong:has([name=block0_trains]) .msg").is_visible()
    assert violations(page) == []
    assert not StimulationSession.objects.exists()


@pytest.mark.parametrize("javascript", [True, False])
def test_sentence_of_an_answered_question_goes_with_its_marks(opened, oscar, javascript):
    page = opened(oscar, width=820, javascript=javascript)
    answer(page, (*SIX[1:3], ("given", "changed"), ("hearing_protection", "yes"), ("coil_matches", "yes"), *SIX[4:]))
    page.get_by_label("Trains", exact=True).fill("many")
    page.get_by_role("button", name="Save session 1").click()
    lines = page.get_by_role("alert").get_by_role("link")
    page.get_by_role("alert").wait_for()
    assert lines.all_inner_texts() == ["Ask for the pain before the session, or say why there is no answer.", "Enter a whole number."]
    pain, trains = page.locator(".nrsq:has([name=pain_before])"), page.get_by_label("Trains", exact=True)
    assert (pain.get_attribute("aria-describedby"), trains.get_attribute("aria-invalid")) == ("id_pain_before_error", "true")
    pick(page, "pain_before", "6")
    if not javascript:
        page.get_by_role("button", name="Update values").click()
    pain.locator(".msg").wait_for(state="detached")
    assert (pain.get_attribute("aria-describedby"), pain.get_attribute("class")) == (None, "nrsq")
    assert page.locator("[name=pain_before][aria-invalid], [name=pain_before][aria-describedby]").count() == 0
    assert lines.all_inner_texts() == ["Enter a whole number."]
    trains.fill("0")
    if javascript:
        lines.get_by_text("Enter a whole number.").wait_for(state="detached")
        said = lines.inner_text()
        assert page.locator(".msg", has_text=said).is_visible()
        assert page.title().startswith("Error:")
    trains.fill("30")
    if not javascript:
        page.get_by_role("button", name="Update values").click()
    page.locator("#errors").wait_for(state="detached")
    assert (trains.get_attribute("aria-invalid"), page.locator(".wrong, .msg").count()) == (None, 0)
    assert page.title().startswith("Log session 1")
    if javascript:
        assert page.evaluate("document.activeElement.name") == "block0_trains"
        assert violations(page) == []


def test_two_requests_at_one_moment_store_one_session(site, due, oscar):
    clients = [Client() for _ in range(2)]
    for client in clients:
        client.force_login(oscar, backend="allauth.account.auth_backends.AuthenticationBackend")
    form = clients[0].post(OPEN)["Location"]
    found = []
    together = threading.Barrier(len(clients))

    def save(client):
        from django.db import connection

        together.wait()
        found.append(client.post(form, six(threshold="new", threshold_new="60")))
        connection.close()

    threads = [threading.Thread(target=save, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(one.status_code, one["Location"]) for one in found] == [(303, form)] * 2
    assert StimulationSession.objects.count() == 1
    assert PainScore.objects.count() == 2


def test_another_kit_asks_for_its_reason_before_anything_is_sent(opened, oscar):
    page = opened(oscar, width=820)
    answer(page)
    page.get_by_text("All questions answered.").wait_for()
    reason = page.get_by_label("Why it differs from the plan")
    assert not reason.is_visible()
    page.get_by_role("link", name="Add note or deviation").click()
    page.get_by_label("Kit in use, if it is another").fill("K-9999")
    reason.wait_for()
    assert page.locator("#deviates").inner_text() == "Differs from the plan: Another kit."
    assert page.locator("#left").inner_text() == "1 question left."
    assert faults_in_every_view(page) == []
    reason.select_option("kit_replaced")
    page.get_by_text("All questions answered.").wait_for()
    page.get_by_role("button", name="Save session 1").click()
    page.get_by_text("Session 1 saved").wait_for()
    assert StimulationSession.objects.get().kit_matches is False


def test_what_did_not_reach_the_server_says_so_and_is_sent_again(tab, due, oscar):
    found = tab(oscar, width=820)
    page = to_session_1(found)
    pick(page, "pain_before", "6")
    page.get_by_text("Draft saved").wait_for()
    page.route("**/draft/", lambda route: route.abort())
    pick(page, "anything_new", "no")
    page.get_by_text("Not saved yet: no connection. Kept on this page").wait_for()
    assert page.locator("#request-failed").is_hidden()
    assert page.locator("#saved").get_by_text("Draft saved").count() == 0
    page.unroute("**/draft/")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.locator("#saved").get_by_text("Draft saved").wait_for()
    assert SessionDraft.objects.get().answers["anything_new"] == ["no"]
    # The browser tells its console of the line that was cut, and nothing else.
    assert {error.split(",")[0].split(" ")[0] for error in found.errors} == {"htmx:afterRequest", "htmx:sendError", "Failed"}
    found.errors.clear()


def test_double_press_of_save_stores_one_session(opened, oscar):
    page = opened(oscar, width=820)
    answer(page)
    page.get_by_role("button", name="Save session 1").dblclick()
    page.get_by_text("Session 1 saved").wait_for()
    assert StimulationSession.objects.count() == 1


def test_draft_survives_a_reload_and_another_device(opened, oscar, alice):
    page = opened(oscar, width=820)
    answer(page, SIX[:2])
    page.get_by_text("Draft saved").wait_for()
    page.get_by_text("4 questions left.").wait_for()
    page.reload()
    assert page.locator("[name=pain_before][value='6']").is_checked()
    other = opened(alice, width=1440)
    assert other.locator("[name=anything_new][value=no]").is_checked()
    other.get_by_role("button", name="Keep draft, leave").click()
    other.get_by_text("The draft of session 1 is kept.").wait_for()


@pytest.mark.parametrize("javascript", [True, False])
def test_two_tablets_show_both_entries_and_the_person_chooses(opened, oscar, alice, javascript):
    first, second = opened(oscar, width=820), opened(alice, width=820, javascript=javascript)
    answer(first, SIX[:2])
    first.get_by_text("4 questions left.").wait_for()
    answer(second, (("pain_before", "7"), *SIX[2:]))
    if javascript:
        second.locator("#clash").get_by_text("Oscar Example changed this draft on another page").wait_for()
        assert second.locator("[name=pain_after][value='4']").is_checked()
        assert faults_in_every_view(second) == []
        second.get_by_role("button", name="Compare both entries").click()
    else:
        second.get_by_role("button", name="Save session 1").click()
    second.get_by_role("heading", name="Session 1 was entered twice").wait_for()
    pain = second.get_by_role("group", name="Pain before, right now")
    assert pain.get_by_role("radio").count() == 2
    assert not pain.get_by_role("radio", checked=True).count()
    assert second.get_by_role("group", name="Anything new?").get_by_label("Oscar Example").is_checked()
    if javascript:
        assert faults_in_every_view(second) == []
    pain.get_by_label("You, on this page").check()
    second.get_by_role("button", name="Keep what is chosen").click()
    second.get_by_text("Both entries are one draft now.").wait_for()
    second.get_by_role("button", name="Save session 1").click()
    second.get_by_text("Session 1 saved").wait_for()
    assert PainScore.objects.get(context="pre_session").value == 7
    pick(first, "pain_after", "2")
    first.locator("#clash").get_by_text("Alice Example saved this session on another page").wait_for()
    first.get_by_role("button", name="Compare both entries").click()
    first.get_by_role("row", name="Pain before").wait_for()
    assert faults_in_every_view(first) == []
    first.get_by_role("button", name="Correct it with my entries").click()
    first.locator("#was_pain_after").get_by_text("was 4").wait_for()
    assert StimulationSession.objects.count() == 1


def test_keys_answer_inside_their_own_question(opened, oscar):
    page = opened(oscar, width=820)
    page.locator("[name=pain_before][value='0']").focus()
    page.keyboard.press("7")
    assert page.locator("[name=pain_before][value='7']").is_checked()
    page.keyboard.press("t")
    assert page.locator("[name=pain_before][value='10']").is_checked()
    page.keyboard.press("ArrowLeft")
    assert page.locator("[name=pain_before][value='9']").is_checked()
    page.locator("[name=given][value=plan]").focus()
    page.keyboard.press("3")
    assert not page.locator("[name=pain_after]:checked").count()
    page.locator("[name=effects][value=headache]").focus()
    page.keyboard.press("Space")
    page.locator("[name=effects][value=none]").focus()
    page.keyboard.press("Space")
    assert not page.locator("[name=effects][value=headache]").is_checked()
    answer(page, (*SIX[1:5],))
    page.keyboard.press("Control+Enter")
    page.get_by_text("Session 1 saved").wait_for()


def test_what_was_entered_last_is_kept_however_slow_the_request_before(opened, oscar, slow_part):
    page = opened(oscar, width=820)
    pick(page, "pain_before", "7")
    slow_part.await_begun(1)
    pick(page, "pain_before", "10")
    page.wait_for_timeout(1500)  # longer than the form waits before it sends what was entered
    slow_part.release.set()
    slow_part.await_done(2)
    assert SessionDraft.objects.get().answers["pain_before"] == ["10"]


def test_form_without_script_goes_part_by_part(opened, oscar):
    page = opened(oscar, width=820, javascript=False)
    pick(page, "threshold", "last")
    pick(page, "given", "early")
    page.get_by_label("Whole trains given").fill("10")
    page.get_by_role("button", name="Update values").click()
    page.locator("output[name=pulses]").get_by_text("1\u2009000").wait_for()
    assert "43 %" in page.locator("#setting").inner_text()
    assert page.get_by_label("Whole trains given").input_value() == "10"
    page.get_by_role("link", name="Add note or deviation").click()
    page.get_by_role("textbox", name="Note").fill("coil too warm")
    answer(page, (*SIX[:2], *SIX[4:], ("hearing_protection", "yes"), ("coil_matches", "yes")))
    page.get_by_label("Why it was stopped").select_option("coil_overheated")
    page.get_by_role("button", name="Save session 1").click()
    page.get_by_text("Session 1 saved").wait_for()
    session = StimulationSession.objects.get()
    assert (session.status, session.pulses_delivered, session.note) == ("partial", 1000, "coil too warm")


def test_session_is_corrected_after_a_look_at_old_and_new(opened, oscar):
    page = opened(oscar, width=820)
    answer(page)
    page.get_by_role("button", name="Save session 1").click()
    page.get_by_role("link", name="Correct").click()
    pick(page, "pain_after", "5")
    page.get_by_label("Typing error").check()
    page.get_by_role("button", name="Check the change").click()
    row = page.get_by_role("row", name="Pain after")
    row.wait_for()
    assert row.get_by_role("cell").all_inner_texts() == ["4", "5"]
    assert violations(page) == []
    page.get_by_role("button", name="Save correction").click()
    page.get_by_text("Session 1 corrected.").wait_for()
    assert PainScore.objects.get(context="post_session", ended_at=None).value == 5


@pytest.mark.parametrize("javascript", [True, False])
def test_correction_says_beside_the_question_what_it_was(opened, oscar, javascript):
    page = opened(oscar, width=820, javascript=javascript)
    answer(page)
    page.get_by_role("button", name="Save session 1").click()
    page.get_by_role("link", name="Correct").click()
    was = page.locator("#was_pain_after")
    was.wait_for(state="attached")
    assert not was.is_visible()
    pick(page, "pain_after", "5")
    if not javascript:
        page.get_by_label("Typing error").check()
        page.get_by_role("button", name="Check the change").click()
        page.get_by_role("button", name="Change something").click()
    was.get_by_text("was 4").wait_for()
    assert violations(page) == [] if javascript else True
    pick(page, "pain_after", "4")
    if javascript:
        was.wait_for(state="hidden")
        assert faults_in_every_view(page) == []


def test_pages_around_sessions_have_no_fault(tab, due, oscar):
    client = Client()
    client.force_login(oscar, backend="allauth.account.auth_backends.AuthenticationBackend")
    form = client.post(OPEN)["Location"]
    opened = tab(oscar)
    before = {f"{form}discard/", "/t/calm-m1/today/", f"{PATIENT}sessions/missed/1/", f"{PATIENT}thresholds/add/", f"{PATIENT}events/add/"}
    found = {address: faults_in_every_view(opened.goto(address)) for address in sorted(before)}
    client.post(form, six(effects=["headache"], severity_headache="severe", relation_headache="possible"))
    after = [PATIENT, f"{PATIENT}sessions/", form, f"{form}correct/", f"{form}void/", f"{form}reenter/", f"{PATIENT}sessions/open/"]
    after += [f"{PATIENT}thresholds/", f"{PATIENT}events/", "/t/calm-m1/today/"]
    found |= {address: faults_in_every_view(opened.goto(address)) for address in after}
    assert {address: faults for address, faults in found.items() if faults} == {}
    assert HEIGHTS[820] == 1180
