"""What everybody may know of an allocation: that it happened, when, the visible treatment, the kit code. Never the part."""

from __future__ import annotations

from django.db import models

from registry.models.history import tracked
from registry.models.patients import Enrolment
from registry.models.trials import Site, Treatment


@tracked()
class Allocation(models.Model):
    """The visible half of an allocation. Append-only, one per enrolment and stage; the concealed half is in schema `closed`."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="allocations")
    stage = models.PositiveSmallIntegerField(default=1)
    treatment = models.ForeignKey(Treatment, models.PROTECT, related_name="+")
    analysis_site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    stratum = models.CharField(max_length=200, blank=True)
    kit_code = models.CharField(max_length=20, blank=True)
    allocated_on = models.DateField(null=True)
    allocated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "stage"], name="allocation_once_per_stage")]
