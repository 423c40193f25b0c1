"""Trial folders on their way in and out by the browser: who brought or asked for which, and how far it is.

The files themselves lie in the data directory (registry.services.upload_files). What a digest or a size could tell of concealed
tables stands in the closed room, or beside the file, and not here.
"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models.functions import Now

from registry.models.accounts import User
from registry.models.columns import NewUuid, word_column
from registry.models.outcomes import Job
from registry.models.trials import Trial
from registry.vocabulary import ExportState, UploadState


class TrialUploadQuerySet(models.QuerySet["TrialUpload"]):
    """Reads of uploads begin here."""

    def visible_to(self, user: User) -> Self:
        """Keep the person's own: what a check tells depends on what its person may see."""
        return self.filter(uploaded_by=user)


class TrialUpload(models.Model):
    """A zip that somebody brought; one that holds concealed tables has its size and digest in `closed.upload`."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(db_default=Now())
    trial = models.ForeignKey(Trial, models.PROTECT, null=True, related_name="uploads")
    slug = models.CharField(max_length=40, blank=True)
    file_name = models.CharField(max_length=200)
    concealed = models.BooleanField(default=False)
    size_bytes = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    state = word_column(UploadState, default=UploadState.CHECKING)
    counts = models.JSONField(default=list)
    reason = models.CharField(max_length=500, blank=True)
    failure = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)

    objects = TrialUploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="upload_concealed_has_no_digest",
                condition=models.Q(concealed=False) | models.Q(sha256="", size_bytes__isnull=True),
            )
        ]
        indexes = [models.Index(fields=["trial", "-uploaded_at"], name="upload_of_trial")]


class TrialExportQuerySet(models.QuerySet["TrialExport"]):
    """Reads of exports begin here."""

    def visible_to(self, user: User) -> Self:
        """Keep the person's own: each holds what its person may see."""
        return self.filter(requested_by=user)


class TrialExport(models.Model):
    """A trial folder that somebody asked for, as a zip to download until it is removed."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    trial = models.ForeignKey(Trial, models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    concealed = models.BooleanField(default=False)
    # A digest of what its person might see when it was made, empty before that.
    made_under = models.CharField(max_length=64, blank=True)
    state = word_column(ExportState, default=ExportState.MAKING)
    files = models.JSONField(default=list)
    failure = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)

    objects = TrialExportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["trial", "-requested_at"], name="export_of_trial")]
