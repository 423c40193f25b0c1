"""Reports are asked for once, made once, caught up, told when they fail, and made of the records as they stood."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
import typst
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from registry.exceptions import Conflict, InvalidInput
from registry.models import Endpoint, Job, ReportDocument, Snapshot, Trial, WeeklyReport
from registry.outcomes import jobs
from registry.outcomes.refresh import refresh_trial
from registry.reports import making
from registry.reports.again import differences
from registry.reports.making import make_report, make_reports
from registry.reports.pdf import PdfFailed
from registry.reports.schedule import schedule_reports
from registry.rules.report_weeks import ReportWeek
from registry.selectors.reports import open_report, reports_of
from registry.services.auditing import audited
from registry.services.reports import ask_for_report
from registry.tasks import OTHER_WORK
from registry.vocabulary import JobKind, JobState, ReportState
from tests.cluster import ROOT
from tests.outcomes.test_jobs import is_waiting_for_the_seal, wait_for
from tests.reports.conftest import allocate

WEEK = timedelta(weeks=1)


def rows() -> list[tuple[str, int, bool, str]]:
    return list(WeeklyReport.objects.order_by("week", "version").values_list("week", "version", "by_schedule", "state"))


def run_waiting_jobs() -> None:
    for pk in Job.objects.filter(state=JobState.QUEUED).order_by("pk").values_list("pk", flat=True):
        jobs.run_job(pk, OTHER_WORK)


def week_of(trial: Trial, moment: datetime) -> ReportWeek:
    return ReportWeek.of(moment, trial.zone)


def after(trial: Trial, moment: datetime, weeks: int = 1) -> datetime:
    """Return ten past six of the Monday so many weeks later: just past the trial's report time."""
    monday = week_of(trial, moment).begins_at(trial.zone) + weeks * WEEK
    return monday + timedelta(hours=6, minutes=10)


def test_a_week_is_asked_for_once_and_made(running: Trial, later: datetime) -> None:
    week = week_of(running, later)
    assert schedule_reports(after(running, later)) == 1
    assert schedule_reports(after(running, later)) == 0
    assert rows() == [(str(week), 1, True, "due")]
    run_waiting_jobs()
    assert rows() == [(str(week), 1, True, "made")]
    payload = json.loads(ReportDocument.objects.get().payload)
    assert (payload["week"]["iso"], payload["week"]["over"]) == (str(week), True)
    assert payload["cutoff"] == week.ends_at(running.zone).isoformat()
    assert payload["efficacy"] == "withheld"
    assert schedule_reports(after(running, later) + timedelta(days=2)) == 0


def test_nothing_is_due_before_the_hour_and_without_a_day(running: Trial, later: datetime, setup_actor: Any) -> None:
    midnight = week_of(running, later).ends_at(running.zone)
    assert schedule_reports(midnight + timedelta(hours=5, minutes=30)) == 0
    with audited(by=setup_actor):
        Trial.objects.filter(pk=running.pk).update(report_day="none")
    assert schedule_reports(midnight + WEEK) == 0


def test_weeks_missed_while_nothing_ran_are_caught_up_and_say_so(running: Trial, later: datetime) -> None:
    schedule_reports(after(running, later))
    assert schedule_reports(after(running, later, weeks=4) + timedelta(days=1)) == 3
    run_waiting_jobs()
    first = week_of(running, later)
    assert [(week, state) for week, _, _, state in rows()] == [
        (str(week), "made") for week in (first, first.next, first.next.next, first.next.next.next)
    ]
    on_time, late = ReportDocument.objects.order_by("report__week")[0], ReportDocument.objects.order_by("report__week")[2]
    assert "This report is late" not in on_time.html
    assert "This report is late: it was due on" in late.html
    assert json.loads(late.payload)["cutoff"] == first.next.next.ends_at(running.zone).isoformat()
    assert f"Since {first.next}" in late.html


def test_reports_switched_on_again_begin_with_the_week_in_which_they_came_on(
    running: Trial, later: datetime, setup_actor: Any, owner_connection: Any
) -> None:
    schedule_reports(after(running, later))
    for day, weeks in (("none", 1), ("monday", 37)):
        with audited(by=setup_actor):
            Trial.objects.filter(pk=running.pk).update(report_day=day)
        owner_connection.execute("ALTER TABLE registry_trialchangeevent DISABLE TRIGGER ALL")
        owner_connection.execute(
            """UPDATE registry_trialchangeevent SET pgh_created_at = pgh_created_at + %s
               WHERE pgh_id = (SELECT max(pgh_id) FROM registry_trialchangeevent)""",
            [weeks * WEEK],
        )
        owner_connection.execute("ALTER TABLE registry_trialchangeevent ENABLE TRIGGER ALL")
    came_on = week_of(running, later + 37 * WEEK)
    assert schedule_reports(came_on.begins_at(running.zone) + timedelta(hours=7)) == 0
    assert schedule_reports(after(running, later, weeks=39)) == 2
    assert [week for week, *_ in rows()] == [str(week_of(running, later)), str(came_on), str(came_on.next)]


def test_a_finished_trial_is_reported_for_weeks_in_which_something_changed(running: Trial, later: datetime, setup_actor: Any) -> None:
    with audited(by=setup_actor):
        Trial.objects.filter(pk=running.pk).update(conduct="retrospective")
    assert schedule_reports(after(running, later)) == 1
    assert schedule_reports(after(running, later, weeks=6)) == 0


def test_two_schedulers_at_the_same_moment_ask_once(running: Trial, later: datetime, owner_connection: Any) -> None:
    now = after(running, later)
    hold = "hashtext('registry_report'), %s::integer"
    owner_connection.execute(f"SELECT pg_advisory_lock({hold})", [running.pk])
    asked: list[int] = []

    def schedule() -> None:
        try:
            asked.append(schedule_reports(now))
        finally:
            connections.close_all()

    schedulers = [threading.Thread(target=schedule) for _ in range(3)]
    for scheduler in schedulers:
        scheduler.start()
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    waiting = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = {here}"
    wait_for(lambda: owner_connection.execute(waiting).fetchone()[0] == 3, seconds=60)
    owner_connection.execute(f"SELECT pg_advisory_unlock({hold})", [running.pk])
    for scheduler in schedulers:
        scheduler.join(60)
    assert sorted(asked) == [0, 0, 1]
    assert len(rows()) == 1
    assert Job.objects.filter(kind=JobKind.REPORT).count() == 1


def test_the_database_refuses_a_second_scheduled_report_of_a_week(running: Trial, later: datetime, setup_actor: Any) -> None:
    schedule_reports(after(running, later))
    first = WeeklyReport.objects.get()
    with pytest.raises(Exception, match="report_scheduled_once"):
        WeeklyReport.objects.create(
            trial=running, week=first.week, version=2, cutoff=first.cutoff, by_schedule=True, requested_by=setup_actor, requested_at=later
        )


def test_a_worker_killed_in_the_middle_finishes_once(running: Trial, later: datetime, owner_connection: Any) -> None:
    schedule_reports(after(running, later))
    job = Job.objects.get(kind=JobKind.REPORT)
    owner_connection.execute("SELECT pg_advisory_lock(hashtext('registry_seal'))")
    worker = start_worker(job.pk)
    wait_for(lambda: rows()[0][3] == "making" and is_waiting_for_the_seal(owner_connection), seconds=60)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(timeout=10)
    owner_connection.execute("SELECT pg_advisory_unlock_all()")
    wait_for(lambda: is_free(owner_connection), seconds=60)
    assert rows()[0][3] == "making"
    jobs.run_job(job.pk, OTHER_WORK)
    jobs.run_job(job.pk, OTHER_WORK)
    report = WeeklyReport.objects.get()
    assert (report.state, report.attempts, ReportDocument.objects.count()) == ("made", 2, 1)
    assert documents_in_the_closed_room() == 1


def start_worker(job_id: int) -> subprocess.Popen[bytes]:
    program = (
        "import django; django.setup(); from registry.outcomes.jobs import run_job; from registry.tasks import OTHER_WORK;"
        f"run_job({job_id}, OTHER_WORK)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "RTMS_DB_ROLE": "worker"}
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)


def is_free(superuser: Any) -> bool:
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    return bool(superuser.execute(f"SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND database = {here}").fetchone()[0])


def documents_in_the_closed_room() -> int:
    with connections["closed"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM closed.report_document")
        return int(cursor.fetchone()[0])


def test_whoever_was_overtaken_stores_nothing(running: Trial, later: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule_reports(after(running, later))
    report = WeeklyReport.objects.select_related("trial").get()
    drawn = making._documents

    def overtaken(report: WeeklyReport, now: datetime) -> Any:
        WeeklyReport.objects.filter(pk=report.pk).update(attempts=7)
        return drawn(report, now)

    monkeypatch.setattr(making, "_documents", overtaken)
    assert make_report(report, now=later) == ""
    assert (WeeklyReport.objects.get().state, ReportDocument.objects.count(), documents_in_the_closed_room()) == ("making", 0, 0)


def test_a_failure_is_told_and_tried_again(running: Trial, later: datetime, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule_reports(after(running, later))

    def broken(contents: Any) -> bytes:
        raise PdfFailed("unknown font")

    with monkeypatch.context() as patch:
        patch.setattr(making, "pdf_of", broken)
        run_waiting_jobs()
    [line] = reports_of(running, by=alice)
    assert (line.state, line.failure) == (ReportState.FAILED, "Making it broke off (PdfFailed). The worker's log says why.")
    job = Job.objects.get(kind=JobKind.REPORT)
    assert (job.state, line.report.week in job.failure) == (JobState.FAILED, True)
    jobs.sweep(timezone.now() + 2 * jobs.BACK_OFF)
    run_waiting_jobs()
    [line] = reports_of(running, by=alice)
    assert (line.state, line.failure) == (ReportState.MADE, "")


@pytest.mark.parametrize("kind", [KeyError, TypeError, OSError, RecursionError])
def test_an_error_nobody_foresaw_holds_up_no_other_week(
    running: Trial, later: datetime, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    schedule_reports(after(running, later))
    schedule_reports(after(running, later, weeks=2))
    first = week_of(running, later)
    drawn = making._documents

    def broken(report: WeeklyReport, now: datetime) -> Any:
        if report.week == str(first):
            raise kind("P-0001")
        return drawn(report, now)

    monkeypatch.setattr(making, "_documents", broken)
    run_waiting_jobs()
    assert [(week, state) for week, _, _, state in rows()] == [(str(first), "failed"), (str(first.next), "made")]
    told = f"Making it broke off ({kind.__name__}). The worker's log says why."
    assert WeeklyReport.objects.get(state="failed").failure == told
    job = Job.objects.get(kind=JobKind.REPORT)
    assert (job.state, job.failure) == (JobState.FAILED, f"{first}: {told}")


def test_an_order_to_stop_is_no_failure_of_the_report(running: Trial, later: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule_reports(after(running, later))

    def stopped(report: WeeklyReport, now: datetime) -> Any:
        raise SystemExit

    monkeypatch.setattr(making, "_documents", stopped)
    with pytest.raises(SystemExit):
        run_waiting_jobs()
    assert (rows()[0][3], Job.objects.get(kind=JobKind.REPORT).state) == ("making", JobState.RUNNING)


def test_the_log_keeps_the_first_line_of_the_typesetter(running: Trial, later: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule_reports(after(running, later))

    compiled = typst.compile
    monkeypatch.setattr(typst, "compile", lambda _template, **_options: compiled(b"#foo", format="pdf"))
    with structlog.testing.capture_logs() as lines:
        run_waiting_jobs()
    assert [line["reason"] for line in lines if line["event"] == "typesetter_refused"] == ["unknown variable: foo"]


def test_one_that_fails_holds_up_no_other(running: Trial, later: datetime, setup_actor: Any) -> None:
    schedule_reports(after(running, later))
    WeeklyReport.objects.create(
        trial=running, week="2020-W01", version=1, cutoff="2020-01-06T00:00Z", requested_by=setup_actor, requested_at=later
    )
    with pytest.raises(making.ReportsFailed, match=r"2020-W01: .* had no analysis plan at the end of 2020-W01"):
        make_reports(Job.objects.get(kind=JobKind.REPORT))
    assert [state for *_, state in rows()] == ["failed", "made"]


def test_a_late_report_is_of_the_records_as_they_stood(running: Trial, setup_actor: Any) -> None:
    cutoff = timezone.now()
    report = WeeklyReport.objects.create(
        trial=running, week=str(week_of(running, cutoff)), version=1, cutoff=cutoff, requested_by=setup_actor, requested_at=cutoff
    )
    second = allocate(running, "P-0002", setup_actor)
    with audited(by=setup_actor):
        running.enrolments.filter(patient_code="P-0001").update(cohort="healthy")
        running.plans.update(small_cell_minimum=9)
    refresh_trial(running.pk)
    before = Snapshot.objects.count(), Endpoint.objects.count()
    assert make_report(report, now=timezone.now()) == ""
    payload = json.loads(ReportDocument.objects.get().payload)
    assert (payload["recruitment"]["total"], payload["plan"]["small_cell_minimum"]) == (1, 5)
    assert payload["time_points"][0]["groups"][0]["counts"]["population"] == 1
    # What the dashboard goes by is not touched.
    assert (Snapshot.objects.count(), Endpoint.objects.count()) == before
    assert set(Endpoint.objects.values_list("enrolment_id", flat=True)) == {second.pk}


def test_issued_reports_are_computed_anew_to_the_same_bytes_whatever_was_written_since(
    running: Trial, later: datetime, alice: Any, setup_actor: Any
) -> None:
    report = ask_for_report(trial=running, week=week_of(running, later), reason="", by=alice, now=timezone.now())
    make_report(report, now=timezone.now())
    allocate(running, "P-0002", setup_actor)
    kept = open_report(running, report.week, 1, by=alice)
    assert differences(report, kept, now=timezone.now()) == []


def test_response_withheld_stands_nowhere_in_the_open_report(running: Trial, later: datetime, alice: Any, setup_actor: Any) -> None:
    make_report(ask_for_report(trial=running, week=week_of(running, later), reason="", by=alice, now=later), now=later)
    page = ReportDocument.objects.get().html
    assert "Response is not shown here" in page
    assert "All response rates" not in page
    assert "Less pain by" not in page
    with audited(by=setup_actor):
        Trial.objects.filter(pk=running.pk).update(pooled_efficacy=True)
    make_report(
        ask_for_report(trial=running, week=week_of(running, later), reason="the charter allows it", by=alice, now=timezone.now()),
        now=timezone.now(),
    )
    assert "All response rates" in ReportDocument.objects.get(report__version=2).html


def test_what_cannot_be_reported_is_refused_with_the_remedy(running: Trial, later: datetime, alice: Any) -> None:
    week = week_of(running, later)
    with pytest.raises(InvalidInput, match=f"has not begun. The present week is {week}"):
        ask_for_report(trial=running, week=week.next, reason="", by=alice, now=later)
    with pytest.raises(InvalidInput, match=f"The first week is {week}"):
        ask_for_report(trial=running, week=ReportWeek.read("2020-W01"), reason="", by=alice, now=later)
    ask_for_report(trial=running, week=week, reason="", by=alice, now=later)
    with pytest.raises(Conflict, match="being made already"):
        ask_for_report(trial=running, week=week, reason="", by=alice, now=later)
    Job.objects.filter(kind=JobKind.REPORT).update(state=JobState.FAILED)
    with pytest.raises(InvalidInput, match="why it is made again"):
        ask_for_report(trial=running, week=week, reason=" ", by=alice, now=later)
    assert ask_for_report(trial=running, week=week, reason="the worker died", by=alice, now=later).version == 2


def test_a_report_of_a_week_under_way_does_not_stand_for_the_scheduled_one(running: Trial, later: datetime, alice: Any) -> None:
    week = week_of(running, later)
    make_report(ask_for_report(trial=running, week=week, reason="", by=alice, now=later), now=later)
    assert "The week is not over" in ReportDocument.objects.get().html
    assert schedule_reports(after(running, later)) == 1
    assert rows() == [(str(week), 1, False, "made"), (str(week), 2, True, "due")]


def verified(trial: Trial, by: Any) -> tuple[int, str, str]:
    """Return status, what was printed and the error of checking all kept documents."""
    out = io.StringIO()
    try:
        call_command("report", trial.slug, "--verify", "--as", by.email, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def test_all_documents_are_checked_though_some_are_withheld_and_the_status_tells(
    running: Trial, later: datetime, alice: Any, setup_actor: Any, owner_connection: Any
) -> None:
    first = week_of(running, later)
    for number, shown in enumerate((False, True, False)):
        with audited(by=setup_actor):
            Trial.objects.filter(pk=running.pk).update(pooled_efficacy=shown)
        made = ask_for_report(trial=running, week=first, reason=f"version number {number + 1}", by=alice, now=timezone.now())
        assert make_report(made, now=timezone.now()) == ""
    status, text, error = verified(running, alice)
    assert status == 2
    assert [line.partition(":")[2].strip()[:11] for line in text.splitlines()] == ["as issued", "not checked", "as issued"]
    assert f"{first} version 2 open" in error
    with audited(by=setup_actor):
        Trial.objects.filter(pk=running.pk).update(pooled_efficacy=True)
    assert verified(running, alice)[0] == 0
    owner_connection.execute("SET session_replication_role = replica")
    owner_connection.execute("UPDATE registry_reportdocument SET html = html || ' ' WHERE NOT shows_efficacy")
    with audited(by=setup_actor):
        Trial.objects.filter(pk=running.pk).update(pooled_efficacy=False)
    status, text, error = verified(running, alice)
    assert (status, text.count("DAMAGED"), text.count("not checked")) == (1, 2, 1)
    assert "version 3 open: html" in error
