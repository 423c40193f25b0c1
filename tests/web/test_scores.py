"""Adding, correcting, voiding and restoring a pain score: saved once, with a reason, refused beside the field."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from registry.models import Change, PainScore, Scale
from registry.services.auditing import audited
from registry.services.scores import Reason, correct_score
from tests.trials import make_diary

PATIENT = "/t/calm-m1/patients/P-0001/"
ADD = f"{PATIENT}scores/add/"


def answers(**changed):
    """Return the answers of a filled form."""
    given = {
        "record": str(uuid.uuid4()),
        "value": "6",
        "for_date": "2026-10-20",
        "visit": "",
        "pain": "overall",
        "context": "diary",
        "recall": "average_24h",
        "source": "diary",
        "rater": "patient",
    }
    return {**given, **changed}


@pytest.fixture
def score(enrolment, setup_actor):
    make_diary(enrolment, {1: "7"}, by=setup_actor)
    return PainScore.objects.get()


def page_of(score, act):
    return f"{PATIENT}scores/{score.record}/{act}/"


def reasons(**changed):
    return {"reason_code": "typing_error", "reason_text": "", "seen_version": "1", **changed}


def texts(answer):
    return " ".join(answer.content.decode().split())


def test_score_is_saved_and_the_patient_page_says_so(enrolment, oscar, signed_in):
    answer = signed_in(oscar).post(ADD, answers(), follow=True)
    assert answer.redirect_chain == [(PATIENT, 302)]
    assert "Score 6 for Tue 20 Oct 2026 saved." in texts(answer)
    saved = PainScore.objects.get()
    assert (saved.value, saved.for_date.isoformat(), saved.pain, saved.rater) == (6, "2026-10-20", None, "patient")


def test_form_sent_twice_is_saved_once(enrolment, oscar, signed_in):
    client, given = signed_in(oscar), answers()
    assert client.post(ADD, given)["Location"] == client.post(ADD, given)["Location"] == PATIENT
    assert PainScore.objects.count() == 1


def test_every_opened_form_has_an_id_of_its_own(enrolment, oscar, signed_in):
    client = signed_in(oscar)
    ids = {client.get(ADD).context["form"]["record"].value() for _ in range(2)}
    assert len(ids) == 2


def test_nothing_of_the_answer_is_chosen_beforehand(enrolment, oscar, signed_in):
    form = signed_in(oscar).get(ADD).context["form"]
    assert [form[name].value() for name in ("value", "for_date", "context", "source")] == [None] * 4
    assert form["recall"].value() == "average_24h"


def test_score_of_a_visit_needs_no_day(enrolment, oscar, signed_in):
    answer = signed_in(oscar).post(ADD, answers(for_date="", visit="W4", context="visit", source="clinic"), follow=True)
    assert "Score 6 for Week 4 saved." in texts(answer)
    assert PainScore.objects.get().visit_type.code == "W4"


def test_score_may_be_about_one_pain(enrolment, oscar, signed_in):
    signed_in(oscar).post(ADD, answers(pain="1"))
    assert PainScore.objects.get().pain.rank == 1


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"value": ""}, "id_value_0", "Choose or enter the pain score."),
        ({"value": "11"}, "id_value_0", "Select a valid choice"),
        ({"for_date": "2999-01-01"}, "id_for_date", "is in the future"),
        ({"for_date": "tomorrow"}, "id_for_date", "Enter the day as 2026-11-19 or 19/11/2026."),
        ({"for_date": ""}, "id_for_date", "A diary value needs its day"),
        ({"context": ""}, "id_context", "Choose the occasion of the answer."),
        ({"source": ""}, "id_source", "Choose how the answer was given."),
        ({"pain": "9"}, "id_pain", "Select a valid choice"),
    ],
)
def test_refusal_stands_above_and_beside_the_field(enrolment, oscar, signed_in, changed, field, sentence):
    answer = signed_in(oscar).post(ADD, answers(**changed))
    page = texts(answer)
    assert answer.status_code == 400
    assert "<title>Error: Add a pain score for P-0001" in page
    summary, rest = page.split("</ul>", 1)[0].split('id="errors"', 1)[1], page.split('id="errors"', 1)[1].split("</ul>", 1)[1]
    assert f'href="#{field}"' in summary
    assert sentence in summary
    assert f'id="{field}"' in rest
    assert sentence in rest
    assert PainScore.objects.count() == 0


def test_refused_form_keeps_what_was_entered(enrolment, oscar, signed_in):
    given = answers(source="")
    form = signed_in(oscar).post(ADD, given).context["form"]
    assert form["record"].value() == given["record"]
    assert form["value"].value() == "6"


def test_scale_with_fine_steps_is_typed_with_a_comma_or_a_point(enrolment, trial, oscar, setup_actor, signed_in):
    with audited(by=setup_actor, reason="test"):
        Scale.objects.create(trial=trial, code="VAS", label="VAS 0-100", kind="intensity", minimum=0, maximum=100, step=Decimal("0.5"))
    client = signed_in(oscar)
    assert "VAS 0-100" in texts(client.get(ADD))
    client.post(f"{ADD}?scale=VAS.1", answers(value="62,5"))
    assert PainScore.objects.get().value == Decimal("62.5")
    refused = client.post(f"{ADD}?scale=VAS.1", answers(value="much"))
    assert "Enter a number such as 4 or 3.5." in texts(refused)


def test_operator_of_another_site_finds_no_form(enrolment, charlie, signed_in):
    assert signed_in(charlie).post(ADD, answers()).status_code == 404
    assert PainScore.objects.count() == 0


@pytest.mark.parametrize("act", ["correct", "void", "restore"])
def test_role_without_the_right_is_refused_and_nothing_changes(score, uma, signed_in, act):
    answer = signed_in(uma).post(page_of(score, act), reasons(value="3", confirm="yes"))
    assert answer.status_code == 403
    assert "score.correct" in texts(answer)
    assert PainScore.objects.get().value == 7


def test_correction_is_previewed_before_it_is_saved(score, oscar, signed_in):
    client = signed_in(oscar)
    preview = texts(client.post(page_of(score, "correct"), reasons(value="3")))
    assert "Check the correction" in preview
    assert '<td class="r old">7</td> <td class="r new">3</td>' in preview or '<td class="r old">7</td><td class="r new">3</td>' in preview
    assert "Typing error" in preview
    assert PainScore.objects.count() == 1
    answer = client.post(page_of(score, "correct"), reasons(value="3", confirm="yes"), follow=True)
    assert "Score for Tue 20 Oct 2026 corrected from 7 to 3." in texts(answer)
    assert [(row.version, row.value) for row in PainScore.objects.order_by("version")] == [(1, 7), (2, 3)]


def test_correction_carries_its_reason_and_its_request_into_the_history(score, oscar, signed_in):
    answer = signed_in(oscar).post(page_of(score, "correct"), reasons(value="3", confirm="yes"))
    change = Change.objects.order_by("-at").first()
    assert (change.actor, change.reason, change.request_id) == (oscar, "Typing error", answer["X-Request-ID"])


def test_preview_leads_back_to_the_form_with_what_was_entered(score, oscar, signed_in):
    page = signed_in(oscar).post(page_of(score, "correct"), reasons(value="3", edit="yes"))
    assert "Correct a pain score" in texts(page)
    assert page.context["form"]["value"].value() == "3"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"value": "7"}, "This is the value on record."),
        ({"value": ""}, "Choose or enter the pain score."),
        ({"value": "3", "reason_code": ""}, "Choose why the record is changed."),
        ({"value": "3", "reason_code": "other", "reason_text": "oops"}, "Say why in at least 10 characters."),
    ],
)
def test_correction_without_sense_or_reason_is_refused(score, oscar, signed_in, changed, sentence):
    answer = signed_in(oscar).post(page_of(score, "correct"), reasons(confirm="yes", **changed))
    assert answer.status_code == 400
    assert texts(answer).count(sentence) == 2
    assert PainScore.objects.count() == 1


def test_correction_sent_twice_is_saved_once(score, oscar, signed_in):
    client, given = signed_in(oscar), reasons(value="3", confirm="yes")
    assert client.post(page_of(score, "correct"), given)["Location"] == client.post(page_of(score, "correct"), given)["Location"] == PATIENT
    assert PainScore.objects.count() == 2


def test_correction_of_a_version_that_is_no_longer_the_last_is_a_conflict(score, oscar, alice, signed_in, now):
    correct_score(score, value=Decimal(5), reason=Reason("typing_error"), by=alice, now=now)
    answer = signed_in(oscar).post(page_of(score, "correct"), reasons(value="3", confirm="yes"))
    assert answer.status_code == 409
    assert "Somebody changed this record" in texts(answer)
    assert PainScore.objects.count() == 2


def test_void_takes_a_score_out_of_use_and_restore_brings_it_back(score, oscar, signed_in):
    client = signed_in(oscar)
    assert "voided. It stays in the history." in texts(client.post(page_of(score, "void"), reasons(), follow=True))
    assert PainScore.objects.current().count() == 0
    assert "Voided" in texts(client.get(f"{PATIENT}scores/"))
    assert client.post(page_of(score, "void"), reasons())["Location"] == PATIENT
    assert "restored." in texts(client.post(page_of(score, "restore"), reasons(), follow=True))
    assert PainScore.objects.current().get().version == 2
    assert client.post(page_of(score, "restore"), reasons())["Location"] == PATIENT


def test_void_without_a_reason_is_refused(score, oscar, signed_in):
    assert signed_in(oscar).post(page_of(score, "void"), reasons(reason_code="")).status_code == 400
    assert PainScore.objects.current().count() == 1


def test_score_page_shows_every_version(score, oscar, signed_in):
    client = signed_in(oscar)
    client.post(page_of(score, "correct"), reasons(value="3", confirm="yes"))
    page = texts(client.get(f"{PATIENT}scores/{score.record}/"))
    assert page.count("in force") == 1
    assert "Corrected" in page


def test_list_shows_the_last_version_of_each_score(score, enrolment, oscar, setup_actor, signed_in):
    make_diary(enrolment, dict.fromkeys(range(2, 60), "4"), by=setup_actor)
    client = signed_in(oscar)
    client.post(page_of(score, "correct"), reasons(value="3", confirm="yes"))
    assert "1 to 50 of 59" in texts(client.get(f"{PATIENT}scores/"))
    last = texts(client.get(f"{PATIENT}scores/?page=2"))
    assert "51 to 59 of 59" in last
    assert "Corrected" in last


def test_score_of_another_patient_is_not_found_under_this_one(score, other_site_enrolment, alice, signed_in):
    address = f"/t/calm-m1/patients/P-0002/scores/{score.record}/"
    assert signed_in(alice).get(address).status_code == 404
