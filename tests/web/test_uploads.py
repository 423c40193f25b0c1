"""A trial folder by the browser: received privately, checked, confirmed, imported; and everything that ends otherwise."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import Client
from django.utils import timezone

from registry import upload_files
from registry.interchange import upload_jobs
from registry.models import (
    ActLog,
    Change,
    CharterLook,
    Enrolment,
    Job,
    Membership,
    PainScore,
    Patient,
    Trial,
    TrialExport,
    TrialUpload,
    User,
)
from registry.services.auditing import audited
from registry.services.exports import tidy_exports
from registry.services.scores import Reason, correct_score
from registry.services.uploads import discard_upload, tidy_uploads
from registry.tasks import sweep
from registry.vocabulary import Act, ExportState, JobState, UploadState
from tests.contracts.scene import add_person
from tests.interchange.folders import ALLOCATIONS, ARMS, PATIENTS, SCORES, TRIAL
from tests.web.conftest import Signed
from tests.web.uploading import bring, last_upload, work, zip_bytes, zipped_folder

pytestmark = pytest.mark.usefixtures("committed_db")
NEW = "/t/upload/"
WHY = "brought over from the old registry"
WORSE = [{"patient": "P-01", "visit": "BL", "value": "17"}, {"patient": "P-77", "visit": "W4", "value": "3"}]


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a data directory of the test's own, and no broker."""
    from registry.outcomes import jobs
    from registry.services import jobs as asking

    settings.DATA = tmp_path / "data"
    for module in (jobs, asking):
        monkeypatch.setattr(module, "announce", lambda job_id: None)
    return tmp_path / "data"


@pytest.fixture
def administrator(admin: Any, signed_in: Signed) -> Client:
    return signed_in(admin)


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    """A whole trial without arms."""
    trial = TRIAL.split("[plan]")[0]
    return zipped_folder(tmp_path / "folder", trial, patients=PATIENTS, pain_scores=SCORES)


def page_of(client: Client) -> str:
    return client.get(f"/uploads/{last_upload().uuid}/").content.decode()


def confirm(client: Client, reason: str = WHY) -> Any:
    return client.post(f"/uploads/{last_upload().uuid}/confirm/", {"reason": reason})


def files_in(data: Path) -> set[str]:
    return {path.name for path in (data / "uploads").rglob("*") if path.is_file()}


def test_a_folder_is_checked_confirmed_and_imported(administrator: Client, admin: Any, folder: bytes, data: Path) -> None:
    answer = bring(administrator, NEW, folder, "old registry.zip")
    upload = last_upload()
    assert (answer.status_code, answer["Location"]) == (303, f"/uploads/{upload.uuid}/")
    assert upload.sha256 == hashlib.sha256(folder).hexdigest()
    assert "Waiting for the worker" in page_of(administrator)
    work()
    assert last_upload().state == UploadState.CHECKED
    assert not Trial.objects.exists()
    page = page_of(administrator)
    assert "No problems: " in page
    assert "A new trial will be made, calm-m1" in page
    assert confirm(administrator, "short").status_code == 400
    assert confirm(administrator).status_code == 303
    assert "Being imported" in page_of(administrator)
    work()
    upload = last_upload()
    assert (upload.state, upload.trial.slug, upload.reason) == (UploadState.IMPORTED, "calm-m1", WHY)  # type: ignore[union-attr]
    assert (Enrolment.objects.count(), PainScore.objects.count()) == (2, 3)
    assert "See the patients" in page_of(administrator)
    assert Change.objects.filter(reason=WHY, actor=admin).count() == 1
    assert ActLog.objects.filter(act=Act.IMPORT, actor=admin).count() == 1
    assert files_in(data) == set()


def test_a_look_comes_with_the_reason_of_the_confirmation(administrator: Client, folder: bytes, tmp_path: Path) -> None:
    """The check asks for no reason: it is given once one has seen what the folder would change."""
    bring(administrator, NEW, folder)
    work()
    confirm(administrator)
    work()
    look = '\n[[looks]]\ncode = "interim1"\nplanned_on = 2027-01-01\n'
    bring(administrator, NEW, zipped_folder(tmp_path / "look", TRIAL.split("[plan]")[0] + look, patients=PATIENTS, pain_scores=SCORES))
    work()
    assert last_upload().state == UploadState.CHECKED
    confirm(administrator)
    work()
    assert last_upload().state == UploadState.IMPORTED
    assert [event.change.reason for event in cast("Any", CharterLook.objects.get()).history.all()] == [WHY]


def test_files_lie_for_their_owner_alone_and_no_page_hands_them_out(administrator: Client, folder: bytes, data: Path) -> None:
    bring(administrator, NEW, folder)
    work()
    kept = list((data / "uploads").rglob("*"))
    assert {path.name for path in kept if path.is_file()} == {"folder.zip", "report.json", "problems.csv"}
    assert {path.stat().st_mode & 0o777 for path in kept if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in kept if path.is_dir()} == {0o700}
    for name in ("folder.zip", "report.json", "../folder.zip"):
        assert administrator.get(f"/uploads/{last_upload().uuid}/{name}").status_code == 404


def test_a_folder_with_errors_is_refused_with_each_cell(administrator: Client, folder: bytes, tmp_path: Path, data: Path) -> None:
    bad = zipped_folder(tmp_path / "bad", TRIAL.split("[plan]")[0], patients=PATIENTS, pain_scores=WORSE * 40)
    bring(administrator, NEW, bad)
    work()
    assert last_upload().state == UploadState.REFUSED
    page = page_of(administrator)
    assert "problems: nothing was imported" in page
    assert "is more than 10" in page or "10" in page
    assert "1 to 50 of" in page
    listed = list(csv.DictReader(io.StringIO(b"".join(administrator.get(f"/uploads/{last_upload().uuid}/problems.csv")).decode())))
    assert listed[0]["file"] == "pain_scores.csv"
    assert (listed[0]["line"], listed[0]["column"], listed[0]["value"]) == ("2", "value", "17")
    assert len(listed) > 50
    assert confirm(administrator).status_code == 409
    assert not Trial.objects.exists()
    assert "folder.zip" not in files_in(data)


def test_cells_of_the_problem_list_are_no_formulas(administrator: Client, tmp_path: Path) -> None:
    patients = [{"patient": "=1+1", "site": "N"}]
    bring(administrator, NEW, zipped_folder(tmp_path / "f", TRIAL.split("[plan]")[0], patients=patients))
    work()
    text = b"".join(administrator.get(f"/uploads/{last_upload().uuid}/problems.csv")).decode()
    assert "'=1+1" in text
    assert ",=1+1" not in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK not a zip at all", "neither a directory nor a zip"),
        (zip_bytes({"../../etc/passwd": "x"}), "leads out of it"),
        (zip_bytes({"pain_scores.csv": b"0" * 30_000_000}), "200 times its size"),
        (zip_bytes({f"{n}.csv": "x" for n in range(101)}), "holds 101 files"),
        (zip_bytes({"trial.toml": "x" * 3_000_000}), "more than 2 MB"),
    ],
    ids=["no zip", "path", "bomb", "many files", "large trial.toml"],
)
def test_what_cannot_be_a_folder_is_told_at_once(administrator: Client, data: Path, content: bytes, said: str) -> None:
    answer = bring(administrator, NEW, content)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not TrialUpload.objects.exists()
    assert files_in(data) == set()


def test_nothing_chosen_and_nothing_in_it_are_told(administrator: Client) -> None:
    assert "Choose a file." in administrator.post(NEW, {}).content.decode()
    assert "The file is empty" in bring(administrator, NEW, b"").content.decode()


def test_a_file_beyond_the_limit_is_cut_off(administrator: Client, settings: Any, data: Path) -> None:
    settings.LARGEST_UPLOAD_BYTES = 1_000_000
    answer = bring(administrator, NEW, bytes(3_000_000))
    assert answer.status_code == 400
    assert "larger than 1 MB" in answer.content.decode()
    assert files_in(data) == set()


def test_a_post_without_the_token_of_the_form_stores_nothing(admin: Any, folder: bytes, data: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert bring(client, NEW, folder).status_code == 403
    token = client.get(NEW).context["csrf_token"]
    answer = client.post(NEW, {"csrfmiddlewaretoken": str(token), "folder": io.BytesIO(folder)})
    assert answer.status_code == 303


def test_masked_people_may_not_bring_arms(trial: Trial, admin: Any, alice: Any, signed_in: Signed, tmp_path: Path, data: Path) -> None:
    address = f"/t/{trial.slug}/data/"
    with_arms = zipped_folder(tmp_path / "arms", patients=PATIENTS, arms=ARMS, allocations=ALLOCATIONS)
    assert signed_in(alice).get(address).status_code == 403
    answer = bring(signed_in(admin), address, with_arms)
    assert answer.status_code == 400
    assert "allocation.manage" in answer.content.decode()
    assert files_in(data) == set()


def test_a_folder_of_another_trial_is_refused_on_a_trials_page(
    trial: Trial, other_trial: Trial, admin: Any, signed_in: Signed, folder: bytes
) -> None:
    answer = bring(signed_in(admin), f"/t/{other_trial.slug}/data/", folder)
    assert "The folder is of the trial &#x27;calm-m1&#x27;" in answer.content.decode()


def test_uploads_with_arms_keep_digest_and_report_from_masked_people(
    administrator: Client, admin: Any, setup_actor: Any, signed_in: Signed, tmp_path: Path
) -> None:
    with_arms = zipped_folder(tmp_path / "arms", patients=PATIENTS, arms=ARMS, allocations=ALLOCATIONS, pain_scores=SCORES)
    bring(administrator, NEW, with_arms)
    upload = last_upload()
    assert (upload.concealed, upload.sha256, upload.size_bytes) == (True, "", None)
    work()
    assert [table["file"] for table in last_upload().counts] == ["trial.toml", "patients.csv", "pain_scores.csv"]
    page = page_of(administrator)
    assert "allocations.csv" in page
    confirm(administrator)
    work()
    assert last_upload().state == UploadState.IMPORTED
    digest = hashlib.sha256(with_arms).hexdigest()
    assert digest in page_of(administrator)  # unmasked now, by the allocations they brought
    manager = add_person("manager", "data_manager", by=setup_actor, trial=Trial.objects.get())
    listed = signed_in(manager).get("/t/calm-m1/data/").content.decode()
    assert "kept closed" in listed
    assert digest not in listed
    assert str(upload.uuid) not in listed
    assert signed_in(manager).get(f"/uploads/{upload.uuid}/").status_code == 404


def test_what_changed_since_the_check_is_shown_again_and_not_written(
    administrator: Client, admin: Any, folder: bytes, tmp_path: Path, now: Any
) -> None:
    bring(administrator, NEW, folder)
    work()
    confirm(administrator)
    work()
    changed = [{**SCORES[0], "value": "8"}, *SCORES[1:]]
    bring(
        administrator, "/t/calm-m1/data/", zipped_folder(tmp_path / "two", TRIAL.split("[plan]")[0], patients=PATIENTS, pain_scores=changed)
    )
    work()
    assert "1 changed" in page_of(administrator)
    confirm(administrator)
    score = PainScore.objects.get(value=6)
    correct_score(score, value=Decimal(5), reason=Reason("typing_error"), by=User.objects.get(pk=admin.pk), now=now)
    work()
    assert last_upload().state == UploadState.CHECKED
    page = page_of(administrator)
    assert "Somebody changed the same records" in page
    assert "2 changed" in page
    assert PainScore.objects.filter(value=8).count() == 0
    confirm(administrator)
    work()
    assert last_upload().state == UploadState.IMPORTED
    assert PainScore.objects.current().filter(value__in=[8, 6]).count() == 2


@pytest.mark.parametrize("table", ["pain_scores", "patients"])
def test_a_record_corrected_by_somebody_else_since_the_check_is_not_written_over(
    administrator: Client, admin: Any, folder: bytes, tmp_path: Path, now: Any, table: str
) -> None:
    bring(administrator, NEW, folder)
    work()
    confirm(administrator)
    work()
    tables = {"patients": PATIENTS, "pain_scores": SCORES}
    tables[table] = [{**tables[table][0], **{"pain_scores": {"value": "8"}, "patients": {"birth_year": "1950"}}[table]}, *tables[table][1:]]
    bring(administrator, "/t/calm-m1/data/", zipped_folder(tmp_path / "two", TRIAL.split("[plan]")[0], **tables))
    work()
    assert "1 changed" in page_of(administrator)
    confirm(administrator)
    colleague = User.objects.get(pk=admin.pk)
    if table == "pain_scores":
        score = PainScore.objects.get(value=7)
        correct_score(score, value=Decimal(5), reason=Reason("typing_error"), by=colleague, now=now)
    else:
        with audited(by=colleague, reason="read again"):
            Patient.objects.filter(enrolments__patient_code=PATIENTS[0]["patient"]).update(birth_year=1951)
    work()
    assert last_upload().state == UploadState.CHECKED
    page = page_of(administrator)
    assert "Somebody changed the same records" in page
    assert "1 changed" in page
    confirm(administrator)
    work()
    assert last_upload().state == UploadState.IMPORTED


def test_a_right_given_up_meanwhile_counts(administrator: Client, admin: Any, folder: bytes, setup_actor: Any) -> None:
    bring(administrator, NEW, folder)
    work()
    confirm(administrator)
    with audited(by=setup_actor, reason="left"):
        Membership.objects.filter(user=admin).update(valid_until=timezone.now().date() - timedelta(days=1))
    work()
    upload = last_upload()
    assert upload.state == UploadState.FAILED
    assert "trial.create" in upload.failure
    assert not Trial.objects.exists()


def test_discarding_removes_the_file(administrator: Client, folder: bytes, data: Path) -> None:
    bring(administrator, NEW, folder)
    answer = administrator.post(f"/uploads/{last_upload().uuid}/discard/")
    assert (answer.status_code, answer["Location"]) == (303, NEW)
    work()
    assert last_upload().state == UploadState.DISCARDED
    assert files_in(data) == set()
    assert administrator.post(f"/uploads/{last_upload().uuid}/discard/").status_code == 409


def test_what_nobody_confirms_goes_after_a_week_and_leftovers_at_once(administrator: Client, folder: bytes, data: Path) -> None:
    bring(administrator, NEW, folder)
    work()
    now = timezone.now()
    tidy_uploads(now + timedelta(days=6))
    assert "folder.zip" in files_in(data)
    (upload_files.arriving() / "left.part").write_text("half a file")
    tidy_uploads(now + timedelta(days=8))
    assert last_upload().state == UploadState.EXPIRED
    assert files_in(data) == set()


def test_what_the_worker_gave_up_goes_after_a_week_too(administrator: Client, folder: bytes, data: Path) -> None:
    bring(administrator, NEW, folder)
    Job.objects.filter(pk=last_upload().job_id).update(state=JobState.FAILED)
    now = timezone.now()
    tidy_uploads(now + timedelta(days=6))
    assert last_upload().state == UploadState.CHECKING
    tidy_uploads(now + timedelta(days=8))
    assert last_upload().state == UploadState.EXPIRED
    assert files_in(data) == set()


def test_a_check_that_ends_after_its_upload_was_discarded_writes_nothing(
    administrator: Client, folder: bytes, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(administrator, NEW, folder)
    checked = upload_jobs.bring_in_folder

    def discarded_meanwhile(*given: Any, **named: Any) -> Any:
        report = checked(*given, **named)
        discard_upload(last_upload(), now=timezone.now())
        return report

    monkeypatch.setattr(upload_jobs, "bring_in_folder", discarded_meanwhile)
    work()
    assert (last_upload().state, files_in(data)) == (UploadState.DISCARDED, set())
    assert last_upload().job.state == JobState.DONE


def test_progress_of_a_concealed_table_is_not_told(administrator: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(upload_jobs, "note_progress", lambda _record, said: told.append(said))
    bring(administrator, NEW, zipped_folder(tmp_path / "arms", patients=PATIENTS, arms=ARMS, allocations=ALLOCATIONS, pain_scores=SCORES))
    work()
    assert {file[0] for said in told for file in said["files"]} == {"trial.toml", "patients.csv", "pain_scores.csv"}


def test_a_file_that_is_gone_is_told(administrator: Client, folder: bytes, data: Path) -> None:
    bring(administrator, NEW, folder)
    upload_files.drop_folder(last_upload().uuid)
    work()
    assert last_upload().state == UploadState.FAILED
    assert "Upload it again" in page_of(administrator)


def test_a_sweep_finds_nothing_to_do(administrator: Client, folder: bytes) -> None:
    bring(administrator, NEW, folder)
    work()
    sweep()
    assert last_upload().state == UploadState.CHECKED


def test_another_persons_upload_is_not_there(administrator: Client, folder: bytes, uma: Any, signed_in: Signed) -> None:
    bring(administrator, "/t/calm-m1/data/", folder)
    for act in ("", "problems.csv"):
        assert signed_in(uma).get(f"/uploads/{last_upload().uuid}/{act}").status_code == 404
    for act in ("confirm/", "discard/"):
        assert signed_in(uma).post(f"/uploads/{last_upload().uuid}/{act}").status_code == 404


def test_failed_work_is_told_and_can_be_tried_again_beside_another(administrator: Client, folder: bytes, admin: Any) -> None:
    bring(administrator, NEW, folder)
    Job.objects.update(state=JobState.FAILED, attempts=5, failure="The computation broke off.", finished_at=timezone.now())
    first = last_upload()
    assert "The work broke off" in page_of(administrator)
    bring(administrator, NEW, folder)
    assert administrator.post(f"/status/jobs/{first.job_id}/retry/").status_code == 302
    work()
    assert set(TrialUpload.objects.values_list("state", flat=True)) == {UploadState.CHECKED}


def test_an_export_is_made_by_the_worker_and_comes_in_again(administrator: Client, folder: bytes, admin: Any, data: Path) -> None:
    bring(administrator, NEW, folder)
    work()
    confirm(administrator)
    work()
    assert administrator.post("/t/calm-m1/data/exports/").status_code == 303
    assert "Being made" in administrator.get("/t/calm-m1/data/").content.decode()
    work()
    page = administrator.get("/t/calm-m1/data/").content.decode()
    link = page.split('href="/exports/')[1].split('"')[0]
    answer = administrator.get(f"/exports/{link}")
    content = b"".join(answer)
    assert "attachment" in answer["Content-Disposition"]
    assert hashlib.sha256(content).hexdigest() in page
    assert {path.name for path in (data / "exports").rglob("*") if path.is_file()} == {"folder.zip", "folder.sha256"}
    assert {path.stat().st_mode & 0o777 for path in (data / "exports").rglob("*.zip")} == {0o600}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.namelist()) == ["calm-m1/pain_scores.csv", "calm-m1/patients.csv", "calm-m1/trial.toml"]
    bring(administrator, "/t/calm-m1/data/", content, "again.zip")
    work()
    assert "0 new, 0 changed" in page_of(administrator)
    assert [entry.detail.get("downloaded", False) for entry in ActLog.objects.filter(act=Act.EXPORT).order_by("pk")] == [False, True]


def test_an_export_is_not_handed_out_under_other_roles_than_it_was_made_under(
    administrator: Client, folder: bytes, admin: Any, setup_actor: Any, data: Path
) -> None:
    bring(administrator, NEW, folder)
    work()
    confirm(administrator)
    work()
    with audited(by=setup_actor, reason="under way"):
        Trial.objects.update(conduct="prospective")
    trial = Trial.objects.get()
    administrator.post("/t/calm-m1/data/exports/")
    work()
    address = f"/exports/{TrialExport.objects.get().uuid}/folder.zip"
    assert administrator.get(address).status_code == 200

    def changed(reason: str, change: Any) -> Any:
        with audited(by=setup_actor, reason=reason):
            change()
        return administrator.get(address)

    role = Membership.objects.get(user=admin, trial=trial, role="data_manager")
    for narrower in ({"role": "researcher"}, {"role": "researcher", "site": trial.sites.get(code="N")}):
        answer = changed("another role", lambda values=narrower: Membership.objects.filter(pk=role.pk).update(**values))
        assert answer.status_code == 409
        assert "Make it again." in answer.content.decode()
    again = changed("as before", lambda: Membership.objects.filter(pk=role.pk).update(role="data_manager", site=None))
    assert again.status_code == 200
    pooled = changed("shown to all", lambda: Trial.objects.update(pooled_efficacy=True))
    assert pooled.status_code == 409
    changed("as before", lambda: Trial.objects.update(pooled_efficacy=False))
    with audited(by=setup_actor, reason="made by an older version"):
        TrialExport.objects.update(made_under="")
    assert administrator.get(address).status_code == 409
    assert ActLog.objects.filter(act=Act.EXPORT, detail__downloaded=True).count() == 3


def test_one_person_cannot_fill_the_disk(administrator: Client, folder: bytes, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.services.uploads.MOST_WAITING", 1)
    bring(administrator, NEW, folder)
    assert "1 of your uploads wait already" in bring(administrator, NEW, folder).content.decode()
    administrator.post(f"/uploads/{last_upload().uuid}/discard/")
    settings.DISK_LOW_BYTES = 10**18
    assert "disk is nearly full" in bring(administrator, NEW, folder).content.decode()
    assert TrialUpload.objects.count() == 1


def test_exports_go_after_a_week(administrator: Client, trial: Trial, alice: Any, data: Path) -> None:
    export = TrialExport.objects.create(trial=trial, requested_by=alice, requested_at=timezone.now(), state=ExportState.READY)
    export.refresh_from_db()
    path = upload_files.zip_of_export(export.uuid)
    upload_files.private(upload_files.exports() / str(export.uuid))
    path.write_bytes(b"zip")
    tidy_exports(timezone.now() + timedelta(days=6))
    assert path.exists()
    tidy_exports(timezone.now() + timedelta(days=8))
    assert not path.exists()
    assert TrialExport.objects.get().state == ExportState.EXPIRED


def test_tidying_makes_no_directory(administrator: Client, data: Path) -> None:
    tidy_uploads(timezone.now())
    tidy_exports(timezone.now())
    assert not data.exists()
