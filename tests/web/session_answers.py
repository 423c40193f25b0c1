"""A patient due for a session today, and the answers of a filled session form."""

from __future__ import annotations

import zoneinfo
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from registry.models import Allocation, Enrolment, MotorThreshold, User
from registry.services.auditing import audited
from tests.registry.services.stimulation_scene import measure, prescribe

PATIENT = "/t/calm-m1/patients/P-0001/"
OPEN = f"{PATIENT}sessions/open/"


def today() -> date:
    """Return the day where the test trial is."""
    return timezone.localdate(timezone=zoneinfo.ZoneInfo("Europe/Berlin"))


def make_due(
    enrolment: Enrolment, by: User, *, threshold_days_ago: int | None = 0, allocated_days_ago: int = 1, **changes: Any
) -> MotorThreshold | None:
    """Allocate the patient, yesterday if not told otherwise, so that session 1 is planned for today, and measure a threshold."""
    prescribe(enrolment.trial, by, **changes)
    with audited(by=by, reason="allocated"):
        Allocation.objects.create(
            enrolment=enrolment,
            treatment=enrolment.trial.treatments.get(code="m1"),
            analysis_site=enrolment.site,
            kit_code="K-3127",
            allocated_on=today() - timedelta(days=allocated_days_ago),
        )
    if threshold_days_ago is None:
        return None
    return measure(enrolment, by, measured_on=today() - timedelta(days=threshold_days_ago))


def six(**changed: Any) -> dict[str, Any]:
    """Return the six answers, changed."""
    given = {"pain_before": "6", "anything_new": "no", "threshold": "last", "given": "plan", "pain_after": "4", "effects": ["none"]}
    return {**given, **changed}
