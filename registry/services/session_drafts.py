"""Drafts of sessions: kept on the server from the first entry, by version, until they are recorded or discarded.

A draft has no history and needs no audited change: nothing of it counts. Recording it is `record_sessions` with the draft's
uuid as the record, however often that is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from registry.exceptions import Conflict
from registry.models import Disposition, Enrolment, ScreeningAttempt, SessionDraft, StimulationSession, User
from registry.roles import Permission
from registry.services.row_sets import check_open
from registry.vocabulary import Conduct, DispositionKind, ScreeningResult

# After any of these no session is planned any more; what was given all the same can be recorded.
NOTHING_PLANNED_AFTER = (
    DispositionKind.SCREEN_FAILURE,
    DispositionKind.STOP_OF_STIMULATION,
    DispositionKind.WITHDRAWAL_OF_CONSENT,
    DispositionKind.LOST,
    DispositionKind.DEATH,
    DispositionKind.END_OF_FOLLOW_UP,
    DispositionKind.COMPLETION,
)


class DraftConflict(Conflict):
    """Somebody saved the draft from another device meanwhile; both sides are there to be shown."""

    code = "draft_conflict"

    def __init__(self, *, mine: dict[str, Any], theirs: dict[str, Any], version: int) -> None:
        super().__init__("This session was changed on another device meanwhile. Compare both entries and save again.")
        self.mine, self.theirs, self.version = mine, theirs, version


def open_draft(
    *, enrolment: Enrolment, by: User, now: datetime, number: int | None = None, period: int = 1, delivered: bool = False
) -> SessionDraft:
    """Return the open draft of a patient's session, a new one where there is none; no number means the next one.

    A session still to be given is a planned act: in a prospective trial Conflict says why none may be planned. `delivered`
    opens the form for one that was given all the same.
    """
    check_open(enrolment.trial)
    by.check_can(Permission.SESSION_RECORD, trial=enrolment.trial, site=enrolment.site)
    refusal = None if delivered else planned_act_refusal(enrolment)
    if refusal is not None:
        raise Conflict(refusal)
    with transaction.atomic():
        # One device at a time: two that open the same session share one draft.
        Enrolment.objects.select_for_update(no_key=True).get(pk=enrolment.pk)
        wanted = next_session_number(enrolment, period=period) if number is None else number
        _check_not_recorded(enrolment, wanted, period)
        draft = open_drafts(enrolment).filter(number=wanted).order_by("pk").first()
        if draft is not None:
            return draft
        created = SessionDraft.objects.create(
            enrolment=enrolment, number=wanted, opened_by=by, opened_at=now, updated_at=now, updated_by=by
        )
    created.refresh_from_db()
    return created


def save_draft(draft: SessionDraft, *, answers: dict[str, Any], by: User, now: datetime, seen_version: int | None = None) -> SessionDraft:
    """Keep the answers as the draft's next version; raise DraftConflict where another device saved since `seen_version`.

    Without a version the last save stands. Raises Conflict for a draft that was recorded or discarded.
    """
    by.check_can(Permission.SESSION_RECORD, trial=draft.enrolment.trial, site=draft.enrolment.site)
    rows = SessionDraft.objects.filter(pk=draft.pk, submitted_at__isnull=True, discarded_at__isnull=True)
    if seen_version is not None:
        rows = rows.filter(version=seen_version)
    changed = rows.update(answers=answers, version=F("version") + 1, updated_at=now, updated_by=by)
    draft.refresh_from_db()
    if changed:
        return draft
    _check_standing(draft)
    raise DraftConflict(mine=answers, theirs=draft.answers, version=draft.version)


def discard_draft(draft: SessionDraft, *, by: User, now: datetime) -> SessionDraft:
    """Throw a draft away; raise Conflict where it was recorded meanwhile."""
    by.check_can(Permission.SESSION_RECORD, trial=draft.enrolment.trial, site=draft.enrolment.site)
    rows = SessionDraft.objects.filter(pk=draft.pk, submitted_at__isnull=True)
    changed = rows.update(discarded_at=now, updated_at=now, updated_by=by, answers={})
    draft.refresh_from_db()
    if not changed:
        _check_standing(draft)
    return draft


def open_drafts(enrolment: Enrolment) -> QuerySet[SessionDraft]:
    """Return the drafts of a patient that were neither recorded nor discarded."""
    return SessionDraft.objects.filter(enrolment=enrolment, submitted_at__isnull=True, discarded_at__isnull=True)


def planned_act_refusal(enrolment: Enrolment) -> str | None:
    """Return why no session may be planned for a patient of a running trial, or None; finished trials have no such gate."""
    if enrolment.trial.conduct != Conduct.PROSPECTIVE:
        return None
    ended = Disposition.objects.filter(enrolment=enrolment, kind__in=NOTHING_PLANNED_AFTER, voided_at__isnull=True).order_by("pk").first()
    if ended is not None:
        label = DispositionKind(ended.kind).label
        return f"No session is planned for {enrolment.patient_code} any more: '{label}' is on record. What was given can still be recorded."
    attempt = ScreeningAttempt.objects.filter(enrolment=enrolment).order_by("-number").first()
    if attempt is not None and attempt.result != ScreeningResult.PASSED:
        label = ScreeningResult(attempt.result).label
        return f"No session can be planned for {enrolment.patient_code}: screening says '{label}'."
    return None


def next_session_number(enrolment: Enrolment, *, period: int = 1) -> int:
    """Return the smallest number of a period without a session on record."""
    rows = StimulationSession.objects.filter(enrolment=enrolment, period=period, ended_at__isnull=True, number__isnull=False)
    taken = set(rows.values_list("number", flat=True))
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _check_not_recorded(enrolment: Enrolment, number: int, period: int) -> None:
    standing = StimulationSession.objects.filter(enrolment=enrolment, period=period, number=number, ended_at__isnull=True)
    if standing.exists():
        raise Conflict(f"Session {number} of {enrolment.patient_code} is on record already. Open it to read or correct it.")


def _check_standing(draft: SessionDraft) -> None:
    if draft.submitted_at is not None:
        raise Conflict("This session is saved already. Open its record to read or correct it.")
    if draft.discarded_at is not None:
        raise Conflict("This entry was discarded. Open the session again.")
