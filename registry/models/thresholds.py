"""Motor thresholds: what the stimulator's setting is reckoned from."""

from __future__ import annotations

from django.db import models

from registry.models.columns import word_column
from registry.models.devices import Coil, Stimulator
from registry.models.history import tracked
from registry.models.patients import Enrolment
from registry.models.records import RecordQuerySet, VersionedRecord, version_constraints
from registry.vocabulary import Hemisphere, ThresholdKind, ThresholdMethod, Waveform


class ThresholdQuerySet(RecordQuerySet["MotorThreshold"]):
    """Reads of motor thresholds begin here."""


@tracked()
class MotorThreshold(VersionedRecord):
    """One version of one motor threshold in whole % of maximum stimulator output.

    It holds for the coil model, stimulator, waveform, muscle and hemisphere it was measured with.
    """

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="thresholds")
    kind = word_column(ThresholdKind, default=ThresholdKind.RESTING)
    percent_mso = models.PositiveSmallIntegerField()
    measured_on = models.DateField()
    measured_at = models.DateTimeField(null=True)
    zone = models.CharField(max_length=60, blank=True)
    coil = models.ForeignKey(Coil, models.PROTECT, null=True, related_name="+")
    stimulator = models.ForeignKey(Stimulator, models.PROTECT, null=True, related_name="+")
    waveform = word_column(Waveform, default=Waveform.NOT_RECORDED)
    muscle = models.CharField(max_length=40, blank=True)
    hemisphere = word_column(Hemisphere)
    method = word_column(ThresholdMethod, default=ThresholdMethod.NOT_RECORDED)
    criterion_uv = models.PositiveSmallIntegerField(null=True)

    objects = ThresholdQuerySet.as_manager()

    class Meta:
        ordering = ["measured_on", "pk"]
        constraints = [
            *version_constraints("threshold"),
            models.CheckConstraint(name="threshold_within_output", condition=models.Q(percent_mso__range=(1, 100))),
        ]
        indexes = [models.Index(fields=["enrolment", "measured_on"], name="threshold_enrolment_day")]
