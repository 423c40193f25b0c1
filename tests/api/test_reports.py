"""Weekly reports over REST: the same rows, rights, refusals and bytes as on the pages."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.utils import timezone

from registry.models import ActLog, Job, Trial, WeeklyReport
from registry.outcomes.refresh import refresh_trial
from registry.reports.making import make_report
from registry.rules.report_weeks import ReportWeek
from registry.services.auditing import audited
from tests.outcomes.conftest import worker
from tests.reports.conftest import allocate

__all__ = ["worker"]
LIST, CLOSED = "reports/calm-m1/", "reports/calm-m1/closed/"


@pytest.fixture
def week(worker: None, trial: Trial, setup_actor: Any) -> str:
    """Return the present week of a trial with a patient."""
    allocate(trial, "P-0001", setup_actor)
    refresh_trial(trial.pk)
    return str(ReportWeek.of(timezone.now(), trial.zone))


def make(week: str) -> None:
    for report in WeeklyReport.objects.filter(week=week).exclude(state="made"):
        assert make_report(report, now=timezone.now()) == ""


def test_a_report_is_asked_for_followed_and_fetched_as_issued(week: str, trial: Trial, alice: Any, api: Any) -> None:
    client = api(alice)
    asked = client.post(LIST, {"week": week}, Idempotency_Key="monday")
    assert asked.status_code == 201, asked.content
    assert (asked.json()["state"], asked.json()["asked_by"], asked.json()["documents"]) == ("due", alice.name, {})
    assert client.post(LIST, {"week": week}, Idempotency_Key="monday").content == asked.content
    assert Job.objects.filter(kind="report").count() == WeeklyReport.objects.count() == 1
    make(week)
    made = client.get(asked["Location"])
    assert (made.json()["state"], made.json()["version"], made.json()["whole_week"]) == ("made", 1, False)
    assert client.get(asked["Location"], If_None_Match=made["ETag"]).status_code == 304
    assert client.rows(LIST) == [made.json()]
    for form, kept in {"report.html": "html_sha256", "report.pdf": "pdf_sha256", "snapshot.json": "snapshot_sha256"}.items():
        sent = client.get(made.json()["documents"][form], Accept="*/*")
        assert hashlib.sha256(sent.content).hexdigest() == made.json()[kept]
        assert sent["Content-Disposition"].startswith('attachment; filename="calm-m1-')
        assert client.get(made.json()["documents"][form], If_None_Match=sent["ETag"]).status_code == 304
    acts = ActLog.objects.filter(actor=alice, target=f"{week} version 1").values_list("act", flat=True)
    assert (list(acts).count("report_asked"), list(acts).count("report_read")) == (1, 6)


def test_a_document_is_sent_whatever_the_client_accepts_and_runs_nowhere(week: str, alice: Any, api: Any) -> None:
    client = api(alice)
    client.post(LIST, {"week": week})
    make(week)
    sent = client.get(f"reports/calm-m1/{week}/1/report.html", Accept="text/html")
    assert (sent.status_code, sent["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "sandbox" in sent["Content-Security-Policy"]
    assert sent["Cache-Control"] == "private, no-store"
    none = client.get(f"reports/calm-m1/{week}/1/report.docx", Accept="text/html")
    assert (none.status_code, none["Content-Type"]) == (404, "application/problem+json")


def test_closed_reports_are_listed_and_sent_to_their_readers_alone(week: str, alice: Any, uma: Any, api: Any) -> None:
    api(alice).post(LIST, {"week": week})
    make(week)
    for path in (CLOSED, f"reports/calm-m1/{week}/1/closed/", f"reports/calm-m1/{week}/1/closed/report.pdf"):
        assert api(alice).get(path).status_code == 403
    [opened], [closed] = api(uma).rows(LIST), api(uma).rows(CLOSED)
    assert {opened[f"{part}_sha256"] for part in ("html", "pdf", "snapshot")} & {
        closed[f"{part}_sha256"] for part in ("html", "pdf", "snapshot")
    } == set()
    sent = api(uma).get(closed["documents"]["report.html"])
    assert hashlib.sha256(sent.content).hexdigest() == closed["html_sha256"]
    assert "Closed report" in sent.content.decode()
    assert ActLog.objects.filter(actor=uma, act="closed_report_read").count() == 1


def test_a_failure_is_told_with_its_cause(week: str, alice: Any, api: Any) -> None:
    client = api(alice)
    client.post(LIST, {"week": week})
    WeeklyReport.objects.update(state="failed", failure="The typesetter is away.")
    [row] = client.rows(LIST)
    assert (row["state"], row["failure"], row["documents"]) == ("failed", "The typesetter is away.", {})
    assert client.get(f"reports/calm-m1/{week}/1/report.pdf").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/week"),
        ({"week": "last"}, 422, "/week"),
        ({"week": "2999-W01"}, 422, "/week"),
        ({"week": "2019-W01"}, 422, "/week"),
        ({"week": "2026-W01", "why": "x"}, 422, "/why"),
    ],
    ids=["none", "words", "future", "too early", "misspelt"],
)
def test_what_cannot_be_asked_for_is_named(week: str, alice: Any, api: Any, body: dict[str, str], status: int, pointer: str) -> None:
    answer = api(alice).post(LIST, body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (status, [pointer])
    assert not WeeklyReport.objects.exists()


def test_another_version_needs_a_reason_and_waits_for_the_first(week: str, alice: Any, api: Any) -> None:
    client = api(alice)
    client.post(LIST, {"week": week})
    assert client.post(LIST, {"week": week, "reason": "for the board"}).status_code == 409
    make(week)
    Job.objects.filter(kind="report").update(state="done")
    without = client.post(LIST, {"week": week})
    assert [error["pointer"] for error in without.json()["errors"]] == ["/reason"]
    again = client.post(LIST, {"week": week, "reason": "for the board"})
    assert (again.status_code, again.json()["version"], again.json()["reason"]) == (201, 2, "for the board")
    assert [row["version"] for row in client.rows(LIST)] == [2, 1]


def test_a_read_only_token_asks_for_none_and_a_wrong_query_is_refused(week: str, alice: Any, api: Any) -> None:
    assert api(alice, scope="read").post(LIST, {"week": week}).status_code == 403
    wrong = api(alice).get(f"{LIST}?wek=2026-W47")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "?wek")


def test_documents_with_response_are_withheld_when_the_setting_is_withdrawn(
    week: str, trial: Trial, alice: Any, setup_actor: Any, api: Any
) -> None:
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(pooled_efficacy=True)
    client = api(alice)
    client.post(LIST, {"week": week})
    make(week)
    assert client.get(f"reports/calm-m1/{week}/1/snapshot.json").status_code == 200
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(pooled_efficacy=False)
    [row] = client.rows(LIST)
    assert (row["withheld"], row["documents"]) == (True, {})
    assert client.get(f"reports/calm-m1/{week}/1/snapshot.json").status_code == 404
