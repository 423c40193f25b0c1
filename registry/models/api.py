"""The REST door's own tables: personal tokens, when they were last used, and answers kept for requests that may come twice."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.db.models.functions import Now

from registry.models.accounts import User
from registry.models.columns import NewUuid, word_column
from registry.models.history import tracked
from registry.models.trials import Trial
from registry.vocabulary import TokenScope


@tracked()
class ApiToken(models.Model):
    """A personal token for scripts, kept as knox's hash of it alone. It ends on its day, when revoked, or with its person's rights.

    Without a trial it reaches as far as the person does.
    """

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    user = models.ForeignKey(User, models.PROTECT, related_name="api_tokens")
    trial = models.ForeignKey(Trial, models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=80)
    scope = word_column(TokenScope, default=TokenScope.READ)
    digest = models.CharField(max_length=128, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="api_token_named", condition=~models.Q(name="")),
            models.CheckConstraint(name="api_token_expires", condition=models.Q(expires_at__gt=models.F("created_at"))),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def last_day(self) -> date:
        """Return the last UTC day on which it holds."""
        return self.expires_at.date() - timedelta(days=1)


class ApiTokenUse(models.Model):
    """The last day on which a token opened the door; apart from the token, for using one is no change of it."""

    token = models.OneToOneField(ApiToken, models.CASCADE, primary_key=True, related_name="use")
    last_used_on = models.DateField()


class IdempotentAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, written in the transaction of its work and kept for a day."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotent_answer_key")]
        indexes = [models.Index(fields=["expires_at"], name="idempotent_answer_expiry")]
