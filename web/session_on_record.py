"""A session on record as the form would show it: its pains as far as the person may see them, its times, its entries."""

from __future__ import annotations

from datetime import datetime

from registry.exceptions import NotAllowed
from registry.models import Enrolment, StimulationSession
from registry.selectors.session_questions import SessionQuestion, session_question
from registry.selectors.sessions import SessionPains, pains_of, side_effects_of
from web.requests import TrialRequest
from web.session_form import Answers, SessionForm
from web.session_form_answers import answers_on_record
from web.session_reading import Times


def sees_pains(request: TrialRequest, found: StimulationSession) -> bool:
    """Tell whether the person sees every pain of a session."""
    pains = pains_of(request.user, [found])[found.record]
    return not ((found.pain_before_record and pains.before is None) or (found.pain_after_record and pains.after is None))


def seen_pains(request: TrialRequest, found: StimulationSession) -> SessionPains:
    """Return the pains of a session; raise NotAllowed for a person who may not see them and would save the session without them."""
    if not sees_pains(request, found):
        raise NotAllowed("Your role does not show the pain scores of this session, so you cannot correct its answers. Ask the site.")
    return pains_of(request.user, [found])[found.record]


def times_on_record(session: StimulationSession, enrolment: Enrolment, now: datetime) -> Times:
    """Return the times of a record; they are its own, however long ago."""
    return Times(session.started_at or session.recorded_at, session.finished_at, now, enrolment.zone)


def form_on_record(request: TrialRequest, enrolment: Enrolment, found: StimulationSession) -> SessionForm:
    """Return the form as it would have been filled in for the session on record."""
    asked = session_question(request.user, enrolment, number=found.number or 1, on=found.for_date, correcting=found)
    return SessionForm(recorded_answers(request, found, asked), asked=asked)


def recorded_answers(request: TrialRequest, found: StimulationSession, asked: SessionQuestion) -> Answers:
    """Return the entries that describe a session on record."""
    effects = side_effects_of(request.user, [found]).get(found.record, [])
    return answers_on_record(found, seen_pains(request, found), effects, asked, asked.enrolment.zone)
