"""Adverse events: the rows of adverse_events.csv, each with all its versions behind one id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from api.batches import BatchedRecords, batch_of
from api.fields import RowSerializer, WordField
from api.records import Columns, ReasonSerializer, Row
from api.scores import VersionedSerializer
from api.versioned import VersionedQuery, typed
from registry.models import AdverseEvent, Trial, User
from registry.roles import Permission
from registry.rules.adverse_events import NewAdverseEvent
from registry.rules.tables import stimulation_tables as tables
from registry.selectors.free_text import free_text
from registry.services.adverse_events import (
    correct_adverse_event,
    record_adverse_events,
    restore_adverse_event,
    void_adverse_event,
)
from registry.services.reasons import Reason
from registry.vocabulary import AdverseEventTerm

TEXTS = ("term_text", "note")
SESSION_HELP = "Id of the session it came with; null for an event of no session."


class EventSerializer(VersionedSerializer):
    """An adverse event."""

    table = tables.ADVERSE_EVENTS
    session = serializers.UUIDField(required=False, allow_null=True, default=None, help_text=SESSION_HELP)
    serious = serializers.BooleanField(read_only=True, help_text="Whether a criterion makes it serious.")


class EventRow(EventSerializer):
    """An adverse event in a list of one trial's."""

    trial: Any = None


class EventCorrection(RowSerializer, ReasonSerializer):
    """What of an event is corrected, and why."""

    table = tables.ADVERSE_EVENTS
    without = ("patient",)
    optional = True
    session = serializers.UUIDField(required=False, allow_null=True, help_text=SESSION_HELP)


class EventQuery(VersionedQuery):
    """Lists of adverse events."""

    term = WordField(AdverseEventTerm, required=False, help_text="What happened.")
    serious = serializers.ChoiceField(choices=[("true", "true")], required=False, help_text="`true` keeps serious events.")


class AdverseEvents(BatchedRecords):
    """Adverse events of your patients, solicited after sessions or reported at any time."""

    noun = "adverse event"
    detail_route = "api_adverse_event"
    serializer_class = EventSerializer
    correction_class = EventCorrection
    query_class = EventQuery
    day = "onset_on"
    batch_class = batch_of(EventRow)
    right = right_to_correct = Permission.EVENT_RECORD

    def of_person(self, user: User) -> QuerySet[AdverseEvent]:
        """Return the events the person may see."""
        return AdverseEvent.objects.visible_to(user)

    def columns(self, user: User) -> Columns:
        """Return the columns of adverse_events.csv."""
        return {
            **self.of_version,
            **{name: name for name in tables.ADVERSE_EVENTS.names if name != "patient"},
            **{name: free_text(user, name) for name in TEXTS},
            "session": "session_record",
            "serious": "serious",
        }

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep what the query asks for."""
        rows = rows.filter(term=asked["term"]) if asked.get("term") else rows
        return super().narrowed(rows.filter(serious=True) if asked.get("serious") else rows, asked)

    def write(self, trial: Trial, rows: Sequence[Row], *, by: User, now: datetime) -> int:
        """Record events."""
        return record_adverse_events(trial=trial, rows=[new_event(row) for row in rows], by=by, now=now).repeated

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Write the next version."""
        kept = {name: "" if name in TEXTS and record[name] is None else record[name] for name in tables.ADVERSE_EVENTS.names}
        row = new_event({**kept, **data})
        correct_adverse_event(self.version(by, record), row=row, reason=reason, by=by, now=now)

    def take_out(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Void the event."""
        void_adverse_event(self.version(by, record), reason=reason, by=by, now=now)

    def bring_back(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Restore the event."""
        restore_adverse_event(self.version(by, record), reason=reason, by=by, now=now)


def new_event(data: Row) -> NewAdverseEvent:
    """Return a row as the service takes it; an event with a criterion is a serious one."""
    row = typed(tables.ADVERSE_EVENTS, {name: value for name, value in data.items() if name != "id"})
    criteria = tuple(row.pop("serious_criteria") or ())
    return NewAdverseEvent(**row, serious_criteria=criteria, serious=bool(criteria), record=data.get("id"))
