"""Weekly reports: the list by week, the documents exactly as issued, and asking for one. Nothing is computed here."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import groupby

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from registry.exceptions import InvalidInput
from registry.roles import Permission
from registry.rules.report_weeks import ReportWeek
from registry.selectors.reports import KeptDocument, closed_report, open_report, reports_of
from registry.services.acts import log_act
from registry.services.reports import ask_for_report
from registry.vocabulary import Act, ReportDay
from web.requests import TrialRequest, in_trial
from web.score_forms import take_over

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class AskForReport(forms.Form):
    """Which week, and for a further version why."""

    week = forms.CharField(
        label=gettext_lazy("Week"),
        help_text=gettext_lazy("ISO year and week, for example 2026-W47. A week that is not over is reported up to now."),
        max_length=8,
        error_messages={"required": gettext_lazy("Name the week, for example 2026-W47.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Needed where the week has a report already; it stands in the new one."),
        max_length=300,
        required=False,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("reports", Permission.OUTCOMES_OPEN)
def reports(request: TrialRequest) -> HttpResponse:
    """List the reports by week, or ask for one."""
    now = timezone.now()
    this_week = ReportWeek.of(now, request.trial.zone)
    form = AskForReport(request.POST) if request.method == "POST" else AskForReport(initial={"week": this_week})
    if request.method == "POST" and asked(request, form):
        messages.success(request, _("The report is being made. Load this page again in a moment."))
        return redirect("reports", request.trial.slug)
    found = groupby(reports_of(request.trial, by=request.user), key=lambda line: line.week)
    day = ReportDay(request.trial.report_day)
    next_at = this_week.report_at(day, request.trial.report_hour, request.trial.zone)
    context = {
        "form": form,
        "weeks": [(week, list(lines)) for week, lines in found],
        "may_see_closed": request.user.can(Permission.OUTCOMES_CLOSED, trial=request.trial),
        "next_at": next_at,
    }
    return render(request, "reports/page.html", context, status=400 if form.errors else 200)


def asked(request: TrialRequest, form: AskForReport) -> bool:
    """Ask for the report, or put the refusals into the form."""
    if not form.is_valid():
        return False
    try:
        week = ReportWeek.read(form.cleaned_data["week"])
        ask_for_report(trial=request.trial, week=week, reason=form.cleaned_data["reason"], by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    return True


@require_safe
@in_trial("reports", Permission.OUTCOMES_OPEN)
def report(request: TrialRequest, week: str, version: int) -> HttpResponse:
    """Show an open report as issued."""
    return as_page(open_one(request, week, version))


@require_safe
@in_trial("reports", Permission.OUTCOMES_OPEN)
def report_pdf(request: TrialRequest, week: str, version: int) -> HttpResponse:
    """Send the PDF of an open report as issued."""
    return as_pdf(request, open_one(request, week, version))


@require_safe
@in_trial("reports", Permission.OUTCOMES_CLOSED)
def report_closed(request: TrialRequest, week: str, version: int) -> HttpResponse:
    """Show a closed report as issued; the reading is recorded."""
    return as_page(closed_one(request, week, version))


@require_safe
@in_trial("reports", Permission.OUTCOMES_CLOSED)
def report_closed_pdf(request: TrialRequest, week: str, version: int) -> HttpResponse:
    """Send the PDF of a closed report as issued; the reading is recorded."""
    return as_pdf(request, closed_one(request, week, version))


def open_one(request: TrialRequest, week: str, version: int) -> KeptDocument:
    """Return an open document and note that it was read."""
    found = open_report(request.trial, week, version, by=request.user)
    log_act(Act.REPORT_READ, by=request.user, trial=request.trial, target=f"{week} version {version}")
    return found


def closed_one(request: TrialRequest, week: str, version: int) -> KeptDocument:
    """Return a closed document and note that it was read."""
    found = closed_report(request.trial, week, version, by=request.user)
    log_act(Act.CLOSED_REPORT_READ, by=request.user, trial=request.trial, target=f"{week} version {version}")
    return found


def as_page(found: KeptDocument) -> HttpResponse:
    """Return the kept bytes as a page that may use its own stylesheet, known by its hash, and nothing else."""
    styles = " ".join(f"'sha256-{_digest(style)}'" for style in _STYLE.findall(found.html))
    policy = f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return HttpResponse(found.html, headers={"Content-Security-Policy": policy})


def as_pdf(request: TrialRequest, found: KeptDocument) -> HttpResponse:
    """Return the kept PDF as a download."""
    name = f"{request.trial.slug}-{found.week}-{found.document}-{found.version}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(found.pdf, content_type="application/pdf", headers=headers)


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
