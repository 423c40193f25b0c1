"""What the settings pages tell whom, and what becomes of what is typed there."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import override_settings

from registry.models import Coil, Enrolment, PatientIdentity, Trial, User
from registry.services.accounts import create_user
from registry.services.identity import read_identity
from tests.contracts.scene import prepare_list
from tests.web.conftest import PASSWORD

S = "/t/calm-m1/settings/"
NEW_TRIAL = {"slug": "calm-2", "name": "CALM 2", "conduct": "prospective", "site-code": "N"}
MEMBER = {"email": "new@hospital.org", "name": "New Person", "role": "operator", "site": "N"}


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_empty_registry_tells_the_administrator_what_to_do(admin, signed_in):
    page = text_of(signed_in(admin).get("/t/"))
    assert "This registry is empty." in page
    assert "New trial" in page


def test_nobody_else_is_offered_a_new_trial(alice, signed_in):
    assert "New trial" not in text_of(signed_in(alice).get("/t/"))


def test_overview_leads_to_the_first_subject_that_is_missing(admin, signed_in):
    client = signed_in(admin)
    answer = client.post("/t/new/", NEW_TRIAL, follow=True)
    assert "Next: Visible treatments" in text_of(answer)
    client.post("/t/calm-2/settings/treatments/", {"new-code": "m1"})
    assert "Next: Scales" in text_of(client.get("/t/calm-2/settings/"))


def test_refused_trial_keeps_what_was_typed(admin, signed_in):
    answer = signed_in(admin).post("/t/new/", {**NEW_TRIAL, "slug": "No Blanks", "title": "A long title"})
    assert answer.status_code == 400
    assert 'value="A long title"' in answer.content.decode()
    assert not Trial.objects.exists()


def test_everybody_in_the_trial_reads_its_plan_and_only_managers_change_it(alice, admin, signed_in):
    page = text_of(signed_in(alice).get(f"{S}plan/"))
    assert "pain reduced by at least: 30 %, 50 %" in page
    assert "New version" not in page
    assert "New version" in text_of(signed_in(admin).get(f"{S}plan/"))


def test_another_row_is_given_without_saving(trial, admin, signed_in):
    form = {"version": "2.0", "epoch-count": "1", "epoch-0-kind": "baseline", "epoch-0-first_day": "-7", "epoch-more": "1"}
    page = signed_in(admin).post(f"{S}protocol/new/", form).content.decode()
    assert 'name="epoch-1-first_day"' in page
    assert 'value="-7"' in page
    assert trial.protocol_versions.count() == 1


@pytest.mark.parametrize("count", ["-1", "99999", "x", ""])
def test_forged_count_of_rows_breaks_nothing(trial, admin, signed_in, count):
    answer = signed_in(admin).post(f"{S}protocol/new/", {"version": "2.0", "epoch-count": count})
    assert answer.status_code == 302


def test_thresholds_parted_by_a_comma_are_not_guessed(trial, admin, signed_in):
    form = {"version": "2", "scale": "NRS", "thresholds": "30,50", "point-count": "1", "point-0-code": "W4", "point-0-target_day": "28"}
    answer = signed_in(admin).post(f"{S}plan/new/", form)
    assert answer.status_code == 400
    assert "is no number" in text_of(answer)
    assert signed_in(admin).post(f"{S}plan/new/", {**form, "thresholds": "30, 50"}).status_code == 302
    assert trial.plans.get(version="2").thresholds_tenths == [300, 500]


def test_visit_chosen_without_a_code_is_not_left_out(trial, admin, signed_in):
    form = {"version": "2", "scale": "NRS", "thresholds": "30", "point-count": "1", "point-0-visit": "W4"}
    assert "Code: enter a code" in text_of(signed_in(admin).post(f"{S}plan/new/", form))


def test_published_protocol_fills_the_form_with_its_marks(trial, admin, signed_in):
    page = text_of(signed_in(admin).get(f"{S}protocol/new/?preset=kim_2020"))
    assert "Advice, not a rule" in page
    assert "From memory: check it against the publication before use" in page


def test_model_with_a_slash_can_be_corrected(trial, admin, signed_in):
    client = signed_in(admin)
    client.post(f"{S}conversions/", {"new-from_model": "A/P", "new-to_model": "D70", "new-factor": "1.1", "new-source": "measured"})
    address = f"{S}conversions/A/P/to/D70/"
    assert address in client.get(f"{S}conversions/").content.decode()
    answer = client.post(address, {"factor": "1.2", "source": "measured", "reason": "the factor was misread"})
    assert answer.status_code == 302
    assert str(trial.coil_conversions.get().factor) == "1.2000"


def test_calibration_is_recorded_by_managers_only(trial, admin, alice, setup_actor, signed_in):
    from registry.services.auditing import audited

    with audited(by=setup_actor, reason="test"):
        coil = Coil.objects.create(trial=trial, code="C-1", model="D70", shape="figure_8")
    address = f"{S}calibrations/coils/C-1/"
    assert signed_in(alice).post(address, {"calibrated_on": "2026-01-10"}).status_code == 403
    assert signed_in(admin).post(address, {"calibrated_on": "2026-01-10", "valid_until": "2025-01-01"}).status_code == 400
    assert signed_in(admin).post(address, {"calibrated_on": "2026-01-10"}).status_code == 302
    assert coil.calibrations.count() == 1


def test_first_password_opens_the_registry_and_is_not_shown_again(trial, admin, signed_in, client):
    answer = signed_in(admin).post(f"{S}members/", {**MEMBER, "entry": "show"})
    password = re.search(r'id="first-password">([^<]+)<', answer.content.decode())[1]
    client.post("/login/", {"login": MEMBER["email"], "password": password})
    assert "CALM-M1" in text_of(client.get("/t/"))
    assert password not in signed_in(admin).get(f"{S}members/").content.decode()


def test_link_lets_a_new_person_set_a_password(trial, admin, signed_in, client):
    answer = signed_in(admin).post(f"{S}members/", {**MEMBER, "entry": "link"}, follow=True)
    assert "link to set a password was sent" in text_of(answer)
    [message] = mail.outbox
    assert message.to == [MEMBER["email"]]
    path = re.search(r"http://[^/]+(/password/reset/\S+)", message.body)[1]
    page = client.get(path, follow=True)
    action = page.redirect_chain[-1][0]
    client.post(action, {"password1": "a battery of horses", "password2": "a battery of horses"})
    assert User.objects.get(email=MEMBER["email"]).check_password("a battery of horses")


def test_ended_membership_closes_the_trial(trial, admin, alice, signed_in):
    number = alice.memberships.get().pk
    signed_in(admin).post(f"{S}members/{number}/end/", {"last_day": "2026-02-01", "reason": "left the hospital"})
    assert signed_in(alice).get("/t/calm-m1/patients/").status_code == 404


def test_patient_comes_in_with_pains_and_identity_or_not_at_all(trial, alice, signed_in):
    form = {
        "patient": "P-0042", "site": "N", "cohort": "patients", "birth_year": "1961", "sex": "female", "pain-count": "2",
        "pain-0-condition": "phantom_limb", "pain-0-side": "left", "pain-1-condition": "other", "identity-name": "Anna Muster",
    }  # fmt: skip
    client = signed_in(alice)
    refused = client.post("/t/calm-m1/patients/new/", form)
    assert refused.status_code == 400
    assert "Name the condition" in text_of(refused)
    assert not Enrolment.objects.exists()
    assert not PatientIdentity.objects.exists()
    assert client.post("/t/calm-m1/patients/new/", {**form, "pain-1-condition_text": "burning mouth"}).status_code == 302
    enrolment = Enrolment.objects.get()
    assert [(pain.rank, pain.diagnosis.condition) for pain in enrolment.pains.order_by("rank")] == [(1, "phantom_limb"), (2, "other")]
    assert read_identity(enrolment, by=alice).name == "Anna Muster"
    again = client.post("/t/calm-m1/patients/new/", {**form, "pain-1-condition_text": "burning mouth"})
    assert "is enrolled already" in text_of(again)


def test_study_number_of_another_site_tells_nothing_but_that_it_is_taken(trial, setup_actor, signed_in, other_site_enrolment):
    from registry.services.accounts import add_membership

    local = create_user(email="n@example.org", name="Nora North", password=PASSWORD, by=setup_actor)
    site = trial.sites.get(code="N")
    add_membership(
        user=local, role="coordinator", trial=trial, site=site, by=setup_actor, valid_from=trial.created_at.date().replace(day=1)
    )
    form = {"patient": "P-0002", "site": "N", "cohort": "patients", "pain-count": "1", "pain-0-condition": "fibromyalgia"}
    page = text_of(signed_in(local).post("/t/calm-m1/patients/new/", form))
    assert "is taken in this trial" in page
    assert signed_in(local).post("/t/calm-m1/patients/new/", {**form, "patient": "P-9", "site": "S"}).status_code == 403


def test_statistician_prepares_and_coordinator_randomises(committed_db, trial, uma, alice, enrolment, signed_in):
    client = signed_in(uma)
    arms = {"act": "arms"}
    for number, part in enumerate(("active", "sham")):
        arms |= {f"arm-{number}-code": part, f"arm-{number}-label": part, f"arm-{number}-treatment": "m1", f"arm-{number}-part": part}
    assert client.post(f"{S}allocation/", arms).status_code == 302
    draw = {"act": "generate", "draw-share_0": "1", "draw-share_1": "1", "draw-by_site": "on", "draw-block_sizes": "4", "draw-length": "8"}
    assert client.post(f"{S}allocation/", {**draw, "draw-block_sizes": "3"}).status_code == 400
    assert client.post(f"{S}allocation/", draw).status_code == 302
    page = text_of(client.get(f"{S}allocation/"))
    assert "site=N 8" in page
    randomise = "/t/calm-m1/patients/P-0001/randomise/"
    answer = signed_in(alice).post(randomise, {"stratum": "=diagnosis=phantom_limb"})
    assert "No kit can be given in stratum" in text_of(answer)
    answer = signed_in(alice).post(randomise, {"stratum": "=site=N"}, follow=True)
    assert re.search(r"P-0001 is allocated: kit K-\w{4}", text_of(answer))
    assert "M1, 10 Hz" in text_of(answer)
    assert not {"active", "sham"} & set(text_of(answer).lower().split())


def test_prepared_list_is_uploaded_and_told_by_its_digest(committed_db, trial, uma, signed_in):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from registry.services.allocation import NewArm, define_arms

    define_arms(trial=trial, arms=[NewArm("a", "A", "m1", "active"), NewArm("b", "B", "m1", "sham")], by=uma)
    client = signed_in(uma)
    bad = SimpleUploadedFile("list.csv", b"stratum,arm\n,a\n,c\n")
    answer = client.post(f"{S}allocation/", {"act": "upload", "file": bad})
    assert "Line 3, column arm" in text_of(answer)
    good = SimpleUploadedFile("list.csv", b"stratum,arm\n,a\n,b\n")
    assert "SHA-256" in text_of(client.post(f"{S}allocation/", {"act": "upload", "file": good}, follow=True))


def test_masked_people_see_no_trace_of_the_allocation_page(committed_db, trial, uma, alice, admin, signed_in):
    prepare_list(trial, uma)
    for user in (alice, admin):
        assert signed_in(user).get(f"{S}allocation/").status_code == 403
        assert "llocation" not in text_of(signed_in(user).get(S))


@pytest.fixture
def demonstration(setup_actor, now):
    """Somebody of the demonstration."""
    return create_user(email="demo@example.org", name="Demo", password=PASSWORD, by=setup_actor, is_demonstration=True)


@pytest.mark.parametrize("synthetic", [True, False])
def test_open_sessions_of_the_demonstration_end_with_the_first_real_trial(demonstration, admin, signed_in, client, synthetic):
    theirs = signed_in(demonstration)
    assert theirs.get("/t/").status_code == 200
    signed_in(admin).post("/t/new/", {**NEW_TRIAL, "synthetic": "yes" if synthetic else "no"})
    answer = theirs.get("/t/")
    assert (answer.status_code == 200) is synthetic
    if not synthetic:
        assert answer["Location"] == "/login/refused/"
        assert "_auth_user_id" not in theirs.session
    client.post("/login/", {"login": "demo@example.org", "password": PASSWORD})
    assert ("_auth_user_id" in client.session) is synthetic


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_line_break_in_a_name_reaches_no_mail_header(trial, admin, signed_in):
    answer = signed_in(admin).post(f"{S}members/", {**MEMBER, "name": "New\r\nBcc: x@y.org", "entry": "link"})
    assert answer.status_code == 302
    assert mail.outbox[0].message()["Bcc"] is None


def test_a_look_of_the_charter_is_set_and_moved_with_a_reason(trial, admin, alice, signed_in):
    client = signed_in(admin)
    assert "closed reports hold efficacy by arm every week" in text_of(client.get(f"{S}looks/"))
    look = {"new-code": "interim1", "new-label": "interim 1", "new-planned_on": "2030-01-08"}
    refused = client.post(f"{S}looks/", look)
    assert refused.status_code == 400
    assert "Say why in at least 10 characters." in text_of(refused)
    assert "2030-01-08" in refused.content.decode()
    assert client.post(f"{S}looks/", {**look, "reason": "as the charter says"}).status_code == 302
    # The Tuesday's look is in the report of the week of that Tuesday, whose cut-off is the Monday after.
    assert "interim 1 8 Jan 2030 2030-W02 planned" in text_of(signed_in(alice).get(f"{S}looks/"))
    assert "Add a look" not in text_of(signed_in(alice).get(f"{S}looks/"))
    form = {"label": "interim 1", "planned_on": "2030-02-04", "called_off": "yes"}
    assert client.post(f"{S}looks/interim1/", form).status_code == 400
    assert client.post(f"{S}looks/interim1/", {**form, "reason": "the board stopped earlier"}).status_code == 302
    row = trial.looks.get()
    assert (str(row.planned_on), row.called_off) == ("2030-02-04", True)
    assert [event.change.reason for event in row.history.order_by("pgh_id")] == ["as the charter says", "the board stopped earlier"]
