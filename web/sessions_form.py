"""The session form at work: the draft it lives in, the values that come back while it is filled in, and saving it once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from registry.exceptions import Conflict, InvalidInput, NotFound
from registry.models import Enrolment, SessionDraft, StimulationSession
from registry.roles import Permission
from registry.selectors.patients import enrolment_visible_to
from registry.selectors.session_questions import SessionQuestion, session_question
from registry.selectors.session_rows import session_rows
from registry.services.auditing import audited
from registry.services.session_drafts import save_draft
from registry.services.stimulation import record_sessions
from registry.services.thresholds import record_thresholds
from registry.vocabulary import Conduct
from web.requests import TrialRequest, in_trial, see_other
from web.session_form import Answers, SessionForm, raw_answers
from web.session_form_problems import all_problems
from web.session_form_reading import Reading, Times, read_session
from web.session_sheet import live_text, session_sheet

# When the first answer of a part came in; kept among the answers of the draft.
PART_1, PART_3 = "_part_1_at", "_part_3_at"
# The record that this one replaces, entered for another patient by mistake.
INSTEAD_OF = "_instead_of"
FIRST_PART = ("pain_before", "anything_new")
THIRD_PART = ("pain_after", "effects")


@dataclass(frozen=True)
class Sitting:
    """One request at one form: the draft, and what is asked of the patient that day."""

    request: TrialRequest
    draft: SessionDraft
    asked: SessionQuestion

    @property
    def place(self) -> list[Any]:
        """Return what the addresses of this draft are made of."""
        return [self.request.trial.slug, self.draft.enrolment.patient_code, self.draft.uuid]

    def read(self, answers: Answers) -> tuple[SessionForm, Reading, Times]:
        """Return form and reading of entries."""
        times = times_of(self.draft, timezone.now())
        form = SessionForm(answers, asked=self.asked)
        form.full_clean()
        return form, read_session(form, self.draft.uuid, times), times


def draft_visible_to(request: TrialRequest, enrolment: Enrolment, record: UUID) -> SessionDraft:
    """Return a draft of the patient; raise NotFound for any other."""
    draft = SessionDraft.objects.filter(uuid=record, enrolment=enrolment).first()
    if draft is None:
        raise NotFound("There is no such session among those you may see.")
    draft.enrolment = enrolment
    return draft


def is_saved(draft: SessionDraft) -> bool:
    """Tell whether the session of a draft is on record."""
    return StimulationSession.objects.filter(record=draft.uuid).exists()


def answers_of(draft: SessionDraft) -> Answers:
    """Return the entries of a draft without the times kept among them."""
    return {name: values for name, values in draft.answers.items() if not name.startswith("_")}


def times_of(draft: SessionDraft, now: datetime) -> Times:
    """Return when the draft's answers came; a form sent in one piece began when it was opened."""
    first, third = (draft.answers.get(name) for name in (PART_1, PART_3))
    began = datetime.fromisoformat(first) if first else draft.opened_at
    ended = datetime.fromisoformat(third) if third else None
    return Times(began, ended if ended is not None and ended >= began else None, now, draft.enrolment.zone)


def sit_down(request: TrialRequest, draft: SessionDraft) -> Sitting:
    """Return what one request asks and knows about a draft."""
    times = times_of(draft, timezone.now())
    day = times.began.astimezone(times.zone).date()
    return Sitting(request, draft, session_question(request.user, draft.enrolment, number=draft.number or 1, on=day))


def with_times(answers: Answers, draft: SessionDraft, now: datetime) -> dict[str, Any]:
    """Return entries as the draft keeps them: with the moment at which each part was first answered."""
    kept: dict[str, Any] = {name: value for name, value in draft.answers.items() if name.startswith("_")}
    for mark, names in ((PART_1, FIRST_PART), (PART_3, THIRD_PART)):
        if any(name in answers for name in names):
            kept.setdefault(mark, now.isoformat())
    return {**answers, **kept}


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
    saved_at = f"{draft.updated_at.astimezone(times.zone):%H:%M}" if answers_of(draft) else ""
    return {"form": form, "sheet": sheet, "live": live_text(form.asked, reading), "saved_at": saved_at, "enrolment": draft.enrolment}


def get_form(request: TrialRequest, draft: SessionDraft) -> HttpResponse:
    """Show the form with what was entered so far."""
    sitting = sit_down(request, draft)
    form, reading, _times = sitting.read(answers_of(draft))
    return show_form(sitting, form, reading)


def keep_entries(sitting: Sitting, *, mark_times: bool) -> Answers:
    """Keep what was posted in the draft and return it. Sending the form for good marks no times: they are those of the answers."""
    draft, now = sitting.draft, timezone.now()
    answers = raw_answers(sitting.request.POST, SessionForm({}, asked=sitting.asked))
    marks = {name: value for name, value in draft.answers.items() if name.startswith("_")}
    enrolment = draft.enrolment
    save_draft(draft, answers=with_times(answers, draft, now) if mark_times else {**answers, **marks}, by=sitting.request.user, now=now)
    draft.enrolment = enrolment
    return answers


def post_form(request: TrialRequest, draft: SessionDraft) -> HttpResponse:
    """Keep the entries, and save the session unless the person leaves or only wants the values; a saved one is never saved again."""
    sitting = sit_down(request, draft)
    here = reverse("session", args=sitting.place)
    act = request.POST.get("act", "save")
    try:
        answers = keep_entries(sitting, mark_times=act != "save")
    except Conflict:
        # The same form, sent twice at one moment: the other one was quicker.
        if is_saved(draft):
            return see_other(here)
        raise
    if act == "leave":
        kept = _("The draft of session %(number)s is kept. Nothing of it counts before you save it.")
        messages.success(request, kept % {"number": draft.number})
        return see_other(reverse("patient", args=sitting.place[:2]))
    if act == "keep":
        return see_other(here)
    form, reading, times = sitting.read(answers)
    return see_other(here) if saved(request, draft, form, reading, times) else show_form(sitting, form, reading, status=400)


def saved(request: TrialRequest, draft: SessionDraft, form: SessionForm, reading: Reading, times: Times) -> bool:
    """Record threshold and session together; put what is wrong beside the questions and return False."""
    problems = all_problems(reading, complete=request.trial.conduct == Conduct.PROSPECTIVE)
    if form.errors or problems:
        form.take_problems(problems)
        return False
    try:
        store(request, draft, reading, times)
    except InvalidInput as refusal:
        form.take_problems(refusal.problems)
        return False
    except Conflict:
        # The same form, sent twice at one moment: the other one was quicker.
        if not is_saved(draft):
            raise
        return True
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
    to_record = reverse("session", args=sitting.place)
    if is_saved(draft):
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": to_record})
    answers = keep_entries(sitting, mark_times=True)
    if not getattr(request, "htmx", False):
        return see_other(to_record)
    form, reading, _times = sitting.read(answers)
    return render(request, "sessions/live.html", page_context(sitting, form, reading, earlier=False))
