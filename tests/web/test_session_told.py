"""What a refused session form said goes as soon as its question is answered, and changes with what is wrong; with and without script."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from registry.models import MotorThreshold, PainScore, SessionDraft, StimulationSession
from registry.services.stimulation import record_sessions
from tests.registry.services.stimulation_scene import given
from tests.web.session_answers import OPEN, PATIENT, make_due, six


@pytest.fixture
def client(enrolment, setup_actor, oscar, signed_in):
    make_due(enrolment, setup_actor)
    return signed_in(oscar)


@pytest.fixture
def form(client):
    """Open the form of session 1 and return its address."""
    return client.post(OPEN)["Location"]


def words(answer):
    return " ".join(answer.content.decode().split())


def told(answer):
    """Return what the page remembers of its sentences: the value it sends back, and the sentence."""
    found = re.findall(r'<input type="hidden" name="told" value="([^"]*)" data-says="([^"]*)">', words(answer))
    return {unescape(value): unescape(sentence) for value, sentence in found}


def live(client, address, answers, values):
    return client.post(address, {**answers, "told": list(values)}, headers={"HX-Request": "true"})


def test_page_remembers_what_it_said(client, form):
    assert told(client.get(form)) == {}
    refused = client.post(form, six(pain_before="", given=""))
    assert list(told(refused)) == ["pain_before", "given"]
    assert told(refused)["given"] == "Choose what was given."


def test_what_is_answered_since_is_told_no_more(client, form):
    said = told(client.post(form, six(pain_before="", given="")))
    later = told(live(client, f"{form}draft/", six(pain_before="3", given=""), said))
    assert later == {"given": "Choose what was given."}


def test_another_fault_of_the_same_question_is_told_instead(client, form):
    said = told(client.post(form, six(threshold="new")))
    assert list(said) == ["threshold_new"]
    later = told(live(client, f"{form}draft/", six(threshold="new", threshold_new="high"), said))
    assert later == {"threshold_new": "Enter a whole number."}


def test_a_question_that_opened_since_is_not_told_before_the_next_save(client, form):
    said = told(client.post(form, six(given="")))
    assert told(live(client, f"{form}draft/", six(given="early"), said)) == {}


def test_what_no_longer_needs_an_answer_is_told_no_more(client, form):
    said = told(client.post(form, six(pain_after="")))
    assert told(live(client, f"{form}draft/", six(pain_after="", given="none"), said)) == {}


def test_what_the_record_refused_stays_until_its_answer_changes(client, form):
    refused = six(threshold="new", threshold_new="101")
    answer = client.post(form, refused)
    assert "from 1 to 100" in words(answer)
    said = told(answer)
    assert list(said) == ["threshold_new=101"]
    assert list(told(live(client, f"{form}draft/", {**refused, "pain_before": "2"}, said))) == ["threshold_new=101"]
    assert told(live(client, f"{form}draft/", {**refused, "threshold_new": "60"}, said)) == {}


def test_values_that_are_no_questions_are_left_aside(client, form):
    said = ["no_question", "no_question=1", "", "=", "pain_before" * 200]
    assert told(live(client, f"{form}draft/", six(), said)) == {}


def test_without_script_updated_values_come_with_what_is_still_open(client, form):
    said = told(client.post(form, six(pain_before="", given="")))
    answer = client.post(form, {**six(pain_before="3", given=""), "act": "keep", "told": list(said)})
    assert answer.status_code == 303
    page = client.get(answer["Location"])
    assert told(page) == {"given": "Choose what was given."}
    assert "<title>Error: Log session 1" in words(page)
    assert "Ask for the pain before" not in words(page)
    answer = client.post(form, {**six(), "act": "keep", "told": list(told(page))})
    last = client.get(answer["Location"])
    assert (told(last), "There is a problem" in words(last)) == ({}, False)


def test_correction_drops_its_sentences_too(client, form):
    client.post(form, six())
    session = StimulationSession.objects.get()
    began = session.started_at.astimezone(session.enrolment.zone)
    answers = six(for_date=began.date().isoformat(), start_time=f"{began:%H:%M}", seen_version="1", reason_code="typing_error")
    said = told(client.post(f"{form}correct/", {**answers, "pain_after": "", "reason_code": ""}))
    assert "pain_after" in said
    assert "<title>Error: Correct session 1" in words(client.post(f"{form}correct/", {**answers, "pain_after": "5", "reason_code": ""}))
    later = told(live(client, f"{form}correct/", {**answers, "pain_after": "5", "reason_code": ""}, [*said, "reason_code"]))
    assert list(later) == ["reason_code"]
    assert told(live(client, f"{form}correct/", {**answers, "pain_after": "5"}, later)) == {}


def entered_at_once(client, form, seconds=12):
    """Answer the two ends of the form so many seconds apart."""
    live(client, f"{form}draft/", six(), [])
    draft = SessionDraft.objects.get()
    began = draft.opened_at - timedelta(seconds=seconds)
    SessionDraft.objects.update(answers={**draft.answers, "_part_1_at": began.isoformat(), "_part_3_at": draft.opened_at.isoformat()})


def test_answers_given_too_close_to_one_another_are_no_end_of_the_session(client, form):
    entered_at_once(client, form)
    assert "Answers too close to tell the end" in words(client.get(form))
    assert client.post(form, six()).status_code == 303
    session = StimulationSession.objects.get()
    assert (session.finished_at, list(session.deviations.all())) == (None, [])
    assert PainScore.objects.get(context="post_session").observed_at - session.started_at == timedelta(seconds=12)


def test_answers_as_far_apart_as_the_pulses_are_its_end(client, form):
    entered_at_once(client, form, seconds=900)
    assert "Answers too close" not in words(client.get(form))
    client.post(form, six())
    session = StimulationSession.objects.get()
    assert session.finished_at - session.started_at == timedelta(minutes=15)


def test_typed_times_closer_than_the_pulses_take_ask_why(client, form):
    opened = SessionDraft.objects.get().opened_at.astimezone(ZoneInfo("Europe/Berlin"))
    yesterday = (opened - timedelta(days=1)).date().isoformat()
    short = six(for_date=yesterday, threshold="new", threshold_new="54", start_time="10:00", end_time="10:03")
    answer = client.post(form, short)
    assert "Start and end closer than the pulses take" in words(answer)
    assert list(told(answer)) == ["deviation_reason"]
    assert client.post(form, {**short, "deviation_reason": "technical"}).status_code == 303
    assert [(one.kind, one.delivered) for one in StimulationSession.objects.get().deviations.all()] == [("duration", "3 min")]


def test_correction_reckons_with_the_threshold_as_the_session_knew_it(client, enrolment, oscar):
    threshold, now = MotorThreshold.objects.get(), timezone.now()
    row = given(threshold, threshold_percent_mso=50, started_at=now - timedelta(hours=1), ended_at=None, pain_before_at=None)
    [session] = record_sessions(trial=enrolment.trial, rows=[row], by=oscar, now=now, complete=False).sessions
    assert session.blocks.get().setting_percent_mso == 40
    page = words(client.get(f"{PATIENT}sessions/{session.record}/correct/"))
    assert "Use 50 % MSO" in page
    assert '<output name="setting" for="session">40 %</output>' in page
