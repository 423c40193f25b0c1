"""Changing a session on record: correcting it as a new version, voiding and restoring it, entering it for the right patient."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput, NotFound
from registry.models import Enrolment, SessionDraft, StimulationSession
from registry.roles import Permission
from registry.selectors.patients import enrolment_visible_to
from registry.selectors.session_questions import session_question
from registry.selectors.sessions import session_visible_to
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.session_drafts import open_draft, save_draft
from registry.services.stimulation import correct_session, preview_correction, restore_session, void_session
from registry.services.thresholds import record_thresholds
from registry.vocabulary import Conduct, SessionStatus
from web.patients import patient_frame
from web.record_reasons import RecordReasonForm, check_version_seen, done_with_reason
from web.requests import TrialRequest, in_trial, see_other
from web.session_form import Answers, SessionForm, raw_answers
from web.session_form_problems import all_problems
from web.session_form_reading import read_session
from web.session_form_words import was_words
from web.session_on_record import form_on_record, recorded_answers, seen_pains, times_on_record
from web.session_reading import Reading, Times
from web.session_sheet import live_text, session_sheet
from web.session_sitting import INSTEAD_OF
from web.session_told import TOLD, still_told, told_by

CORRECT = Permission.SESSION_CORRECT


def session_to_change(request: TrialRequest, patient_code: str, record: UUID) -> tuple[Enrolment, StimulationSession]:
    """Return a session of a patient at whose site the person may change sessions."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(CORRECT, trial=request.trial, site=enrolment.site)
    found = session_visible_to(request.user, record, request.trial)
    if found.enrolment_id != enrolment.pk:
        raise NotFound("There is no such session among those you may see.")
    return enrolment, found


def to_record(request: TrialRequest, enrolment: Enrolment, record: UUID) -> HttpResponse:
    """Lead to the record."""
    return see_other(reverse("session", args=[request.trial.slug, enrolment.patient_code, record]))


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", CORRECT)
def session_correct(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Correct a session in two steps: the form with the values on record, then old and new side by side; only the second saves."""
    enrolment, found = session_to_change(request, patient_code, record)
    if found.voided or found.status == SessionStatus.MISSED:
        return to_record(request, enrolment, record)
    seen_pains(request, found)
    # Somebody who comes from two entries side by side has not been asked why yet.
    asks_why = "reason_code" in request.POST or "edit" not in request.POST
    reasons = RecordReasonForm(request.POST or None if asks_why else None, record=found)
    check_version_seen(request, found)
    times = times_on_record(found, enrolment, timezone.now())
    form = correction_form(request, enrolment, found)
    reading = read_session(form, record, times, version=found.version + 1)
    if request.method == "POST" and getattr(request, "htmx", False):
        return show_values(request, form, reading, reasons)
    changes = None
    if request.method == "POST" and asks_why:
        changes = checked_changes(request, found, form, reasons, reading, times)
        if changes is not None and "confirm" in request.POST:
            store_correction(request, found, reading, reasons.reason(), times)
            messages.success(request, _("Session %(number)s corrected.") % {"number": found.number or ""})
            return to_record(request, enrolment, record)
    preview = changes is not None and "edit" not in request.POST
    context = correction_context(request, enrolment, found, form, reading, times)
    context |= {
        "told": told_by(form, reasons),
        "reasons": reasons,
        "changes": changes,
        "answers": [(n, v) for n, vs in form.given.lists() for v in vs],
    }
    status = 400 if form.errors or reasons.errors else 200
    return render(request, "sessions/correct_check.html" if preview else "sessions/correct.html", context, status=status)


def correction_form(request: TrialRequest, enrolment: Enrolment, found: StimulationSession) -> SessionForm:
    """Return the form with the values on record, or with those just posted."""
    on_record = form_on_record(request, enrolment, found)
    form = on_record
    if request.method == "POST":
        form = SessionForm(raw_answers(request.POST, on_record), asked=on_record.asked)
    form.was = was_words(form, on_record)
    form.full_clean()
    return form


def show_values(request: TrialRequest, form: SessionForm, reading: Reading, reasons: RecordReasonForm) -> HttpResponse:
    """Answer a correction in the making with the values that follow from it and with what stood on record beside each change."""
    marks = [(name, (form.was or {}).get(name, "")) for name in form.fields]
    form.take_problems(all_problems(reading, form.asked, complete=request.trial.conduct == Conduct.PROSPECTIVE))
    told = still_told(request.POST.getlist(TOLD), form, reasons)
    return render(request, "sessions/correct_live.html", {"live": live_text(form.asked, reading), "marks": marks, "told": told})


def correction_context(
    request: TrialRequest, enrolment: Enrolment, found: StimulationSession, form: SessionForm, reading: Reading, times: Times
) -> dict[str, object]:
    """Return what the page of a correction shows beside its questions."""
    here = reverse("session_correct", args=[request.trial.slug, enrolment.patient_code, found.record])
    sheet = session_sheet(form, times, shown=times, earlier=[], urls=(here, ""))
    live = live_text(form.asked, reading)
    return {**patient_frame(request, enrolment, "sessions"), "session": found, "form": form, "sheet": sheet, "live": live}


def checked_changes(
    request: TrialRequest, found: StimulationSession, form: SessionForm, reasons: RecordReasonForm, reading: Reading, times: Times
) -> object:
    """Return what the correction would change, or None with each problem beside its question."""
    problems = all_problems(reading, form.asked, complete=request.trial.conduct == Conduct.PROSPECTIVE)
    if form.errors or problems:
        form.take_problems(problems)
        return None
    try:
        changes = previewed(request, found, reading, times)
    except InvalidInput as refusal:
        form.take_problems(refusal.problems, by_record=True)
        return None
    if not changes:
        form.add_error(None, _("Nothing is changed yet. Change what was wrong, or leave the record as it is."))
    return changes if changes and reasons.is_valid() else None


class Undone(Exception):
    """Ends a transaction that was only there to look."""


def previewed(request: TrialRequest, found: StimulationSession, reading: Reading, times: Times) -> object:
    """Return the changes; a threshold measured anew is written for the look alone and taken back."""
    changes: object = None
    if reading.new_threshold is None:
        return preview_correction(found, row=reading.row, by=request.user, now=times.now, complete=True)
    try:
        with audited(by=request.user, reason="look at a correction"):
            record_thresholds(trial=request.trial, rows=[reading.new_threshold], by=request.user, now=times.now)
            changes = preview_correction(found, row=reading.row, by=request.user, now=times.now, complete=True)
            raise Undone
    except Undone:
        return changes


def store_correction(request: TrialRequest, found: StimulationSession, reading: Reading, reason: Reason, times: Times) -> None:
    """Write the new version, with a threshold measured anew where there is one: both or neither."""
    with audited(by=request.user, reason=reason.sentence()):
        if reading.new_threshold is not None:
            record_thresholds(trial=request.trial, rows=[reading.new_threshold], by=request.user, now=times.now)
        correct_session(found, row=reading.row, reason=reason, by=request.user, now=times.now, complete=True)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", CORRECT)
def session_void(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Take a session out of use, with a reason; doing it again changes nothing."""
    enrolment, found = session_to_change(request, patient_code, record)
    back = reverse("session", args=[request.trial.slug, enrolment.patient_code, record])
    context = {**patient_frame(request, enrolment, "sessions"), "session": found}
    template, said = "sessions/void.html", _("Session voided. It stays in the history.")
    return done_with_reason(request, found, void_session, voids=True, said=said, back=back, template=template, context=context)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", CORRECT)
def session_restore(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Bring a voided session back, with a reason; doing it again changes nothing."""
    enrolment, found = session_to_change(request, patient_code, record)
    back = reverse("session", args=[request.trial.slug, enrolment.patient_code, record])
    context = {**patient_frame(request, enrolment, "sessions"), "session": found}
    template, said = "sessions/restore.html", _("Session restored.")
    return done_with_reason(request, found, restore_session, voids=False, said=said, back=back, template=template, context=context)


class OtherPatientForm(forms.Form):
    """For whom the session was meant."""

    other_patient = forms.CharField(
        label=gettext_lazy("Study number of the right patient"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "short"}),
        error_messages={"required": gettext_lazy("Enter the study number of the right patient.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", CORRECT)
def session_reenter(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Void a session of the wrong patient and open a draft with its answers for the right one."""
    enrolment, found = session_to_change(request, patient_code, record)
    if found.voided:
        return to_record(request, enrolment, record)
    seen_pains(request, found)
    form = OtherPatientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["other_patient"].strip().upper()
        draft_url = moved(request, enrolment, found, code, form)
        if draft_url:
            return see_other(draft_url)
    context = {**patient_frame(request, enrolment, "sessions"), "form": form, "session": found}
    return render(request, "sessions/reenter.html", context, status=400 if form.errors else 200)


def moved(request: TrialRequest, enrolment: Enrolment, found: StimulationSession, code: str, form: forms.Form) -> str:
    """Void the session and return the address of the other patient's draft; '' where the number is nobody else's."""
    try:
        other = enrolment_visible_to(request.user, request.trial, code)
    except NotFound:
        form.add_error("other_patient", _("There is no patient with this number among those you may see."))
        return ""
    if other.pk == enrolment.pk:
        form.add_error("other_patient", _("The session is entered for this patient already. Enter the other patient's number."))
        return ""
    request.user.check_can(Permission.SESSION_RECORD, trial=request.trial, site=other.site)
    if SessionDraft.objects.filter(enrolment=other, submitted_at=None, discarded_at=None).exists():
        form.add_error("other_patient", _("This patient has a draft that is not saved yet. Save or discard it first."))
        return ""
    now = timezone.now()
    asked = session_question(request.user, enrolment, number=found.number or 1, on=found.for_date, correcting=found)
    answers = portable(recorded_answers(request, found, asked))
    reason = Reason("wrong_patient", f"entered again for {code}")
    with audited(by=request.user, reason=reason.sentence()):
        void_session(found, reason=reason, by=request.user, now=now)
        draft = open_draft(enrolment=other, by=request.user, now=now)
        link = {INSTEAD_OF: f"session {found.number or ''} of {enrolment.patient_code} ({found.record})"}
        save_draft(draft, answers={**answers, **link}, by=request.user, now=now)
    messages.success(
        request,
        _("Session of %(code)s voided. Check the answers for %(other)s and save.") % {"code": enrolment.patient_code, "other": code},
    )
    return reverse("session", args=[request.trial.slug, code, draft.uuid])


def portable(answers: Answers) -> Answers:
    """Leave out what belongs to the one patient: threshold and kit."""
    return {name: values for name, values in answers.items() if name not in ("threshold", "threshold_new", "kit_code", "guess")}
