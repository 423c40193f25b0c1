"""The page of weekly reports: by week with state and cause, documents as issued under a policy of their own, asking for one."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.models import ActLog, Job, Trial, WeeklyReport
from registry.outcomes.refresh import refresh_trial
from registry.reports.making import make_report
from registry.rules.report_weeks import ReportWeek
from registry.services.auditing import audited
from registry.services.reports import ask_for_report
from registry.vocabulary import JobKind, JobState
from tests.outcomes.conftest import worker
from tests.reports.conftest import allocate

__all__ = ["worker"]


@pytest.fixture
def week(worker: None, trial: Trial, setup_actor: Any) -> str:
    """Return the present week of a trial with a patient."""
    allocate(trial, "P-0001", setup_actor)
    refresh_trial(trial.pk)
    return str(ReportWeek.of(timezone.now(), trial.zone))


def ask(trial: Trial, week: str, by: Any, reason: str = "") -> WeeklyReport:
    report = ask_for_report(trial=trial, week=ReportWeek.read(week), reason=reason, by=by, now=timezone.now())
    assert make_report(report, now=timezone.now()) == ""
    return report


def page(client: Client, user: Any, path: str = "") -> Any:
    client.force_login(user)
    return client.get(f"/t/calm-m1/reports/{path}")


def test_before_the_first_report_the_page_says_when_it_comes(week: str, trial: Trial, alice: Any, client: Client) -> None:
    text = page(client, alice).content.decode()
    assert "None yet." in text
    assert "The report of this week is made on" in text
    assert "06:00" in text


def test_a_report_is_asked_for_made_and_opened_as_issued(week: str, trial: Trial, alice: Any, client: Client) -> None:
    client.force_login(alice)
    assert client.post("/t/calm-m1/reports/", {"week": week, "reason": ""}).status_code == 302
    listed = client.get("/t/calm-m1/reports/").content.decode()
    assert "Waits to be made" in listed
    report = WeeklyReport.objects.get()
    make_report(report, now=timezone.now())
    listed = client.get("/t/calm-m1/reports/").content.decode()
    assert report.document.html_sha256 in listed
    assert "Closed report" not in listed
    shown = client.get(f"/t/calm-m1/reports/{week}/1/")
    assert hashlib.sha256(shown.content).hexdigest() == report.document.html_sha256
    sent = client.get(f"/t/calm-m1/reports/{week}/1/report.pdf")
    assert hashlib.sha256(sent.content).hexdigest() == report.document.pdf_sha256
    assert sent["Content-Disposition"] == f'attachment; filename="calm-m1-{week}-open-1.pdf"'
    assert set(ActLog.objects.filter(target=f"{week} version 1").values_list("act", flat=True)) == {"report_asked", "report_read"}


def test_the_document_may_use_its_own_style_and_nothing_else(week: str, trial: Trial, alice: Any, client: Client) -> None:
    ask(trial, week, alice)
    shown = page(client, alice, f"{week}/1/")
    style = shown.content.decode().split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = shown["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert shown["Cache-Control"] == "private, no-store"


def test_a_closed_report_opens_for_its_readers_alone_and_that_is_recorded(
    week: str, trial: Trial, alice: Any, uma: Any, client: Client
) -> None:
    ask(trial, week, alice)
    assert page(client, alice, f"{week}/1/closed/").status_code == 403
    assert page(client, alice, f"{week}/1/closed/report.pdf").status_code == 403
    assert "Closed report" in page(client, uma).content.decode()
    assert "Closed report" in page(client, uma, f"{week}/1/closed/").content.decode()
    assert ActLog.objects.filter(actor=uma, act="closed_report_read").count() == 1


def test_the_cause_of_a_failure_is_shown(week: str, trial: Trial, alice: Any, client: Client) -> None:
    report = ask_for_report(trial=trial, week=ReportWeek.read(week), reason="", by=alice, now=timezone.now())
    WeeklyReport.objects.filter(pk=report.pk).update(state="failed", failure="The typesetter is away.")
    listed = page(client, alice).content.decode()
    assert "Could not be made" in listed
    assert "The typesetter is away." in listed
    assert page(client, alice, f"{week}/1/").status_code == 404


def test_a_report_whose_worker_was_given_up_is_not_under_way_for_ever(week: str, trial: Trial, alice: Any, client: Client) -> None:
    report = ask_for_report(trial=trial, week=ReportWeek.read(week), reason="", by=alice, now=timezone.now())
    WeeklyReport.objects.filter(pk=report.pk).update(state="making")
    Job.objects.filter(kind=JobKind.REPORT).update(state=JobState.FAILED)
    assert "The worker ended while making it." in page(client, alice).content.decode()


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"week": ""}, "Name the week, for example 2026-W47."),
        ({"week": "last"}, "is no week. Write the ISO year and week"),
        ({"week": "2019-W01"}, "had no analysis plan before the end of 2019-W01"),
        ({"week": "2999-W01"}, "has not begun"),
    ],
    ids=["empty", "words", "too early", "future"],
)
def test_what_cannot_be_asked_for_is_refused_beside_the_field(
    week: str, trial: Trial, alice: Any, client: Client, sent: dict[str, str], message: str
) -> None:
    client.force_login(alice)
    answer = client.post("/t/calm-m1/reports/", {"reason": "", **sent})
    assert answer.status_code == 400
    assert message in answer.content.decode().replace("&#x27;", "'")
    assert not WeeklyReport.objects.exists()


def test_a_setting_withdrawn_withdraws_documents_with_response_from_the_masked(
    week: str, trial: Trial, alice: Any, setup_actor: Any, client: Client
) -> None:
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(pooled_efficacy=True)
    ask(Trial.objects.get(pk=trial.pk), week, alice)
    assert page(client, alice, f"{week}/1/").status_code == 200
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(pooled_efficacy=False)
    assert page(client, alice, f"{week}/1/").status_code == 404
    assert page(client, alice, f"{week}/1/report.pdf").status_code == 404
    assert "not shown at present" in page(client, alice).content.decode()
