"""Derived rows, without history: endpoints, what made them stale, jobs, open snapshots, the worker's heartbeat."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from registry.models.columns import word_column
from registry.models.patients import Enrolment
from registry.models.trials import AnalysisPlan, PlanTimePoint, Trial
from registry.vocabulary import JobKind, JobState


class Endpoint(models.Model):
    """One enrolment at one time point of a plan version: exact sums and counts.

    Whether it is due and why it is missing depend on the cut-off and are decided when a snapshot is made.
    Sums are in 10^-6 units of the scale.
    """

    # No constraints and no indexes of their own: the one statement that writes these rows takes them from the tables it would be
    # checked against, and half the time of filling them went into checking (bench/cases/outcomes.py). The unique index serves reads.
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, related_name="endpoints", db_constraint=False, db_index=False)
    period = models.PositiveSmallIntegerField(default=1)
    time_point = models.ForeignKey(PlanTimePoint, models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    # Of the primary pain, empty where there is none: a table by diagnosis comes out of these rows alone, and with arms out of one more.
    condition = models.CharField(max_length=40, blank=True)
    anchor_on = models.DateField(null=True)
    anchor_is_fallback = models.BooleanField(default=False)
    baseline_sum_units = models.BigIntegerField()
    baseline_n = models.IntegerField()
    value_sum_units = models.BigIntegerField()
    value_n = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["time_point", "enrolment", "period"], name="endpoint_unique")]


class StaleMark(models.Model):
    """A note, written in the transaction of a change, that endpoints must be made again: one enrolment, or (null) a whole trial."""

    trial = models.ForeignKey(Trial, models.CASCADE, related_name="+")
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, null=True, related_name="+")


class Job(models.Model):
    """Work to be done. The row is the truth; the message to the worker carries only its id."""

    kind = word_column(JobKind)
    trial = models.ForeignKey(Trial, models.CASCADE, null=True, related_name="+")
    state = word_column(JobState, default=JobState.QUEUED)
    requested_by = models.ForeignKey("registry.User", models.PROTECT, related_name="+")
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)

    class Meta:
        constraints = [
            # One waiting refresh per trial is enough: whoever writes while it waits is served by it.
            models.UniqueConstraint(fields=["kind", "trial"], condition=models.Q(state="queued"), name="job_one_waiting"),
        ]
        indexes = [
            models.Index(fields=["state", "created_at"], name="job_state"),
            # Whether a later one has taken over, and which was the last.
            models.Index(fields=["kind", "trial", "id"], name="job_of_kind"),
            models.Index(fields=["finished_at"], condition=models.Q(state__in=["done", "failed"]), name="job_ended"),
        ]


class Snapshot(models.Model):
    """What the outcome job computed from a fixed set of records under one plan version; the open half, free of allocation."""

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="snapshots")
    plan = models.ForeignKey(AnalysisPlan, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    cutoff = models.DateTimeField()
    made_at = models.DateTimeField(db_default=Now())
    seal = models.ForeignKey("registry.Seal", models.PROTECT, null=True, related_name="+")
    code_version = models.CharField(max_length=80)
    payload = models.TextField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "number"], name="snapshot_number_unique")]
        indexes = [models.Index(fields=["trial", "-number"], name="snapshot_latest")]


class WorkerHeartbeat(models.Model):
    """One row for each worker, by its node name: when it last said that it lives, and when it last did the heartbeat task.

    Beats come from the worker itself, so that one which is alive and idle is not taken for gone; the task shows that schedule, broker
    and worker work together. A worker that ends in order takes its row along.
    """

    worker = models.CharField(max_length=200, primary_key=True)
    beat_at = models.DateTimeField()
    worked_at = models.DateTimeField(null=True)
