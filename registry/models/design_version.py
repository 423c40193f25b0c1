"""Which state of a trial's design stands: a token that the database replaces with every change (docs/decisions/0012)."""

from __future__ import annotations

from django.db import models

from registry.models.trials import Trial


class DesignVersion(models.Model):
    """The token of a trial's sites, protocols, prescriptions, devices, visits, scales and plans.

    Triggers alone write it, in the transaction of the change. No token comes twice, so two equal ones mean the same design.
    """

    trial = models.OneToOneField(Trial, models.CASCADE, primary_key=True, related_name="+")
    token = models.UUIDField()
