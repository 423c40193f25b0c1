"""Making a trial folder to take away, as a job of the worker: the command's own export, packed."""

from __future__ import annotations

import zipfile
from pathlib import Path

from django.utils import timezone

from registry import upload_files
from registry.exceptions import RegistryError
from registry.interchange.exporter import ExportedFile, take_out
from registry.interchange.trial_folder import CONCEALED_FILES
from registry.models import Job, TrialExport
from registry.roles import Permission
from registry.services.exports import finish_export, rights_digest
from registry.vocabulary import ExportState

# The earliest instant a zip can hold: equal records give equal bytes.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def make_export(job: Job) -> None:
    """Make the zip the job is for, unless that was done."""
    export = TrialExport.objects.select_related("trial", "requested_by").filter(job=job, state=ExportState.MAKING).first()
    if export is None:
        return
    directory = upload_files.private(upload_files.exports() / str(export.uuid))
    folder = directory / "folder"
    upload_files.drop(folder)
    # Taken before anything is read, from the memberships that decide what is: who may see more or less later makes another one.
    made_under = rights_digest(export.requested_by, export.trial)
    try:
        if export.concealed:
            export.requested_by.check_can(Permission.ALLOCATION_REVEAL, trial=export.trial)
        files = take_out(export.trial.slug, folder, by=export.requested_by, with_allocations=export.concealed)
    except RegistryError as error:
        finish_export(export, ExportState.FAILED, failure=error.sentence, finished_at=timezone.now())
        return
    pack(folder, upload_files.zip_of_export(export.uuid), export.trial.slug)
    upload_files.drop(folder)
    finish_export(export, ExportState.READY, made_under=made_under, files=open_files(files), finished_at=timezone.now())


def pack(folder: Path, target: Path, name: str) -> None:
    """Pack a folder's files into a zip for its owner alone, which appears whole; `name` is its one directory."""
    unfinished = target.with_suffix(".new")
    with open(unfinished, "wb", opener=upload_files.for_owner) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            member = zipfile.ZipInfo(f"{name}/{path.name}", NO_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o600 << 16
            with path.open("rb") as source, archive.open(member, "w", force_zip64=True) as packed:
                while part := source.read(1 << 20):
                    packed.write(part)
    unfinished.rename(target)
    upload_files.keep_digest(target)


def open_files(files: list[ExportedFile]) -> list[list[object]]:
    """Return names and rows of the files that tell no arm."""
    return [[file.name, file.rows] for file in files if file.name not in CONCEALED_FILES]
