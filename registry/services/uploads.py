"""Trial folders brought by the browser: received, confirmed or discarded here; checked and imported by the worker."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Q

from registry import upload_files
from registry.closed_room import CLOSED_ALIAS, OPEN_ALIAS
from registry.exceptions import Conflict, ImportRefused, InvalidInput, Problem
from registry.models import Trial, TrialUpload, User
from registry.services.import_rights import check_import
from registry.services.jobs import request_own_job
from registry.services.reasons import MINIMUM_REASON
from registry.vocabulary import JobKind, JobState, UploadState

LONGEST_REASON = 500
# A file waits so long for its person's word; what was found in it is kept as long.
KEPT_FOR = timedelta(days=7)
MOST_WAITING = 10
# States in which the file itself is still needed.
NEEDED = (UploadState.CHECKING, UploadState.CHECKED, UploadState.IMPORTING)

# Allowed moves; whoever makes one finds the row in the state before it (compare and set).
MOVES: dict[UploadState, frozenset[UploadState]] = {
    UploadState.CHECKING: frozenset(
        {UploadState.CHECKED, UploadState.REFUSED, UploadState.FAILED, UploadState.DISCARDED, UploadState.EXPIRED}
    ),
    UploadState.CHECKED: frozenset({UploadState.IMPORTING, UploadState.DISCARDED, UploadState.EXPIRED}),
    # Back to where it was checked: the registry changed meanwhile.
    UploadState.IMPORTING: frozenset(
        {UploadState.IMPORTED, UploadState.CHECKED, UploadState.REFUSED, UploadState.FAILED, UploadState.EXPIRED}
    ),
    UploadState.REFUSED: frozenset(),
    UploadState.FAILED: frozenset(),
    UploadState.IMPORTED: frozenset(),
    UploadState.DISCARDED: frozenset(),
    UploadState.EXPIRED: frozenset(),
}


@dataclass(frozen=True)
class Arrived:
    """A file that has arrived: where it lies, what its person calls it, and what a look into it shows."""

    path: Path
    name: str
    slug: str
    concealed: bool


def receive_upload(arrived: Arrived, *, by: User, now: datetime, trial: Trial | None = None) -> TrialUpload:
    """Keep a file and have it checked; `trial` is the one whose page it was brought to.

    Raises NotAllowed without the right to import it, ImportRefused for a folder of another trial.
    """
    if trial is not None and arrived.slug and arrived.slug != trial.slug:
        raise ImportRefused(
            f"The folder is of the trial '{arrived.slug}', and this page is of '{trial.slug}'. Bring it to that trial's page, "
            "or correct slug in trial.toml."
        )
    on_record = trial or Trial.objects.filter(slug=arrived.slug).first()
    check_import(on_record, slug=arrived.slug, concealed=arrived.concealed, by=by)
    _check_room(by)
    size, digest = arrived.path.stat().st_size, upload_files.sha256_of(arrived.path)
    with transaction.atomic(using=CLOSED_ALIAS if arrived.concealed else OPEN_ALIAS):
        upload = _store(arrived, on_record, size, digest, by=by, now=now)
        upload_files.keep(arrived.path, upload.uuid)
    return upload


def _check_room(by: User) -> None:
    """Raise ImportRefused where one more file would be one too many, for the person or for the disk."""
    if TrialUpload.objects.visible_to(by).filter(state__in=NEEDED).count() >= MOST_WAITING:
        raise ImportRefused(f"{MOST_WAITING} of your uploads wait already. Confirm or discard one of them first.")
    if shutil.disk_usage(upload_files.uploads()).free < settings.DISK_LOW_BYTES:
        raise ImportRefused("The registry's disk is nearly full, so the file was not kept. Ask who runs the registry to make room.")


def _store(arrived: Arrived, trial: Trial | None, size: int, digest: str, *, by: User, now: datetime) -> TrialUpload:
    """Store the row and its job; of concealed tables, size and digest go to the closed room."""
    using = CLOSED_ALIAS if arrived.concealed else OPEN_ALIAS
    upload = TrialUpload(
        uploaded_by_id=by.pk,
        uploaded_at=now,
        trial_id=trial.pk if trial else None,
        slug=arrived.slug[:40],
        file_name=arrived.name[:200],
        concealed=arrived.concealed,
        size_bytes=None if arrived.concealed else size,
        sha256="" if arrived.concealed else digest,
        job=request_own_job(JobKind.CHECK_UPLOAD, by=by, using=using),
    )
    upload.save(using=using)
    upload.refresh_from_db(using=using, fields=["uuid"])
    if arrived.concealed:
        with connections[CLOSED_ALIAS].cursor() as cursor:
            cursor.execute("INSERT INTO closed.upload (upload_id, size_bytes, sha256) VALUES (%s, %s, %s)", [upload.pk, size, digest])
    return upload


def move(upload: TrialUpload, to: UploadState, *, using: str | None = None, **changes: object) -> bool:
    """Move an upload if its row is in a state that allows it; tell whether it did."""
    before = [state for state, moves in MOVES.items() if to in moves]
    return bool(TrialUpload.objects.using(using).filter(pk=upload.pk, state__in=before).update(state=to, **changes))


def confirm_upload(upload: TrialUpload, *, reason: str, by: User) -> None:
    """Have a checked upload imported; raise InvalidInput without a reason, Conflict where it does not wait for this word."""
    reason = reason.strip()
    if len(reason) < MINIMUM_REASON:
        message = f"Say why this is imported, in {MINIMUM_REASON} characters or more. It stands in the history."
        raise InvalidInput([Problem("reason", message, "required")])
    check_import(upload.trial, slug=upload.slug, concealed=upload.concealed, by=by)
    with transaction.atomic():
        job = request_own_job(JobKind.IMPORT_UPLOAD, by=by)
        if not move(upload, UploadState.IMPORTING, reason=reason[:LONGEST_REASON], job=job):
            raise Conflict("This upload does not wait for a confirmation any more. Load its page again.")


def discard_upload(upload: TrialUpload, *, now: datetime) -> None:
    """Let an upload go that is not imported; raise Conflict where that is too late."""
    if not move(upload, UploadState.DISCARDED, finished_at=now):
        raise Conflict("This upload is being imported, or is done with. Load its page again.")
    upload_files.drop(upload_files.uploads() / str(upload.uuid))


def tidy_uploads(now: datetime) -> None:
    """Let uploads go whose person never came back, and remove files that nobody needs any more, whoever left them."""
    old = now - KEPT_FOR
    # Where the work itself was given up nobody will move the row on, and the file may hold allocations.
    given_up = Q(state__in=(UploadState.CHECKING, UploadState.IMPORTING), job__state=JobState.FAILED)
    for upload in TrialUpload.objects.filter(Q(state=UploadState.CHECKED) | given_up, uploaded_at__lt=old):
        move(upload, UploadState.EXPIRED, finished_at=now)
    wanted = {str(uuid): state for uuid, state in TrialUpload.objects.filter(uploaded_at__gte=old).values_list("uuid", "state")}
    wanted |= {str(uuid): state for uuid, state in TrialUpload.objects.filter(state__in=NEEDED).values_list("uuid", "state")}
    for directory in upload_files.left_in(upload_files.place_of_uploads()):
        if directory.name != upload_files.ARRIVING:
            _tidy(directory, wanted.get(directory.name), now)
    for file in upload_files.left_in(upload_files.place_of_uploads() / upload_files.ARRIVING):
        if upload_files.age_of(file, now) > timedelta(days=1):
            file.unlink(missing_ok=True)


def _tidy(directory: Path, state: str | None, now: datetime) -> None:
    """Remove a directory nobody needs, or the file in it; a row that is not there may be about to be written."""
    if state in (UploadState.REFUSED, UploadState.FAILED):
        (directory / upload_files.FOLDER).unlink(missing_ok=True)
    elif state not in NEEDED and upload_files.age_of(directory, now) > timedelta(hours=1):
        upload_files.drop(directory)
