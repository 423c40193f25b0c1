"""Who may read a report is told of it by mail, once, with a link and nothing else; who is on duty is told when one failed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.models import Job, Membership, ReportMail, Trial, User, WeeklyReport
from registry.outcomes import jobs
from registry.reports import making
from registry.reports.making import make_report
from registry.reports.pdf import PdfFailed
from registry.reports.schedule import schedule_reports
from registry.rules.report_weeks import ReportWeek
from registry.selectors.reports import reports_of
from registry.services.auditing import audited
from registry.services.report_mail import choose_report_mail, readers
from registry.services.reports import ask_for_report
from registry.tasks import OTHER_WORK, sweep
from registry.vocabulary import JobKind, JobState
from tests.cluster import ROOT
from tests.outcomes.test_jobs import wait_for
from tests.reports.smtp_server import MailServer, mail_server
from tests.reports.test_making import after, is_free

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """Return a mail server that the registry sends through."""
    with mail_server() as serving:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", serving.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 90
        settings.PUBLIC_URL, settings.DEFAULT_FROM_EMAIL = "https://registry.example.org/", "registry@example.org"
        yield serving


@pytest.fixture
def report(running: Trial, later: datetime, alice: User, uma: User, oscar: User) -> WeeklyReport:
    """Return a report that was made on request."""
    week = ReportWeek.of(later, running.zone)
    made = ask_for_report(trial=running, week=week, reason="", by=alice, now=timezone.now())
    assert make_report(made, now=timezone.now()) == ""
    return made


def mail_job() -> Job:
    return Job.objects.get(kind=JobKind.REPORT_MAIL)


def send() -> str:
    """Do the job and return how it stands."""
    jobs.run_job(mail_job().pk, OTHER_WORK)
    return str(mail_job().state)


def again() -> str:
    """Let the sweep queue the failed job, and do it."""
    jobs.sweep(timezone.now() + 64 * jobs.BACK_OFF)
    return send()


def test_who_may_read_it_is_told_the_week_and_a_link_and_nothing_else(
    report: WeeklyReport, running: Trial, alice: User, uma: User, oscar: User, server: MailServer
) -> None:
    assert send() == "done"
    assert {address for address, _ in server.taken} == {user.email for user in readers(running)} >= {alice.email, uma.email}
    assert server.to(oscar.email) == []
    [message] = server.to(alice.email)
    text = str(message.get_payload())
    assert message["Subject"] == f"CALM-M1: weekly report {report.week} is there"
    assert (message["Auto-Submitted"], message.is_multipart()) == ("auto-generated", False)
    assert re.findall(r"https?://\S+", text) == ["https://registry.example.org/t/calm-m1/reports/", "https://registry.example.org/account/"]
    # Whoever reads it, of open or closed documents, it is the same mail; its only numbers are those of week and version.
    [other] = server.to(uma.email)
    assert str(other.get_payload()).replace(uma.name, alice.name) == text
    assert re.findall(r"\d+", text.replace("calm-m1", "").replace("CALM-M1", "")) == [*report.week.split("-W"), "1"]


def test_nobody_is_told_twice(report: WeeklyReport, running: Trial, server: MailServer) -> None:
    assert send() == "done"
    count = len(server.taken)
    Job.objects.filter(kind=JobKind.REPORT_MAIL).update(state=JobState.QUEUED)
    assert send() == "done"
    making.tell_readers(report, using="default")
    Job.objects.filter(kind=JobKind.REPORT_MAIL, state=JobState.QUEUED).order_by("pk")
    for job in Job.objects.filter(kind=JobKind.REPORT_MAIL, state=JobState.QUEUED):
        jobs.run_job(job.pk, OTHER_WORK)
    assert len(server.taken) == count == len(readers(running))


def test_who_switched_it_off_left_or_signs_in_no_more_is_not_told(
    report: WeeklyReport, alice: User, uma: User, setup_actor: User, server: MailServer
) -> None:
    choose_report_mail(alice, wanted=False)
    with audited(by=setup_actor):
        Membership.objects.filter(user=uma).update(valid_until=timezone.now().date() - timedelta(days=1))
    assert send() == "done"
    assert server.to(alice.email) == server.to(uma.email) == []
    choose_report_mail(alice, wanted=True)
    assert alice in readers(report.trial)


def test_made_up_addresses_of_the_demonstration_get_none(running: Trial, alice: User, setup_actor: User, server: MailServer) -> None:
    with audited(by=setup_actor):
        User.objects.filter(pk=alice.pk).update(is_demonstration=True)
    assert alice not in readers(running)


def test_a_server_that_is_away_is_tried_again_and_the_list_says_so(
    report: WeeklyReport, running: Trial, alice: User, server: MailServer
) -> None:
    server.is_away = True
    assert send() == "failed"
    assert "not sent yet. The mail server: SMTPConnectError 421." in mail_job().failure
    [line] = reports_of(running, by=alice)
    assert (line.mails, line.mails_sent, line.mail_failure) == (len(readers(running)), 0, "SMTPConnectError 421")
    # Whether the first of them was tried or all were makes no difference to who waits.
    assert ReportMail.objects.filter(attempts=1).count() == 1
    server.is_away = False
    assert again() == "done"
    assert len(server.taken) == len(readers(running))
    [line] = reports_of(running, by=alice)
    assert (line.mails_sent, line.mail_failure) == (line.mails, "")


def test_one_address_that_is_refused_holds_up_no_other(report: WeeklyReport, running: Trial, alice: User, server: MailServer) -> None:
    server.refused = {alice.email}
    assert send() == "failed"
    assert len(server.taken) == len(readers(running)) - 1
    assert alice.email not in mail_job().failure
    server.refused = set()
    assert again() == "done"
    assert [len(server.to(user.email)) for user in readers(running)] == [1] * len(readers(running))


def test_a_worker_killed_between_two_mails_and_in_the_middle_of_one_sends_each_once(
    report: WeeklyReport, running: Trial, server: MailServer, owner_connection: Any
) -> None:
    first, second, *_ = people = readers(running)
    server.goes_on.clear()
    worker = start_sender(server, mail_job().pk)
    wait_for(lambda: server.began == [first.email], seconds=60)
    server.goes_on.set()
    wait_for(lambda: bool(ReportMail.objects.get(user=first).sent_at), seconds=60)
    server.goes_on.clear()
    wait_for(lambda: second.email in server.began or worker.poll() is not None, seconds=60)
    os.kill(worker.pid, signal.SIGKILL) if worker.poll() is None else None
    worker.wait(timeout=10)
    server.goes_on.set()
    wait_for(lambda: is_free(owner_connection), seconds=60)
    assert send() == "done"
    assert {user.email: len(server.to(user.email)) for user in people} == {user.email: 1 for user in people}
    assert len({message["Message-ID"] for _, message in server.taken}) == len(people)


def start_sender(server: MailServer, job_id: int) -> subprocess.Popen[bytes]:
    program = (
        "import django; django.setup(); from django.conf import settings;"
        f"settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = {SMTP!r}, '127.0.0.1', {server.port};"
        "settings.EMAIL_USE_TLS = False; settings.EMAIL_TIMEOUT = 90;"
        "from registry.outcomes.jobs import run_job; from registry.tasks import OTHER_WORK;"
        f"run_job({job_id}, OTHER_WORK)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "RTMS_DB_ROLE": "worker"}
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)


def test_people_on_duty_are_told_once_when_one_could_not_be_made(
    running: Trial, later: datetime, admin: User, alice: User, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule_reports(after(running, later))
    failed = WeeklyReport.objects.get()

    def broken(contents: Any) -> bytes:
        raise PdfFailed("unknown font")

    with monkeypatch.context() as patch:
        patch.setattr(making, "pdf_of", broken)
        assert all(make_report(failed, now=timezone.now()) for _ in range(2))
    assert send() == "done"
    assert {address for address, _ in server.taken} == {admin.email}
    [message] = server.to(admin.email)
    assert message["Subject"] == f"CALM-M1: weekly report {failed.week} could not be made"
    assert "https://registry.example.org/status/" in str(message.get_payload())
    assert "font" not in str(message)
    # Made at last, its readers are told.
    assert make_report(failed, now=timezone.now()) == ""
    for job in Job.objects.filter(kind=JobKind.REPORT_MAIL, state=JobState.QUEUED):
        jobs.run_job(job.pk, OTHER_WORK)
    assert len(server.to(alice.email)) == len(server.to(admin.email)) == 1


def test_people_on_duty_are_told_of_a_report_given_up_with_its_worker(
    running: Trial, later: datetime, admin: User, server: MailServer
) -> None:
    schedule_reports(after(running, later))
    WeeklyReport.objects.update(state="making")
    Job.objects.filter(kind=JobKind.REPORT).update(state="failed", attempts=jobs.MAX_ATTEMPTS - 1, finished_at=timezone.now())
    sweep()
    assert not ReportMail.objects.exists()
    Job.objects.filter(kind=JobKind.REPORT).update(attempts=jobs.MAX_ATTEMPTS)
    sweep()
    sweep()
    assert send() == "done"
    assert [address for address, _ in server.taken] == [admin.email]
