"""Reading weekly reports: the list, and the documents exactly as issued."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from registry.closed_room import open_closed_room
from registry.exceptions import NotFound
from registry.models import Job, NoReportMail, ReportDocument, Trial, User, WeeklyReport
from registry.roles import Permission
from registry.rules.report_weeks import ReportWeek
from registry.vocabulary import JobKind, JobState, ReportNews, ReportState

_HASHES = ("payload_sha256", "html_sha256", "pdf_sha256")


@dataclass(frozen=True)
class KeptDocument:
    """One half of a report as issued, with the hashes that were stored with it."""

    week: str
    version: int
    document: str
    payload: str
    payload_sha256: str
    html: str
    html_sha256: str
    pdf: bytes
    pdf_sha256: str
    code_version: str
    renderer: str
    made_at: datetime

    @property
    def damaged(self) -> list[str]:
        """Name the parts whose bytes are not those of their hash any more."""
        parts = {
            "payload": (self.payload.encode(), self.payload_sha256),
            "html": (self.html.encode(), self.html_sha256),
            "pdf": (self.pdf, self.pdf_sha256),
        }
        return [name for name, (content, sha256) in parts.items() if hashlib.sha256(content).hexdigest() != sha256]


@dataclass(frozen=True)
class ReportLine:
    """One version in the list; `withheld` tells that response stands in it, which is not shown at present."""

    report: WeeklyReport
    state: ReportState
    failure: str
    by: str
    payload_sha256: str
    html_sha256: str
    pdf_sha256: str
    withheld: bool
    mails: int
    mails_sent: int
    mail_failure: str

    @property
    def is_made(self) -> bool:
        """Tell whether there is something to open."""
        return self.state == ReportState.MADE

    @property
    def week(self) -> ReportWeek:
        """Return its week."""
        return ReportWeek.read(self.report.week)

    @property
    def is_whole_week(self) -> bool:
        """Tell whether its cut-off is the end of the week."""
        return self.report.cutoff >= self.week.ends_at(self.report.trial.zone)


def reports_of(trial: Trial, *, by: User) -> list[ReportLine]:
    """Return every version of every week, the last week first; raise NotAllowed without the right to open outcomes."""
    by.check_can(Permission.OUTCOMES_OPEN, trial=trial)
    kept = ReportDocument.objects.filter(report__trial=trial).values("report_id", *_HASHES, "shows_efficacy")
    return _lines(trial, {document["report_id"]: document for document in kept})


def closed_reports_of(trial: Trial, *, by: User) -> list[ReportLine]:
    """Return the same weeks with the hashes of the closed documents; raise NotAllowed without the right to closed outcomes."""
    with open_closed_room(by=by, permission=Permission.OUTCOMES_CLOSED, trial=trial) as closed, closed.cursor() as cursor:
        cursor.execute(
            f"""SELECT d.report_id, {", ".join(_HASHES)}, false AS shows_efficacy FROM closed.report_document d
                JOIN registry_weeklyreport r ON r.id = d.report_id WHERE r.trial_id = %s""",
            [trial.pk],
        )
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return _lines(trial, {document["report_id"]: document for document in found})


def _lines(trial: Trial, documents: Mapping[int, Mapping[str, Any]]) -> list[ReportLine]:
    under_way = Job.objects.filter(kind=JobKind.REPORT, trial=trial, state__in=[JobState.QUEUED, JobState.RUNNING]).exists()
    told = Q(mails__news=ReportNews.MADE)
    rows = WeeklyReport.objects.filter(trial=trial).select_related("trial", "requested_by")
    counted = rows.annotate(
        mails_all=Count("mails", filter=told),
        mails_sent=Count("mails", filter=told & Q(mails__sent_at__isnull=False)),
        mail_failure=Max("mails__failure", filter=told, default=""),
    ).order_by("-week", "-version")  # rows that are counted over lose the order of their model
    return [_line(row, documents.get(row.pk), under_way=under_way) for row in counted]


def _line(row: Any, document: Mapping[str, Any] | None, *, under_way: bool) -> ReportLine:
    state, failure = ReportState(row.state), row.failure
    if state in (ReportState.DUE, ReportState.MAKING) and not under_way:
        # The job was given up with its worker; asking again makes the next version.
        state, failure = ReportState.FAILED, _("The worker ended while making it. Its log says why.")
    return ReportLine(
        report=row,
        state=state,
        failure=failure,
        by="" if row.by_schedule else row.requested_by.name,
        payload_sha256=document["payload_sha256"] if document else "",
        html_sha256=document["html_sha256"] if document else "",
        pdf_sha256=document["pdf_sha256"] if document else "",
        withheld=bool(document and document["shows_efficacy"]) and not may_show_efficacy(row.trial),
        mails=row.mails_all,
        mails_sent=row.mails_sent,
        mail_failure=row.mail_failure,
    )


def wants_report_mail(user: User) -> bool:
    """Tell whether the person gets mail about the weekly reports they may read."""
    return not NoReportMail.objects.filter(user=user).exists()


def may_show_efficacy(trial: Trial) -> bool:
    """Tell whether pooled response may be shown at present: a setting withdrawn withdraws documents too."""
    return trial.shows_efficacy


def open_report(trial: Trial, week: str, version: int, *, by: User) -> KeptDocument:
    """Return an open document; raise NotFound for one that was not made or may not be shown at present."""
    by.check_can(Permission.OUTCOMES_OPEN, trial=trial)
    row = _made(trial, week, version)
    document: ReportDocument = row.document
    if document.shows_efficacy and not may_show_efficacy(trial):
        raise NotFound("This report shows response, which the masked team of this trial may not see at present.")
    return KeptDocument(
        row.week,
        row.version,
        "open",
        document.payload,
        document.payload_sha256,
        document.html,
        document.html_sha256,
        bytes(document.pdf),
        document.pdf_sha256,
        document.code_version,
        document.renderer,
        document.made_at,
    )


def closed_report(trial: Trial, week: str, version: int, *, by: User) -> KeptDocument:
    """Return a closed document; raise NotAllowed without the right to closed outcomes, NotFound for one that was not made."""
    with open_closed_room(by=by, permission=Permission.OUTCOMES_CLOSED, trial=trial) as closed, closed.cursor() as cursor:
        row = _made(trial, week, version)
        cursor.execute(
            """SELECT payload, payload_sha256, html, html_sha256, pdf, pdf_sha256, code_version, renderer, made_at
               FROM closed.report_document WHERE report_id = %s""",
            [row.pk],
        )
        payload, payload_sha256, html, html_sha256, pdf, *rest = cursor.fetchone()
    return KeptDocument(row.week, row.version, "closed", payload, payload_sha256, html, html_sha256, bytes(pdf), *rest)


def _made(trial: Trial, week: str, version: int) -> WeeklyReport:
    row = WeeklyReport.objects.filter(trial=trial, week=week, version=version, state=ReportState.MADE).select_related("document").first()
    if row is None:
        raise NotFound("There is no such report, or it is not made yet.")
    return row
