"""Who is told of a weekly report by mail: a row for each person and version, and a job that sends what waits."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from registry.models import Job, NoReportMail, ReportMail, Trial, User, WeeklyReport, system_actor
from registry.roles import Permission
from registry.services.jobs import request_job
from registry.vocabulary import JobKind, JobState, ReportNews, ReportState


def tell_readers(report: WeeklyReport, *, using: str) -> None:
    """Have everybody told who may read the report and wants to be, in the transaction that says it is made."""
    _tell(report, ReportNews.MADE, readers(report.trial), using=using)


def tell_people_on_duty(report: WeeklyReport) -> None:
    """Have the people on duty told that a report could not be made; of one version once, however often it fails."""
    with transaction.atomic():
        _tell(report, ReportNews.FAILED, people_on_duty(), using="default")


def tell_of_reports_given_up(most_attempts: int) -> None:
    """Have the people on duty told of reports whose job was given up with its worker, which nobody could say while it happened."""
    jobs = Job.objects.filter(kind=JobKind.REPORT)
    given_up = jobs.filter(state=JobState.FAILED, attempts__gte=most_attempts).values("trial")
    at_work = jobs.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).values("trial")
    unmade = WeeklyReport.objects.filter(state__in=[ReportState.DUE, ReportState.MAKING], trial__in=given_up)
    for report in unmade.exclude(trial__in=at_work).exclude(mails__news=ReportNews.FAILED).select_related("trial"):
        tell_people_on_duty(report)


def readers(trial: Trial) -> list[User]:
    """Return the people who may read a trial's weekly reports and have not switched such mail off."""
    members = _people().filter(Q(memberships__trial=trial) | Q(memberships__trial=None), no_report_mail=None).distinct()
    return [user for user in members.order_by("pk") if user.can(Permission.OUTCOMES_OPEN, trial=trial)]


def people_on_duty() -> list[User]:
    """Return who operates the registry."""
    found = _people().filter(memberships__trial=None).distinct().order_by("pk")
    return [user for user in found if user.can(Permission.REGISTRY_OPERATE)]


def is_still_to_tell(mail: ReportMail) -> bool:
    """Tell whether a mail that waited is still for this person: rights end, and wishes change."""
    people = people_on_duty() if mail.news == ReportNews.FAILED else readers(mail.report.trial)
    return mail.user in people


def choose_report_mail(user: User, *, wanted: bool) -> None:
    """Store whether the person wants mail about weekly reports."""
    if wanted:
        NoReportMail.objects.filter(user=user).delete()
    else:
        NoReportMail.objects.get_or_create(user=user)


def _people() -> QuerySet[User]:
    """Return accounts of people; addresses of the demonstration are made up, so nothing is sent there."""
    found = User.objects.filter(is_active=True, is_system=False)
    return found.filter(is_demonstration=False) if settings.EMAIL_HOST else found


def _tell(report: WeeklyReport, news: ReportNews, people: Iterable[User], *, using: str) -> None:
    rows = [ReportMail(report_id=report.pk, user_id=person.pk, news=news) for person in people]
    if rows:
        ReportMail.objects.using(using).bulk_create(rows, ignore_conflicts=True)
        request_job(JobKind.REPORT_MAIL, report.trial, by=system_actor("scheduler"), using=using)
