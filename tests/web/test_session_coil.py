"""Which coil was used: asked where nothing is concealed, never where a coil would tell; and why a session differs, asked at once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from registry.models import CoilConversion, StimulationSession, Trial
from registry.services.auditing import audited
from tests.registry.services.stimulation_scene import add_coil, measure
from tests.web.session_answers import OPEN, make_due, six, today


@pytest.fixture
def open_trial(enrolment, setup_actor):
    """A trial that conceals nothing, with two models of coil; the threshold was measured with C1."""
    trial = enrolment.trial
    with audited(by=setup_actor, reason="test"):
        Trial.objects.filter(pk=trial.pk).update(masked=False)
    first = add_coil(trial, setup_actor, "C1", "Figure 70")
    add_coil(trial, setup_actor, "C2", "H-coil")
    make_due(enrolment, setup_actor, threshold_days_ago=None)
    measure(enrolment, setup_actor, coil=first, measured_on=today())
    return trial


@pytest.fixture
def client(oscar, signed_in):
    return signed_in(oscar)


def words(answer):
    return " ".join(answer.content.decode().split())


def live(client, form, **answers):
    return words(client.post(f"{form}draft/", six(**answers), headers={"HX-Request": "true"}))


def test_masked_trial_never_asks_for_a_coil(enrolment, setup_actor, client):
    add_coil(enrolment.trial, setup_actor, "C1", "Figure 70")
    make_due(enrolment, setup_actor)
    form = client.post(OPEN)["Location"]
    asked = client.get(form)
    assert "coil_used" not in asked.context["form"].fields
    assert "C1, Figure 70" not in words(asked).split('name="threshold_coil"')[0]
    assert client.post(form, six(coil_used="C1")).status_code == 303
    assert StimulationSession.objects.get().coil is None


def test_open_trial_asks_which_coil_was_used(open_trial, client):
    form = client.post(OPEN)["Location"]
    page = words(client.get(form))
    assert "Coil used" in page
    assert "7 questions left." in page
    answer = client.post(form, six())
    assert answer.status_code == 400
    assert 'href="#id_coil_used_0"' in words(answer)
    assert client.post(form, six(coil_used="C1")).status_code == 303
    session = StimulationSession.objects.get()
    assert (session.coil.code, session.coil_matches_threshold) == ("C1", True)
    assert "Figure 70" in words(client.get(form))


def test_nobody_attests_a_model_that_both_coils_say(open_trial, client):
    form = client.post(OPEN)["Location"]
    page = words(client.get(form))
    assert "Hearing protection on</p>" in page
    assert 'name="coil_matches"' not in page
    answers = six(given="changed", hearing_protection="yes", coil_used="C1")
    assert client.post(form, answers).status_code == 303


def test_coil_of_another_model_needs_the_trials_factor(open_trial, setup_actor, client):
    form = client.post(OPEN)["Location"]
    assert '<output name="setting" for="session">–</output>' in live(client, form, coil_used="C2")
    assert 'href="#id_threshold_0"' in words(client.post(form, six(coil_used="C2")))
    with audited(by=setup_actor, reason="test"):
        CoilConversion.objects.create(
            trial=open_trial, from_model="Figure 70", to_model="H-coil", factor=Decimal("1.05"), source="Bench, 2026"
        )
    assert '<output name="setting" for="session">45 %</output>' in live(client, form, coil_used="C2")
    assert client.post(form, six(coil_used="C2")).status_code == 303
    session = StimulationSession.objects.get()
    assert (session.blocks.get().setting_percent_mso, session.coil_matches_threshold) == (45, False)
    assert not session.deviations.exists()


def test_correction_begins_with_the_coil_on_record(open_trial, client):
    form = client.post(OPEN)["Location"]
    client.post(form, six(coil_used="C1"))
    with audited(by=client_of_record().recorded_by, reason="test"):
        open_trial.coils.filter(code="C1").update(retired_on=today())
    asked = client.get(f"{form}correct/").context["form"]
    assert asked["coil_used"].value() == "C1"
    assert [value for value, _ in asked.fields["coil_used"].choices] == ["C2", "C1"]


def client_of_record():
    return StimulationSession.objects.get(ended_at=None)


def test_many_coils_are_a_list(open_trial, setup_actor, client):
    for number in range(3, 9):
        add_coil(open_trial, setup_actor, f"C{number}", "Figure 70")
    page = words(client.get(client.post(OPEN)["Location"]))
    assert '<select name="coil_used"' in page


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"kit_code": "K-9999"}, "Another kit"),
        ({"pulse_counter": "2700"}, "Stimulator counted another number of pulses"),
        ({"given": "changed", "hearing_protection": "no", "coil_matches": "yes"}, "No hearing protection"),
        ({"given": "changed", "hearing_protection": "yes", "coil_matches": "yes", "block0_trains": "20"}, "Number of trains"),
    ],
)
def test_a_difference_from_the_plan_asks_for_its_reason_at_once(enrolment, setup_actor, client, changed, kind):
    make_due(enrolment, setup_actor)
    form = client.post(OPEN)["Location"]
    assert "Differs from the plan" not in live(client, form)
    page = live(client, form, **changed)
    assert f'<div hx-swap-oob="innerHTML:#deviates"><p class="small">Differs from the plan: {kind}.</p> </div>' in page
    assert "1 question left." in page
    assert "All questions answered." in live(client, form, **changed, deviation_reason="technical")


def test_what_is_given_as_planned_differs_in_nothing(enrolment, setup_actor, client):
    make_due(enrolment, setup_actor)
    form = client.post(OPEN)["Location"]
    page = live(client, form, kit_code="K-3127", pulse_counter="3000")
    assert "Differs from the plan" not in page
    assert "All questions answered." in page
