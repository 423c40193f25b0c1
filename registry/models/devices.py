"""Stimulators, coils, their calibrations, and by which rule a threshold carries over from one coil to another."""

from __future__ import annotations

from django.db import models

from registry.models.columns import NewUuid, word_column
from registry.models.history import tracked
from registry.models.trials import CODE, Site, Trial
from registry.vocabulary import CoilShape, Waveform


@tracked()
class Stimulator(models.Model):
    """A stimulator of a trial; without a site it serves all of them."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    trial = models.ForeignKey(Trial, models.PROTECT, related_name="stimulators")
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="stimulators")
    code = models.CharField(max_length=40, validators=[CODE])
    maker = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=120)
    serial_number = models.CharField(max_length=80, blank=True)
    software_version = models.CharField(max_length=80, blank=True)
    waveform = word_column(Waveform, default=Waveform.NOT_RECORDED)
    pulse_width_us = models.PositiveIntegerField(null=True, blank=True)
    retired_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["trial", "code"], name="stimulator_code_unique")]

    def __str__(self) -> str:
        return f"{self.maker} {self.model}".strip()


@tracked()
class Coil(models.Model):
    """A coil that may be named: one for thresholds, or for sessions of a trial that conceals nothing.

    The coil behind a kit is concealed and belongs to the closed room; a code of a kit never belongs to a coil.
    """

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    trial = models.ForeignKey(Trial, models.PROTECT, related_name="coils")
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="coils")
    code = models.CharField(max_length=40, validators=[CODE])
    maker = models.CharField(max_length=120, blank=True)
    model = models.CharField(max_length=120)
    serial_number = models.CharField(max_length=80, blank=True)
    shape = word_column(CoilShape)
    cooled = models.BooleanField(default=False)
    retired_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["trial", "code"], name="coil_code_unique")]

    def __str__(self) -> str:
        return f"{self.maker} {self.model}".strip()


@tracked()
class Calibration(models.Model):
    """A check of one stimulator or one coil, and until when it holds."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    stimulator = models.ForeignKey(Stimulator, models.PROTECT, null=True, related_name="calibrations")
    coil = models.ForeignKey(Coil, models.PROTECT, null=True, related_name="calibrations")
    calibrated_on = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    result = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["calibrated_on"]
        constraints = [
            models.CheckConstraint(
                name="calibration_of_one_device",
                condition=models.Q(stimulator__isnull=False, coil__isnull=True) | models.Q(stimulator__isnull=True, coil__isnull=False),
            ),
            models.CheckConstraint(
                name="calibration_ends_after_it_begins",
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gte=models.F("calibrated_on")),
            ),
        ]


@tracked()
class CoilConversion(models.Model):
    """The stated rule by which a threshold in % MSO of one coil model becomes that of another: multiply by `factor`."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="coil_conversions")
    from_model = models.CharField(max_length=120)
    to_model = models.CharField(max_length=120)
    factor = models.DecimalField(max_digits=7, decimal_places=4)
    source = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "from_model", "to_model"], name="coil_conversion_unique"),
            models.CheckConstraint(name="coil_conversion_between_two", condition=~models.Q(from_model=models.F("to_model"))),
            models.CheckConstraint(name="coil_conversion_factor_range", condition=models.Q(factor__gt=0) & models.Q(factor__lte=10)),
            models.CheckConstraint(name="coil_conversion_has_source", condition=~models.Q(source="")),
        ]
