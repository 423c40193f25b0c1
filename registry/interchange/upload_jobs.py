"""Checking and importing what was uploaded, as jobs of the worker: the command's own import, with a dry run before it.

An import that was done is marked so in its own transaction, so a worker that is killed leaves all of it or nothing, and the next
one finds which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from registry import upload_files
from registry.closed_room import CLOSED_ALIAS
from registry.exceptions import ImportRefused, RegistryError
from registry.interchange.import_report import ImportReport
from registry.interchange.importer import bring_in_folder
from registry.interchange.newer_changes import overwrites_newer, seen_by_now
from registry.interchange.progress import FileProgress, Progress
from registry.interchange.trial_folder import BY_PAGE, CONCEALED_FILES, open_folder
from registry.marks import note_progress
from registry.models import Job, Trial, TrialUpload
from registry.services.uploads import move
from registry.vocabulary import UploadState


def check_upload(job: Job) -> None:
    """Do the dry run of the upload the job is for, and keep what it found."""
    upload = _of(job, UploadState.CHECKING)
    if upload is not None:
        UploadRun(upload, timezone.now(), dry_run=True).run()


def import_upload(job: Job) -> None:
    """Import the upload the job is for, if the registry still answers as it did when its person confirmed."""
    upload = _of(job, UploadState.IMPORTING)
    if upload is not None:
        UploadRun(upload, timezone.now(), dry_run=False).run()


def _of(job: Job, state: UploadState) -> TrialUpload | None:
    """Return the job's upload where its work is not done yet; a person may have discarded it, or a killed worker finished."""
    return TrialUpload.objects.select_related("uploaded_by", "trial").filter(job=job, state=state).first()


@dataclass
class UploadRun:
    """One check or import of an upload."""

    upload: TrialUpload
    now: datetime
    dry_run: bool
    disagrees: bool = False
    seen: str = ""

    @property
    def directory(self) -> Path:
        """Return where the upload's files lie."""
        return upload_files.uploads() / str(self.upload.uuid)

    @property
    def _using(self) -> str:
        """Return the alias the import writes through."""
        return CLOSED_ALIAS if self.upload.concealed else "default"

    def run(self) -> None:
        """Read the folder and leave the upload in the state that follows from it."""
        path = self.directory / upload_files.FOLDER
        try:
            if not path.exists():
                raise ImportRefused("The uploaded file is not in the data directory of this worker any more. Upload it again.")
            report = self._bring_in(path)
        except RegistryError as error:
            self._fail(error.sentence)
            return
        if report.imported:
            upload_files.drop(self.directory)
        else:
            self._keep(report)

    def _bring_in(self, path: Path) -> ImportReport:
        progress = Progress(self._tell)
        with open_folder(path, name=Path(self.upload.file_name).stem, limits=BY_PAGE, progress=progress) as folder:
            if folder.is_concealed != self.upload.concealed or folder.slug()[:40] != self.upload.slug:
                raise ImportRefused("The uploaded file is not the one that was received. Upload it again.")
            self.seen = seen_by_now(self._using)
            return bring_in_folder(
                folder, by=self.upload.uploaded_by, now=self.now, reason=self.upload.reason, dry_run=self.dry_run, settle=self._settle
            )

    def _settle(self, report: ImportReport) -> bool:
        """Mark the upload as imported in the transaction of the import, unless something changed since it was confirmed."""
        confirmed = upload_files.read_report(self.upload.uuid) or {}
        self.disagrees = confirmed.get("tables") != report.as_dict()["tables"]
        if report.corrected and not self.disagrees:
            self.disagrees = "seen" not in confirmed or overwrites_newer(confirmed["seen"], self._using)
        trial = Trial.objects.get(slug=report.trial)
        return not self.disagrees and move(
            self.upload, UploadState.IMPORTED, trial_id=trial.pk, counts=open_counts(report), finished_at=self.now
        )

    def _keep(self, report: ImportReport) -> None:
        """Keep the report beside the file; where nothing is wrong the file waits for its person's word."""
        found = {name: value for name, value in report.as_dict().items() if name != "problems"}
        kept = {**found, "changed": self.disagrees, "corrected": report.corrected, "kept_problems": len(report.problems), "seen": self.seen}
        state = UploadState.REFUSED if report.problem_count else UploadState.CHECKED
        with transaction.atomic():
            # The row is held while the report is written: whoever discards the upload waits, or did so before.
            if not move(self.upload, state, counts=open_counts(report), finished_at=self.now if report.problem_count else None):
                return
            upload_files.write_report(self.directory, kept, report.problems)
        if report.problem_count:
            upload_files.drop_folder(self.upload.uuid)

    def _fail(self, sentence: str) -> None:
        """Keep why the file could not be read; beside it where the sentence may tell what is concealed."""
        if self.upload.concealed and self.directory.exists():
            upload_files.write_report(self.directory, {"failure": sentence}, [])
        failure = "" if self.upload.concealed else sentence
        move(self.upload, UploadState.FAILED, failure=failure, finished_at=self.now)
        upload_files.drop_folder(self.upload.uuid)

    def _tell(self, files: Mapping[str, FileProgress]) -> None:
        """Note how far reading is, for whoever looks at the page; how much of a concealed table there is depends on who got what."""
        told = [[name, file.rows, file.read, file.size, file.done] for name, file in files.items() if name not in CONCEALED_FILES]
        note_progress(self.upload.uuid, {"files": told})


def open_counts(report: ImportReport) -> list[dict[str, Any]]:
    """Return the counts of the tables that tell no arm."""
    return [table for table in report.as_dict()["tables"] if table["file"] not in CONCEALED_FILES]
