"""Logging a session without script: opened, kept, saved once, refused beside the question, corrected, voided, moved."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.models import (
    AdverseEvent,
    Disposition,
    MaskingGuess,
    MotorThreshold,
    PainScore,
    Prescription,
    SessionDraft,
    StimulationSession,
    Trial,
)
from registry.services.auditing import audited
from tests.trials import make_enrolment
from tests.web.session_answers import OPEN, PATIENT, make_due, six, today


@pytest.fixture
def due(enrolment, setup_actor):
    make_due(enrolment, setup_actor)
    return enrolment


@pytest.fixture
def client(due, oscar, signed_in):
    return signed_in(oscar)


@pytest.fixture
def form(client):
    """Open the form of session 1 and return its address."""
    answer = client.post(OPEN)
    assert answer.status_code == 303
    return answer["Location"]


def words(answer):
    return " ".join(answer.content.decode().split())


def test_form_opens_with_nothing_answered(client, form):
    page = words(client.get(form))
    assert "P-0001, session 1 of 10" in page
    assert " checked" not in page
    assert "6 questions left." in page
    assert "K-3127" in page
    assert "Use 54 % MSO" in page


def test_six_answers_are_a_session(client, form):
    answer = client.post(form, six())
    assert (answer.status_code, answer["Location"]) == (303, form)
    session = StimulationSession.objects.get()
    assert (session.number, session.status, session.as_planned, session.pulses_delivered) == (1, "given", True, 3000)
    assert (session.threshold_percent_mso, session.kit_code, session.hearing_protection) == (54, "K-3127", True)
    assert session.blocks.get().setting_percent_mso == 43
    assert session.operator.name == "Oscar Example"
    assert sorted(PainScore.objects.values_list("context", "value")) == [("post_session", 4), ("pre_session", 6)]
    page = words(client.get(form))
    assert "Session 1 saved" in page
    assert "of 3 000 planned pulses (100 %)" in page
    assert "14 min 40 s" in page
    assert "79.6 %" in page


def test_form_sent_again_leads_to_the_one_record(client, form):
    for answers in (six(), six(), six(threshold="", pain_after="4")):
        answer = client.post(form, answers)
        assert (answer.status_code, answer["Location"]) == (303, form)
    assert StimulationSession.objects.count() == 1
    assert PainScore.objects.filter(context="pre_session").get().value == 6


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"pain_before": ""}, "id_pain_before_0", "Ask for the pain before"),
        ({"pain_before": "none"}, "id_pain_before_why", "Say why there is no answer."),
        ({"anything_new": ""}, "id_anything_new_0", "Ask what is new"),
        ({"anything_new": "yes"}, "id_new_items_0", "Tick what changed."),
        ({"threshold": ""}, "id_threshold_0", "Choose the motor threshold"),
        ({"threshold": "new"}, "id_threshold_new", "Enter the threshold measured"),
        ({"threshold": "new", "threshold_new": "high"}, "id_threshold_new", "Enter a whole number."),
        ({"threshold": "new", "threshold_new": "101"}, "id_threshold_new", "from 1 to 100"),
        ({"given": ""}, "id_given_0", "Choose what was given."),
        ({"given": "none"}, "id_reason_none", "Choose why the session was not given."),
        ({"pain_after": ""}, "id_pain_after_0", "Ask for the pain after"),
        ({"effects": []}, "id_effects_0", "Ask for side effects"),
        ({"effects": ["none", "headache"]}, "id_effects_0", "None and a side effect are both ticked"),
        ({"effects": ["headache"]}, "id_severity_headache_0", "Say how strong it was."),
        ({"effects": ["other"], "severity_other": "mild"}, "id_other_effect", "Say what the other side effect was."),
        ({"effects": ["dizziness"], "severity_dizziness": "moderate"}, "id_relation_dizziness", "relates to the stimulation"),
        ({"start_time": "soon"}, "id_start_time", "Enter the time as 10:24."),
        ({"for_date": "yesterday"}, "id_for_date", "Enter the day as"),
        ({"pulse_counter": "many"}, "id_pulse_counter", "Enter a whole number."),
        ({"pulse_counter": "2700"}, "id_deviation_reason", "Stimulator counted another number"),
        ({"kit_code": "K-9999"}, "id_deviation_reason", "Another kit"),
    ],
)
def test_refusal_stands_above_and_beside_the_question(client, form, changed, field, sentence):
    answer = client.post(form, six(**changed))
    page = words(answer)
    assert answer.status_code == 400
    assert "<title>Error: Log session 1, P-0001" in page
    summary = page.split('id="errors"', 1)[1].split("</ul>", 1)[0]
    rest = page.split('id="errors"', 1)[1].split("</ul>", 1)[1]
    assert f'href="#{field}"' in summary
    assert sentence in summary
    assert f'id="{field}"' in rest
    assert sentence in rest
    assert StimulationSession.objects.count() == 0
    assert MotorThreshold.objects.count() == 1


def test_refused_form_keeps_every_answer_in_the_draft(client, form):
    client.post(form, six(pain_after="", note="cold room"))
    page = client.get(form)
    assert page.context["form"]["note"].value() == "cold room"
    assert page.context["form"]["pain_before"].value() == "6"


def changed(**values):
    return six(given="changed", hearing_protection="yes", coil_matches="yes", **values)


def test_changed_values_become_a_block_and_a_deviation_with_its_reason(client, form):
    answers = changed(block0_trains="27", block0_intensity_percent="75,5")
    assert "Choose why the session differs" in words(client.post(form, answers))
    client.post(form, {**answers, "deviation_reason": "tolerability"})
    session = StimulationSession.objects.get()
    block = session.blocks.get()
    assert (block.trains, str(block.intensity_percent), block.setting_percent_mso) == (27, "75.5", 41)
    assert (session.as_planned, session.pulses_delivered, session.pulses_planned) == (False, 2700, 3000)
    assert {(one.kind, one.reason) for one in session.deviations.all()} == {("trains", "tolerability"), ("intensity", "tolerability")}
    assert "of 3 000 planned pulses (90 %)" in words(client.get(form))


def test_bad_dose_is_refused_at_its_entry(client, form):
    page = words(client.post(form, changed(block0_frequency_hz="fast", block0_trains="0")))
    assert 'href="#id_block0_frequency_hz"' in page
    page = words(client.post(form, changed(block0_trains="0")))
    assert 'href="#id_block0_trains"' in page
    assert StimulationSession.objects.count() == 0


def test_entry_that_cannot_be_read_is_told_once(client, form):
    page = client.post(form, changed(block0_trains="many", threshold="new", threshold_new="", pain_before="none"))
    assert list(page.context["form"].errors) == ["pain_before_why", "threshold_new", "block0_trains"]


def test_setting_above_full_output_is_refused_with_a_remedy(client, form):
    page = words(client.post(form, six(threshold="new", threshold_new="98", given="changed", hearing_protection="yes", coil_matches="yes",
                                       block0_intensity_percent="120")))  # fmt: skip
    assert 'href="#id_block0_intensity_percent"' in page
    assert "100 % is all it has" in page


def test_stop_inside_a_train_is_two_blocks(client, form):
    answers = changed(block0_trains_done="12", block0_broken="40", reason_early="pain_too_strong", effects=["none"])
    client.post(form, {**answers, "given": "early"})
    session = StimulationSession.objects.get()
    assert (session.status, session.reason, session.pulses_delivered) == ("partial", "pain_too_strong", 1240)
    assert [(one.trains, one.bursts_per_train) for one in session.blocks.all()] == [(12, 100), (1, 40)]
    assert [one.kind for one in session.deviations.all()] == ["not_completed"]


def test_session_not_given_needs_no_dose_and_no_pain_after(client, form):
    client.post(form, {"pain_before": "6", "anything_new": "no", "given": "none", "reason_none": "ill", "effects": ["none"]})
    session = StimulationSession.objects.get()
    assert (session.status, session.reason, session.pulses_delivered, session.threshold) == ("not_given", "ill", 0, None)


def test_threshold_measured_now_is_stored_with_the_session(client, form):
    for _ in range(2):
        client.post(form, six(threshold="new", threshold_new="60"))
    session, threshold = StimulationSession.objects.get(), MotorThreshold.objects.get(percent_mso=60)
    assert session.threshold == threshold
    assert (threshold.hemisphere, threshold.measured_on) == ("right", today())
    assert session.blocks.get().setting_percent_mso == 48


def test_threshold_past_its_age_is_not_offered(enrolment, setup_actor, oscar, signed_in):
    make_due(enrolment, setup_actor, threshold_days_ago=9)
    client = signed_in(oscar)
    page = words(client.get(client.post(OPEN)["Location"]))
    assert "Use 54" not in page
    assert "Measured now" in page


def test_side_effects_become_solicited_events(client, form):
    client.post(
        form, six(effects=["headache", "syncope"], severity_headache="mild", severity_syncope="severe", relation_syncope="probable")
    )
    events = {one.term: (one.grade, one.solicited, one.needs_report) for one in AdverseEvent.objects.all()}
    assert events == {"headache": (1, True, False), "syncope": (3, True, True)}


def test_no_answer_is_kept_with_its_reason(client, form):
    client.post(form, six(pain_before="none", pain_before_why="asleep"))
    session = StimulationSession.objects.get()
    assert (session.pain_before_record, session.pain_before_no_answer) == (None, "asleep")


def test_late_entry_asks_for_the_real_time(client, form):
    SessionDraft.objects.update(opened_at=SessionDraft.objects.get().opened_at - timedelta(hours=3))
    page = words(client.post(form, six()))
    assert 'href="#id_start_time"' in page
    assert "entered late" in page


def test_live_values_come_back_with_each_draft(client, form):
    answer = client.post(f"{form}draft/", six(given="changed", block0_trains="20"), headers={"HX-Request": "true"})
    page = words(answer)
    assert answer.status_code == 200
    for text in ("2 000", "9 min 40 s", "43 %", "Draft saved", "3 questions left."):
        assert text in page
    assert SessionDraft.objects.get().answers["given"] == ["changed"]


def test_unknown_values_are_dashes(client, form):
    page = words(client.post(f"{form}draft/", {"given": "changed", "block0_trains": ""}, headers={"HX-Request": "true"}))
    assert '<output name="pulses" for="session">–</output>' in page
    assert '<output name="setting" for="session">–</output>' in page


def test_draft_of_a_saved_session_leads_to_the_record(client, form):
    client.post(form, six())
    answer = client.post(f"{form}draft/", six(), headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, form)


def test_draft_is_found_again_by_a_colleague(client, form, alice, signed_in):
    client.post(form, {"act": "leave", "pain_before": "8"})
    other = signed_in(alice)
    assert other.post(OPEN)["Location"] == form
    assert other.get(form).context["form"]["pain_before"].value() == "8"


def test_draft_can_be_discarded(client, form):
    client.post(form, {"act": "keep", "pain_before": "8"})
    assert "Discard this draft" in words(client.get(f"{form}discard/"))
    client.post(f"{form}discard/")
    assert SessionDraft.objects.get().discarded_at is not None
    assert client.get(form).status_code == 303
    assert client.post(OPEN)["Location"] != form


def test_earlier_session_without_record_is_asked_about_first(enrolment, setup_actor, oscar, signed_in):
    make_due(enrolment, setup_actor, allocated_days_ago=2)
    client = signed_in(oscar)
    page = words(client.post(OPEN))
    assert "Session 1 has no record" in page
    missed = f"{PATIENT}sessions/missed/1/"
    assert "Choose why the session was missed." in words(client.post(missed, {"record": "", "for_date": ""}))
    record = client.get(missed).context["form"]["record"].value()
    given = {"record": str(record), "for_date": (today() - timedelta(days=1)).isoformat(), "reason": "no_show"}
    assert client.post(missed, given).status_code == 303
    session = StimulationSession.objects.get()
    assert (session.number, session.status, session.reason) == (1, "missed", "no_show")
    assert "session 2 of 10" in words(client.get(client.post(OPEN)["Location"]))


def test_guess_is_asked_at_the_last_session_alone(enrolment, setup_actor, oscar, signed_in):
    make_due(enrolment, setup_actor)
    with audited(by=setup_actor, reason="test"):
        Prescription.objects.update(session_days=[1])
    client = signed_in(oscar)
    form = client.post(OPEN)["Location"]
    assert "What does the patient believe they got?" in words(client.get(form))
    client.post(form, six(guess="sham", guess_certainty="7"))
    assert MaskingGuess.objects.values_list("guess", "certainty").get() == ("sham", 7)
    assert "Sham" not in words(client.get(form))


@pytest.fixture
def record(client, form):
    client.post(form, six())
    return form


def correction(**changed):
    session = StimulationSession.objects.get(ended_at=None)
    began = session.started_at.astimezone(session.enrolment.zone)
    day = {"for_date": began.date().isoformat(), "start_time": f"{began:%H:%M}"}
    why = {"reason_code": "typing_error", "reason_text": "", "seen_version": str(session.version)}
    return six(**{**why, **day, **changed})


def test_correction_shows_old_and_new_before_it_saves(client, record):
    assert 'value="4" id="id_pain_after_4" checked' in words(client.get(f"{record}correct/"))
    page = words(client.post(f"{record}correct/", correction(pain_after="5", threshold="new", threshold_new="60")))
    for text in ("Pain after", "43 %", "48 %", "Typing error", "Save correction"):
        assert text in page
    assert StimulationSession.objects.count() == MotorThreshold.objects.count() == 1
    answers = correction(pain_after="5", threshold="new", threshold_new="60", confirm="yes")
    assert client.post(f"{record}correct/", answers)["Location"] == record
    session = StimulationSession.objects.get(ended_at=None)
    assert (session.version, session.threshold_percent_mso, session.blocks.get().setting_percent_mso) == (2, 60, 48)
    assert PainScore.objects.get(context="post_session", ended_at=None).value == 5
    page = words(client.get(record))
    assert "Corrected" in page
    assert page.count("Oscar Example") >= 3


def test_correction_says_beside_each_changed_answer_what_stood_on_record(client, record):
    assert client.get(f"{record}correct/").context["form"].was == {}
    answers = correction(
        **{"pain_after": "5", "given": "changed", "threshold": "new", "threshold_new": "60", "note": "cold room"},
        **{
            "effects": ["headache"],
            "severity_headache": "mild",
            "hearing_protection": "yes",
            "coil_matches": "yes",
            "kit_code": "K-3127",
            "edit": "yes",
        },
    )
    answer = client.post(f"{record}correct/", answers)
    assert answer.context["form"].was == {
        "pain_after": "4",
        "given": "Exactly as planned",
        "threshold": "54 % MSO",
        "threshold_new": "empty",
        "note": "empty",
        "effects": "None",
        "severity_headache": "empty",
    }
    page = words(answer)
    assert '<p class="was" id="was_pain_after">was 4</p>' in page
    assert '<p class="was" id="was_pain_before"></p>' in page


def test_correction_in_the_making_answers_with_values_and_what_was(client, record):
    answers = correction(pain_after="5", threshold="new", threshold_new="60")
    answer = client.post(f"{record}correct/", answers, headers={"HX-Request": "true"})
    page = words(answer)
    assert answer.status_code == 200
    assert "48 %" in page
    assert '<div hx-swap-oob="innerHTML:#was_pain_after">was 4</div>' in page
    assert '<div hx-swap-oob="innerHTML:#was_pain_before"></div>' in page
    assert StimulationSession.objects.count() == MotorThreshold.objects.count() == 1


def test_correction_without_reason_or_change_is_refused(client, record):
    page = words(client.post(f"{record}correct/", correction(pain_after="5", reason_code="")))
    assert "Choose why the record is changed." in page
    answer = client.post(f"{record}correct/", correction())
    assert answer.status_code == 400
    assert StimulationSession.objects.count() == 1


def test_correction_of_an_old_version_is_a_conflict(client, record):
    client.post(f"{record}correct/", correction(pain_after="5", confirm="yes"))
    assert client.post(f"{record}correct/", correction(pain_after="3", seen_version="1")).status_code == 409


def test_session_is_voided_and_restored(client, record):
    why = {"reason_code": "other", "reason_text": "Entered twice by mistake", "seen_version": "1"}
    assert client.post(f"{record}void/", why).status_code == 303
    assert StimulationSession.objects.get().voided
    assert "Voided" in words(client.get(record))
    assert client.post(f"{record}restore/", why).status_code == 303
    assert StimulationSession.objects.filter(ended_at=None).get().version == 2


def test_session_of_the_wrong_patient_is_voided_and_opened_for_the_right_one(client, record, setup_actor, trial):
    make_enrolment(trial, "P-0003", site="N", by=setup_actor)
    page = words(client.post(f"{record}reenter/", {"other_patient": "P-0001"}))
    assert "is entered for this patient already" in page
    assert "no patient with this number" in words(client.post(f"{record}reenter/", {"other_patient": "P-0002"}))
    form = client.post(f"{record}reenter/", {"other_patient": "p-0003"})["Location"]
    assert "/P-0003/" in form
    answers = client.get(form).context["form"]
    assert (answers["pain_before"].value(), answers["threshold"].value()) == ("6", None)
    assert StimulationSession.objects.get().voided


def test_record_shows_planned_beside_given(client, form):
    client.post(form, changed(block0_trains="27", deviation_reason="tolerability"))
    page = words(client.get(form))
    assert '<td class="r">30</td><td class="r val"><strong>27</strong></td>' in page
    assert "Tolerability" in page


def test_patient_page_shows_strip_table_and_what_is_next(client, record):
    page = words(client.get(PATIENT))
    for text in ("1 of 10 sessions given.", "Log session 2", "6 → 4", "3 000 of 30 000", "54 % MSO"):
        assert text in page
    assert page.count('class="btn go"') == 1


def offered(client):
    """Return the buttons that lead to a session on the patient's two pages."""
    pages = [words(client.get(address)) for address in (PATIENT, f"{PATIENT}sessions/")]
    found = [re.findall(r"((?:Log|Resume) (?:an? )?\w*\s?session[^<]*)<", page) for page in pages]
    assert found[0] == found[1]
    return found[0]


def test_button_says_what_the_state_of_the_patient_lets_be_logged(client, form, due, setup_actor):
    assert offered(client) == ["Resume session 1"]
    client.post(form, six())
    assert offered(client) == ["Log session 2"]
    with audited(by=setup_actor, reason="two sessions planned"):
        Prescription.objects.update(session_days=[0])
    assert offered(client) == ["Log an additional session"]
    page = words(client.get(PATIENT))
    assert f'<a class="btn" href="{OPEN}">' in page
    assert page.count('class="btn go"') == 1
    assert "Every planned session is on record. Session 2 is one more than the protocol plans." in words(client.get(OPEN))
    with audited(by=setup_actor, reason="completed"):
        Disposition.objects.create(enrolment=due, kind="completion", happened_on=today())
    assert offered(client) == ["Log a session given earlier"]
    assert "is on record. What was given can still be recorded." in words(client.get(OPEN))
    with audited(by=setup_actor, reason="locked"):
        Trial.objects.update(locked_at=timezone.now())
    assert offered(client) == []


def test_today_lists_what_is_due_begun_and_saved(client, form):
    page = words(client.get("/t/calm-m1/today/"))
    assert "Begun" in page
    assert "Resume" in page
    client.post(form, six())
    page = words(client.get("/t/calm-m1/today/"))
    assert "1 session today, 1 on record." in page
    assert "Drafts not saved yet" not in page


def test_old_draft_stays_on_the_page_of_the_day(client, form):
    old = SessionDraft.objects.get().opened_at - timedelta(days=3)
    SessionDraft.objects.update(opened_at=old, updated_at=old)
    assert "older than a day" in words(client.get("/t/calm-m1/today/"))


def test_other_sites_patients_are_not_on_the_page_of_the_day(due, charlie, signed_in):
    assert "P-0001" not in words(signed_in(charlie).get("/t/calm-m1/today/"))


@pytest.mark.parametrize(("page", "most"), [("session", 45), ("patient", 60), ("today", 30), ("sessions", 40)])
def test_pages_need_few_statements(client, form, page, most):
    address = {"session": form, "patient": PATIENT, "today": "/t/calm-m1/today/", "sessions": f"{PATIENT}sessions/"}[page]
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    assert len(asked) <= most, len(asked)
