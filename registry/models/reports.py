"""Weekly reports: which were asked for and how far they are, and the open documents as issued. Closed ones lie in schema `closed`."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from registry.models.columns import word_column
from registry.models.trials import Trial
from registry.vocabulary import ReportState


class WeeklyReport(models.Model):
    """One version of the report of one ISO week of a trial: an open and a closed document from one snapshot.

    The row is the truth about the work; the job that does it carries only the trial. Versions are followed, never replaced.
    `cutoff` is the end of the week, exclusive, or, where the report was asked for before that, the moment of asking.
    """

    trial = models.ForeignKey(Trial, models.PROTECT, related_name="reports")
    week = models.CharField(max_length=8)
    version = models.PositiveSmallIntegerField()
    cutoff = models.DateTimeField()
    by_schedule = models.BooleanField(default=False)
    requested_by = models.ForeignKey("registry.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    state = word_column(ReportState, default=ReportState.DUE)
    attempts = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(null=True)
    failure = models.TextField(blank=True)

    class Meta:
        ordering = ["-week", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["trial", "week", "version"], name="report_version_unique"),
            # Two schedulers, or one that starts twice, ask for a week once.
            models.UniqueConstraint(fields=["trial", "week"], condition=models.Q(by_schedule=True), name="report_scheduled_once"),
            models.CheckConstraint(name="report_week_form", condition=models.Q(week__regex=r"^[0-9]{4}-W[0-5][0-9]$")),
            models.CheckConstraint(
                name="report_made_has_time",
                condition=models.Q(state=ReportState.MADE, made_at__isnull=False)
                | (~models.Q(state=ReportState.MADE) & models.Q(made_at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.week} version {self.version}"


class ReportDocument(models.Model):
    """An open report as issued: its snapshot, page and PDF, each with its SHA-256. Never changed."""

    report = models.OneToOneField(WeeklyReport, models.PROTECT, related_name="document")
    payload = models.TextField()
    payload_sha256 = models.CharField(max_length=64)
    html = models.TextField()
    html_sha256 = models.CharField(max_length=64)
    pdf = models.BinaryField()
    pdf_sha256 = models.CharField(max_length=64)
    # Whether response stands in it: a trial that withdraws the setting withdraws the document from masked readers too.
    shows_efficacy = models.BooleanField()
    # Whether the closed document beside it holds response by arm: the board's charter says in which weeks. A look at a
    # calendar decides it, never an arm.
    efficacy_by_arm = models.BooleanField(default=True)
    code_version = models.CharField(max_length=80)
    renderer = models.CharField(max_length=80)
    made_at = models.DateTimeField(db_default=Now())
