"""What people typed about patients: on pages, over REST and in exported folders it is there for the same roles, and not for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from registry.interchange.exporter import take_out
from registry.models import Enrolment, User
from registry.roles import ROLES, Permission
from registry.rules.adverse_events import NewAdverseEvent
from registry.rules.stimulation import NewSession, NewSideEffect
from registry.services import accounts
from registry.services import patient_file as file
from registry.services.adverse_events import record_adverse_events
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.dispositions import NewDisposition
from registry.services.stimulation import record_sessions
from registry.vocabulary import AdverseEventTerm, DeviationReason, SessionReason, SessionStatus, Severity, StimulationTarget
from tests.api.conftest import Api, token_of
from tests.registry.services.stimulation_scene import allocate, block, given, measure, prescribe

TYPED = "Zaphod"
SESSION, EVENT, AIMED = UUID(int=0xF7EE_0001), UUID(int=0xF7EE_0002), UUID(int=0xF7EE_0003)
READERS = tuple(role for role in ROLES.values() if Permission.PATIENT_VIEW in role.permissions)
WRITING = tuple(right for right in Permission if right.value.endswith((".edit", ".record", ".correct", ".request")))
PAGES = ("patient", "adverse_events", "adverse_event", "session")
LISTS = ("diagnoses", "pains", "dispositions", "sessions", "adverse-events")


@pytest.fixture
def told(committed_db: None, enrolment: Enrolment, trial: Any, alice: Any, setup_actor: Any, now: Any) -> Enrolment:
    """Write a word into every column of free text about a patient."""
    act = {"enrolment": enrolment, "by": alice, "now": now}
    file.add_diagnosis(row=NewDiagnosis("P-0001", "other", "D2", f"{TYPED} one"), **act)
    file.add_pain(row=NewPain("P-0001", 2, "D2", f"{TYPED} two"), **act)
    file.add_disposition(row=NewDisposition("P-0001", "open_label_switch", date(2026, 11, 18), note=f"{TYPED} three"), **act)
    prescribe(trial, setup_actor)
    allocate(enrolment, setup_actor)
    measure(enrolment, setup_actor)
    effect = NewSideEffect(AdverseEventTerm.OTHER, Severity.MILD, text=f"{TYPED} four")
    session = NewSession(
        patient="P-0001", number=1, status=SessionStatus.NOT_GIVEN, reason=SessionReason.OTHER, reason_text=f"{TYPED} five",
        for_date=date(2026, 11, 18), note=f"{TYPED} six", side_effects=(effect,), record=SESSION,
    )  # fmt: skip
    record_sessions(trial=trial, rows=[session], by=alice, now=now)
    event = NewAdverseEvent(
        "P-0001", AdverseEventTerm.OTHER, 1, term_text=f"{TYPED} seven", onset_on=date(2026, 11, 18), note=f"{TYPED} eight", record=EVENT
    )
    record_adverse_events(trial=trial, rows=[event], by=alice, now=now)
    return enrolment


@pytest.fixture
def holder(trial: Any, setup_actor: Any) -> Callable[..., User]:
    """Return somebody with a role, in the whole trial or at a site."""

    def of(role: str, site: str | None = None, user: User | None = None) -> User:
        found = user or accounts.create_user(email=f"{role}@example.org", name=role, password="correct horse battery", by=setup_actor)
        place = trial.sites.get(code=site) if site else None
        accounts.add_membership(user=found, role=role, trial=trial, site=place, by=setup_actor, valid_from=date(2026, 1, 1))
        return User.objects.get(pk=found.pk)

    return of


def on_pages(user: User) -> set[str]:
    """Return the pages on which the person reads it."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    more: dict[str, list[Any]] = {"adverse_event": [EVENT], "session": [SESSION]}
    answers = {name: client.get(reverse(name, args=["calm-m1", "P-0001", *more.get(name, [])])) for name in PAGES}
    assert {answer.status_code for answer in answers.values()} <= {200, 403, 404}
    return {name for name, answer in answers.items() if TYPED in answer.content.decode()}


def over_rest(user: User) -> set[str]:
    """Return the collections in which the person reads it."""
    client = Api(token_of(user, scope="read"))
    return {name for name in LISTS if TYPED in client.get(f"{name}/").content.decode()}


def in_files(user: User, target: Path) -> set[str]:
    """Return the files of an exported folder in which it stands."""
    take_out("calm-m1", target, by=User.objects.get(pk=user.pk), with_allocations=False)
    return {path.name for path in target.iterdir() if TYPED in path.read_text()}


@pytest.mark.parametrize("role", READERS, ids=lambda role: role.code)
def test_both_doors_and_the_folder_go_by_the_role(role: Any, told: Any, holder: Any, tmp_path: Path) -> None:
    user = holder(role.code)
    sees = {
        Permission.SESSION_VIEW: {"session", "sessions", "sessions.csv"},
        Permission.EVENT_VIEW: {"adverse_event", "adverse_events", "adverse-events"},
    }
    reads = role.reads_free_text
    hidden = {name for right, names in sees.items() if right not in role.permissions for name in names}
    assert over_rest(user) == (set(LISTS) - hidden if reads else set())
    assert on_pages(user) == (set(PAGES) - hidden if reads else set())
    if Permission.EXPORT in role.permissions:
        files = {"diagnoses.csv", "pains.csv", "dispositions.csv", "sessions.csv", "adverse_events.csv"}
        assert in_files(user, tmp_path / "out") == (files if reads else set())


def test_another_role_at_the_site_lets_one_read_there(told: Any, holder: Any, tmp_path: Path) -> None:
    rita = holder("researcher")
    assert (on_pages(rita), over_rest(rita), in_files(rita, tmp_path / "no")) == (set(), set(), set())
    elsewhere = holder("monitor", "S", rita)
    assert (on_pages(elsewhere), over_rest(elsewhere), in_files(elsewhere, tmp_path / "south")) == (set(), set(), set())
    here = holder("monitor", "N", elsewhere)
    assert (on_pages(here), over_rest(here)) == (set(PAGES), set(LISTS))
    assert len(in_files(here, tmp_path / "north")) == 5


def test_a_target_in_words_is_not_repeated_by_the_deviation_it_makes(
    enrolment: Any, trial: Any, alice: Any, holder: Any, setup_actor: Any, now: Any, tmp_path: Path
) -> None:
    prescribe(trial, setup_actor)
    allocate(enrolment, setup_actor)
    aimed = replace(block(), target=StimulationTarget.OTHER, target_text=f"{TYPED} nine")
    row = given(
        measure(enrolment, setup_actor), as_planned=False, blocks=(aimed,), record=AIMED, deviation_reason=DeviationReason.TECHNICAL
    )
    record_sessions(trial=trial, rows=[row], by=alice, now=now)
    rita, tests = holder("researcher"), {}
    for user in (alice, rita):
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        shown = client.get(reverse("session", args=["calm-m1", "P-0001", AIMED])).content.decode()
        api = Api(token_of(user, scope="read"))
        [listed], one = api.rows("sessions/"), api.get(f"sessions/{AIMED}/").json()
        histories = api.get(f"sessions/{AIMED}/history/").content.decode()
        tests[user.pk] = shown, listed["deviations"][0], one["deviations"][0], histories
    shown, listed, one, _ = tests[alice.pk]
    assert f"Other target: {TYPED} nine" in shown
    assert listed["delivered"] == one["delivered"] == f"Other target: {TYPED} nine"
    shown, listed, one, histories = tests[rita.pk]
    assert listed["delivered"] == one["delivered"] == "Other target"
    assert TYPED not in shown + histories
    assert "Other target" in shown
    assert in_files(rita, tmp_path / "out") == set()


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.code)
def test_who_writes_about_patients_reads_what_was_typed(role: Any) -> None:
    """A form shows what stands: somebody who could not read it would save it away."""
    assert role.reads_free_text or not role.permissions & set(WRITING)
    assert role.reads_free_text or Permission.HISTORY_VIEW not in role.permissions
