"""Stimulation sessions: record a set, each once, with its dose, deviations, pains and side effects; void one, bring it back.

Safety verdicts have no place here yet: they come between `prepare` and the writing, and never stop a record of what was given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from registry.exceptions import Conflict
from registry.models import AdverseEvent, Enrolment, PainScore, SessionDraft, StimulationSession, Trial, User
from registry.models.session_content import content_of, effect_content, pain_content
from registry.roles import Permission
from registry.rules.stimulation import NewSession
from registry.rules.stimulation.session_content import SessionContent
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.services.row_sets import check_open
from registry.services.rows_together import RowsTogether
from registry.services.stimulation_answers import name_pains, new_events, new_scores, write_events, write_guesses, write_scores
from registry.services.stimulation_references import SessionReferences
from registry.services.stimulation_repeats import TAKEN, OnRecord, repeated_records, what_is_on_record
from registry.services.stimulation_rows import Prepared, Writing, prepare
from registry.services.used_row_ids import row_ids_in_use

NAMED_IN_A_SENTENCE = 3


@dataclass(frozen=True)
class RecordedSessions:
    """What was written, in the order of the rows, with its pains and side effects, and how many rows were repeats of sessions on record."""

    written: Sequence[Prepared]
    repeated: int
    scores: Sequence[PainScore]
    events: Sequence[AdverseEvent]

    @property
    def sessions(self) -> list[StimulationSession]:
        """Return the sessions themselves."""
        return [one.session for one in self.written]

    def content(self, one: Prepared) -> SessionContent:
        """Return what one of them says, as it would be read back."""
        session, row = one.session, one.row
        pains = {score.record: score for score in self.scores}
        events = [event for event in self.events if event.session_record == session.record]
        return content_of(
            session,
            one.blocks,
            sorted(one.deviations, key=lambda deviation: (deviation.position is None, deviation.position)),
            visit=row.visit or "",
            stimulator=row.stimulator or "",
            pain_before=pain_content(None if session.pain_before_record is None else pains.get(session.pain_before_record)),
            pain_after=pain_content(None if session.pain_after_record is None else pains.get(session.pain_after_record)),
            side_effects=tuple(effect_content(event) for event in events) if session.side_effects_asked else None,
        )


def record_sessions(
    *, trial: Trial, rows: Iterable[NewSession], by: User, now: datetime, reason: str = "", complete: bool = False
) -> RecordedSessions:
    """Write a set of sessions in a number of statements that does not depend on its size; all or nothing, each record once.

    A row whose `record` is on record with the same content is a repeat and changes nothing; with another content it raises
    Conflict, and so does a number that another session of the patient has. Raises NotFound for a patient the person cannot
    see, InvalidInput naming each wrong field. `complete` asks for every answer the session form requires.
    """
    check_open(trial)
    rows = list(rows)
    prepared: list[Prepared] = []
    try:
        with audited(by=by, reason=reason or "sessions recorded"):
            references = session_references(trial, rows, by, Permission.SESSION_RECORD, hold=True)
            writing = Writing(references, by, now, complete, Permission.SESSION_RECORD)
            prepared += prepare(rows, writing, [None] * len(rows))
            return _record(prepared, writing)
    except IntegrityError as error:
        raise refusal(error, [one.session for one in prepared]) from error


def session_references(
    trial: Trial, rows: Sequence[NewSession], by: User, permission: Permission, *, hold: bool = False
) -> SessionReferences:
    """Read what these rows refer to; `hold` lets one transaction at a time write the sessions of these patients."""
    return SessionReferences(
        trial=trial,
        by=by,
        permission=permission,
        codes={row.patient for row in rows},
        thresholds={row.threshold for row in rows if row.threshold is not None},
        hold=hold,
    )


def refusal(error: IntegrityError, sessions: Sequence[StimulationSession] = ()) -> Exception:
    """Return what a broken constraint means to the person; a constraint nobody expects stays what it is."""
    if "row_id_unique" in str(error):
        return row_ids_in_use(sessions, "session")
    if "score_version_unique" in str(error) or "adverse_event" in str(error):
        return Conflict("A pain or side effect of this session was written by somebody else at this moment. Send it again.")
    if "session_version_unique" in str(error) or "session_one_standing" in str(error):
        return Conflict(TAKEN, field="id")
    return error


def _record(prepared: Sequence[Prepared], writing: Writing) -> RecordedSessions:
    found = what_is_on_record(prepared)
    repeated = repeated_records(prepared, writing.by) if found["session"] else set()
    new = [one for one in prepared if one.session.record not in repeated]
    if found["number"]:
        check_numbers([one.session for one in new], correcting=())
    scores, events = _write(new, writing, found) if new else ([], [])
    return RecordedSessions(new, len(prepared) - len(new), scores, events)


def hold_patients(enrolment_ids: Iterable[int]) -> None:
    """Let one transaction at a time write a patient's sessions, so that what was looked up still holds when it is written."""
    list(Enrolment.objects.select_for_update(no_key=True).filter(pk__in=list(enrolment_ids)).order_by("pk").values_list("pk"))


def check_numbers(sessions: Sequence[StimulationSession], *, correcting: Iterable[UUID]) -> None:
    """Raise Conflict where a session's number is that of another standing one of the patient; `correcting` are not others."""
    numbered: dict[tuple[int, int, int | None], UUID]
    numbered = {(one.enrolment_id, one.period, one.number): one.record for one in sessions if one.number is not None}
    check_free(numbered, correcting=correcting, records=numbered)


def check_free(
    wanted: Collection[tuple[int, int, int | None]],
    *,
    correcting: Iterable[UUID] = (),
    records: Mapping[tuple[int, int, int | None], UUID] | None = None,
) -> None:
    """Do the same for numbers by enrolment and period; `records` are those that have them, where there are such yet."""
    if not wanted:
        return
    standing = StimulationSession.objects.filter(ended_at__isnull=True, number__isnull=False)
    others = standing.filter(enrolment_id__in={key[0] for key in wanted}).exclude(record__in=list(correcting))
    # Study numbers are looked up apart: joined to thousands of them, a table that was never analysed is read once for each.
    taken = set(others.values_list("enrolment_id", "period", "number")).intersection(wanted)
    if taken:
        codes = dict(Enrolment.objects.filter(pk__in={key[0] for key in taken}).values_list("pk", "patient_code"))
        named = ", ".join(sorted(f"{number} of {codes[place]}" for place, _, number in taken)[:NAMED_IN_A_SENTENCE])
        sentence = f"On record already: session {named}. Correct that session, or choose another number."
        raise Conflict(sentence, field="number", records=[record for key, record in (records or {}).items() if key in taken])


def _write(new: Sequence[Prepared], writing: Writing, found: OnRecord) -> tuple[list[PainScore], list[AdverseEvent]]:
    references, by, now = writing.references, writing.by, writing.now
    name_pains(new)
    together = RowsTogether()
    write_versions(new, together)
    write_guesses(new, now)
    pains = [score for one in new for score in new_scores(one, ("pain_before", "pain_after"), references)]
    scores = write_scores(pains, references, by, now, found["score"], add=together.add)
    events = write_events([event for one in new for event in new_events(one)], references, by, now, found["event"], add=together.add)
    together.write()
    if found["draft"]:
        _close_drafts(new, now)
    mark_stale(references.trial, by=by, enrolment_ids={one.patient.id for one in new})
    return scores, events


def _close_drafts(new: Sequence[Prepared], now: datetime) -> None:
    """End the drafts that became these sessions; raise Conflict where one is of another patient."""
    patients = {one.session.record: one.patient.id for one in new}
    drafts = SessionDraft.objects.filter(uuid__in=list(patients))
    others = [record for record, enrolment_id in drafts.values_list("uuid", "enrolment_id") if patients[record] != enrolment_id]
    if others:
        raise Conflict("The identifier of this session belongs to another patient's draft. Begin a new entry.", field="id", records=others)
    drafts.filter(submitted_at__isnull=True).update(submitted_at=now, answers={})


def write_versions(prepared: Sequence[Prepared], together: RowsTogether) -> None:
    """Add versions of sessions with their blocks and deviations to what is written together."""
    for one in prepared:
        for part in (*one.blocks, *one.deviations):
            part._state.fields_cache["session"] = one.session
    together.add([one.session for one in prepared])
    together.add([block for one in prepared for block in one.blocks])
    together.add([deviation for one in prepared for deviation in one.deviations])
