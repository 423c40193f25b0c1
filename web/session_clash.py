"""One session on two tablets: what was saved elsewhere beside what was entered here, question by question. The person chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.models import Enrolment, SessionDraft, StimulationSession, User
from registry.roles import Permission
from registry.selectors.sessions import session_visible_to
from registry.services.session_drafts import DraftConflict, open_draft
from web.patients import patient_frame
from web.requests import TrialRequest, see_other
from web.session_form import BLOCK, CHANGED, EARLY, Answers, SessionForm, raw_answers
from web.session_form_reading import read_session
from web.session_form_words import differing, entries, label_of, value_text
from web.session_on_record import form_on_record, sees_pains, times_on_record
from web.session_sitting import Sitting, answers_for, answers_of, keep, sit_down

THEIRS, MINE = "theirs", "mine"
CHOICE = "keep_"
# One answer for each question, or one for all of them.
RESOLVING = {"resolve": "", "resolve_theirs": THEIRS, "resolve_mine": MINE}


@dataclass(frozen=True)
class ClashRow:
    """One question answered differently; `chosen` is the side that stands, '' until somebody says."""

    name: str
    label: str
    theirs: str
    mine: str
    chosen: str


@dataclass(frozen=True)
class OtherSide:
    """Who was quicker, when, and what became of it: kind is draft, record or discarded."""

    kind: str
    who: str
    at: datetime
    is_own: bool


def of_draft(draft: SessionDraft, by: User) -> OtherSide:
    """Return the other side of a draft: who saved or discarded it last."""
    kind = "draft" if draft.discarded_at is None else "discarded"
    return OtherSide(kind, draft.updated_by.name, draft.updated_at, draft.updated_by_id == by.pk)


def of_record(found: StimulationSession, by: User) -> OtherSide:
    """Return the other side of a session on record: who wrote the version that stands."""
    return OtherSide("record", found.recorded_by.name, found.recorded_at, found.recorded_by_id == by.pk)


def clash_rows(theirs: SessionForm, mine: SessionForm, chosen: QueryDict | Mapping[str, str]) -> list[ClashRow]:
    """Return the questions answered differently. Where one side has no answer the other one is offered; else nothing is chosen."""
    rows = []
    for name in differing(theirs, mine):
        other, own = entries(theirs, name), entries(mine, name)
        offered = THEIRS if not own else MINE if not other else ""
        words = value_text(theirs, name, other), value_text(mine, name, own)
        rows.append(ClashRow(name, label_of(mine, name), *words, chosen.get(f"{CHOICE}{name}") or offered))
    return rows


def draft_clash(sitting: Sitting, mine: Answers, *, status: int = HTTPStatus.CONFLICT) -> HttpResponse:
    """Show both entries of a draft side by side; the answers entered here travel with the page."""
    theirs = SessionForm(answers_for(sitting.request.user, sitting.draft), asked=sitting.asked)
    rows = clash_rows(theirs, SessionForm(mine, asked=sitting.asked), sitting.request.POST)
    more = {"rows": rows, "is_open": status == HTTPStatus.BAD_REQUEST, "version": sitting.draft.version}
    return show_clash(sitting, of_draft(sitting.draft, sitting.request.user), mine, more, status=status)


def discarded_clash(sitting: Sitting, mine: Answers) -> HttpResponse:
    """Show what was entered here for a draft that somebody discarded meanwhile."""
    nothing = SessionForm({}, asked=sitting.asked)
    rows = [row for row in clash_rows(nothing, SessionForm(mine, asked=sitting.asked), {}) if not row.name.startswith(BLOCK)]
    return show_clash(sitting, of_draft(sitting.draft, sitting.request.user), mine, {"rows": rows})


def show_clash(
    sitting: Sitting, side: OtherSide, mine: Answers, more: Mapping[str, object], *, status: int = HTTPStatus.CONFLICT
) -> HttpResponse:
    """Render the page of a draft with two sides."""
    here = reverse("session", args=sitting.place)
    context = {"side": side, "number": sitting.draft.number, "url": here, "tab": sitting.tab, "answers": flat(mine), **more}
    context |= patient_frame(sitting.request, sitting.draft.enrolment, "sessions")
    return render(sitting.request, "sessions/clash.html", context, status=status)


def flat(answers: Answers) -> list[tuple[str, str]]:
    """Return entries as the pairs a form sends."""
    return [(name, value) for name, values in answers.items() for value in values]


def held(form: SessionForm) -> Answers:
    """Return everything a form holds."""
    return {name: [str(value) for value in form.given.getlist(name)] for name in form.given}


def record_clash(request: TrialRequest, enrolment: Enrolment, record: UUID) -> HttpResponse:
    """Lead to a session saved meanwhile; where something else was entered here, show both first, and the way to correct it."""
    here = reverse("session", args=[request.trial.slug, enrolment.patient_code, record])
    found = session_visible_to(request.user, record, request.trial)
    if found.voided or not sees_pains(request, found):
        return see_other(here)
    theirs, mine = both_sides(request, enrolment, found)
    if says_the_same(found, enrolment, theirs, mine):
        return see_other(here)
    may_correct = Permission.SESSION_CORRECT in request.user.permissions_in(request.trial, enrolment.site)
    context = {
        **patient_frame(request, enrolment, "sessions"),
        "side": of_record(found, request.user),
        "number": found.number,
        "url": reverse("session_correct", args=[request.trial.slug, enrolment.patient_code, record]),
        "record_url": here,
        "may_change": may_correct,
        "version": found.version,
        "answers": flat(held(mine)),
        "rows": clash_rows(theirs, mine, {}),
    }
    return render(request, "sessions/clash.html", context, status=HTTPStatus.CONFLICT)


def both_sides(request: TrialRequest, enrolment: Enrolment, found: StimulationSession) -> tuple[SessionForm, SessionForm]:
    """Return the session on record as a form, and the same with what was entered here laid over it."""
    theirs = form_on_record(request, enrolment, found)
    posted = raw_answers(request.POST, theirs)
    own = {name: values for name, values in posted.items() if any(value.strip() for value in values)}
    if own.get("given", [""])[0] not in (CHANGED, EARLY):
        # The editor sends the planned values whether or not it is shown.
        own = {name: values for name, values in own.items() if not name.startswith(BLOCK)}
    mine = SessionForm({**held(theirs), **own}, asked=theirs.asked)
    return theirs, mine


def says_the_same(found: StimulationSession, enrolment: Enrolment, theirs: SessionForm, mine: SessionForm) -> bool:
    """Tell whether two forms describe one session, however their entries are written."""
    times = times_on_record(found, enrolment, timezone.now())
    sides = []
    for form in (theirs, mine):
        form.full_clean()
        reading = read_session(form, found.record, times)
        sides.append((reading.row, reading.threshold_percent, [problem.field for problem in reading.problems]))
    return sides[0] == sides[1]


def resolve(sitting: Sitting) -> HttpResponse:
    """Keep the side chosen for each question as the draft's next version, and lead back to the form."""
    mine, chosen = sitting.posted, sitting.request.POST
    if sitting.seen_version != sitting.draft.version:
        # Somebody saved once more while the person was choosing.
        return draft_clash(sitting, mine)
    theirs = answers_for(sitting.request.user, sitting.draft)
    for_all = RESOLVING[sitting.request.POST["act"]]
    rows = clash_rows(SessionForm(theirs, asked=sitting.asked), SessionForm(mine, asked=sitting.asked), chosen)
    sides = {row.name: for_all or row.chosen for row in rows}
    if not all(side in (THEIRS, MINE) for side in sides.values()):
        return draft_clash(sitting, mine, status=HTTPStatus.BAD_REQUEST)
    merged = {name: (theirs if sides.get(name) == THEIRS else mine).get(name, []) for name in {**theirs, **mine}}
    try:
        keep(sitting, merged, seen_version=sitting.seen_version, mark_times=False)
    except DraftConflict:
        return draft_clash(sitting, mine)
    messages.success(sitting.request, _("Both entries are one draft now. Save the session when every question is answered."))
    return see_other(reverse("session", args=sitting.place))


def reopen(sitting: Sitting) -> HttpResponse:
    """Put what was entered into a new draft in place of a discarded one, beside anything that one holds already."""
    enrolment, mine = sitting.draft.enrolment, sitting.posted
    fresh = open_draft(enrolment=enrolment, number=sitting.draft.number, by=sitting.request.user, now=timezone.now(), delivered=True)
    fresh.enrolment = enrolment
    again = sit_down(sitting.request, fresh)
    if answers_of(fresh.answers):
        return draft_clash(again, mine)
    keep(again, mine, seen_version=fresh.version, mark_times=True)
    return see_other(reverse("session", args=again.place))


def live_clash(request: TrialRequest, side: OtherSide) -> HttpResponse:
    """Answer a form in the making that somebody was quicker; it goes on being filled in, and the person compares when ready."""
    return render(request, "sessions/live_clash.html", {"side": side}, status=HTTPStatus.CONFLICT)
