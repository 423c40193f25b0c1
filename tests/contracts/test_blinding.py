"""For a masked person every byte is equal when the concealed parts are permuted within a strand. Every route, every file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from django.test import override_settings

from registry.models import Job
from registry.roles import ROLES
from tests import cluster
from tests.contracts import leaky_urls
from tests.contracts.asking import Answer, answer_to, signed_in
from tests.contracts.logins import connect, speaking_to
from tests.contracts.permission_table import TABLE, Row
from tests.contracts.scene import SLUG
from tests.contracts.worlds import DEALS, arms_of_patients, make_world, public_rows

MASKED = [code for code, role in ROLES.items() if role.masked]
PEOPLE = ("anonymous", *MASKED, "northerner", "southerner", "former")
CLOSED_ROUTES = (
    *("outcomes_closed", "dashboard_closed", "dashboard_closed_csv", "report_closed", "report_closed_pdf"),
    *("api_outcomes_closed", "api_reports_closed", "api_report_closed", "api_report_closed_document"),
)
# Other ways to ask for the same page.
QUERIES: dict[str, tuple[str, ...]] = {
    "patients": (
        "?q=P-000",
        "?site=N",
        "?diagnosis=phantom_limb",
        "?state=in_trial",
        "?state=stopped",
        "?page=2",
        "?missing=W4",
        "?missing=W12&site=N",
    ),
    "scores": ("?page=2",),
    "dashboard": ("?cut=500", "?cut=x"),
    "history": ("?page=2",),
    "score_add": ("?scale=NRS.1",),
    "api_patients": ("?patient=P-0001", "?page_size=3", "?count=exact", "?changed_since=2026-10-19T08:03:00Z", "?diagnosis=phantom_limb"),
    "api_enrolments": ("?site=N", "?page_size=3", "?changed_since=2026-10-19T08:03:00Z"),
    "api_sessions": ("?patient=P-0001", "?page_size=2", "?voided=any", "?status=given"),
    "api_adverse_events": ("?voided=any",),
    "api_scores": ("?patient=P-0001", "?page_size=7", "?count=exact", "?changed_since=2026-11-01T00:00:00Z", "?voided=any"),
}


@pytest.fixture(scope="module")
def worlds(bare_scene: str, scene_database: str, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """Return the databases by what was done to them; the outcomes of each were computed in it."""
    names = {"as_allocated": scene_database} | {deal: f"{scene_database}_{deal}" for deal in DEALS}
    with django_db_blocker.unblock():
        for deal in DEALS:
            make_world(bare_scene, names[deal], DEALS[deal])
    yield names
    for deal in DEALS:
        cluster.drop_database(names[deal])


@pytest.fixture(autouse=True)
def _unblocked(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


Asked = list[tuple[Row, str, str, dict[str, str]]]


def everything_to_ask(rows: tuple[Row, ...], people: tuple[str, ...]) -> Asked:
    """Return every request: each row as each person; the sign-in package's pages, which know no trial, as two of them.

    Other queries of a page, and the page as htmx asks for it, as one who is let in.
    """
    asked: Asked = []
    for row in rows:
        asked += [(row, who, "", {}) for who in people if not row.route.startswith("account_") or who in ("anonymous", "coordinator")]
        if row.method == "GET" and "coordinator" in row.roles and "coordinator" in people:
            asked += [(row, "coordinator", query, {}) for query in QUERIES.get(row.route, ())]
            asked.append((row, "coordinator", "", {"HX-Request": "true"}))
    return asked


def answers_in(database: str, asked: Asked) -> list[Answer]:
    """Ask everything, one person after the other so that each signs in once; return the answers in the order of the questions."""
    answers: dict[int, Answer] = {}
    by_person = sorted(enumerate(asked), key=lambda one: one[1][1])
    with speaking_to(database):
        for who, questions in groupby(by_person, key=lambda one: one[1][1]):
            with signed_in(who) as cookies:
                for place, (row, _who, query, headers) in questions:
                    answers[place] = answer_to(row, who, cookies, query=query, **headers)
    return [answers[place] for place in range(len(asked))]


def differences(worlds: dict[str, str], asked: Asked, compared: tuple[str, ...] = tuple(DEALS)) -> dict[str, set[str]]:
    """Return for each permuted world the requests that are answered otherwise than in the scene."""
    return differences_from(answers_in(worlds["as_allocated"], asked), worlds, asked, compared)


def differences_from(expected: list[Answer], worlds: dict[str, str], asked: Asked, compared: tuple[str, ...]) -> dict[str, set[str]]:
    found = {}
    for world in compared:
        pairs = zip(asked, expected, answers_in(worlds[world], asked), strict=True)
        found[world] = {f"{row} {query} as {who}" for (row, who, query, _), there, here in pairs if there != here}
    return found


@pytest.fixture(scope="module")
def everything(worlds: dict[str, str]) -> tuple[Asked, list[Answer]]:
    """Return everything that masked people can ask, and the scene's answers: what each permuted world is compared with."""
    asked = everything_to_ask(TABLE, PEOPLE)
    return asked, answers_in(worlds["as_allocated"], asked)


def test_worlds_differ_in_every_patients_arm_or_in_who_shares_one(worlds):
    scene, other, dealt = (arms_of_patients(worlds[name]) for name in ("as_allocated", "swapped", "shuffled"))
    assert len(scene) == 16
    assert all(scene[code] != other[code] for code in scene)
    assert {code: arm.split("-")[0] for code, arm in scene.items()} == {code: arm.split("-")[0] for code, arm in dealt.items()}
    first = "P-0001"  # whose pages are asked for
    assert scene[first] != dealt[first]
    assert {code for code in scene if scene[code] == scene[first]} != {code for code in dealt if dealt[code] == dealt[first]}


def test_every_row_the_web_role_can_read_is_equal(worlds):
    """Open snapshots among them: each world computed its own."""
    expected = public_rows(worlds["as_allocated"])
    for world in DEALS:
        assert public_rows(worlds[world]) == expected
    with connect("web", worlds["as_allocated"]) as web:
        assert web.execute("SELECT count(*) FROM registry_snapshot").fetchone() == (1,)
        assert web.execute("SELECT count(*) FROM registry_reportdocument").fetchone() == (1,)


def test_closed_documents_differ_and_unmasked_people_see_that(worlds):
    payloads = {}
    for world, name in worlds.items():
        with connect("unmasked", name) as unmasked:
            payloads[world] = unmasked.execute("SELECT payload, sha256 FROM closed.snapshot").fetchone()
    assert len({payload for payload, _ in payloads.values()}) == len({sha256 for _, sha256 in payloads.values()}) == 3
    rows = tuple(row for row in TABLE if row.route in CLOSED_ROUTES)
    found = differences(worlds, everything_to_ask(rows, ("unmasked_statistician", "safety_board")))
    assert {row.route for row in rows} == set(CLOSED_ROUTES)
    assert {world: len(requests) for world, requests in found.items()} == dict.fromkeys(DEALS, 2 * len(rows))


def test_digest_of_a_file_with_arms_differs_and_unmasked_people_see_that(worlds):
    rows = tuple(row for row in TABLE if row.route == "trial_data" and row.method == "GET")
    found = differences(worlds, everything_to_ask(rows, ("unmasked_statistician",)))
    assert {world: len(requests) for world, requests in found.items()} == dict.fromkeys(DEALS, 1)


def test_every_answer_to_a_masked_person_is_equal_when_parts_are_dealt_anew(worlds, everything):
    asked, expected = everything
    assert len(asked) > 300
    assert differences_from(expected, worlds, asked, ("shuffled",)) == {"shuffled": set()}


def test_every_answer_is_equal_when_active_and_sham_are_exchanged(worlds, everything):
    pairs = [(one, answer) for one, answer in zip(*everything, strict=True) if one[1] in ("operator", "principal_investigator")]
    asked, expected = [one for one, _ in pairs], [answer for _, answer in pairs]
    assert len(asked) > 100
    assert differences_from(expected, worlds, asked, ("swapped",)) == {"swapped": set()}


def test_failure_inside_the_closed_half_tells_no_arm(worlds, monkeypatch):
    """The words of an unexpected error may name arms; what is kept on the job, which masked people read, may not."""
    from registry.outcomes import jobs, refresh

    def break_off(about: Any, cells: Any, arms: Any) -> None:
        raise ValueError(f"no rate for {arms}")

    monkeypatch.setattr(refresh, "closed_payload", break_off)
    monkeypatch.setattr(refresh, "_says_nothing_new", lambda *documents: False)
    failures = set()
    for name in worlds.values():
        with speaking_to(name, role="worker"):
            waiting = Job.objects.filter(trial__slug=SLUG, kind="refresh")
            before = waiting.values().get()
            jobs.run_job(before["id"])
            failures.add(waiting.get().failure)
            waiting.update(**before)
    [failure] = failures
    assert failure
    assert not [word for word in ("active", "sham", "Arm", "letter") if word in failure]


def test_answers_are_repeatable_so_that_equality_means_something(worlds):
    asked = everything_to_ask(tuple(row for row in TABLE if row.route in ("patients", "patient", "score_add")), ("coordinator",))
    first = answers_in(worlds["as_allocated"], asked)
    assert first == answers_in(worlds["as_allocated"], asked)
    assert {status for status, _, _ in first} == {200, 302, 404}
    assert any(b"P-0001" in body for _, _, body in first)


@pytest.mark.parametrize("leak", leaky_urls.LEAKS, ids=lambda leak: leak.__name__)
def test_the_comparison_catches_a_leak(worlds, leak):
    with override_settings(ROOT_URLCONF="tests.contracts.leaky_urls"):
        found = differences(worlds, everything_to_ask((Row(leak.__name__),), ("operator",)))
    assert any(found.values()), f"{leak.__name__} went unnoticed"


def test_a_swap_alone_would_miss_who_shares_an_arm(worlds):
    """Why there are two permuted worlds."""
    with override_settings(ROOT_URLCONF="tests.contracts.leaky_urls"):
        found = differences(worlds, everything_to_ask((Row("who_shares_an_arm"),), ("operator",)))
    assert found["swapped"] == set()
    assert found["shuffled"]
