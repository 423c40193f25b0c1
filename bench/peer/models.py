"""Flat tables with the columns of pain_scores.csv and sessions.csv that a first version would have."""

from __future__ import annotations

from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords


def nobody(**_: Any) -> None:
    """Return who changed a row: nobody is signed in."""


def history() -> HistoricalRecords:
    """Return history that knows nothing of accounts."""
    return HistoricalRecords(history_user_id_field=models.IntegerField(null=True), history_user_getter=nobody)


class Patient(models.Model):
    """A study number."""

    code = models.CharField(max_length=20, unique=True)


class Score(models.Model):
    """A pain score."""

    patient = models.ForeignKey(Patient, models.CASCADE)
    for_date = models.DateField()
    value = models.DecimalField(max_digits=12, decimal_places=6)
    scale = models.CharField(max_length=40)
    context = models.CharField(max_length=20)
    recall = models.CharField(max_length=20)
    source = models.CharField(max_length=20)
    rater = models.CharField(max_length=20, default="patient")
    answer_state = models.CharField(max_length=20, default="on_time")
    scheduled = models.BooleanField(default=True)
    recorded_at = models.DateTimeField()
    history = history()


class Session(models.Model):
    """A stimulation session with its planned dose and two pains, all in one row."""

    patient = models.ForeignKey(Patient, models.CASCADE)
    number = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=20)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    threshold_percent = models.PositiveSmallIntegerField(null=True)
    stimulator = models.CharField(max_length=40, blank=True)
    coil = models.CharField(max_length=40, blank=True)
    kit_code = models.CharField(max_length=40, blank=True)
    frequency_hz = models.DecimalField(max_digits=6, decimal_places=2)
    pulses = models.PositiveIntegerField()
    intensity_percent = models.PositiveSmallIntegerField()
    pain_before = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    pain_after = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    hearing_protection = models.BooleanField(null=True)
    note = models.TextField(blank=True)
    history = history()
