"""Motor thresholds of one patient: the list, one of them, and its versions."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.db.models import QuerySet

from registry.exceptions import NotFound
from registry.models import Enrolment, MotorThreshold, User
from registry.selectors.record_versions import last_versions


def thresholds_of(user: User, enrolment: Enrolment) -> list[MotorThreshold]:
    """Return the last version of each threshold the person may see, the earliest first."""
    rows = last_versions(seen_by(user).filter(enrolment=enrolment))
    return list(rows.order_by("measured_on", "measured_at", "pk"))


def seen_by(user: User) -> QuerySet[MotorThreshold]:
    """Return the thresholds the person may see, with their devices."""
    rows = cast("QuerySet[MotorThreshold]", MotorThreshold.objects.visible_to(user))
    return rows.select_related("coil", "stimulator", "recorded_by", "enrolment__trial", "enrolment__site")


def threshold_visible_to(user: User, enrolment: Enrolment, record: UUID) -> MotorThreshold:
    """Return the latest version of one threshold of the patient; raise NotFound for any other."""
    found = seen_by(user).filter(enrolment=enrolment, record=record).order_by("-version").first()
    if found is None:
        raise NotFound("There is no such threshold among those you may see.")
    return found


def versions_of_threshold(user: User, threshold: MotorThreshold) -> list[MotorThreshold]:
    """Return every version, the first one first."""
    return list(seen_by(user).filter(record=threshold.record).order_by("version"))
