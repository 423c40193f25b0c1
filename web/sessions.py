"""Sessions of one patient: the list, opening the next one, its form or its record, putting a draft away, a missed one."""

from __future__ import annotations

import uuid
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from registry.exceptions import InvalidInput
from registry.models import Enrolment, StimulationSession
from registry.roles import Permission
from registry.rules.stimulation import NewSession
from registry.selectors.patients import enrolment_visible_to
from registry.selectors.prescriptions import prescribed_for
from registry.selectors.session_rows import session_rows, session_strip
from registry.selectors.sessions import voided_sessions
from registry.selectors.voidings import voidings_of
from registry.services.session_drafts import discard_draft, next_session_number, open_draft, planned_act_refusal
from registry.services.stimulation import record_sessions
from registry.vocabulary import SessionStatus
from web.patients import patient_frame
from web.requests import TrialRequest, in_trial, see_other
from web.score_forms import take_over
from web.session_clash import record_clash
from web.session_offer import session_offer
from web.session_sitting import draft_visible_to, is_saved
from web.sessions_form import get_form, post_form
from web.sessions_missed import MissedForm, due_number
from web.sessions_record import show_record


@require_safe
@in_trial("patients", Permission.SESSION_VIEW)
def sessions(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Show all sessions of one patient, the latest first."""
    enrolment = seen(request, patient_code, Permission.SESSION_VIEW)
    rows = session_rows(request.user, enrolment)
    strip = session_strip(rows, prescribed_for(enrolment, timezone.localdate(timezone=enrolment.zone)))
    voided = voided_sessions(request.user, enrolment)
    context = {**patient_frame(request, enrolment, "sessions"), "rows": rows, "strip": strip, "offer": session_offer(enrolment, strip)}
    context |= {"voided": voided, "voidings": voidings_of(request.user, voided, enrolment)}
    return render(request, "sessions/list.html", context)


def seen(request: TrialRequest, patient_code: str, right: Permission) -> Enrolment:
    """Return a patient at whose site the person holds a right."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(right, trial=request.trial, site=enrolment.site)
    return enrolment


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_RECORD)
def session_open(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Open the draft of the next session. Where an earlier planned day passed without one, ask first what became of it."""
    enrolment = seen(request, patient_code, Permission.SESSION_RECORD)
    following = next_session_number(enrolment)
    today = timezone.localdate(timezone=enrolment.zone)
    prescribed = prescribed_for(enrolment, today)
    due = due_number(prescribed, today)
    late = due is not None and following < due
    refusal = planned_act_refusal(enrolment)
    asks_first = (late or refusal) and not request.POST.get("number")
    if request.method != "POST" or asks_first:
        planned_on = prescribed.day_of(following) if prescribed is not None else None
        context = {"number": following, "planned_on": planned_on, "late": late, "due": due, "refusal": refusal}
        context["all_given"] = prescribed is not None and following > prescribed.session_count
        return render(request, "sessions/open.html", {**patient_frame(request, enrolment, "sessions"), **context})
    draft = open_draft(enrolment=enrolment, number=following, by=request.user, now=timezone.now(), delivered=refusal is not None)
    return see_other(reverse("session", args=[request.trial.slug, patient_code, draft.uuid]))


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_VIEW)
def session(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Show a session: its record once it is saved, before that its form. Saving a form posts it here."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    on_record = StimulationSession.objects.visible_to(request.user).filter(record=record, enrolment=enrolment).exists()
    if request.method != "POST" and on_record:
        return show_record(request, enrolment, record)
    request.user.check_can(Permission.SESSION_RECORD, trial=request.trial, site=enrolment.site)
    if on_record:
        return record_clash(request, enrolment, record)
    draft = draft_visible_to(request, enrolment, record)
    if draft.discarded_at is not None and request.method != "POST":
        messages.warning(request, _("This draft was discarded. Open the session again to log it."))
        return see_other(reverse("sessions", args=[request.trial.slug, patient_code]))
    return post_form(request, draft) if request.method == "POST" else get_form(request, draft)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_RECORD)
def session_discard(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Put a draft away after asking once."""
    enrolment = seen(request, patient_code, Permission.SESSION_RECORD)
    draft = draft_visible_to(request, enrolment, record)
    if is_saved(draft):
        return see_other(reverse("session", args=[request.trial.slug, patient_code, record]))
    if request.method == "POST":
        discard_draft(draft, by=request.user, now=timezone.now())
        messages.success(request, _("Draft of session %(number)s discarded.") % {"number": draft.number})
        return see_other(reverse("patient", args=[request.trial.slug, patient_code]))
    return render(request, "sessions/discard.html", {**patient_frame(request, enrolment, "sessions"), "draft": draft})


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.SESSION_RECORD)
def session_missed(request: TrialRequest, patient_code: str, number: int) -> HttpResponse:
    """Record that a planned session was missed, and why; the id in the form makes a second press store nothing."""
    enrolment = seen(request, patient_code, Permission.SESSION_RECORD)
    today = timezone.localdate(timezone=enrolment.zone)
    prescribed = prescribed_for(enrolment, today)
    planned_on = prescribed.day_of(number) if prescribed is not None else None
    form = MissedForm(request.POST or None, initial={"record": uuid.uuid4(), "for_date": planned_on})
    if request.method == "POST" and form.is_valid() and missed_saved(request, enrolment, number, form):
        return see_other(reverse("session_open", args=[request.trial.slug, patient_code]))
    context = {**patient_frame(request, enrolment, "sessions"), "form": form, "number": number, "planned_on": planned_on}
    return render(request, "sessions/missed.html", context, status=400 if form.errors else 200)


def missed_saved(request: TrialRequest, enrolment: Enrolment, number: int, form: MissedForm) -> bool:
    """Store the missed session and say so, or put the refusals into the form."""
    given = form.cleaned_data
    row = NewSession(
        patient=enrolment.patient_code,
        status=SessionStatus.MISSED,
        number=number,
        reason=form.reason_word(),
        reason_text=given["reason_text"],
        for_date=given["for_date"],
        record=given["record"],
    )
    try:
        record_sessions(trial=request.trial, rows=[row], by=request.user, now=timezone.now(), complete=True)
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    messages.success(request, _("Session %(number)d recorded as missed.") % {"number": number})
    return True
