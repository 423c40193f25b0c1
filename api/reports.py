"""Weekly reports of a trial: the list by week, asking for one, and the documents exactly as issued. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.conditions import etag_of, is_known
from api.door import Door
from api.fields import StrictSerializer
from api.once import answered_once
from api.problems import InvalidQuery
from api.records import answer, person_of
from registry.exceptions import NotFound
from registry.models import Trial, User
from registry.roles import Permission
from registry.rules.report_weeks import ReportWeek
from registry.selectors.patients import trial_visible_to
from registry.selectors.reports import KeptDocument, ReportLine, closed_report, closed_reports_of, open_report, reports_of
from registry.services.acts import log_act
from registry.services.reports import ask_for_report
from registry.vocabulary import Act, ReportState

# File name of a document -> its media type and what is kept of it.
FORMS = {
    "report.html": ("text/html; charset=utf-8", "html"),
    "report.pdf": ("application/pdf", "pdf"),
    "snapshot.json": ("application/json", "payload"),
}
# The page needs its own stylesheet and nothing else; opened from here it is a file, not a page of the registry.
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class ReportSerializer(serializers.Serializer[Any]):
    """One version of a week's report."""

    trial = serializers.CharField(help_text="Short name of the trial.")
    week = serializers.CharField(help_text="ISO year and week, such as 2026-W47.")
    version = serializers.IntegerField(help_text="1 is the first; made again, a week gets the next one.")
    state = serializers.ChoiceField(choices=ReportState.choices(), help_text="How far it is.")
    failure = serializers.CharField(help_text="Why it could not be made; empty otherwise.")
    first_day = serializers.DateField(help_text="Monday of the week.")
    last_day = serializers.DateField(help_text="Sunday of the week.")
    cutoff = serializers.DateTimeField(help_text="Records before this instant are in it.")
    whole_week = serializers.BooleanField(help_text="Whether the cut-off is the end of the week.")
    on_schedule = serializers.BooleanField(help_text="Whether the schedule asked for it.")
    asked_by = serializers.CharField(help_text="Who asked for it; empty where the schedule did.")
    asked_at = serializers.DateTimeField(help_text="When it was asked for.")
    reason = serializers.CharField(help_text="Why it was made again.")
    made_at = serializers.DateTimeField(allow_null=True, help_text="When it was made.")
    withheld = serializers.BooleanField(help_text="Whether response stands in it, which may not be shown at present.")
    html_sha256 = serializers.CharField(help_text="SHA-256 of the page as issued; empty until it is made.")
    pdf_sha256 = serializers.CharField(help_text="SHA-256 of the PDF as issued.")
    snapshot_sha256 = serializers.CharField(help_text="SHA-256 of the snapshot both were drawn from.")
    documents: Any = serializers.DictField(
        child=serializers.CharField(),
        help_text="Addresses of `report.html`, `report.pdf` and `snapshot.json`; empty until they can be had.",
    )


class AskSerializer(StrictSerializer):
    """Which week, and for a further version why."""

    week = serializers.CharField(max_length=8, help_text="ISO year and week; one that is not over is reported up to now.")
    reason = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=300, help_text="Needed where the week has a report already."
    )


class NoQuery(StrictSerializer):
    """The list is whole: a trial has one report a week."""


class Reports(Door, GenericViewSet[Any]):
    """The open reports, of everybody together: state and cause of failure by week, the last week first, with hashes and addresses."""

    noun: ClassVar[str] = "weekly report"
    tag: ClassVar[str] = "weekly reports"
    serializer_class = ReportSerializer
    creation_class = AskSerializer
    query_class = NoQuery
    detail_route: ClassVar[str] = "api_report"
    document_route: ClassVar[str] = "api_report_document"
    right: ClassVar[Permission] = Permission.OUTCOMES_OPEN

    def list(self, request: Request, trial: str) -> Response:
        """Return every version of every week."""
        found = self.trial(request, trial)
        query = self.query_class(data=request.query_params.dict())
        if not query.is_valid():
            raise InvalidQuery(query.errors)
        rows = [self.shown(line) for line in self.lines(found, person_of(request))]
        return Response({"results": rows, "next": None}, headers={"Link": f'<{request.build_absolute_uri(request.path)}>; rel="first"'})

    def retrieve(self, request: Request, trial: str, week: str, version: int) -> HttpResponseBase:
        """Return one version, or 304 where nothing changed: ask again until it is made."""
        record = self.record(self.trial(request, trial), week, version, person_of(request))
        etag = etag_of(record)
        return HttpResponse(status=304, headers={"ETag": etag}) if is_known(request, etag) else answer(record)

    def create(self, request: Request, trial: str) -> HttpResponseBase:
        """Ask for a week's report, or for its next version with a reason."""

        def work() -> Response:
            user, found = person_of(request), self.trial(request, trial)
            asked = AskSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            week, reason = ReportWeek.read(asked.validated_data["week"]), asked.validated_data["reason"]
            made = ask_for_report(trial=found, week=week, reason=reason, by=user, now=timezone.now())
            record = self.record(found, made.week, made.version, user)
            place = {"trial": trial, "week": made.week, "version": made.version}
            return answer(record, {"Location": reverse(self.detail_route, kwargs=place)}, status=201)

        return answered_once(request, work)

    def trial(self, request: Request, slug: str) -> Trial:
        """Return the trial for somebody who may read its reports."""
        user = person_of(request)
        found = trial_visible_to(user, slug)
        user.check_can(self.right, trial=found)
        return found

    def lines(self, trial: Trial, user: User) -> Sequence[ReportLine]:
        """Return the versions as the person may see them."""
        return reports_of(trial, by=user)

    def record(self, trial: Trial, week: str, version: int, user: User) -> dict[str, Any]:
        """Return one version; raise NotFound for none."""
        for line in self.lines(trial, user):
            if (line.report.week, line.report.version) == (week, version):
                return self.shown(line)
        raise NotFound("There is no such report.")

    def shown(self, line: ReportLine) -> dict[str, Any]:
        """Return a version as it is sent."""
        row, place = line.report, {"trial": line.report.trial.slug, "week": line.report.week, "version": line.report.version}
        forms = FORMS if line.is_made and not line.withheld else ()
        return {
            **place, "state": line.state.value, "failure": line.failure, "first_day": line.week.monday, "last_day": line.week.sunday,
            "cutoff": row.cutoff, "whole_week": line.is_whole_week, "on_schedule": row.by_schedule, "asked_by": line.by,
            "asked_at": row.requested_at, "reason": row.reason, "made_at": row.made_at, "withheld": line.withheld,
            "html_sha256": line.html_sha256, "pdf_sha256": line.pdf_sha256, "snapshot_sha256": line.payload_sha256,
            "documents": {form: reverse(self.document_route, kwargs={**place, "form": form}) for form in forms},
        }  # fmt: skip


class ClosedReports(Reports):
    """The closed reports, by arm, for unmasked roles: the same weeks, other documents."""

    noun = "closed weekly report"
    detail_route = "api_report_closed"
    document_route = "api_report_closed_document"
    right = Permission.OUTCOMES_CLOSED

    def lines(self, trial: Trial, user: User) -> Sequence[ReportLine]:
        """Return the versions with the hashes of the closed documents."""
        return closed_reports_of(trial, by=user)


class Documents(Door):
    """A report as issued, byte for byte: `report.html`, `report.pdf`, or `snapshot.json` with every number as computed."""

    noun: ClassVar[str] = "weekly report file"
    tag: ClassVar[str] = "weekly reports"
    right: ClassVar[Permission] = Permission.OUTCOMES_OPEN
    act: ClassVar[Act] = Act.REPORT_READ

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Send the document whatever the client would rather have; errors are JSON as anywhere."""
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type

    def get(self, request: Request, trial: str, week: str, version: int, form: str) -> HttpResponse:
        """Return the kept bytes; the reading is recorded."""
        user = person_of(request)
        found = trial_visible_to(user, trial)
        user.check_can(self.right, trial=found)
        if form not in FORMS:
            raise NotFound(f"There is no such document. There are {', '.join(FORMS)}.")
        kept = self.kept(found, week, version, user)
        log_act(self.act, by=user, trial=found, target=f"{week} version {version}")
        return as_file(request, trial, kept, form)

    def kept(self, trial: Trial, week: str, version: int, user: User) -> KeptDocument:
        """Return the open document."""
        return open_report(trial, week, version, by=user)


class ClosedDocuments(Documents):
    """The closed report as issued; the reading is recorded."""

    noun = "closed weekly report file"
    right = Permission.OUTCOMES_CLOSED
    act = Act.CLOSED_REPORT_READ

    def kept(self, trial: Trial, week: str, version: int, user: User) -> KeptDocument:
        """Return the closed document."""
        return closed_report(trial, week, version, by=user)


def as_file(request: Request, slug: str, kept: KeptDocument, form: str) -> HttpResponse:
    """Return a document as a download, or 304 where the client has it: it never changes."""
    media_type, part = FORMS[form]
    etag = f'"{getattr(kept, f"{part}_sha256")}"'
    if is_known(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    name = f"{slug}-{kept.week}-{kept.document}-{kept.version}{form[form.index('.') :]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": SANDBOX, "ETag": etag}
    return HttpResponse(getattr(kept, part), content_type=media_type, headers=headers)
