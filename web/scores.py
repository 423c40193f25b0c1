"""Pain scores of one patient: the list, and adding, correcting, voiding and restoring one, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from registry.exceptions import InvalidInput
from registry.models import Enrolment, PainScore
from registry.roles import Permission
from registry.selectors.patients import enrolment_visible_to, score_visible_to
from registry.selectors.scores import PAGE_SIZE, list_scores, score_question, versions_of
from registry.selectors.voidings import voidings_of
from registry.services.score_recording import record_scores
from registry.services.scores import correct_score, restore_score, void_score
from web.paging import asked_page, pager
from web.patients import patient_frame
from web.record_reasons import check_version_seen, done_with_reason
from web.requests import TrialRequest, in_trial
from web.score_forms import CorrectionForm, NewScoreForm, decimal_text, take_over


@require_safe
@in_trial("patients", Permission.SCORE_VIEW)
def scores(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Show all scores of one patient, newest first."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    found = list_scores(request.user, enrolment, page=asked_page(request))
    context = {
        **patient_frame(request, enrolment, "scores"),
        "rows": found.rows,
        "voidings": voidings_of(request.user, found.rows, enrolment),
        "pager": pager(request.GET, page=found.page, size=PAGE_SIZE, total=found.total),
    }
    return render(request, "scores/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SCORE_RECORD)
def score_add(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Record one score; the id in the form makes a second press store nothing."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(Permission.SCORE_RECORD, trial=request.trial, site=enrolment.site)
    asked = score_question(enrolment, request.GET.get("scale", ""))
    if asked is None:
        return render(request, "scores/no_scale.html", patient_frame(request, enrolment, "scores"))
    form = NewScoreForm(request.POST or None, patient_code=enrolment.patient_code, asked=asked)
    if request.method == "POST" and form.is_valid() and saved_new(request, form):
        return to_patient(enrolment)
    context = {**patient_frame(request, enrolment, "scores"), "form": form, "asked": asked}
    return render(request, "scores/add.html", context, status=400 if form.errors else 200)


def saved_new(request: TrialRequest, form: NewScoreForm) -> bool:
    """Store the score and say so, or put the refusals into the form."""
    row = form.new_score()
    try:
        record_scores(trial=request.trial, rows=[row], by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    messages.success(request, _("Score %(value)s for %(when)s saved.") % {"value": decimal_text(row.value), "when": form.when()})
    return True


@require_safe
@in_trial("patients", Permission.SCORE_VIEW)
def score(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Show one score and every version it had."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    found = score_visible_to(request.user, enrolment, record)
    context = {**patient_frame(request, enrolment, "scores"), "score": found, "versions": versions_of(request.user, found)}
    return render(request, "scores/score.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SCORE_CORRECT)
def score_correct(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Correct a value in two steps: the form, then old and new side by side; only the second step saves."""
    enrolment, found = score_to_change(request, patient_code, record)
    form = CorrectionForm(request.POST or None, score=found)
    if request.method == "POST" and form.was_saved_before():
        return to_patient(enrolment)
    check_version_seen(request, found)
    context = {**patient_frame(request, enrolment, "scores"), "form": form, "score": found, "preview": False}
    if request.method == "POST" and form.is_valid():
        if "confirm" in request.POST and saved_correction(request, form, found):
            return to_patient(enrolment)
        context["preview"] = "edit" not in request.POST and not form.errors
    return render(request, "scores/correct.html", context, status=400 if form.errors else 200)


def saved_correction(request: TrialRequest, form: CorrectionForm, found: PainScore) -> bool:
    """Store the correction and say so, or put the refusals into the form."""
    try:
        correct_score(found, value=form.cleaned_data["value"], reason=form.reason(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    change = {"when": when_of(found), "old": decimal_text(found.value), "new": decimal_text(form.cleaned_data["value"])}
    messages.success(request, _("Score for %(when)s corrected from %(old)s to %(new)s.") % change)
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SCORE_CORRECT)
def score_void(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Take a score out of use, with a reason; doing it again changes nothing."""
    enrolment, found = score_to_change(request, patient_code, record)
    said = _("Score for %(when)s voided. It stays in the history.") % {"when": when_of(found)}
    return reasoned(request, enrolment, found, void_score, said, "scores/void.html")


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SCORE_CORRECT)
def score_restore(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Bring a voided score back, with a reason; doing it again changes nothing."""
    enrolment, found = score_to_change(request, patient_code, record)
    said = _("Score for %(when)s restored.") % {"when": when_of(found)}
    return reasoned(request, enrolment, found, restore_score, said, "scores/restore.html")


def reasoned(
    request: TrialRequest, enrolment: Enrolment, found: PainScore, act: Callable[..., object], said: str, page: str
) -> HttpResponse:
    """Void or restore a score after asking why."""
    context = {**patient_frame(request, enrolment, "scores"), "score": found}
    back = reverse("patient", args=[request.trial.slug, enrolment.patient_code])
    return done_with_reason(request, found, act, voids=act is void_score, said=said, back=back, template=page, context=context)


def score_to_change(request: TrialRequest, patient_code: str, record: UUID) -> tuple[Enrolment, PainScore]:
    """Return a score of a patient at whose site the person may change scores."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(Permission.SCORE_CORRECT, trial=request.trial, site=enrolment.site)
    return enrolment, score_visible_to(request.user, enrolment, record)


def when_of(found: PainScore) -> str:
    """Return the day of a score in words, else its visit."""
    return formats.date_format(found.for_date, "DATE_FORMAT") if found.for_date else str(found.visit_type)


def to_patient(enrolment: Enrolment) -> HttpResponse:
    """Lead back to the patient, so that reloading sends nothing twice."""
    return redirect("patient", trial=enrolment.trial.slug, patient_code=enrolment.patient_code)
