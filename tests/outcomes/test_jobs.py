"""Jobs: done once, whoever dies in the middle, whatever the broker loses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from registry.models import Allocation, Endpoint, Enrolment, Job, PainScore, Snapshot, StaleMark, Trial, TrialUpload, WorkerHeartbeat
from registry.outcomes import jobs
from registry.outcomes.locks import job_lock, lock_if_free
from registry.outcomes.refresh import refresh_trial
from registry.selectors.outcomes import latest_open
from registry.services.auditing import audited
from registry.services.jobs import mark_stale, request_job
from registry.services.old_jobs import tidy_jobs
from registry.tasks import heartbeat, sweep
from registry.vocabulary import JobKind, JobState
from tests.cluster import ROOT
from tests.trials import ENROLLED_ON, make_diary, make_enrolment

WEEK = dict.fromkeys(range(-7, 0), "6")


@pytest.fixture(autouse=True)
def as_worker(worker: None) -> None:
    """All of this happens in the worker."""


@pytest.fixture
def allocated(trial: Trial, setup_actor: Any) -> Enrolment:
    """A patient allocated on the day of enrolment, with a baseline week."""
    enrolment = make_enrolment(trial, "P-0001", site="N", by=setup_actor)
    with audited(by=setup_actor):
        Allocation.objects.create(
            enrolment=enrolment, treatment=trial.treatments.first(), analysis_site=enrolment.site, allocated_on=ENROLLED_ON
        )
    make_diary(enrolment, WEEK, by=setup_actor)
    return enrolment


def ask(trial: Trial, by: Any, enrolment: Enrolment | None = None) -> Job:
    """Mark and return the waiting job."""
    mark_stale(trial, by=by, enrolment_ids=[enrolment.pk] if enrolment else None)
    return Job.objects.get(state=JobState.QUEUED)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect what would be sent to the broker."""
    found: list[int] = []
    monkeypatch.setattr(jobs, "announce", found.append)
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_saved_value_is_in_the_next_snapshot(allocated: Enrolment, trial: Trial, setup_actor: Any) -> None:
    jobs.run_job(ask(trial, setup_actor).pk)
    make_diary(allocated, dict.fromkeys(range(22, 29), "3"), by=setup_actor)
    jobs.run_job(ask(trial, setup_actor, allocated).pk)
    row = Endpoint.objects.get(time_point__code="W4")
    assert (row.baseline_sum_units, row.baseline_n, row.value_sum_units, row.value_n) == (42_000_000, 7, 21_000_000, 7)
    assert Snapshot.objects.count() == 2
    assert not StaleMark.objects.exists()


def test_a_job_runs_once_however_often_it_is_sent(allocated: Enrolment, trial: Trial, setup_actor: Any) -> None:
    job = ask(trial, setup_actor)
    for _ in range(3):
        jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 1)
    assert Snapshot.objects.count() == 1


def test_a_job_somebody_is_at_is_left_alone(allocated: Enrolment, trial: Trial, setup_actor: Any, owner_connection: Any) -> None:
    job = ask(trial, setup_actor)
    owner_connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [job_lock(job.pk)])
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


def test_a_worker_killed_in_the_middle_finishes_once(
    allocated: Enrolment, trial: Trial, setup_actor: Any, owner_connection: Any, sent: list[int]
) -> None:
    job = ask(trial, setup_actor)
    # Whoever holds the sealing lock stops the worker in the middle of the job.
    owner_connection.execute("SELECT pg_advisory_lock(hashtext('registry_seal'))")
    worker = start_worker(job.pk)
    wait_for(lambda: Job.objects.get(pk=job.pk).state == JobState.RUNNING and is_waiting_for_the_seal(owner_connection))
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(timeout=10)
    owner_connection.execute("SELECT pg_advisory_unlock_all()")
    wait_for(lambda: is_free(job))
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING
    jobs.sweep(timezone.now())
    assert sent == [job.pk]
    jobs.run_job(job.pk)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, Snapshot.objects.count()) == (JobState.DONE, 2, 1)
    with connections["closed"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM closed.snapshot")
        assert cursor.fetchone() == (1,)


def start_worker(job_id: int) -> subprocess.Popen[bytes]:
    """Run one job in a process of its own, as the worker."""
    program = f"import django; django.setup(); from registry.outcomes.jobs import run_job; run_job({job_id})"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "RTMS_DB_ROLE": "worker"}
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)


def is_waiting_for_the_seal(superuser: Any) -> bool:
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    waiting = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = {here}"
    return bool(superuser.execute(waiting).fetchone()[0])


def is_free(job: Job) -> bool:
    with lock_if_free(job_lock(job.pk)) as free:
        return free


def test_an_open_snapshot_without_its_closed_half_is_made_whole(allocated: Enrolment, trial: Trial, owner_connection: Any) -> None:
    assert refresh_trial(trial.pk) is not None
    owner_connection.execute("SET session_replication_role = replica; DELETE FROM closed.snapshot")
    assert refresh_trial(trial.pk) is not None
    assert refresh_trial(trial.pk) is None


def test_a_failure_is_kept_and_tried_again_later(trial: Trial, setup_actor: Any, sent: list[int]) -> None:
    with audited(by=setup_actor):
        trial.plans.update(thresholds_tenths=[])
    job = ask(trial, setup_actor)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "thresholds is empty" in job.failure
    jobs.sweep(timezone.now())
    assert sent == []
    jobs.sweep(timezone.now() + 2 * jobs.BACK_OFF)
    assert sent == [job.pk]
    with audited(by=setup_actor):
        trial.plans.update(thresholds_tenths=[300])
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.failure, StaleMark.objects.count()) == (JobState.DONE, "", 0)


def test_a_job_that_ends_every_worker_is_given_up(trial: Trial, setup_actor: Any, sent: list[int]) -> None:
    job = ask(trial, setup_actor)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, attempts=jobs.MAX_ATTEMPTS)
    jobs.sweep(timezone.now())
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "ended 5 times" in job.failure


def test_lost_messages_are_sent_again(trial: Trial, setup_actor: Any, sent: list[int]) -> None:
    job = ask(trial, setup_actor)
    jobs.sweep(job.created_at + timedelta(seconds=1))
    assert sent == []
    jobs.sweep(job.created_at + timedelta(seconds=6))
    assert sent == [job.pk]


def test_marks_without_a_job_get_one(trial: Trial, setup_actor: Any, sent: list[int]) -> None:
    jobs.run_job(ask(trial, setup_actor).pk)
    StaleMark.objects.create(trial=trial)
    jobs.sweep(timezone.now())
    assert Job.objects.filter(trial=trial, state=JobState.QUEUED).count() == 1


def test_whoever_writes_while_a_job_runs_is_served_by_the_next(
    allocated: Enrolment, trial: Trial, setup_actor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask(trial, setup_actor)
    monkeypatch.setattr(jobs, "refresh_trial", lambda pk: StaleMark.objects.create(trial_id=pk))
    jobs.run_job(job.pk)
    assert Job.objects.filter(trial=trial, state=JobState.QUEUED).count() == 1


def test_a_new_day_asks_for_running_trials_once(trial: Trial, setup_actor: Any, sent: list[int]) -> None:
    jobs.sweep(timezone.now())
    (job,) = Job.objects.all()
    jobs.run_job(job.pk)
    jobs.sweep(timezone.now())
    assert Job.objects.count() == 1
    jobs.sweep(timezone.now() + timedelta(days=1))
    assert Job.objects.count() == 2


def test_finished_trials_are_not_asked_about_daily(trial: Trial, setup_actor: Any, sent: list[int]) -> None:
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(conduct="retrospective")
    jobs.sweep(timezone.now())
    assert not Job.objects.exists()


def test_after_an_upgrade_every_trial_is_computed_again_once(
    allocated: Enrolment, trial: Trial, setup_actor: Any, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.run_job(ask(trial, setup_actor).pk)
    jobs.sweep(timezone.now())
    assert not StaleMark.objects.exists()
    for module in ("jobs", "refresh"):
        monkeypatch.setattr(f"registry.outcomes.{module}.code_version", lambda: "0.2.0+0123")
    for _ in range(2):
        jobs.sweep(timezone.now())
    assert StaleMark.objects.filter(trial=trial, enrolment=None).count() == 1
    jobs.run_job(Job.objects.get(state=JobState.QUEUED).pk)
    jobs.sweep(timezone.now())
    assert (Snapshot.objects.count(), StaleMark.objects.count()) == (2, 0)


def test_time_alone_makes_a_time_point_due(allocated: Enrolment, trial: Trial, setup_actor: Any) -> None:
    def due_at(day: int) -> int:
        refresh_trial(trial.pk, clock=lambda: datetime(2026, 10, 19, 12, tzinfo=UTC) + timedelta(days=day))
        found = latest_open(trial)
        assert found is not None
        return found.payload["time_points"][0]["groups"][0]["counts"]["due"]

    assert [due_at(day) for day in (30, 31)] == [0, 1]


def test_a_record_from_a_clock_that_runs_ahead_is_not_forgotten(allocated: Enrolment, trial: Trial, setup_actor: Any) -> None:
    now = timezone.now()
    with audited(by=setup_actor):
        PainScore.objects.filter(enrolment=allocated).update(recorded_at=now + timedelta(seconds=30))
    refresh_trial(trial.pk, clock=lambda: now)
    assert [mark.enrolment_id for mark in StaleMark.objects.all()] == [allocated.pk]
    refresh_trial(trial.pk, clock=lambda: now + timedelta(minutes=1))
    assert not StaleMark.objects.exists()
    assert {row.baseline_n for row in Endpoint.objects.all()} == {7}


def test_a_trial_without_a_plan_has_no_outcomes(setup_actor: Any) -> None:
    with audited(by=setup_actor):
        bare = Trial.objects.create(slug="bare", name="Bare", conduct="prospective", design="parallel")
    job = ask(bare, setup_actor)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, latest_open(bare), StaleMark.objects.count()) == (JobState.DONE, None, 0)


def test_every_state_is_in_the_table_of_moves() -> None:
    assert set(jobs.MOVES) == set(JobState)
    assert set().union(*jobs.MOVES.values()) <= set(JobState)


def test_heartbeat_is_one_row_a_worker() -> None:
    heartbeat()
    heartbeat()
    found = WorkerHeartbeat.objects.get()
    assert found.worked_at is not None
    assert abs(found.worked_at - timezone.now()) < timedelta(seconds=30)
    assert connection.settings_dict["USER"] == "rtms_worker"


def test_a_refresh_plans_for_what_an_import_just_brought(allocated: Enrolment) -> None:
    """PostgreSQL looks at grown tables a minute later; until then it plans for empty ones, ten minutes for seconds' work."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO registry_stalemark (trial_id) SELECT %s FROM generate_series(1, 5000)", [allocated.trial_id])
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'registry_stalemark'")
        assert cursor.fetchone()[0] < 5000
        refresh_trial(allocated.trial_id)
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'registry_stalemark'")
        assert cursor.fetchone() == (5000,)


@pytest.mark.parametrize(("meanwhile", "asked_again"), [("done", 1), ("failed", 1), ("running", 0), ("queued", 0)])
def test_who_was_served_by_a_job_that_ended_meanwhile_asks_again(
    allocated: Enrolment,
    trial: Trial,
    setup_actor: Any,
    owner_connection: Any,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
    asked_again: int,
) -> None:
    """Its mark was not on record yet when that job looked for marks; the sweep would find it ten seconds later."""
    announced: list[int] = []
    monkeypatch.setattr("registry.services.jobs.announce", announced.append)
    first = ask(trial, setup_actor)
    announced.clear()
    with audited(by=setup_actor):
        mark_stale(trial, by=setup_actor, enrolment_ids=[allocated.pk])
        owner_connection.execute("UPDATE registry_job SET state = %s", [meanwhile])
    again = Job.objects.exclude(pk=first.pk).filter(state=JobState.QUEUED)
    assert (len(announced), again.count()) == (asked_again, asked_again)


@pytest.mark.parametrize(("kind", "jobs_then"), [(JobKind.REPORT, 2), (JobKind.REPORT_MAIL, 2), (JobKind.REFRESH, 1)], ids=str)
def test_work_asked_for_while_such_work_begins_is_done_after_it(
    committed_db: None, trial: Trial, setup_actor: Any, owner_connection: Any, kind: JobKind, jobs_then: int
) -> None:
    request_job(kind, trial, by=setup_actor)
    with transaction.atomic():
        request_job(kind, trial, by=setup_actor)
        # Meanwhile a worker takes the one that waited, and reads without what this transaction writes.
        owner_connection.execute("UPDATE registry_job SET state = 'running' WHERE kind = %s", [kind.value])
    # A refresh that runs looks for marks once more before it ends.
    assert Job.objects.filter(kind=kind, trial=trial).count() == jobs_then


def ended(kind: JobKind, state: JobState, days: float, trial: Trial | None, by: Any) -> Job:
    at = timezone.now() - timedelta(days=days)
    return Job.objects.create(kind=kind, trial=trial, state=state, requested_by=by, created_at=at, started_at=at, finished_at=at)


def test_jobs_that_ended_long_ago_are_removed(trial: Trial, other_trial: Trial, setup_actor: Any, settings: Any) -> None:
    refresh, export, done, failed = JobKind.REFRESH, JobKind.EXPORT, JobState.DONE, JobState.FAILED
    gone = [
        ended(refresh, done, 91, trial, setup_actor),
        ended(refresh, failed, 91, trial, setup_actor),
        ended(export, done, 91, None, setup_actor),
        ended(export, failed, 366, None, setup_actor),
        ended(refresh, failed, 366, other_trial, setup_actor),
    ]
    kept = [
        ended(refresh, done, 89, trial, setup_actor),
        ended(refresh, done, 91, trial, setup_actor),
        ended(export, failed, 364, None, setup_actor),
        ended(export, done, 89, None, setup_actor),
        ended(JobKind.REPORT, failed, 364, trial, setup_actor),
        ended(JobKind.REPORT, done, 400, other_trial, setup_actor),
        Job.objects.create(kind=JobKind.EXPORT, requested_by=setup_actor, created_at=timezone.now() - timedelta(days=999)),
    ]
    assert tidy_jobs(timezone.now()) == len(gone)
    assert sorted(Job.objects.values_list("pk", flat=True)) == sorted(job.pk for job in kept)
    settings.JOBS_KEPT_FOR = timedelta(days=88)
    assert tidy_jobs(timezone.now()) == 2
    assert tidy_jobs(timezone.now()) == 0


def test_a_job_that_an_upload_names_stays(trial: Trial, setup_actor: Any) -> None:
    jobs_of = [ended(JobKind.CHECK_UPLOAD, JobState.DONE, 91, None, setup_actor) for _ in range(2)]
    with audited(by=setup_actor, reason="test"):
        upload = TrialUpload.objects.create(uploaded_by=setup_actor, trial=trial, file_name="a.zip", job=jobs_of[0])
    assert tidy_jobs(timezone.now()) == 1
    upload.refresh_from_db()
    assert upload.job == jobs_of[0]


def test_the_sweep_removes_old_jobs(trial: Trial, setup_actor: Any, sent: list[int]) -> None:
    old = ended(JobKind.EXPORT, JobState.DONE, 91, None, setup_actor)
    sweep()
    assert not Job.objects.filter(pk=old.pk).exists()
