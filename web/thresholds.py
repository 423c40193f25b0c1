"""Motor thresholds of one patient: the course, one of them with its versions, measuring, correcting, voiding, restoring."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from registry.exceptions import InvalidInput
from registry.models import Enrolment, MotorThreshold
from registry.roles import Permission
from registry.selectors.patients import enrolment_visible_to
from registry.selectors.session_questions import last_threshold
from registry.selectors.thresholds import threshold_visible_to, thresholds_of, versions_of_threshold
from registry.selectors.voidings import voidings_of
from registry.services.thresholds import correct_threshold, record_thresholds, restore_threshold, void_threshold
from web.patients import patient_frame, threshold_figure
from web.record_reasons import RecordReasonForm, check_version_seen, done_with_reason
from web.requests import TrialRequest, in_trial, see_other
from web.score_forms import take_over
from web.threshold_forms import ThresholdForm


def patient_at(request: TrialRequest, patient_code: str, right: Permission) -> Enrolment:
    """Return a patient at whose site the person holds a right."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(right, trial=request.trial, site=enrolment.site)
    return enrolment


def list_of(request: TrialRequest, enrolment: Enrolment) -> str:
    """Return where the thresholds of the patient are listed."""
    return reverse("thresholds", args=[request.trial.slug, enrolment.patient_code])


def to_list(request: TrialRequest, enrolment: Enrolment) -> HttpResponse:
    """Lead to the thresholds of the patient."""
    return see_other(list_of(request, enrolment))


@require_safe
@in_trial("patients", Permission.SESSION_VIEW)
def thresholds(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Show the course of a patient's thresholds, as a figure and as a table."""
    enrolment = patient_at(request, patient_code, Permission.SESSION_VIEW)
    rows = thresholds_of(request.user, enrolment)
    context = {"thresholds": rows[::-1], "threshold_figure": threshold_figure([one for one in rows if not one.voided])}
    context["voidings"] = voidings_of(request.user, rows, enrolment)
    return render(request, "thresholds/list.html", {**patient_frame(request, enrolment, "thresholds"), **context})


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_RECORD)
def threshold_add(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Record one threshold; the id in the form makes a second press store nothing."""
    enrolment = patient_at(request, patient_code, Permission.SESSION_RECORD)
    last = last_threshold(request.user, enrolment, timezone.localdate(timezone=enrolment.zone))
    form = ThresholdForm(request.POST or None, enrolment=enrolment, last=last)
    if request.method == "POST" and form.is_valid() and saved_new(request, form):
        return to_list(request, enrolment)
    context = {**patient_frame(request, enrolment, "thresholds"), "form": form, "last": last}
    return render(request, "thresholds/add.html", context, status=400 if form.errors else 200)


def saved_new(request: TrialRequest, form: ThresholdForm) -> bool:
    """Store the threshold and say so, or put the refusals into the form."""
    row = form.new_threshold()
    try:
        record_thresholds(trial=request.trial, rows=[row], by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    messages.success(request, _("Motor threshold %(value)d %% MSO saved.") % {"value": row.percent_mso})
    return True


@require_safe
@in_trial("patients", Permission.SESSION_VIEW)
def threshold(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Show one threshold and every version it had."""
    enrolment = patient_at(request, patient_code, Permission.SESSION_VIEW)
    found = threshold_visible_to(request.user, enrolment, record)
    context = {"threshold": found, "versions": versions_of_threshold(request.user, found)}
    return render(request, "thresholds/threshold.html", {**patient_frame(request, enrolment, "thresholds"), **context})


def threshold_to_change(request: TrialRequest, patient_code: str, record: UUID) -> tuple[Enrolment, MotorThreshold]:
    """Return a threshold of a patient at whose site the person may correct."""
    enrolment = patient_at(request, patient_code, Permission.SESSION_CORRECT)
    return enrolment, threshold_visible_to(request.user, enrolment, record)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_CORRECT)
def threshold_correct(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Correct a threshold as a new version with its reason; sessions keep the value they were given under."""
    enrolment, found = threshold_to_change(request, patient_code, record)
    if found.voided:
        return to_list(request, enrolment)
    check_version_seen(request, found)
    form = ThresholdForm(request.POST or None, enrolment=enrolment, last=found, correcting=True)
    reasons = RecordReasonForm(request.POST or None, record=found)
    if request.method == "POST" and form.is_valid() and reasons.is_valid() and corrected(request, form, reasons, found):
        return to_list(request, enrolment)
    context = {**patient_frame(request, enrolment, "thresholds"), "form": form, "reasons": reasons, "threshold": found}
    return render(request, "thresholds/correct.html", context, status=400 if form.errors or reasons.errors else 200)


def corrected(request: TrialRequest, form: ThresholdForm, reasons: RecordReasonForm, found: MotorThreshold) -> bool:
    """Store the correction and say so, or put the refusals into the form."""
    row = form.new_threshold(record=found.record)
    try:
        correct_threshold(found, row=row, reason=reasons.reason(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    change = {"old": found.percent_mso, "new": row.percent_mso}
    messages.success(request, _("Motor threshold corrected from %(old)d to %(new)d %% MSO.") % change)
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_CORRECT)
def threshold_void(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Take a threshold out of use, with a reason; doing it again changes nothing."""
    enrolment, found = threshold_to_change(request, patient_code, record)
    back = list_of(request, enrolment)
    context = {**patient_frame(request, enrolment, "thresholds"), "threshold": found}
    template, said = "thresholds/void.html", _("Motor threshold voided. It stays in the history.")
    return done_with_reason(request, found, void_threshold, voids=True, said=said, back=back, template=template, context=context)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_CORRECT)
def threshold_restore(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Bring a voided threshold back, with a reason; doing it again changes nothing."""
    enrolment, found = threshold_to_change(request, patient_code, record)
    back = list_of(request, enrolment)
    context = {**patient_frame(request, enrolment, "thresholds"), "threshold": found}
    template, said = "thresholds/restore.html", _("Motor threshold restored.")
    return done_with_reason(request, found, restore_threshold, voids=False, said=said, back=back, template=template, context=context)
