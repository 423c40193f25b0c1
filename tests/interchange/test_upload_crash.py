"""A worker that is killed while it imports an upload leaves all of it or nothing, and the next one finishes it once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from registry.interchange.upload_jobs import import_upload
from registry.models import ActLog, Enrolment, Job, PainScore, Trial, TrialUpload, User
from registry.outcomes import jobs
from registry.outcomes.locks import job_lock, lock_if_free
from registry.services.uploads import Arrived, confirm_upload, receive_upload
from registry.tasks import OTHER_WORK
from registry.vocabulary import Act, JobState, UploadState
from tests.cluster import ROOT
from tests.interchange.folders import PATIENTS, SCORES, TRIAL
from tests.web.uploading import work, zipped_folder

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def sent(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Use a data directory of the test's own; collect what would be sent to the broker."""
    from registry.services import jobs as asking

    found: list[int] = []
    settings.DATA = tmp_path / "data"
    for module in (jobs, asking):
        monkeypatch.setattr(module, "announce", found.append)
    return found


@pytest.fixture
def confirmed(sent: list[int], admin: User, tmp_path: Path) -> TrialUpload:
    """An upload that was checked and confirmed, and waits for a worker."""
    zipped = tmp_path / "calm.zip"
    zipped.write_bytes(zipped_folder(tmp_path / "folder", TRIAL.split("[plan]")[0], patients=PATIENTS, pain_scores=SCORES))
    person = User.objects.get(pk=admin.pk)
    upload = receive_upload(Arrived(zipped, "calm.zip", "calm-m1", concealed=False), by=person, now=timezone.now())
    work()
    confirm_upload(upload, reason="brought over from the old registry", by=person)
    sent.clear()
    upload.refresh_from_db()
    return upload


def start_worker(job: int, data: Path) -> subprocess.Popen[bytes]:
    """Run one job in a process of its own, as the worker."""
    program = (
        "import django; django.setup(); from pathlib import Path; from django.conf import settings; "
        f"settings.DATA = Path({str(data)!r}); from registry.tasks import run_job; run_job({job})"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "RTMS_DB_ROLE": "worker"}
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_stuck_at(superuser: Any, table: str) -> bool:
    """Tell whether somebody waits for a table."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
    return bool(superuser.execute(waiting, [table]).fetchone()[0])


def is_free(job: int) -> bool:
    with lock_if_free(job_lock(job)) as free:
        return free


def test_a_worker_killed_in_the_middle_of_an_import_leaves_nothing_and_another_finishes_it(
    confirmed: TrialUpload, settings: Any, owner_connection: Any, sent: list[int]
) -> None:
    job = confirmed.job_id
    assert job is not None
    # Whoever holds this table stops the worker when everything is written and nothing committed.
    with owner_connection.transaction():
        owner_connection.execute("LOCK TABLE registry_stalemark IN ACCESS EXCLUSIVE MODE")
        worker = start_worker(job, Path(settings.DATA))
        wait_for(lambda: is_stuck_at(owner_connection, "registry_stalemark"))
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(timeout=30)
    wait_for(lambda: is_free(job))
    confirmed.refresh_from_db()
    assert (confirmed.state, Job.objects.get(pk=job).state) == (UploadState.IMPORTING, JobState.RUNNING)
    assert (Trial.objects.count(), Enrolment.objects.count()) == (0, 0)
    jobs.sweep(timezone.now())
    assert job in sent
    for _ in range(2):
        jobs.run_job(job, OTHER_WORK)
    confirmed.refresh_from_db()
    assert (confirmed.state, Job.objects.get(pk=job).state, Job.objects.get(pk=job).attempts) == (UploadState.IMPORTED, JobState.DONE, 2)
    assert (Enrolment.objects.count(), PainScore.objects.count(), ActLog.objects.filter(act=Act.IMPORT).count()) == (2, 3, 1)
    assert not list((Path(settings.DATA) / "uploads").rglob("*.zip"))


def test_a_worker_killed_just_after_it_committed_is_not_done_again(confirmed: TrialUpload, sent: list[int]) -> None:
    job = Job.objects.get(pk=confirmed.job_id)
    import_upload(job)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    jobs.run_job(job.pk, OTHER_WORK)
    job.refresh_from_db()
    confirmed.refresh_from_db()
    assert (job.state, confirmed.state) == (JobState.DONE, UploadState.IMPORTED)
    assert [table["new"] for table in confirmed.counts] == [7, 2, 3]
    assert ActLog.objects.filter(act=Act.IMPORT).count() == 1


def test_two_workers_at_one_upload_import_it_once(confirmed: TrialUpload, sent: list[int]) -> None:
    """One that lost its lock without noticing finds at the end that the other was faster."""
    from registry.interchange.upload_jobs import UploadRun

    late = UploadRun(TrialUpload.objects.select_related("uploaded_by").get(pk=confirmed.pk), timezone.now(), dry_run=False)
    path = late.directory / "folder.zip"
    kept = path.read_bytes()
    import_upload(Job.objects.get(pk=confirmed.job_id))
    path.parent.mkdir(mode=0o700)
    path.write_bytes(kept)
    late.run()
    confirmed.refresh_from_db()
    assert confirmed.state == UploadState.IMPORTED
    assert ActLog.objects.filter(act=Act.IMPORT).count() == 1
