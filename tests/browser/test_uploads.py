"""A trial folder by the browser: refused with its cells, corrected, watched while it is read, confirmed, and its patients seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from registry.marks import note_progress
from registry.models import Enrolment, Trial
from tests.browser.test_every_page import faults_in_every_view
from tests.interchange.folders import PATIENTS, SCORES, TRIAL
from tests.web.uploading import last_upload, work, zipped_folder

FACTS = TRIAL.split("[plan]")[0]
# Other processes keep a loaded machine busy; the page asks every two seconds.
PATIENT_MS = 30_000


@pytest.fixture(autouse=True)
def data(settings, tmp_path, monkeypatch):
    """Use a data directory of the test's own; the worker is called by hand."""
    from registry.services import jobs

    settings.DATA = tmp_path / "data"
    monkeypatch.setattr(jobs, "announce", lambda job_id: None)


@pytest.fixture
def folders(tmp_path):
    """Return the path of a zip with errors, and of the corrected one."""
    wrong = [*SCORES, {"patient": "P-02", "visit": "W4", "value": "17"}]
    found = []
    for name, scores in (("wrong", wrong), ("right", SCORES)):
        path = tmp_path / f"{name}.zip"
        path.write_bytes(zipped_folder(tmp_path / name, FACTS, patients=PATIENTS, pain_scores=scores))
        found.append(path)
    return found


def send(page, path):
    page.get_by_label("Trial folder as a zip").set_input_files(path)
    page.get_by_role("button", name="Upload and check").click()


def test_folder_is_refused_corrected_watched_confirmed_and_its_patients_are_seen(tab, admin, folders):
    opened = tab(admin)
    page = opened.goto("/t/upload/")
    assert faults_in_every_view(page) == []
    opened.collect()
    send(page, folders[0])
    expect(page.get_by_text("Waiting for the worker.")).to_be_visible()
    work()
    expect(page.get_by_role("heading", name="1 problem: nothing was imported")).to_be_visible(timeout=PATIENT_MS)
    row = page.get_by_role("row", name="pain_scores.csv 5 value 17")
    expect(row).to_contain_text("Enter a value from 0 to 10")
    assert faults_in_every_view(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="All as CSV").click()
    assert "pain_scores.csv,5,value,17" in download.value.path().read_text()
    opened.collect()
    page.get_by_role("link", name="Upload the corrected folder").click()
    opened.collect()
    send(page, folders[1])
    progress_is_shown(page)
    work()
    expect(page.get_by_role("heading", name="No problems: ")).to_be_visible(timeout=PATIENT_MS)
    assert faults_in_every_view(page) == []
    opened.collect()
    page.get_by_role("button", name="Import all of it").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why this is imported")
    page.get_by_label("Reason").fill("brought over from the old registry")
    opened.collect()
    page.get_by_role("button", name="Import all of it").click()
    work()
    expect(page.get_by_role("heading", name="Imported: ")).to_be_visible(timeout=PATIENT_MS)
    assert faults_in_every_view(page) == []
    opened.collect()
    page.get_by_role("link", name="See the patients").click()
    expect(page.get_by_role("link", name="P-01")).to_be_visible()


def progress_is_shown(page):
    """See that the page follows a large folder without being reloaded."""
    bar = page.get_by_role("progressbar")
    for read, percent in ((25_000_000, "45"), (45_000_000, "81")):
        files = [["trial.toml", 30, 900, 900, True], ["pain_scores.csv", read // 20 + 1, read, 50_000_000, False]]
        note_progress(last_upload().uuid, {"files": files})
        expect(bar).to_have_attribute("value", percent, timeout=PATIENT_MS)
    expect(page.get_by_role("row", name="pain_scores.csv")).to_contain_text("2\u2009250\u2009000")
    assert faults_in_every_view(page) == []


def test_pages_work_without_javascript(tab, admin, folders):
    page = tab(admin, javascript=False).goto("/t/upload/")
    send(page, folders[1])
    work()
    page.get_by_role("link", name="Reload").click()
    page.get_by_label("Reason").fill("brought over from the old registry")
    page.get_by_role("button", name="Import all of it").click()
    work()
    page.get_by_role("link", name="Reload").click()
    expect(page.get_by_role("heading", name="Imported: ")).to_be_visible()
    assert (Trial.objects.count(), Enrolment.objects.count()) == (1, 2)


def test_a_trials_folder_is_taken_away(tab, admin, folders):
    opened = tab(admin)
    page = opened.goto("/t/upload/")
    send(page, folders[1])
    work()
    page.get_by_label("Reason").fill("brought over from the old registry", timeout=PATIENT_MS)
    opened.collect()
    page.get_by_role("button", name="Import all of it").click()
    expect(page.get_by_text("Being imported")).to_be_visible()
    work()
    page = opened.goto("/t/calm-m1/data/")
    page.get_by_role("button", name="Make a trial folder").click()
    expect(page.get_by_text("Being made")).to_be_visible()
    work()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click(timeout=PATIENT_MS)
    assert download.value.suggested_filename.startswith("calm-m1-")
    assert faults_in_every_view(page) == []
