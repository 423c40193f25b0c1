"""One request at the form of a session: the draft it lives in, what is asked that day, and keeping what was entered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from registry.exceptions import NotFound
from registry.models import Enrolment, SessionDraft, StimulationSession, User
from registry.models.scores import sees_scores_of_today
from registry.selectors.session_questions import SessionQuestion, session_question
from registry.services.session_drafts import DraftConflict, save_draft
from web.requests import TrialRequest
from web.session_form import Answers, SessionForm, raw_answers
from web.session_form_reading import read_session
from web.session_form_words import differing
from web.session_reading import Reading, Times

# When the first answer of a part came in; kept among the answers of the draft.
PART_1, PART_3 = "_part_1_at", "_part_3_at"
# Who gave each answer about pain, by account; kept among the answers of the draft.
PAINS_BY = "_pains_by"
PAINS = ("pain_before", "pain_after")
# The record that this one replaces, entered for another patient by mistake.
INSTEAD_OF = "_instead_of"
# Which open page saved last: what one page sends late is no second opinion.
TAB = "_tab"
LONGEST_TAB = 40
FIRST_PART = ("pain_before", "anything_new")
THIRD_PART = ("pain_after", "effects")
# A page that is quicker than its own earlier requests finds a newer version of its own once or twice.
TRIES = 3


@dataclass(frozen=True)
class Sitting:
    """One request at one form: the draft, what is asked of the patient that day, and which open page it came from."""

    request: TrialRequest
    draft: SessionDraft
    asked: SessionQuestion
    tab: str

    @property
    def place(self) -> list[Any]:
        """Return what the addresses of this draft are made of."""
        return [self.request.trial.slug, self.draft.enrolment.patient_code, self.draft.uuid]

    @property
    def posted(self) -> Answers:
        """Return the entries that came with the request."""
        return raw_answers(self.request.POST, SessionForm({}, asked=self.asked))

    @property
    def seen_version(self) -> int | None:
        """Return the version of the draft the page was made from, None where it does not say."""
        entry = self.request.POST.get("draft_version", "")
        return int(entry) if entry.isascii() and entry.isdigit() and len(entry) < 10 else None

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


def answers_of(kept: dict[str, Any]) -> Answers:
    """Return the entries of a draft without what is kept among them."""
    return {name: values for name, values in kept.items() if not name.startswith("_")}


def answers_for(user: User, draft: SessionDraft, kept: dict[str, Any] | None = None) -> Answers:
    """Return the entries of a draft, or of what it held at some moment, as one person may see them.

    Pain that somebody else asked about is empty for who may not see the patient's scores.
    """
    kept = draft.answers if kept is None else kept
    hidden = hidden_pains(user, draft, kept)
    return {name: values for name, values in answers_of(kept).items() if name not in hidden}


def hidden_pains(user: User, draft: SessionDraft, kept: dict[str, Any]) -> list[str]:
    """Return the answers about pain that the person may not see."""
    asked_by = kept.get(PAINS_BY, {})
    others = [name for name in PAINS if name in kept and asked_by.get(name) != user.pk]
    return [] if not others or sees_scores_of_today(user, draft.enrolment) else others


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
    tab = request.POST.get("tab", "").replace("\0", "")[:LONGEST_TAB] or uuid.uuid4().hex
    return Sitting(request, draft, session_question(request.user, draft.enrolment, number=draft.number or 1, on=day), tab)


def keep_entries(sitting: Sitting, *, mark_times: bool) -> Answers:
    """Keep what was posted in the draft and return it. Sending the form for good marks no times: they are those of the answers.

    Raises DraftConflict where another page saved something else since this one was made.
    """
    answers, seen = sitting.posted, sitting.seen_version
    for left in reversed(range(TRIES)):
        try:
            keep(sitting, answers, seen_version=seen, mark_times=mark_times)
        except DraftConflict as conflict:
            if not left or not is_own(sitting, conflict):
                raise
            seen = conflict.version
        else:
            break
    return answers


def keep(sitting: Sitting, answers: Answers, *, seen_version: int | None, mark_times: bool) -> None:
    """Keep entries as the next version of the draft, with the moment at which each part was first answered."""
    draft, now = sitting.draft, timezone.now()
    enrolment = draft.enrolment
    kept: dict[str, Any] = {name: value for name, value in draft.answers.items() if name.startswith("_")}
    for mark, names in ((PART_1, FIRST_PART), (PART_3, THIRD_PART)):
        if mark_times and any(name in answers for name in names):
            kept.setdefault(mark, now.isoformat())
    kept[TAB] = sitting.tab
    user = sitting.request.user
    # Who does not see an answer cannot take it away by leaving it empty.
    hidden = hidden_pains(user, draft, draft.answers)
    left = {name: draft.answers[name] for name in hidden if not any(answers.get(name, ()))}
    given = {name: user.pk for name in PAINS if name not in left and (name in hidden or answers.get(name) != draft.answers.get(name))}
    kept[PAINS_BY] = {**draft.answers.get(PAINS_BY, {}), **given}
    save_draft(draft, answers={**answers, **left, **kept}, by=sitting.request.user, now=now, seen_version=seen_version)
    draft.enrolment = enrolment


def is_own(sitting: Sitting, conflict: DraftConflict) -> bool:
    """Tell whether the newer version is this page's own, or says the same."""
    if conflict.theirs.get(TAB) == sitting.tab:
        return True
    mine, theirs = (
        SessionForm(answers_for(sitting.request.user, sitting.draft, one), asked=sitting.asked) for one in (conflict.mine, conflict.theirs)
    )
    return not list(differing(mine, theirs))
