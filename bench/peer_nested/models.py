"""A trial with its plan, patients with thresholds, and sessions whose blocks, pains and side effects are rows of their own."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from simple_history.models import HistoricalRecords


class Pattern(models.Model):
    """The pulses of a block."""

    position = models.PositiveSmallIntegerField()
    target = models.CharField(max_length=40)
    hemisphere = models.CharField(max_length=20)
    frequency_hz = models.DecimalField(max_digits=7, decimal_places=3)
    bursts_per_train = models.PositiveIntegerField()
    trains = models.PositiveSmallIntegerField()
    gap_s = models.DecimalField(max_digits=7, decimal_places=3)
    intensity_percent = models.DecimalField(max_digits=5, decimal_places=1)

    class Meta:
        abstract = True


class Trial(models.Model):
    """A trial."""

    slug = models.SlugField(unique=True)
    history = HistoricalRecords()


class PlannedBlock(Pattern):
    """What the trial prescribes."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="blocks")
    history = HistoricalRecords()


class Stimulator(models.Model):
    """A device."""

    code = models.CharField(max_length=40, unique=True)
    history = HistoricalRecords()


class Patient(models.Model):
    """A study number."""

    trial = models.ForeignKey(Trial, models.PROTECT)
    code = models.CharField(max_length=20, unique=True)
    history = HistoricalRecords()


class Threshold(models.Model):
    """A motor threshold."""

    record = models.UUIDField(unique=True, default=uuid.uuid4)
    patient = models.ForeignKey(Patient, models.PROTECT)
    percent_mso = models.PositiveSmallIntegerField()
    history = HistoricalRecords()


class Session(models.Model):
    """A stimulation session."""

    trial = models.ForeignKey(Trial, models.PROTECT)
    patient = models.ForeignKey(Patient, models.PROTECT)
    threshold = models.ForeignKey(Threshold, models.PROTECT)
    stimulator = models.ForeignKey(Stimulator, models.PROTECT)
    number = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=20)
    as_planned = models.BooleanField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    hearing_protection = models.BooleanField(null=True)
    coil_matches_threshold = models.BooleanField(null=True)
    pulse_counter = models.PositiveIntegerField(null=True)
    new_since_last = ArrayField(models.CharField(max_length=40), blank=True)
    history = HistoricalRecords()


class Block(Pattern):
    """A block as delivered."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="blocks")
    history = HistoricalRecords()


class Pain(models.Model):
    """Pain before or after a session."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="pains")
    patient = models.ForeignKey(Patient, models.PROTECT)
    context = models.CharField(max_length=20)
    value = models.DecimalField(max_digits=12, decimal_places=6)
    observed_at = models.DateTimeField()
    history = HistoricalRecords()


class SideEffect(models.Model):
    """A side effect of a session."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="side_effects")
    patient = models.ForeignKey(Patient, models.PROTECT)
    term = models.CharField(max_length=40)
    severity = models.CharField(max_length=20)
    relation = models.CharField(max_length=20)
    history = HistoricalRecords()
