"""Who changed what and why (Change), what was done without changing (ActLog), and the seals over both."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from registry.vocabulary import Act


class Change(models.Model):
    """One audited transaction: who, when, why. Insert-only; `outside` marks a write that did not come from the application."""

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey("registry.User", models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    job_id = models.BigIntegerField(null=True)
    outside = models.BooleanField(default=False)
    database_role = models.CharField(max_length=63)
    # The transaction the row was made in: a forged change id from another transaction is refused.
    transaction_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="change_has_actor_or_is_outside", condition=models.Q(actor__isnull=False) | models.Q(outside=True)),
        ]
        indexes = [models.Index(fields=["at"], name="change_at")]


class Seal(models.Model):
    """A batch of changes under one hash that chains to the batch before it."""

    number = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField(db_default=Now())
    changes = models.BigIntegerField()
    events = models.BigIntegerField()
    # Table -> the columns its rows had then, in order: what the hash goes over.
    columns = models.JSONField(default=dict)
    previous_hash = models.BinaryField()
    hash = models.BinaryField()


class SealedChange(models.Model):
    """Which seal a change belongs to; 'as of seal N' means all changes with seal <= N."""

    change = models.OneToOneField(Change, models.PROTECT, primary_key=True, related_name="sealed")
    seal = models.ForeignKey(Seal, models.PROTECT, related_name="members")


class ActLog(models.Model):
    """Something a person did that changes no record: signing in, reading an identity, exporting. Insert-only."""

    at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey("registry.User", models.PROTECT, null=True, related_name="+")
    act = models.CharField(max_length=40, choices=Act.choices())
    trial = models.ForeignKey("registry.Trial", models.PROTECT, null=True, related_name="+")
    target = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["actor", "at"], name="actlog_actor_at")]
