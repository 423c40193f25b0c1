"""Reading uploads and exports: the lists of a trial, and one's own with all that was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from registry.closed_room import open_closed_room
from registry.exceptions import NotFound
from registry.marks import progress_of
from registry.models import Trial, TrialExport, TrialUpload, User
from registry.roles import Permission
from registry.upload_files import kept_digest, read_report, zip_of_export
from registry.vocabulary import ExportState, JobState, UploadState

SHOWN_UPLOADS = 50
SHOWN_EXPORTS = 10
UNDER_WAY = (UploadState.CHECKING, UploadState.IMPORTING)
# Reading is the larger part of the work; what follows it cannot be counted beforehand.
READING_IS = 90


@dataclass(frozen=True)
class UploadRow:
    """One line of a list: who, when, how far. Another person's file has no name here, and no page."""

    upload: TrialUpload
    by: str
    own: bool
    sha256: str


@dataclass(frozen=True)
class FileLine:
    """How far one file is being read."""

    file: str
    rows: int
    state: str


@dataclass(frozen=True)
class UploadPage:
    """One's own upload. `tables` are the counts of each file, of all files while the report is kept."""

    upload: TrialUpload
    sha256: str
    size: int | None
    report: dict[str, Any] = field(default_factory=dict)
    files: list[FileLine] = field(default_factory=list)
    percent: int | None = None

    @property
    def is_under_way(self) -> bool:
        """Tell whether a worker has it; one that failed for good has not."""
        return self.upload.state in UNDER_WAY and not self.has_given_up

    @property
    def has_given_up(self) -> bool:
        """Tell whether the work broke off and waits for the operator or for its next try."""
        return self.upload.state in UNDER_WAY and self.upload.job is not None and self.upload.job.state == JobState.FAILED

    @property
    def all_read(self) -> bool:
        """Tell whether nothing is left to read."""
        return bool(self.files) and all(line.state == "read" for line in self.files)

    @property
    def tables(self) -> list[dict[str, Any]]:
        """Return the counts of each file."""
        return list(self.report.get("tables", self.upload.counts))

    @property
    def failure(self) -> str:
        """Return why the file could not be read."""
        return self.upload.failure or str(self.report.get("failure", ""))


def uploads_of(trial: Trial, user: User) -> list[UploadRow]:
    """Return what was brought for a trial, the last first; digests of what is concealed for those alone who may know allocations."""
    rows = list(TrialUpload.objects.filter(trial=trial).select_related("uploaded_by").order_by("-uploaded_at", "-pk")[:SHOWN_UPLOADS])
    return _rows(rows, user, closed_facts(trial, user, [row.pk for row in rows if row.concealed]))


def own_uploads(user: User) -> list[UploadRow]:
    """Return what the person brought, the last first."""
    rows = list(TrialUpload.objects.visible_to(user).select_related("uploaded_by", "trial").order_by("-uploaded_at", "-pk")[:SHOWN_UPLOADS])
    return _rows(rows, user, {})


def _rows(rows: Sequence[TrialUpload], user: User, closed: dict[int, tuple[int, str]]) -> list[UploadRow]:
    return [
        UploadRow(row, row.uploaded_by.name, row.uploaded_by_id == user.pk, row.sha256 or closed.get(row.pk, (0, ""))[1]) for row in rows
    ]


def closed_facts(trial: Trial | None, user: User, uploads: Sequence[int]) -> dict[int, tuple[int, str]]:
    """Return size and digest of uploads with concealed tables, nothing where the person may not know allocations."""
    if trial is None or not uploads or not user.can(Permission.ALLOCATION_MANAGE, trial=trial):
        return {}
    with open_closed_room(by=user, permission=Permission.ALLOCATION_MANAGE, trial=trial) as closed, closed.cursor() as cursor:
        cursor.execute("SELECT upload_id, size_bytes, sha256 FROM closed.upload WHERE upload_id = ANY (%s)", [list(uploads)])
        return {upload: (size, digest) for upload, size, digest in cursor.fetchall()}


def upload_visible_to(user: User, record: UUID) -> TrialUpload:
    """Return one of the person's own uploads; raise NotFound for another's, or of a trial that is not theirs any more."""
    upload = TrialUpload.objects.visible_to(user).select_related("trial", "job").filter(uuid=record).first()
    if upload is None or (upload.trial is not None and not Trial.objects.visible_to(user).filter(pk=upload.trial.pk).exists()):
        raise NotFound("There is no such upload among yours.")
    if upload.concealed and upload.trial is not None:
        user.check_can(Permission.ALLOCATION_MANAGE, trial=upload.trial)
    return upload


def upload_page(upload: TrialUpload, user: User) -> UploadPage:
    """Return all that is known of one's own upload."""
    size, digest = closed_facts(upload.trial, user, [upload.pk] if upload.concealed else []).get(upload.pk, (None, ""))
    files = progress_of(upload.uuid).get("files", []) if upload.state in UNDER_WAY else []
    return UploadPage(
        upload=upload,
        sha256=upload.sha256 or digest,
        size=upload.size_bytes or size,
        report=read_report(upload.uuid) or {},
        files=[
            FileLine(name, max(0, rows - 1) if name.endswith(".csv") else rows, _step(read, done)) for name, rows, read, _, done in files
        ],
        percent=_percent(files),
    )


def _step(read: int, done: bool) -> str:
    """Return where a file stands: it waits, is being read, or was read."""
    return "read" if done else "reading" if read else "waiting"


def _percent(files: Sequence[Sequence[Any]]) -> int | None:
    """Return how much of the work is done, in percent; None before it began."""
    total = sum(size for _, _, _, size, _ in files)
    return READING_IS * sum(min(read, size) for _, _, read, size, _ in files) // total if total else None


@dataclass(frozen=True)
class ExportRow:
    """One of the person's exports, with size and digest while the file is there."""

    export: TrialExport
    size: int | None
    sha256: str

    @property
    def is_under_way(self) -> bool:
        """Tell whether it is being made."""
        job = self.export.job
        return self.export.state == ExportState.MAKING and (job is None or job.state != JobState.FAILED)


def exports_of(trial: Trial, user: User) -> list[ExportRow]:
    """Return what the person asked for of a trial, the last first."""
    rows = TrialExport.objects.visible_to(user).filter(trial=trial).select_related("job").order_by("-requested_at", "-pk")[:SHOWN_EXPORTS]
    return [_export_row(row) for row in rows]


def _export_row(export: TrialExport) -> ExportRow:
    path = zip_of_export(export.uuid)
    if export.state != ExportState.READY or not path.exists():
        return ExportRow(export, None, "")
    return ExportRow(export, path.stat().st_size, kept_digest(path))


def export_visible_to(user: User, record: UUID) -> TrialExport:
    """Return one of the person's own exports; raise NotFound for another's."""
    export = TrialExport.objects.visible_to(user).select_related("trial").filter(uuid=record).first()
    if export is None or not Trial.objects.visible_to(user).filter(pk=export.trial_id).exists():
        raise NotFound("There is no such export among yours.")
    return export
