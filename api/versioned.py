"""Records kept as versions: a list shows the latest version of each, voided ones only where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework import serializers

from api.records import Columns, PatientQuery, Row, Voided, as_expressions
from registry.exceptions import NotFound
from registry.models import Trial, User
from registry.rules.tables.columns import Table


class VersionedQuery(PatientQuery):
    """Lists of dated records."""

    voided = serializers.ChoiceField(
        choices=[("true", "true"), ("any", "any")],
        required=False,
        help_text="`true` lists the voided records, `any` all; left out, those that count (with `changed_since`: all).",
    )
    date_from = serializers.DateField(required=False, help_text="First day.")
    date_to = serializers.DateField(required=False, help_text="Last day.")


class VersionedRecords(Voided):
    """Scores, thresholds, sessions, adverse events: `id` is the record, `version` which of its versions is shown."""

    key = "record"
    order = ("enrolment_id", "pk")
    query_class = VersionedQuery
    # The column of the record's own day.
    day: ClassVar[str]
    # What every version carries.
    of_version: ClassVar[Columns] = {
        "id": "record",
        "version": "version",
        "voided": "voided",
        "written_at": "recorded_at",
        "trial": "enrolment__trial__slug",
        "patient": "enrolment__patient_code",
    }

    def of_person(self, user: User) -> QuerySet[Any]:
        """Return all versions the person may see."""
        raise NotImplementedError

    def visible(self, user: User) -> QuerySet[Any]:
        """Return the latest version of each record: the standing one, or the voided one that no other follows."""
        rows = self.of_person(user)
        later = rows.model._default_manager.filter(record=OuterRef("record"), version__gt=OuterRef("version"))
        return rows.filter(Q(ended_at__isnull=True) | (Q(voided=True) & ~Exists(later)))

    def listed(self, user: User, asked: Row) -> QuerySet[Any]:
        """Return the rows of a list; where only those that count are asked for, the latest versions need no looking for."""
        only_standing = not asked.get("voided") and not asked.get("changed_since")
        rows = self.of_person(user).filter(ended_at__isnull=True) if only_standing else self.visible(user)
        return self.narrowed(rows.filter(voided=True) if asked.get("voided") == "true" else rows, asked)

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep what the query asks for."""
        bounds = {f"{self.day}__gte": asked.get("date_from"), f"{self.day}__lte": asked.get("date_to")}
        wanted = {name: day for name, day in bounds.items() if day is not None}
        return super().narrowed(rows.filter(**wanted) if wanted else rows, asked)

    def changed(self, rows: QuerySet[Any], since: datetime) -> QuerySet[Any]:
        """Keep records whose latest version was written or voided since then."""
        return rows.filter(Q(recorded_at__gte=since) | Q(ended_at__gte=since))

    def write(self, trial: Trial, rows: Sequence[Row], *, by: User, now: datetime) -> int:
        """Record rows, each under its `id`, through the service; return how many were repeats, which change nothing."""
        raise NotImplementedError

    def make(self, trial: Trial, data: Row, *, by: User, now: datetime) -> UUID:
        """Record one row; a repeat changes nothing."""
        record: UUID = data.get("id") or uuid4()
        self.write(trial, [{**data, "id": record}], by=by, now=now)
        return record

    def made(self, user: User, id: UUID | str) -> Row:
        """Return a record as it was added, to the person who sent it, also where their role reads none of its kind."""
        if self.visible(user).filter(record=id).exists():
            return self.record(user, id)
        first: QuerySet[Any] = self.visible(user).model._default_manager.filter(record=id, version=1)
        columns = as_expressions(self.columns(user))
        [row] = self.shown([dict(zip(columns, values, strict=True)) for values in first.values_list(*columns.values())])
        return {**row, "voided": False}

    def version(self, user: User, record: Row) -> Any:
        """Return the version a change was made from; raise NotFound where the person may not see it."""
        found = self.of_person(user).filter(record=record["id"], version=record["version"])
        one = found.select_related("enrolment__trial", "enrolment__site__trial").first()
        if one is None:
            raise NotFound("There is no such record among yours.")
        return one


def typed(table: Table, data: Row) -> Row:
    """Return a row's values with words as words of their vocabulary."""
    return {name: _typed(table, name, value) for name, value in data.items()}


def _typed(table: Table, name: str, value: Any) -> Any:
    words = table.column(name).words
    if words is None or value is None:
        return value
    return tuple(words(word) for word in value) if isinstance(value, list | tuple) else words(value)
