"""Adverse events of one patient: the list, one of them with its versions, reporting, correcting, voiding, restoring."""

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
from registry.models import AdverseEvent, Enrolment, StimulationSession
from registry.roles import Permission
from registry.selectors.adverse_events import event_visible_to, events_of, versions_of_event
from registry.selectors.sessions import sessions_of
from registry.selectors.voidings import voidings_of
from registry.services.adverse_events import (
    correct_adverse_event,
    record_adverse_events,
    restore_adverse_event,
    void_adverse_event,
)
from registry.vocabulary import SeriousCriterion
from web.adverse_event_forms import AdverseEventForm
from web.patients import patient_frame
from web.record_reasons import RecordReasonForm, check_version_seen, done_with_reason
from web.requests import TrialRequest, in_trial, see_other
from web.score_forms import take_over
from web.thresholds import patient_at


def list_of(request: TrialRequest, enrolment: Enrolment) -> str:
    """Return where the events of the patient are listed."""
    return reverse("adverse_events", args=[request.trial.slug, enrolment.patient_code])


def to_list(request: TrialRequest, enrolment: Enrolment) -> HttpResponse:
    """Lead to the events of the patient."""
    return see_other(list_of(request, enrolment))


def sessions_to_name(request: TrialRequest, enrolment: Enrolment) -> list[StimulationSession]:
    """Return the sessions an event may have come with, the latest first."""
    return sessions_of(request.user, enrolment)[::-1]


@require_safe
@in_trial("patients", Permission.EVENT_VIEW)
def adverse_events(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Show the patient's adverse events, the latest onset first."""
    enrolment = patient_at(request, patient_code, Permission.EVENT_VIEW)
    rows = events_of(request.user, enrolment)
    context = {"rows": rows, "voidings": voidings_of(request.user, rows, enrolment)}
    return render(request, "adverse_events/list.html", {**patient_frame(request, enrolment, "events"), **context})


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.EVENT_RECORD)
def adverse_event_add(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Record one event; the id in the form makes a second press store nothing."""
    enrolment = patient_at(request, patient_code, Permission.EVENT_RECORD)
    form = AdverseEventForm(request.POST or None, enrolment=enrolment, sessions=sessions_to_name(request, enrolment))
    if request.method == "POST" and form.is_valid() and saved_new(request, form):
        return to_list(request, enrolment)
    context = {**patient_frame(request, enrolment, "events"), "form": form}
    return render(request, "adverse_events/add.html", context, status=400 if form.errors else 200)


def saved_new(request: TrialRequest, form: AdverseEventForm) -> bool:
    """Store the event and say so, or put the refusals into the form."""
    row = form.new_event()
    try:
        record_adverse_events(trial=request.trial, rows=[row], by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    messages.success(request, _("Adverse event saved: %(term)s.") % {"term": row.term_text or row.term.label})
    return True


@require_safe
@in_trial("patients", Permission.EVENT_VIEW)
def adverse_event(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Show one event and every version it had."""
    enrolment = patient_at(request, patient_code, Permission.EVENT_VIEW)
    found = event_visible_to(request.user, enrolment, record)
    context = {
        "event": found,
        "versions": versions_of_event(request.user, found),
        "session": next((one for one in sessions_to_name(request, enrolment) if one.record == found.session_record), None),
        "criteria": criteria_text(found),
    }
    return render(request, "adverse_events/event.html", {**patient_frame(request, enrolment, "events"), **context})


def criteria_text(event: AdverseEvent) -> str:
    """Return what makes an event serious."""
    return ", ".join(SeriousCriterion(one).label for one in event.serious_criteria)


def event_to_change(request: TrialRequest, patient_code: str, record: UUID) -> tuple[Enrolment, AdverseEvent]:
    """Return an event of a patient at whose site the person may change events."""
    enrolment = patient_at(request, patient_code, Permission.EVENT_RECORD)
    return enrolment, event_visible_to(request.user, enrolment, record)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.EVENT_RECORD)
def adverse_event_correct(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Correct or complete an event as a new version, with its reason."""
    enrolment, found = event_to_change(request, patient_code, record)
    if found.voided:
        return to_list(request, enrolment)
    check_version_seen(request, found)
    form = AdverseEventForm(request.POST or None, enrolment=enrolment, sessions=sessions_to_name(request, enrolment), event=found)
    reasons = RecordReasonForm(request.POST or None, record=found)
    if request.method == "POST" and form.is_valid() and reasons.is_valid() and corrected(request, form, reasons, found):
        return to_list(request, enrolment)
    context = {**patient_frame(request, enrolment, "events"), "form": form, "reasons": reasons, "event": found}
    return render(request, "adverse_events/correct.html", context, status=400 if form.errors or reasons.errors else 200)


def corrected(request: TrialRequest, form: AdverseEventForm, reasons: RecordReasonForm, found: AdverseEvent) -> bool:
    """Store the correction and say so, or put the refusals into the form."""
    try:
        correct_adverse_event(found, row=form.new_event(), reason=reasons.reason(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    messages.success(request, _("Adverse event corrected."))
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.EVENT_RECORD)
def adverse_event_void(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Take an event out of use, with a reason; doing it again changes nothing."""
    enrolment, found = event_to_change(request, patient_code, record)
    back = list_of(request, enrolment)
    context = {**patient_frame(request, enrolment, "events"), "event": found}
    template, said = "adverse_events/void.html", _("Adverse event voided. It stays in the history.")
    return done_with_reason(request, found, void_adverse_event, voids=True, said=said, back=back, template=template, context=context)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.EVENT_RECORD)
def adverse_event_restore(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Bring a voided event back, with a reason; doing it again changes nothing."""
    enrolment, found = event_to_change(request, patient_code, record)
    back = list_of(request, enrolment)
    context = {**patient_frame(request, enrolment, "events"), "event": found}
    template, said = "adverse_events/restore.html", _("Adverse event restored.")
    return done_with_reason(request, found, restore_adverse_event, voids=False, said=said, back=back, template=template, context=context)
