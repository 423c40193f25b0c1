"""Adverse events of one patient: the list, one of them, and its versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from django.db.models import QuerySet

from registry.exceptions import NotFound
from registry.models import AdverseEvent, Enrolment, User
from registry.selectors.free_text import without_hidden_text
from registry.selectors.record_versions import last_versions


def events_of(user: User, enrolment: Enrolment) -> list[AdverseEvent]:
    """Return the last version of each event the person may see, the latest onset first."""
    return _shown(user, last_versions(seen_by(user).filter(enrolment=enrolment)).order_by("-onset_on", "-pk"))


def seen_by(user: User) -> QuerySet[AdverseEvent]:
    """Return the events the person may see."""
    rows = cast("QuerySet[AdverseEvent]", AdverseEvent.objects.visible_to(user))
    return rows.select_related("recorded_by", "enrolment__trial", "enrolment__site")


def event_visible_to(user: User, enrolment: Enrolment, record: UUID) -> AdverseEvent:
    """Return the latest version of one event of the patient; raise NotFound for any other."""
    found = seen_by(user).filter(enrolment=enrolment, record=record).order_by("-version").first()
    if found is None:
        raise NotFound("There is no such event among those you may see.")
    return _shown(user, [found])[0]


def versions_of_event(user: User, event: AdverseEvent) -> list[AdverseEvent]:
    """Return every version, the first one first."""
    return _shown(user, seen_by(user).filter(record=event.record).order_by("version"))


def _shown(user: User, events: Iterable[AdverseEvent]) -> list[AdverseEvent]:
    return without_hidden_text(user, events, lambda event: event.enrolment)
