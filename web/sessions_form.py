"""The session form at work: the draft it lives in, the values that come back while it is filled in, and saving it once."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.models import SessionDraft
from registry.roles import Permission
from registry.selectors.patients import enrolment_visible_to
from registry.selectors.session_rows import session_rows
from registry.selectors.sessions import session_visible_to
from registry.services.auditing import audited
from registry.services.session_drafts import DraftConflict
from registry.services.stimulation import record_sessions
from registry.services.thresholds import record_thresholds
from registry.vocabulary import Conduct
from web.requests import TrialRequest, in_trial, see_other
from web.session_clash import RESOLVING, discarded_clash, draft_clash, live_clash, of_draft, of_record, record_clash, reopen, resolve
from web.session_form import SessionForm, field_of
from web.session_form_problems import all_problems
from web.session_reading import Reading, Times
from web.session_sheet import live_text, session_sheet
from web.session_sitting import (
    INSTEAD_OF,
    PART_1,
    Sitting,
    answers_for,
    answers_of,
    draft_visible_to,
    is_saved,
    keep_entries,
    sit_down,
    times_of,
)
from web.session_told import TOLD, still_told, told_by, told_query


def show_form(sitting: Sitting, form: SessionForm, reading: Reading, *, status: int = 200) -> HttpResponse:
    """Render the form of a draft."""
    return render(sitting.request, "sessions/form.html", page_context(sitting, form, reading), status=status)


def page_context(sitting: Sitting, form: SessionForm, reading: Reading, *, earlier: bool = True) -> dict[str, object]:
    """Return what the page of a form shows, also in the reply to a draft."""
    draft = sitting.draft
    times = times_of(draft, timezone.now())
    sheet = session_sheet(
        form,
        times,
        shown=times if PART_1 in draft.answers else None,
        earlier=session_rows(sitting.request.user, draft.enrolment)[:3] if earlier else [],
        urls=(reverse("session", args=sitting.place), reverse("session_draft", args=sitting.place)),
    )
    saved_at = f"{draft.updated_at.astimezone(times.zone):%H:%M}" if answers_of(draft.answers) else ""
    live = live_text(form.asked, reading)
    draft_words = {"saved_at": saved_at, "version": draft.version, "tab": sitting.tab}
    told = told_by(form)
    return {"form": form, "sheet": sheet, "live": live, "enrolment": draft.enrolment, "told": told, **draft_words}


def get_form(request: TrialRequest, draft: SessionDraft) -> HttpResponse:
    """Show the form with what was entered so far."""
    sitting = sit_down(request, draft)
    form, reading, _times = sitting.read(answers_for(request.user, draft))
    shown = request.GET.getlist(TOLD)
    if shown:
        # A page without script said these before its values were updated; what is answered since is not said again.
        form.take_problems(problem for problem in problems_of(request, form, reading) if field_of(problem.field, form) in shown)
    return show_form(sitting, form, reading)


def post_form(request: TrialRequest, draft: SessionDraft, act: str = "") -> HttpResponse:
    """Keep the entries, and save the session unless the person leaves or only wants the values; a saved one is never saved again.

    Where somebody else was quicker, the answer shows both sides and nothing that was entered is lost.
    """
    sitting = sit_down(request, draft)
    act = act or request.POST.get("act", "save")
    if draft.discarded_at is not None:
        return reopen(sitting) if act == "reopen" else discarded_clash(sitting, sitting.posted)
    if act in RESOLVING:
        return resolve(sitting)
    try:
        return kept_or_saved(sitting, act)
    except DraftConflict:
        return draft_clash(sitting, sitting.posted)
    except Conflict:
        # The same form, sent twice at one moment: the other one was quicker.
        if is_saved(draft):
            return record_clash(request, draft.enrolment, draft.uuid)
        raise


def kept_or_saved(sitting: Sitting, act: str) -> HttpResponse:
    """Keep what was posted, then do what the button says; raise Conflict where somebody was quicker."""
    request, draft, here = sitting.request, sitting.draft, reverse("session", args=sitting.place)
    answers = keep_entries(sitting, mark_times=act != "save")
    if act == "leave":
        kept = _("The draft of session %(number)s is kept. Nothing of it counts before you save it.")
        messages.success(request, kept % {"number": draft.number})
        return see_other(reverse("patient", args=sitting.place[:2]))
    if act != "save":
        return see_other(here + told_query(request.POST.getlist(TOLD)))
    form, reading, times = sitting.read(answers)
    return see_other(here) if saved(request, draft, form, reading, times) else show_form(sitting, form, reading, status=400)


def problems_of(request: TrialRequest, form: SessionForm, reading: Reading) -> list[Problem]:
    """Return what keeps a form from being saved, as far as its answers alone say."""
    return all_problems(reading, form.asked, complete=request.trial.conduct == Conduct.PROSPECTIVE)


def saved(request: TrialRequest, draft: SessionDraft, form: SessionForm, reading: Reading, times: Times) -> bool:
    """Record threshold and session together; put what is wrong beside the questions and return False.

    Raises Conflict where the session is on record with another content.
    """
    problems = problems_of(request, form, reading)
    if form.errors or problems:
        form.take_problems(problems)
        return False
    try:
        store(request, draft, reading, times)
    except InvalidInput as refusal:
        form.take_problems(refusal.problems, by_record=True)
        return False
    clock = f"{times.now.astimezone(times.zone):%H:%M}"
    messages.success(request, _("Session %(number)s saved %(clock)s.") % {"number": draft.number, "clock": clock})
    return True


def store(request: TrialRequest, draft: SessionDraft, reading: Reading, times: Times) -> None:
    """Write the threshold measured in the session, then the session: both or neither."""
    replaced = draft.answers.get(INSTEAD_OF, "")
    reason = f"session entered again, in place of {replaced}" if replaced else "session recorded"
    with audited(by=request.user, reason=reason):
        if reading.new_threshold is not None:
            record_thresholds(trial=request.trial, rows=[reading.new_threshold], by=request.user, now=times.now)
        record_sessions(trial=request.trial, rows=[reading.row], by=request.user, now=times.now, complete=True)


@require_POST
@in_trial("patients", Permission.SESSION_RECORD)
def session_draft(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
    """Keep the entries given so far and answer with the values that follow from them."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(Permission.SESSION_RECORD, trial=request.trial, site=enrolment.site)
    draft = draft_visible_to(request, enrolment, record)
    sitting = sit_down(request, draft)
    if is_saved(draft):
        return after_the_record(sitting)
    if not getattr(request, "htmx", False):
        return post_form(request, draft, "keep")
    try:
        answers = keep_entries(sitting, mark_times=True)
    except Conflict:
        return after_the_record(sitting) if is_saved(draft) else live_clash(request, of_draft(draft, request.user))
    form, reading, _times = sitting.read(answers)
    context = page_context(sitting, form, reading, earlier=False)
    form.take_problems(problems_of(request, form, reading))
    context["told"] = still_told(request.POST.getlist(TOLD), form)
    return render(request, "sessions/live.html", context)


def after_the_record(sitting: Sitting) -> HttpResponse:
    """Answer a draft whose session is on record: the way there, or first that something else was entered here."""
    request, draft = sitting.request, sitting.draft
    found = record_clash(request, draft.enrolment, draft.uuid)
    if not getattr(request, "htmx", False):
        return found
    if found.status_code == HTTPStatus.CONFLICT:
        return live_clash(request, of_record(session_visible_to(request.user, draft.uuid, request.trial), request.user))
    return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": reverse("session", args=sitting.place)})
