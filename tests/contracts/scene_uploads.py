"""The scene's files on their way in and out: one that waits for its person's word, one with arms, one to take away."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connections, transaction

from registry.models import Trial, TrialExport, TrialUpload, User
from registry.vocabulary import ExportState, UploadState

OWN = UUID(int=0xF11E_0001)
WITH_ARMS = UUID(int=0xF11E_0002)
TO_TAKE = UUID(int=0xF11E_0003)
DIGEST = "5d" * 32


def write_uploads(trial: Trial, manager: User, statistician: User, now: datetime) -> None:
    """Store an upload of the data manager's, one with arms of the statistician's, and an export; their files are gone."""
    counts = [
        {
            "file": "patients.csv",
            "rows": 2,
            "new": 0,
            "corrected": 1,
            "unchanged": 1,
            "absent": 14,
            "voided": 0,
            "without_value": 0,
            "problems": 0,
        }
    ]
    common = {"trial_id": trial.pk, "slug": trial.slug, "uploaded_at": now, "file_name": "week 4.zip", "counts": counts}
    TrialUpload.objects.create(uuid=OWN, uploaded_by=manager, sha256="a" * 64, size_bytes=1000, state=UploadState.CHECKED, **common)
    TrialExport.objects.create(uuid=TO_TAKE, trial=trial, requested_by=manager, requested_at=now, state=ExportState.READY)
    with transaction.atomic(using="closed"):
        row = TrialUpload(uuid=WITH_ARMS, uploaded_by_id=statistician.pk, concealed=True, state=UploadState.IMPORTED, **common)
        row.save(using="closed")
        with connections["closed"].cursor() as cursor:
            cursor.execute("INSERT INTO closed.upload (upload_id, size_bytes, sha256) VALUES (%s, 2000, %s)", [row.pk, DIGEST])
