"""Making reports: the row says what is due, its state and number of tries decide who may store, both documents come about together."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from registry.closed_room import CLOSED_ALIAS, open_closed_room
from registry.exceptions import RegistryError
from registry.models import Job, ReportDocument, Trial, WeeklyReport, system_actor
from registry.outcomes.breaking_off import MayBreakOff
from registry.outcomes.code_version import code_version
from registry.outcomes.locks import session_lock
from registry.reports.contents import contents_of
from registry.reports.earlier import last_closed, last_open
from registry.reports.page import page_of
from registry.reports.pdf import pdf_of
from registry.reports.renderer import renderer
from registry.reports.snapshot import text_of, week_snapshot
from registry.roles import Permission
from registry.selectors.report_payload import ReportPayload
from registry.services.report_mail import tell_people_on_duty, tell_readers
from registry.vocabulary import ReportState


class ReportsFailed(RegistryError):
    """Some report could not be made; its row says why."""

    code = "reports_failed"


@dataclass(frozen=True)
class Documents:
    """What is kept of one half: the payload's text, the page and the PDF."""

    payload: str
    html: str
    pdf: bytes

    def columns(self) -> dict[str, Any]:
        """Return what is stored, with hashes and the versions of what made it."""
        return {
            "payload": self.payload,
            "payload_sha256": sha256(self.payload.encode()),
            "html": self.html,
            "html_sha256": sha256(self.html.encode()),
            "pdf": self.pdf,
            "pdf_sha256": sha256(self.pdf),
            "code_version": code_version(),
            "renderer": renderer(),
        }


@dataclass(frozen=True)
class BothHalves:
    """The open and the closed documents, and whether response stands in the former and by arm in the latter."""

    opened: Documents
    closed: Documents
    shows_efficacy: bool
    efficacy_by_arm: bool


def make_reports(job: Job) -> None:
    """Make every report of a job's trial that is not made yet, oldest week first; raise ReportsFailed at the end if one could not be."""
    due = due_reports(job.trial) if job.trial else []
    failed = [cause for report in due if (cause := make_report(report, now=timezone.now()))]
    if failed:
        raise ReportsFailed(" ".join(failed))


def due_reports(trial: Trial) -> list[WeeklyReport]:
    """Return the reports that wait, were left in the middle or failed, but for those that a later version has replaced."""
    later = WeeklyReport.objects.filter(
        trial=OuterRef("trial"), week=OuterRef("week"), version__gt=OuterRef("version"), state=ReportState.MADE
    )
    waiting = WeeklyReport.objects.filter(~Exists(later), trial=trial).exclude(state=ReportState.MADE)
    return list(waiting.select_related("trial").order_by("week", "version"))


def make_report(report: WeeklyReport, *, now: datetime) -> str:
    """Make one report unless it is made, one at a time in a trial; return why it could not be made, else nothing."""
    with session_lock(f"registry_reports:{report.trial_id}"):
        waiting = WeeklyReport.objects.filter(pk=report.pk).exclude(state=ReportState.MADE)
        if not waiting.update(state=ReportState.MAKING, started_at=now, attempts=F("attempts") + 1, failure=""):
            return ""
        report.refresh_from_db(fields=["attempts"])
        return _make(report, now)


def _make(report: WeeklyReport, now: datetime) -> str:
    with MayBreakOff("report_failed", "Making it", report_id=report.pk, week=report.week) as doing:
        _store(report, _documents(report, now), now=now)
    return _fail(report, doing.cause) if doing.cause else ""


def _documents(report: WeeklyReport, now: datetime) -> BothHalves:
    # What is decided while this waits its turn is of a later document: this one says that it was made now.
    found = week_snapshot(report, now=now, known_before=now)
    shown = [payload["efficacy"] == "shown" for payload in (found.opened, found.closed)]
    return BothHalves(_drawn_up(report, found.opened, last_open(report)), _drawn_up(report, found.closed, last_closed(report)), *shown)


def _drawn_up(report: WeeklyReport, payload: ReportPayload, before: ReportPayload | None) -> Documents:
    text = text_of(payload)
    contents = contents_of(report, payload, sha256(text.encode()), before)
    return Documents(text, page_of(contents), pdf_of(contents))


def _store(report: WeeklyReport, made: BothHalves, *, now: datetime) -> None:
    """Store both halves and say that they are made, in one transaction; whoever was overtaken meanwhile stores nothing."""
    with ExitStack() as stack:
        room = stack.enter_context(_closed_room(report.trial))
        stack.enter_context(transaction.atomic(using=CLOSED_ALIAS))
        mine = WeeklyReport.objects.using(CLOSED_ALIAS).filter(pk=report.pk, state=ReportState.MAKING, attempts=report.attempts)
        if not mine.update(state=ReportState.MADE, made_at=now):
            return
        tell_readers(report, using=CLOSED_ALIAS)
        ReportDocument.objects.using(CLOSED_ALIAS).create(
            report_id=report.pk,
            shows_efficacy=made.shows_efficacy,
            efficacy_by_arm=made.efficacy_by_arm,
            made_at=now,
            **made.opened.columns(),
        )
        columns = {"report_id": report.pk, "made_at": now, **made.closed.columns()}
        with room.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO closed.report_document ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
                list(columns.values()),
            )


def _closed_room(trial: Trial) -> Any:
    return open_closed_room(by=system_actor("scheduler"), permission=Permission.OUTCOMES_CLOSED, trial=trial)


def _fail(report: WeeklyReport, cause: str) -> str:
    mine = WeeklyReport.objects.filter(pk=report.pk, state=ReportState.MAKING, attempts=report.attempts)
    if mine.update(state=ReportState.FAILED, failure=cause[:2000]):
        tell_people_on_duty(report)
    return f"{report.week}: {cause}"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of what is kept."""
    return hashlib.sha256(content).hexdigest()
