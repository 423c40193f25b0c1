"""Adverse events: what the patient suffered, solicited after a session or reported at any time."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from registry.models.columns import word_column
from registry.models.history import tracked
from registry.models.patients import Enrolment
from registry.models.records import RecordQuerySet, VersionedRecord, version_constraints
from registry.roles import Permission
from registry.vocabulary import AdverseEventTerm, EventAction, EventOutcome, Relatedness, SeriousCriterion


class AdverseEventQuerySet(RecordQuerySet["AdverseEvent"]):
    """Reads of adverse events begin here."""


@tracked()
class AdverseEvent(VersionedRecord):
    """One version of one adverse event. A side effect ticked after a session is a solicited event of that session."""

    view_permission: ClassVar[Permission] = Permission.EVENT_VIEW

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="adverse_events")
    session_record = models.UUIDField(null=True)
    solicited = models.BooleanField(default=False)
    term = word_column(AdverseEventTerm)
    term_text = models.CharField(max_length=200, blank=True)
    onset_on = models.DateField()
    onset_at = models.DateTimeField(null=True)
    resolved_on = models.DateField(null=True)
    # Under the trial's one grading scheme: 1 to 3, or CTCAE 1 to 5.
    grade = models.PositiveSmallIntegerField()
    serious = models.BooleanField(default=False)
    serious_criteria = ArrayField(models.CharField(max_length=40, choices=SeriousCriterion.choices()), default=list)
    expected = models.BooleanField(null=True)
    relatedness = word_column(Relatedness, default=Relatedness.NOT_ASSESSED)
    action = word_column(EventAction, default=EventAction.NOT_RECORDED)
    outcome = word_column(EventOutcome, default=EventOutcome.UNKNOWN)
    # When the site came to know of it: reporting clocks of serious events begin here.
    aware_at = models.DateTimeField(null=True)
    # Left by the session form for a severe effect, a faint or a seizure: somebody has to complete the report.
    needs_report = models.BooleanField(default=False)
    note = models.CharField(max_length=1000, blank=True)

    objects = AdverseEventQuerySet.as_manager()

    class Meta:
        ordering = ["onset_on", "pk"]
        constraints = [
            *version_constraints("event"),
            models.CheckConstraint(name="event_grade_range", condition=models.Q(grade__range=(1, 5))),
            models.CheckConstraint(name="event_other_has_text", condition=~models.Q(term=AdverseEventTerm.OTHER) | ~models.Q(term_text="")),
            models.CheckConstraint(
                name="event_serious_has_criteria",
                condition=models.Q(serious=False, serious_criteria=[]) | (models.Q(serious=True) & ~models.Q(serious_criteria=[])),
            ),
            models.CheckConstraint(
                name="event_resolves_after_onset",
                condition=models.Q(resolved_on__isnull=True) | models.Q(resolved_on__gte=models.F("onset_on")),
            ),
        ]
        indexes = [
            models.Index(fields=["enrolment", "onset_on"], name="event_enrolment_day"),
            models.Index(fields=["session_record"], name="event_session"),
        ]
