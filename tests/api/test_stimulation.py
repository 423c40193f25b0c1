"""Thresholds, sessions and adverse events over REST: the same records and the same derived doses as in the form."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest

from registry.models import StimulationSession
from registry.services import accounts
from tests.registry.services.stimulation_scene import allocate, measure, prescribe

pytestmark = pytest.mark.django_db

TYPING = {"change_reason": "typing_error"}
BLOCK = {"frequency_hz": 10, "train_s": 10, "trains": 30, "gap_s": 20, "intensity_percent": 80}
THETA = {
    "frequency_hz": 5, "bursts_per_train": 10, "trains": 20, "gap_s": 8, "pulses_per_burst": 3, "intra_burst_hz": 50,
    "intensity_percent": 80, "target": "m1_hand", "hemisphere": "right",
}  # fmt: skip


@pytest.fixture
def threshold(trial: Any, enrolment: Any, setup_actor: Any) -> Any:
    prescribe(trial, setup_actor)
    allocate(enrolment, setup_actor)
    return measure(enrolment, setup_actor)


@pytest.fixture
def session(threshold: Any) -> dict[str, Any]:
    return {
        "trial": "calm-m1", "patient": "P-0001", "number": 1, "status": "given", "as_planned": True,
        "started_at": "2026-11-19T09:05:00+01:00", "ended_at": "2026-11-19T09:25:00+01:00", "threshold": str(threshold.record),
        "hearing_protection": True, "coil_matches_threshold": True, "pain_before": 6, "pain_after": 4.0, "new_since_last": [],
        "side_effects": [{"term": "headache", "severity": "mild", "relation": "possible"}], "kit_code": "K-3127",
    }  # fmt: skip


def test_a_session_as_planned_has_the_dose_of_its_prescription(api, oscar, session):
    answer = api(oscar).post("sessions/", session)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    [block] = made["blocks"]
    assert (made["pulses_planned"], made["pulses_delivered"], block["pulses"]) == (3000, 3000, 3000)
    assert (block["setting_percent_mso"], block["nominal_s"], block["last_pulse_s"], made["nominal_s"]) == (43, 880, 879.9, 880)
    assert (block["target"], block["hemisphere"], made["deviations"]) == ("m1_hand", "right", [])
    assert (made["pain_before"], made["pain_after"], made["new_since_last"]) == (6, 4, [])
    assert made["side_effects"] == [{"term": "headache", "severity": "mild", "relation": "possible", "text": ""}]
    assert api(oscar).get(answer["Location"]).json() == made


def test_a_session_shorter_than_its_pulses_needs_a_reason(api, oscar, session):
    short = {**session, "ended_at": "2026-11-19T09:07:00+01:00"}
    answer = api(oscar).post("sessions/", short)
    assert answer.status_code == 422
    assert "Start and end closer than the pulses take" in answer.content.decode()
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/deviation_reason"]
    made = api(oscar).post("sessions/", {**short, "deviation_reason": "technical"}).json()
    assert [(one["kind"], one["delivered"]) for one in made["deviations"]] == [("duration", "2 min")]


def test_pains_and_side_effects_of_a_session_are_scores_and_events(api, oscar, session):
    client = api(oscar)
    made = client.post("sessions/", session).json()
    assert [(row["context"], row["value"]) for row in client.rows("scores/")] == [("pre_session", 6), ("post_session", 4)]
    [event] = client.rows("adverse-events/")
    assert (event["term"], event["grade"], event["solicited"], event["session"]) == ("headache", 1, True, made["id"])


def test_worked_numbers_of_theta_burst(api, oscar, session):
    row = {**session, "as_planned": False, "blocks": [THETA], "deviation_reason": "other", "deviation_text": "theta burst tried once"}
    answer = api(oscar).post("sessions/", row)
    assert answer.status_code == 201, answer.content
    [block] = answer.json()["blocks"]
    assert (block["pulses"], block["nominal_s"], block["last_pulse_s"], block["train_length_s"]) == (600, 192, 191.84, 2)
    assert {one["kind"] for one in answer.json()["deviations"]} >= {"frequency"}


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"blocks": [{**BLOCK, "train_s": 10.05}]}, "/blocks/0/train_s"),
        ({"blocks": [{**BLOCK, "pulses_per_train": 100}]}, "/blocks/0/train_s"),
        ({"blocks": [{**BLOCK, "intensity_percent": 190}], "deviation_reason": "other"}, "/blocks/0/intensity_percent"),
        ({"blocks": [{**BLOCK, "pulses": 3000}]}, "/blocks/0/pulses"),
        ({"threshold": "00000000-0000-4000-8000-000000000009"}, "/threshold"),
        ({"side_effects": [{"term": "headache"}]}, "/side_effects/0/severity"),
        ({"started_at": "2126-11-19T09:05:00Z"}, "/started_at"),
        ({"started_at": "2026-11-19T09:05:00"}, "/started_at"),
        ({"status": "missed"}, "/reason"),
        ({"session": "2"}, "/session"),
        ({"new_since_last": ["sleep", "sleep"]}, "/new_since_last"),
        ({"pain_before": 6.5}, "/pain_before"),
        ({"protocol": "9.9"}, "/protocol"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_is_wrong_with_a_session_is_named(api, oscar, session, wrong, place):
    row = {**session, **wrong, **({"as_planned": False} if "blocks" in wrong else {})}
    answer = api(oscar).post("sessions/", row)
    assert answer.status_code == 422, answer.content
    assert place in [one["pointer"] for one in answer.json()["errors"]], answer.content
    assert not StimulationSession.objects.exists()


def test_the_same_session_again_is_no_second_one(api, oscar, session):
    client = api(oscar)
    record = "00000000-0000-4000-8000-000000000011"
    first, second = (client.post("sessions/", {**session, "id": record}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert client.post("sessions/", {**session, "id": record, "pain_before": 7}).status_code == 409
    assert client.post("sessions/", session).status_code == 409
    assert StimulationSession.objects.count() == 1


def test_a_correction_changes_what_it_names_and_keeps_the_rest(api, oscar, session):
    client = api(oscar)
    made = client.post("sessions/", session)
    record = made.json()["id"]
    answer = client.patch(f"sessions/{record}/", {**TYPING, "pain_after": 5, "note": "coil slipped once"}, If_Match=made["ETag"])
    assert answer.status_code == 200, answer.content
    changed = {name for name, value in answer.json().items() if value != made.json()[name]}
    assert changed == {"pain_after", "note", "version", "written_at"}
    stale = client.patch(f"sessions/{record}/", {**TYPING, "pain_after": 3}, If_Match=made["ETag"])
    assert stale.status_code == 412
    blocks = client.patch(
        f"sessions/{record}/",
        {**TYPING, "as_planned": False, "blocks": [{**BLOCK, "trains": 20}], "deviation_reason": "other", "deviation_text": "cut short"},
        If_Match=answer["ETag"],
    )
    assert blocks.status_code == 200, blocks.content
    assert blocks.json()["pulses_delivered"] == 2000


def test_voiding_a_session_takes_its_pains_and_effects_along_and_restoring_brings_them_back(api, oscar, session):
    client = api(oscar)
    record = client.post("sessions/", session).json()["id"]
    voided = client.post(f"sessions/{record}/void/", TYPING, If_Match="*")
    assert (voided.status_code, voided.json()["voided"]) == (200, True)
    assert [client.rows(f"{name}/") for name in ("sessions", "scores", "adverse-events")] == [[], [], []]
    assert len(client.rows("sessions/?voided=true")) == 1
    restored = client.post(f"sessions/{record}/restore/", TYPING, If_Match=voided["ETag"])
    assert (restored.status_code, restored.json()["version"]) == (200, 2)
    assert [len(client.rows(f"{name}/")) for name in ("sessions", "scores", "adverse-events")] == [1, 2, 1]


def test_thresholds_are_recorded_corrected_and_voided(api, oscar, enrolment):
    client = api(oscar)
    row = {"trial": "calm-m1", "patient": "P-0001", "hemisphere": "left", "percent_mso": 54, "measured_on": "2026-11-18"}
    made = client.post("thresholds/", row)
    assert made.status_code == 201, made.content
    record = made.json()["id"]
    changed = client.patch(f"thresholds/{record}/", {**TYPING, "percent_mso": 55, "muscle": "FDI"}, If_Match=made["ETag"])
    assert (changed.json()["percent_mso"], changed.json()["muscle"], changed.json()["version"]) == (55, "FDI", 2)
    assert client.post("thresholds/", {**row, "percent_mso": 101}).json()["errors"][0]["pointer"] == "/percent_mso"
    assert client.post("thresholds/", {**row, "hemisphere": "both"}).json()["errors"][0]["pointer"] == "/hemisphere"
    assert client.post(f"thresholds/{record}/void/", TYPING, If_Match=changed["ETag"]).status_code == 200
    assert client.rows("thresholds/") == []


def test_adverse_events_are_recorded_and_corrected(api, oscar, enrolment):
    client = api(oscar)
    row = {"trial": "calm-m1", "patient": "P-0001", "term": "headache", "grade": 2, "onset_on": "2026-11-18", "serious_criteria": []}
    made = client.post("adverse-events/", row)
    assert (made.status_code, made.json()["serious"]) == (201, False), made.content
    body = {**TYPING, "serious_criteria": ["hospital"], "grade": 3}
    changed = client.patch(f"adverse-events/{made.json()['id']}/", body, If_Match=made["ETag"])
    assert (changed.status_code, changed.json()["serious"]) == (200, True), changed.content
    assert len(client.rows("adverse-events/?serious=true")) == 1


SENT = {
    "as planned": {},
    "as blocks": {
        "as_planned": False, "blocks": [{**BLOCK, "trains": 20, "gap_s": 20.5}, THETA], "deviation_reason": "other",
        "deviation_text": "theta burst after it", "protocol": "1.0", "row_id": "r-1", "note": "coil slipped",
    },
    "short, with little": {
        "number": None, "threshold": None, "hearing_protection": None, "coil_matches_threshold": None, "pain_before": None,
        "pain_before_no_answer": "refused", "pain_after": None, "pain_after_no_answer": "not_asked", "side_effects": None,
        "new_since_last": None, "kit_code": "", "deviation_reason": "other", "deviation_text": "no threshold",
    },
    "missed": {
        "status": "missed", "reason": "no_show", "as_planned": False, "started_at": None, "ended_at": None,
        "for_date": "2026-11-18", "threshold": None, "hearing_protection": None, "coil_matches_threshold": None, "pain_before": None,
        "pain_after": None, "side_effects": None, "kit_code": "", "new_since_last": None,
    },
    "many effects": {
        "side_effects": [
            {"term": "other", "severity": "severe", "relation": None, "text": "ringing"}, {"term": "headache", "severity": "mild"},
            {"term": "other", "severity": "moderate", "relation": "unlikely", "text": "itching"},
        ],
        "new_since_last": ["short_sleep", "medicine"], "new_since_last_text": "a cold", "started_at": "2026-11-19T09:05:00.250000+01:00",
        "pain_before_at": "2026-11-19T02:59:00-05:00", "pain_before": 0, "guess": "real", "guess_certainty": 4, "kit_code": "K-9999",
        "deviation_reason": "technical", "visit": "W4", "pulse_counter": 2990,
    },
}  # fmt: skip


@pytest.mark.parametrize("role", ["operator", "coordinator", "data_manager", "principal_investigator"])
@pytest.mark.parametrize("name", SENT)
def test_what_was_written_is_answered_as_it_is_read_byte_by_byte(api, trial, setup_actor, session, name, role):
    person = accounts.create_user(email="who@example.org", name="Who Ever", password="correct horse battery", by=setup_actor)
    site = trial.sites.get(code="N") if role == "operator" else None
    accounts.add_membership(user=person, role=role, trial=trial, site=site, by=setup_actor, valid_from=date(2026, 1, 1))
    client = api(person)
    answer = client.post("sessions/", {**session, **SENT[name]})
    assert answer.status_code == 201, answer.content
    read = client.get(answer["Location"])
    assert answer.content == read.content
    assert answer["ETag"] == read["ETag"]
    # Roles without a duty to patients see no pain after allocation, not even one they have just sent.
    assert role != "principal_investigator" or answer.json()["pain_before"] is None


@pytest.fixture
def leader(trial: Any, setup_actor: Any) -> Any:
    """A principal investigator: records scores and sessions, and sees no score given after allocation."""
    user = accounts.create_user(email="pia@example.org", name="Pia", password="correct horse battery", by=setup_actor)
    accounts.add_membership(user=user, role="principal_investigator", trial=trial, by=setup_actor, valid_from=date(2026, 1, 1))
    return user


def said(answer: Any) -> Any:
    """Return an answer without the number of its request."""
    return answer.status_code, {name: value for name, value in answer.json().items() if name not in ("request_id", "instance")}


def test_values_that_may_not_be_seen_cannot_be_guessed_by_sending_them_again(api, oscar, leader, session):
    made = api(oscar).post("sessions/", session).json()
    pain = uuid5(UUID(made["id"]), "pain_before")
    score = {
        "id": str(pain), "trial": "calm-m1", "patient": "P-0001", "for_date": "2026-11-19", "scale": "NRS", "recall": "now",
        "context": "pre_session", "source": "clinic", "pain": "overall",
    }  # fmt: skip
    pia, kinds = api(leader), {}
    assert pia.rows("scores/") == []
    for kind, guesses in {
        "scores/": [score | {"value": value} for value in (6, 5)],
        "scores/batch/": [{"trial": "calm-m1", "rows": [without(score, "trial") | {"value": value}]} for value in (6, 5)],
        "sessions/": [session | {"id": made["id"], "pain_before": value} for value in (6, 5)],
        "sessions/batch/": [
            {"trial": "calm-m1", "rows": [without(session, "trial") | {"id": made["id"], "pain_before": value}]} for value in (6, 5)
        ],
    }.items():
        right, wrong = (pia.post(kind, guess) for guess in guesses)
        assert right.status_code == 409, (kind, right.content)
        assert said(right) == said(wrong)
        kinds[kind] = api(oscar).post(kind, guesses[0])
    # Who may see them repeats without harm.
    assert {kind: answer.status_code for kind, answer in kinds.items()} == dict.fromkeys(kinds, 201)


def test_who_sent_a_score_may_send_it_again_though_they_may_not_see_it(api, leader, session):
    pia = api(leader)
    first = pia.post("sessions/", session | {"id": str(UUID(int=0x5E55))})
    assert first.status_code == 201, first.content
    assert pia.post("sessions/", session | {"id": str(UUID(int=0x5E55))}).status_code == 201
    assert pia.post("sessions/", session | {"id": str(UUID(int=0x5E55)), "pain_before": 5}).status_code == 409


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
