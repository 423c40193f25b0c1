"""Stimulation sessions: the rows of sessions.csv with their blocks, pains and side effects, each with all versions behind one id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from rest_framework import serializers

from api.batches import BatchedRecords, batch_of, each_row
from api.fields import WordField
from api.records import Columns, Row, person_of
from api.session_shapes import SessionCorrection, SessionRow, SessionSerializer, as_new, sent_values, shown_content
from api.versioned import VersionedQuery
from registry.exceptions import NotAllowed
from registry.models import AdverseEvent, Enrolment, PainScore, StimulationSession, Trial, User
from registry.models.session_content import stored_content
from registry.roles import Permission
from registry.rules.stimulation import NewSession
from registry.selectors.free_text import reads_text, reads_text_about
from registry.selectors.sessions import SHOWN_WITH, SessionPains, pains_of, sees_all_of_sessions, side_effects_of
from registry.services.reasons import Reason
from registry.services.stimulation import RecordedSessions, correct_session, record_sessions, restore_session, void_session
from registry.vocabulary import SessionStatus

UNSEEN = SessionPains(None, None)


class SessionQuery(VersionedQuery):
    """Lists of sessions."""

    visit = serializers.RegexField(r"^[A-Za-z0-9_.-]{1,40}$", required=False, help_text="Code of a visit.")
    status = WordField(SessionStatus, required=False, help_text="What became of it.")


class Sessions(BatchedRecords):
    """Stimulation sessions of your patients, given or not."""

    noun = "session"
    detail_route = "api_session"
    serializer_class = SessionSerializer
    correction_class = SessionCorrection
    query_class = SessionQuery
    day = "for_date"
    # What a session was made of follows from rules, not from columns alone.
    row_is_its_columns = False
    batch_class = batch_of(SessionRow)
    service_is_whole = True
    right = Permission.SESSION_RECORD
    right_to_correct = Permission.SESSION_CORRECT

    def of_person(self, user: User) -> QuerySet[StimulationSession]:
        """Return the sessions the person may see."""
        return StimulationSession.objects.visible_to(user)

    def columns(self, user: User) -> Columns:
        """Return what stands beside the content of a version."""
        return {
            "pk": "pk",
            "reads_text": reads_text(user),
            **self.of_version,
            "protocol": Coalesce(F("prescription__protocol_version__version"), Value("")),
            "row_id": "row_id",
            "pulses_planned": "pulses_planned",
            "pulses_delivered": "pulses_delivered",
        }

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep what the query asks for."""
        wanted = Q(status=asked["status"]) if asked.get("status") else Q()
        wanted &= Q(visit_type__code=asked["visit"]) if asked.get("visit") else Q()
        return super().narrowed(rows.filter(wanted), asked)

    def shown(self, rows: list[Row]) -> list[Row]:
        """Put each version's content beside it, in a number of statements that does not depend on the rows."""
        user = person_of(self.request)
        found = StimulationSession.objects.filter(pk__in=[row["pk"] for row in rows])
        sessions = {one.pk: one for one in found.select_related(*SHOWN_WITH).prefetch_related("blocks", "deviations")}
        pains, effects = pains_of(user, sessions.values()), side_effects_of(user, sessions.values())
        return [self.whole(row, sessions[row["pk"]], pains, effects) for row in rows]

    def whole(self, row: Row, session: StimulationSession, pains: dict[UUID, SessionPains], effects: dict[UUID, list[AdverseEvent]]) -> Row:
        """Return one session as it is sent."""
        both = pains.get(session.record, UNSEEN)
        content = stored_content(session, scores_of(both), effects.get(session.record, []))
        beside = {name: value for name, value in row.items() if name not in ("pk", "reads_text")}
        return {**beside, **shown_content(content, with_text=row["reads_text"])}

    def added(self, trial: Trial, data: Row, *, by: User, now: datetime) -> tuple[UUID, Row]:
        """Record one session; what was just written is shown without reading it back, where the person may see all of it."""
        record: UUID = data.get("id") or uuid4()
        done = record_sessions(trial=trial, rows=[NewSession(**sent_values(data), record=record)], by=by, now=now)
        if done.written and sees_all_of_sessions(by, trial, done.written[0].patient.site_id):
            return record, as_written(done, trial, by)
        return record, self.made(by, record)

    def write(self, trial: Trial, rows: Sequence[Row], *, by: User, now: datetime) -> int:
        """Record sessions."""
        new = each_row(rows, lambda row: NewSession(**sent_values(row), record=row["id"]))
        return record_sessions(trial=trial, rows=new, by=by, now=now).repeated

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Write the next version: what the body does not name stays."""
        session = self.version(by, record)
        beside = {"row_id": session.row_id, "protocol_version": record["protocol"] or None}
        both = pains_of(by, [session]).get(session.record, UNSEEN)
        check_sees_pains(session, both)
        content = stored_content(session, scores_of(both), side_effects_of(by, [session]).get(session.record, []))
        row = replace(as_new(content, record["patient"], **beside), **sent_values(data))
        correct_session(session, row=row, reason=reason, by=by, now=now)

    def take_out(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Void the session with its pains and side effects."""
        void_session(self.version(by, record), reason=reason, by=by, now=now)

    def bring_back(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Restore the session with its pains and side effects."""
        restore_session(self.version(by, record), reason=reason, by=by, now=now)


def as_written(done: RecordedSessions, trial: Trial, by: User) -> Row:
    """Return the one session that was written as reading it would show it."""
    [one] = done.written
    session, prescription = one.session, one.session.prescription
    beside = {
        "id": session.record,
        "version": session.version,
        "voided": session.voided,
        "written_at": session.recorded_at,
        "trial": trial.slug,
        "patient": one.patient.code,
        "protocol": "" if prescription is None else prescription.protocol_version.version,
        "row_id": session.row_id,
        "pulses_planned": session.pulses_planned,
        "pulses_delivered": session.pulses_delivered,
    }
    readable = reads_text_about(by, Enrolment(trial=trial, site_id=one.patient.site_id))
    return {**beside, **shown_content(done.content(one), with_text=readable)}


def check_sees_pains(session: StimulationSession, both: SessionPains) -> None:
    """Raise NotAllowed where a pain of the session is hidden: what a person cannot see, a correction of theirs would take away."""
    if {session.pain_before_record, session.pain_after_record} - {None} - set(scores_of(both)):
        raise NotAllowed(
            "Your role does not see the pain scores of this session, so it cannot correct it. Ask somebody who treats the patient."
        )


def scores_of(both: SessionPains) -> dict[UUID, PainScore]:
    """Return the two pains by their records, as far as they may be seen."""
    return {score.record: score for score in (both.before, both.after) if score is not None}
