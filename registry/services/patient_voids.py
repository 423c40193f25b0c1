"""Taking a patient entered by mistake out of use, and bringing one back. What was done to a patient is never undone by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db.models import Model

from registry.exceptions import Conflict
from registry.models import (
    AdverseEvent,
    Allocation,
    Enrolment,
    MotorThreshold,
    PainScore,
    SessionDraft,
    StimulationSession,
    User,
)
from registry.roles import Permission
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.services.reasons import Reason
from registry.services.row_sets import check_open
from registry.services.versions import CHANGED_MEANWHILE

ALLOCATED = (
    "This patient is allocated, and an allocation is never undone: whoever was allocated is analysed. "
    "Record how the patient left the trial as a turn of the way."
)
RECORDS: tuple[tuple[type[Model], str, str], ...] = (
    (PainScore, "pain score", "pain scores"),
    (StimulationSession, "session", "sessions"),
    (MotorThreshold, "motor threshold", "motor thresholds"),
    (AdverseEvent, "adverse event", "adverse events"),
)


def void_patient(*, enrolment: Enrolment, reason: Reason, by: User, now: datetime) -> None:
    """Take a patient out of every list, count and file; the study number stays theirs.

    Raises Conflict for an allocated patient and for one with records that stand or a session that was begun.
    """
    with _changing(enrolment, by, reason, voided=False) as row:
        if Allocation.objects.filter(enrolment=row).exists():
            raise Conflict(ALLOCATED)
        if standing := list(_standing(row)):
            raise Conflict(f"This patient has {' and '.join(standing)}. Void these first, each with its reason.")
        row.voided_at = now
        row.save(update_fields=["voided_at"])


def restore_patient(*, enrolment: Enrolment, reason: Reason, by: User, now: datetime) -> None:
    """Bring a voided patient back with diagnoses, pains and turns; records voided before stay voided."""
    with _changing(enrolment, by, reason, voided=True) as row:
        row.voided_at = None
        row.save(update_fields=["voided_at"])


@contextmanager
def _changing(enrolment: Enrolment, by: User, reason: Reason, *, voided: bool) -> Iterator[Enrolment]:
    """Hold the patient against everybody who adds records, and hand out the row; raise Conflict unless it is `voided`."""
    by.check_can(Permission.PATIENT_EDIT, trial=enrolment.trial, site=enrolment.site)
    with audited(by=by, reason=reason.sentence()):
        check_open(enrolment.trial)
        row = Enrolment.with_voided.select_for_update().get(pk=enrolment.pk)
        if (row.voided_at is not None) != voided:
            raise Conflict("This patient is not voided any more." if voided else CHANGED_MEANWHILE)
        yield row
        enrolment.voided_at = row.voided_at
        mark_stale(enrolment.trial, by=by, enrolment_ids=[enrolment.pk])


def _standing(enrolment: Enrolment) -> Iterator[str]:
    """Yield how many records of each kind stand."""
    for model, one, several in RECORDS:
        if count := model._default_manager.filter(enrolment=enrolment, ended_at__isnull=True).count():
            yield f"{count} {one if count == 1 else several}"
    if SessionDraft.objects.filter(enrolment=enrolment, submitted_at__isnull=True, discarded_at__isnull=True).exists():
        yield "a session that was begun"
