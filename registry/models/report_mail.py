"""Mail about weekly reports: whom to tell of which version, and who wants none. What is in a report no mail says."""

from __future__ import annotations

from django.db import models

from registry.models.accounts import User
from registry.models.columns import word_column
from registry.models.reports import WeeklyReport
from registry.vocabulary import ReportNews


class ReportMail(models.Model):
    """One mail to one person about one version; sent once. The row is the truth about it, as a job's is about its work."""

    report = models.ForeignKey(WeeklyReport, models.PROTECT, related_name="mails")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    news = word_column(ReportNews)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "user", "news"], name="report_mail_once")]


class NoReportMail(models.Model):
    """Somebody who switched mail about weekly reports off."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="no_report_mail")
