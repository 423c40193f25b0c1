"""Bringing folders to the upload pages in tests: zips, clients that post them, and a worker that is called by hand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from registry.models import Job, TrialUpload
from registry.outcomes import jobs
from registry.tasks import OTHER_WORK
from registry.vocabulary import JobKind, JobState
from tests.interchange import folders

FILE_KINDS = (JobKind.CHECK_UPLOAD, JobKind.IMPORT_UPLOAD, JobKind.EXPORT)


def zip_bytes(files: dict[str, str | bytes], inside: str = "") -> bytes:
    """Return a zip of files by name, in a directory of the zip if one is named."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{inside}{name}", content)
    return stream.getvalue()


def zipped_folder(folder: Path, trial: str = folders.TRIAL, **tables: list[folders.Row]) -> bytes:
    """Return a trial folder as a zip."""
    return zip_bytes(dict(folders.contents(folders.write_folder(folder, trial, **tables))), "calm/")


def bring(client: Client, address: str, content: bytes, name: str = "calm.zip") -> Any:
    """Post a file to a page."""
    return client.post(address, {"folder": SimpleUploadedFile(name, content, "application/zip")})


def work() -> None:
    """Do every waiting job that is about files, as a worker would."""
    for job in Job.objects.filter(state=JobState.QUEUED, kind__in=FILE_KINDS).order_by("pk"):
        jobs.run_job(job.pk, OTHER_WORK)


def last_upload() -> TrialUpload:
    """Return the upload that came last."""
    return TrialUpload.objects.latest("pk")
