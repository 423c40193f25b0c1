"""What rows of a patient's file share: each is added, corrected in place, voided and restored by verbs of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import BooleanField, Case, Model, QuerySet, Value, When
from rest_framework import serializers

from api.fields import RowSerializer
from api.records import PatientQuery, Row, Voided
from registry.models import Trial, User
from registry.rules.tables.columns import Table
from registry.selectors.patients import enrolment_visible_to, trial_visible_to
from registry.services.reasons import Reason

ID_HELP = "Identifier of the record, the same for all its versions."
TRIAL_HELP = "Short name of the trial."
VERSION_HELP = "Counts the changes of the record."
VOIDED_HELP = "Whether the record was taken out of use."
VOIDED = Case(When(voided_at__isnull=False, then=Value(True)), default=Value(False), output_field=BooleanField())


class RowOfPatient(RowSerializer):
    """What the shapes of rows that are corrected in place share."""

    id = serializers.UUIDField(read_only=True, help_text=ID_HELP)
    version = serializers.IntegerField(read_only=True, help_text=VERSION_HELP)
    voided = serializers.BooleanField(read_only=True, help_text=VOIDED_HELP)
    trial = serializers.CharField(max_length=40, help_text=TRIAL_HELP)


class FileRowQuery(PatientQuery):
    """Lists of rows that can be voided."""

    voided = serializers.ChoiceField(
        choices=[("true", "true"), ("any", "any")],
        required=False,
        help_text="`true` lists the voided records, `any` all; left out, those that count (with `changed_since`: all).",
    )


def without_voided(rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
    """Keep the rows that count, or the voided ones, or all, as the query asks."""
    if asked.get("voided") == "true":
        return rows.filter(voided_at__isnull=False)
    return rows if asked.get("voided") or asked.get("changed_since") else rows.filter(voided_at__isnull=True)


class FileRows(Voided):
    """Rows of a patient's file. Subclasses name the verbs and the argument by which these take a row."""

    query_class = FileRowQuery
    table: ClassVar[Table]
    model: ClassVar[type[Model]]
    argument: ClassVar[str]
    new: ClassVar[type[Any]]
    verbs: ClassVar[Mapping[str, Callable[..., Any]]]

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep what the query asks for."""
        return super().narrowed(without_voided(rows, asked), asked)

    def make(self, trial: Trial, data: Row, *, by: User, now: datetime) -> UUID:
        """Add a row; raise Conflict where its key is taken, NotFound for a patient the person cannot see."""
        enrolment = enrolment_visible_to(by, trial, data["patient"])
        made = self.verbs["add"](enrolment=enrolment, row=self.new(**data), by=by, now=now)
        return UUID(str(made.uuid))

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Change what the body names."""
        self.act("correct", record, reason, by=by, now=now, changes=data)

    def take_out(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Void the row."""
        self.act("void", record, reason, by=by, now=now)

    def bring_back(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Restore the row."""
        self.act("restore", record, reason, by=by, now=now)

    def act(self, verb: str, record: Row, reason: Reason, *, by: User, now: datetime, **more: Any) -> None:
        """Call a verb on the row of a record the person has been shown."""
        row = self.model._base_manager.get(uuid=record["id"])
        enrolment = enrolment_visible_to(by, trial_visible_to(by, record["trial"]), record["patient"])
        self.verbs[verb](**{self.argument: row}, enrolment=enrolment, reason=reason, by=by, now=now, **more)
