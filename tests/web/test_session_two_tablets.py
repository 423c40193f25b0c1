"""The same session open on two pages: the second save shows both entries, the person chooses, nothing typed is lost."""

from __future__ import annotations

import re
from datetime import date

import pytest

from registry.models import PainScore, SessionDraft, StimulationSession
from registry.services import accounts
from tests.web.session_answers import OPEN, PATIENT, make_due, six

FIRST, SECOND = "first-page", "second-page"


@pytest.fixture
def clients(enrolment, setup_actor, oscar, alice, signed_in):
    make_due(enrolment, setup_actor)
    return signed_in(oscar), signed_in(alice)


@pytest.fixture
def form(clients):
    """Open the form of session 1 and return its address."""
    return clients[0].post(OPEN)["Location"]


def words(answer):
    return " ".join(answer.content.decode().split())


def sent(tab, version=1, **answers):
    return {"tab": tab, "draft_version": str(version), **answers}


def live(client, form, **answers):
    return client.post(f"{form}draft/", answers, headers={"HX-Request": "true"})


def hidden(page):
    """Return what a page would send back: its hidden entries."""
    found = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        found.setdefault(name, []).append(value)
    found.pop("csrfmiddlewaretoken", None)
    return found


def test_each_page_has_its_own_mark_and_the_version_it_was_made_from(clients, form):
    pages = [words(client.get(form)) for client in clients]
    tabs = [re.search(r'name="tab" value="(\w{32})"', page).group(1) for page in pages]
    assert tabs[0] != tabs[1]
    assert all('name="draft_version" value="1"' in page for page in pages)


def test_saving_a_draft_answers_with_its_new_version(clients, form):
    answer = live(clients[0], form, **sent(FIRST, pain_before="6"))
    assert 'name="draft_version" value="2" hx-swap-oob="true"' in words(answer)
    assert SessionDraft.objects.get().version == 2


def test_second_page_is_told_in_place_and_overwrites_nothing(clients, form):
    live(clients[0], form, **sent(FIRST, pain_before="6"))
    answer = live(clients[1], form, **sent(SECOND, pain_before="7"))
    assert answer.status_code == 409
    assert "Oscar Example changed this draft on another page" in words(answer)
    assert "Compare both entries" in words(answer)
    assert SessionDraft.objects.get().answers["pain_before"] == ["6"]


@pytest.mark.parametrize("act", ["save", "keep", "leave", "compare"])
def test_second_page_sees_both_entries_side_by_side(clients, form, act):
    live(clients[0], form, **sent(FIRST, pain_before="6", note="first", effects=["headache"], severity_headache="mild"))
    answer = clients[1].post(form, sent(SECOND, act=act, pain_before="7", anything_new="no", effects=["none"]))
    assert answer.status_code == 409
    rows = {row.name: (row.label, row.theirs, row.mine, row.chosen) for row in answer.context["rows"]}
    assert rows == {
        "pain_before": ("Pain before, right now", "6", "7", ""),
        "anything_new": ("Anything new?", "", "Nothing new", "mine"),
        "effects": ("Side effects", "Headache", "None", ""),
        "severity_headache": ("Headache: how strong", "Mild", "", "theirs"),
        "note": ("Note", "first", "", "theirs"),
    }
    assert "Oscar Example" in words(answer)
    assert StimulationSession.objects.count() == 0
    assert SessionDraft.objects.get().answers["pain_before"] == ["6"]


def chosen_in(clients, form, act="resolve", **choices):
    live(clients[0], form, **sent(FIRST, pain_before="6", note="first"))
    page = words(clients[1].post(form, sent(SECOND, pain_before="7", anything_new="no")))
    choices = {f"keep_{name}": side for name, side in choices.items()}
    return clients[1].post(form, {**hidden(page), "act": act, **choices})


def test_what_is_chosen_becomes_the_draft(clients, form):
    answer = chosen_in(clients, form, pain_before="mine", anything_new="mine", note="theirs")
    assert (answer.status_code, answer["Location"]) == (303, form)
    kept = clients[1].get(form).context["form"]
    assert [kept[name].value() for name in ("pain_before", "anything_new", "note")] == ["7", "no", "first"]
    assert SessionDraft.objects.get().version == 3


@pytest.mark.parametrize(("act", "answers"), [("resolve_theirs", ["6", None, "first"]), ("resolve_mine", ["7", "no", ""])])
def test_one_side_can_be_taken_as_a_whole(clients, form, act, answers):
    assert chosen_in(clients, form, act=act).status_code == 303
    kept = clients[1].get(form).context["form"]
    assert [kept[name].value() or answer for name, answer in zip(("pain_before", "anything_new", "note"), answers, strict=True)] == answers


def test_a_question_without_a_choice_is_asked_again_with_everything_kept(clients, form):
    answer = chosen_in(clients, form, anything_new="mine")
    page = words(answer)
    assert answer.status_code == 400
    assert "Choose which entry stands: Pain before, right now" in page
    assert hidden(page)["pain_before"] == ["7"]
    assert SessionDraft.objects.get().version == 2


def test_a_third_save_while_choosing_is_shown_too(clients, form):
    live(clients[0], form, **sent(FIRST, pain_before="6"))
    page = words(clients[1].post(form, sent(SECOND, pain_before="7")))
    live(clients[0], form, **sent(FIRST, 2, pain_before="5"))
    answer = clients[1].post(form, {**hidden(page), "act": "resolve", "keep_pain_before": "mine"})
    assert answer.status_code == 409
    assert [(row.theirs, row.mine) for row in answer.context["rows"]] == [("5", "7")]


def test_late_request_of_the_same_page_is_no_second_opinion(clients, form):
    live(clients[0], form, **sent(FIRST, pain_before="6"))
    assert clients[0].post(form, sent(FIRST, **six(pain_before="7"))).status_code == 303
    assert PainScore.objects.get(context="pre_session").value == 7


def test_same_entries_of_two_pages_are_no_clash(clients, form):
    live(clients[0], form, **sent(FIRST, pain_before="6"))
    assert live(clients[1], form, **sent(SECOND, pain_before=" 6 ")).status_code == 200


def test_other_entries_for_a_session_on_record_are_shown_beside_it(clients, form):
    clients[0].post(form, sent(FIRST, **six()))
    answer = clients[1].post(form, sent(SECOND, **six(pain_before="1", note="cold room")))
    page = words(answer)
    assert answer.status_code == 409
    assert "Oscar Example saved this session on another page" in page
    assert [(row.name, row.theirs, row.mine) for row in answer.context["rows"]] == [("pain_before", "6", "1"), ("note", "", "cold room")]
    assert PainScore.objects.get(context="pre_session").value == 6
    correction = clients[1].post(f"{form}correct/", {**hidden(page), "edit": "yes"})
    assert correction.status_code == 200
    assert correction.context["form"].was == {"pain_before": "6", "note": "empty"}
    assert "Choose why the record is changed." not in words(correction)
    assert StimulationSession.objects.count() == 1


def test_draft_of_a_session_on_record_with_other_entries_is_told_in_place(clients, form):
    clients[0].post(form, sent(FIRST, **six()))
    assert live(clients[1], form, **sent(SECOND, **six())).status_code == 204
    answer = live(clients[1], form, **sent(SECOND, **six(pain_before="1")))
    assert answer.status_code == 409
    assert "Oscar Example saved this session on another page" in words(answer)


def test_comma_or_point_is_the_same_session(clients, form):
    answers = six(given="changed", hearing_protection="yes", coil_matches="yes", deviation_reason="tolerability")
    clients[0].post(form, sent(FIRST, **answers, block0_intensity_percent="75,5"))
    answer = clients[0].post(form, sent(FIRST, **answers, block0_intensity_percent="75.50"))
    assert (answer.status_code, answer["Location"]) == (303, form)


def test_entries_for_a_discarded_draft_can_go_into_a_new_one(clients, form):
    clients[0].post(f"{form}discard/")
    assert live(clients[1], form, **sent(SECOND, pain_before="7")).status_code == 409
    answer = clients[1].post(form, sent(SECOND, pain_before="7"))
    page = words(answer)
    assert answer.status_code == 409
    assert "Oscar Example discarded this draft on another page" in page
    fresh = clients[1].post(form, {**hidden(page), "tab": SECOND, "act": "reopen"})
    assert fresh.status_code == 303
    assert fresh["Location"] != form
    assert clients[1].get(fresh["Location"]).context["form"]["pain_before"].value() == "7"
    assert clients[1].get(PATIENT).status_code == 200


def test_entries_for_a_discarded_draft_are_laid_beside_the_one_opened_since(clients, form):
    clients[0].post(f"{form}discard/")
    page = words(clients[1].post(form, sent(SECOND, pain_before="7")))
    newer = clients[0].post(OPEN)["Location"]
    live(clients[0], newer, **sent(FIRST, pain_before="6"))
    answer = clients[1].post(form, {**hidden(page), "act": "reopen"})
    assert answer.status_code == 409
    assert f'action="{newer}"' in words(answer)
    assert [(row.theirs, row.mine) for row in answer.context["rows"]] == [("6", "7")]


def test_page_without_marks_still_saves(clients, form):
    assert clients[0].post(form, six()).status_code == 303
    assert StimulationSession.objects.count() == 1


@pytest.fixture
def leader(trial, setup_actor, signed_in):
    """The client of a principal investigator, who records sessions and sees no score given after allocation."""
    user = accounts.create_user(email="pia@example.org", name="Pia", password="correct horse battery", by=setup_actor)
    accounts.add_membership(user=user, role="principal_investigator", trial=trial, by=setup_actor, valid_from=date(2026, 1, 1))
    return signed_in(user)


def value_in(answer, name="pain_before"):
    return answer.context["form"][name].value() or ""


def test_pain_in_anothers_draft_is_empty_for_who_may_not_see_scores(clients, form, leader):
    live(clients[0], form, **sent(FIRST, pain_before="6", note="first"))
    page = leader.get(form)
    assert (value_in(page), value_in(page, "note")) == ("", "first")
    assert value_in(clients[1].get(form)) == "6"
    # Right or wrong, a guess is told apart by nothing.
    guesses = [live(leader, form, **sent(SECOND, pain_before=value, note="first")) for value in ("6", "7")]
    assert [answer.status_code for answer in guesses] == [409, 409]
    assert words(guesses[0]) == words(guesses[1])
    rows = [
        {row.name: row.theirs for row in leader.post(form, sent(SECOND, act="compare", pain_before=value, note="first")).context["rows"]}
        for value in ("6", "7")
    ]
    assert rows == [{"pain_before": ""}] * 2


def test_who_does_not_see_the_pain_of_a_draft_takes_it_away_only_by_asking_again(clients, form, leader):
    live(clients[0], form, **sent(FIRST, pain_before="6"))
    assert live(leader, form, **sent(SECOND, 2, pain_before="", note="mine")).status_code == 200
    assert (value_in(leader.get(form)), value_in(clients[0].get(form))) == ("", "6")
    assert SessionDraft.objects.get().answers["note"] == ["mine"]
    assert live(leader, form, **sent(SECOND, 3, pain_before="5", note="mine")).status_code == 200
    assert (value_in(leader.get(form)), value_in(clients[0].get(form))) == ("5", "5")


def test_who_does_not_see_the_pains_of_a_draft_asks_them_again_before_saving(clients, form, leader):
    live(clients[0], form, **sent(FIRST, **six()))
    page = leader.get(form)
    assert (value_in(page), value_in(page, "pain_after"), value_in(page, "given")) == ("", "", "plan")
    refused = leader.post(form, sent(SECOND, page.context["version"], **six(pain_before="", pain_after="")))
    assert refused.status_code == 400
    assert list(refused.context["form"].errors) == ["pain_before", "pain_after"]
    assert StimulationSession.objects.count() == 0
    saved = leader.post(form, sent(SECOND, refused.context["version"], **six(pain_before="5", pain_after="3")))
    assert saved.status_code == 303
    assert sorted(PainScore.objects.values_list("value", flat=True)) == [3, 5]
