"""The operator's page: how the registry is, what failed and why, and one button that lets a failed job be done again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from registry.exceptions import Conflict, NotAllowed
from registry.marks import note_sweep, swept_at
from registry.models import Job
from registry.selectors.status import LAST_BACKUP, status_for
from registry.services import jobs
from registry.services.heartbeats import forget_gone_workers, note_end, note_life, note_work

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture(autouse=True)
def _today(now: datetime) -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=now):
        yield


@pytest.fixture
def failed_job(trial: Any, setup_actor: Any, now: datetime) -> Job:
    Job.objects.filter(trial=trial).delete()
    return Job.objects.create(
        kind="refresh", trial=trial, state="failed", requested_by=setup_actor, attempts=5, failure="The disk is full.", finished_at=now
    )


@pytest.fixture
def page(client: Client, admin: Any) -> Any:
    """Return the page as the administrator reads it."""
    client.force_login(admin, backend=BACKEND)

    return lambda: client.get("/status/").content.decode()


def test_page_names_each_part_and_what_is_known_of_it(page, settings, tmp_path, now):
    settings.DATA = tmp_path
    cache.clear()
    fresh = page()
    for words in (
        "No worker has run yet.",
        "Not seen since the broker was started.",
        "Not sent: written to files",
        "None was made on this data",
    ):
        assert words in fresh
    note_work("worker@here", now - timedelta(seconds=20))
    note_sweep(now - timedelta(seconds=5))
    (tmp_path / LAST_BACKUP).write_text(json.dumps({"finished_at": (now - timedelta(hours=3)).isoformat()}))
    settings.EMAIL_HOST = "smtp.example.org"
    later = page()
    assert later.count(">Well</span>") > fresh.count(">Well</span>")
    assert "Sent through smtp.example.org." in later
    cache.clear()


def test_what_is_too_long_ago_is_not_well(admin, settings, tmp_path, now):
    settings.DATA = tmp_path
    note_work("worker@here", now - timedelta(seconds=91))
    (tmp_path / LAST_BACKUP).write_text(json.dumps({"finished_at": (now - timedelta(hours=27)).isoformat()}))
    found = status_for(admin, now=now)
    assert (found.worker_is_well, found.backup_is_well) == (False, False)
    assert status_for(admin, now=now - timedelta(hours=2)).backup_is_well
    assert found.age_s(now + timedelta(seconds=9)) == 0


def test_each_worker_is_shown_and_one_that_went_silent_is_not_well(admin, page, settings, now):
    note_work("worker@here", now - timedelta(seconds=20))
    note_life("worker@there", now - timedelta(seconds=30))
    assert status_for(admin, now=now).workers_are_well
    note_life("worker@there", now - timedelta(seconds=91))
    found = status_for(admin, now=now)
    assert (found.worker_is_well, found.workers_are_well) == (True, False)
    assert [(worker.name, worker.is_well) for worker in found.workers] == [("worker@here", True), ("worker@there", False)]
    shown = page()
    assert "worker@there: last sign of life" in shown
    assert shown.count("Silent.") == 1
    # One that ends in order is not missed; one that was cut off is forgotten after a day.
    note_end("worker@here")
    forget_gone_workers(now + timedelta(hours=23))
    assert [worker.name for worker in status_for(admin, now=now).workers] == ["worker@there"]
    forget_gone_workers(now + timedelta(hours=25))
    assert (status_for(admin, now=now).workers, status_for(admin, now=now).workers_are_well) == ([], False)


def test_failed_report_is_among_the_failed_jobs_with_its_week_cause_and_retry(page, trial, setup_actor, now):
    Job.objects.filter(trial=trial).delete()
    cause = "2026-W46: Making it broke off. The worker's log says why."
    job = Job.objects.create(kind="report", trial=trial, state="failed", requested_by=setup_actor, failure=cause, finished_at=now)
    shown = page().replace("&#x27;", "'")
    assert "Make weekly reports" in shown
    assert cause in shown
    assert f'action="/status/jobs/{job.pk}/retry/"' in shown


def test_job_that_nobody_begins_is_not_well(admin, page, trial, setup_actor, now):
    Job.objects.filter(trial=trial).delete()
    waits = Job.objects.create(kind="refresh", trial=trial, requested_by=setup_actor)
    Job.objects.filter(pk=waits.pk).update(created_at=now - timedelta(seconds=300))
    assert status_for(admin, now=now).queue_is_well
    Job.objects.filter(pk=waits.pk).update(created_at=now - timedelta(seconds=301))
    found = status_for(admin, now=now)
    assert (found.queue_is_well, found.age_s(found.waiting_since)) == (False, 301)
    assert "1 waiting, 0 running, 0 done, 0 failed." in page()
    assert "The oldest waits since" in page()


def test_disk_without_room_is_not_well(admin, settings, now):
    free = status_for(admin, now=now).disk_free
    settings.DISK_LOW_BYTES = free // 2
    assert status_for(admin, now=now).disk_is_well
    settings.DISK_LOW_BYTES = free * 2
    assert not status_for(admin, now=now).disk_is_well


def test_page_says_which_release_answers(page, settings):
    assert f"Release {settings.VERSION}, as of" in page()


def test_failed_job_is_shown_with_its_cause_and_done_again(page, client, failed_job, admin):
    assert "The disk is full." in page()
    with mock.patch.object(jobs, "announce") as announced, mock.patch.object(jobs.transaction, "on_commit", side_effect=lambda act: act()):
        answer = client.post(f"/status/jobs/{failed_job.pk}/retry/", follow=True)
    assert "The job waits to be done again." in answer.content.decode()
    announced.assert_called_once_with(failed_job.pk)
    failed_job.refresh_from_db()
    assert (failed_job.state, failed_job.attempts, failed_job.failure, failed_job.requested_by_id) == ("queued", 0, "", admin.pk)
    assert "The disk is full." not in page()


def test_failed_job_whose_work_a_later_one_does_is_not_shown(page, failed_job, trial, setup_actor):
    Job.objects.create(kind="refresh", trial=trial, state="done", requested_by=setup_actor)
    assert "The disk is full." not in page()


def test_job_that_waits_or_whose_work_waits_is_not_queued_twice(failed_job, trial, setup_actor, admin):
    Job.objects.create(kind="refresh", trial=trial, state="queued", requested_by=setup_actor)
    with pytest.raises(Conflict, match="waits already"):
        jobs.retry_job(failed_job.pk, by=admin)
    Job.objects.filter(pk=failed_job.pk).update(state="done")
    with pytest.raises(Conflict, match="not a failed one"):
        jobs.retry_job(failed_job.pk, by=admin)


def test_nobody_but_an_administrator_sees_it_or_tries_again(client, alice, failed_job, now):
    client.force_login(alice, backend=BACKEND)
    assert client.get("/status/").status_code == 403
    assert "/status/" not in client.get("/account/").content.decode()
    with pytest.raises(NotAllowed):
        jobs.retry_job(failed_job.pk, by=alice)


def test_administrator_finds_the_page(client, admin):
    client.force_login(admin, backend=BACKEND)
    assert 'href="/status/"' in client.get("/account/").content.decode()


def test_sweep_that_is_not_known_is_none(tmp_path: Path):
    cache.clear()
    assert swept_at() is None
    with mock.patch.object(cache, "get", side_effect=OSError), mock.patch.object(cache, "set", side_effect=OSError):
        note_sweep(timezone.now())
        assert swept_at() is None
