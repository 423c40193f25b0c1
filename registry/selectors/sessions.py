"""Stimulation sessions as pages and the API read them: a patient's sessions, one of them, its versions, the course so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.db.models import QuerySet

from registry.exceptions import NotFound
from registry.models import AdverseEvent, Enrolment, PainScore, StimulationSession, Trial, User
from registry.models.records import sees_records_at
from registry.models.scores import sees_all_scores_at
from registry.models.session_content import stored_content
from registry.rules.stimulation import course_pulses, delivered_without_text, is_received
from registry.rules.stimulation.dose import RECEIVED_PERCENT
from registry.rules.stimulation.session_content import SessionContent
from registry.selectors.free_text import hide_text, reads_text_about, without_hidden_text
from registry.selectors.record_versions import last_versions
from registry.vocabulary import DeviationKind, SessionStatus, StimulationTarget

SHOWN_WITH = (
    "enrolment__trial",
    "enrolment__site",
    "visit_type",
    "threshold",
    "stimulator",
    "coil",
    "operator",
    "recorded_by",
    "prescription__protocol_version",
)


@dataclass(frozen=True)
class SessionPains:
    """The pain scores of a session that the person may see."""

    before: PainScore | None
    after: PainScore | None


@dataclass(frozen=True)
class SessionVersion:
    """One version of a session and what it said while it stood."""

    session: StimulationSession
    content: SessionContent


@dataclass(frozen=True)
class Course:
    """A patient's sessions in numbers. `received` counts those with the required share of their planned pulses."""

    given: int
    partial: int
    not_given: int
    missed: int
    received: int
    pulses: int
    pulses_planned: int | None


def sessions_of(user: User, enrolment: Enrolment) -> list[StimulationSession]:
    """Return the standing sessions of a patient that the person may see, in the order of their days."""
    rows = _shown(user).filter(enrolment=enrolment, ended_at__isnull=True)
    return _readable(user, rows.order_by("for_date", "started_at", "number", "pk"))


def voided_sessions(user: User, enrolment: Enrolment) -> list[StimulationSession]:
    """Return the last version of each session of a patient that was taken out of use and not brought back."""
    rows = last_versions(_shown(user).filter(enrolment=enrolment)).filter(voided=True)
    return _readable(user, rows.order_by("for_date", "number", "pk"))


def session_visible_to(user: User, record: UUID, trial: Trial | None = None) -> StimulationSession:
    """Return the latest version of a session, standing or voided; raise NotFound for any that the person may not see."""
    rows = _shown(user).filter(record=record)
    found = (rows if trial is None else rows.filter(enrolment__trial=trial)).order_by("-version").first()
    if found is None:
        raise NotFound("There is no such session among those you may see.")
    return _readable(user, [found])[0]


def versions_of(user: User, record: UUID) -> list[StimulationSession]:
    """Return every version of a session, the first one first."""
    return _readable(user, _shown(user).filter(record=record).order_by("version"))


def contents_of(user: User, record: UUID) -> list[SessionVersion]:
    """Return every version of a session with what it said while it stood, pains and side effects of then included."""
    sessions = versions_of(user, record)
    records = {one for session in sessions for one in _pain_records(session)}
    scores = list(PainScore.objects.visible_to(user).filter(record__in=records))
    rows = _events(user).filter(session_record=record, solicited=True).order_by("pk")
    events = without_hidden_text(user, rows, lambda event: event.enrolment)
    found = []
    for session in sessions:
        pains = {score.record: score for score in scores if _stood(score, session)}
        found.append(SessionVersion(session, stored_content(session, pains, [event for event in events if _stood(event, session)])))
    return found


def sees_all_of_sessions(user: User, trial: Trial, site_id: int) -> bool:
    """Tell whether the person sees the sessions of one site's patients with all their pains and side effects."""
    rights = (StimulationSession.view_permission, AdverseEvent.view_permission)
    return sees_all_scores_at(user, trial, site_id) and all(sees_records_at(user, right, trial.pk, site_id) for right in rights)


def pains_of(user: User, sessions: Collection[StimulationSession]) -> dict[UUID, SessionPains]:
    """Return the pains of sessions by their records, as far as the person may see them; of a voided one those it had."""
    records = [record for session in sessions for record in _pain_records(session)]
    scores: defaultdict[UUID, list[PainScore]] = defaultdict(list)
    for score in PainScore.objects.visible_to(user).filter(record__in=records).select_related("scale"):
        scores[score.record].append(score)
    return {
        session.record: SessionPains(_last(scores, session.pain_before_record, session), _last(scores, session.pain_after_record, session))
        for session in sessions
    }


def side_effects_of(user: User, sessions: Collection[StimulationSession]) -> dict[UUID, list[AdverseEvent]]:
    """Return the solicited side effects of sessions by their records; of a voided one those it had."""
    known = {session.record: session for session in sessions}
    found: defaultdict[UUID, list[AdverseEvent]] = defaultdict(list)
    events = _events(user).filter(session_record__in=list(known), solicited=True).order_by("pk")
    for event in without_hidden_text(user, events, lambda event: event.enrolment):
        if event.session_record is not None and _stands_with(event, known[event.session_record]):
            found[event.session_record].append(event)
    return dict(found)


def course_of(sessions: Iterable[StimulationSession], *, received_percent: int = RECEIVED_PERCENT) -> Course:
    """Return a patient's standing sessions in numbers."""
    sessions = list(sessions)
    counts = {status: sum(one.status == status for one in sessions) for status in SessionStatus}
    planned = [one.pulses_planned for one in sessions if one.pulses_planned is not None]
    return Course(
        given=counts[SessionStatus.GIVEN],
        partial=counts[SessionStatus.PARTIAL],
        not_given=counts[SessionStatus.NOT_GIVEN],
        missed=counts[SessionStatus.MISSED],
        # Without a prescription there is nothing to fall short of.
        received=sum(is_received(one.pulses_delivered, one.pulses_planned or 0, received_percent) for one in sessions),
        pulses=course_pulses(one.pulses_delivered for one in sessions),
        pulses_planned=sum(planned) if planned else None,
    )


def _shown(user: User) -> QuerySet[StimulationSession]:
    rows = cast("QuerySet[StimulationSession]", StimulationSession.objects.visible_to(user))
    return rows.select_related(*SHOWN_WITH).prefetch_related("blocks", "deviations")


def _events(user: User) -> QuerySet[AdverseEvent]:
    return cast("QuerySet[AdverseEvent]", AdverseEvent.objects.visible_to(user)).select_related("enrolment")


def _readable(user: User, sessions: Iterable[StimulationSession]) -> list[StimulationSession]:
    """Return sessions, with blocks and deviations, without the text that the person may not read."""
    found = list(sessions)
    for session in found:
        if not reads_text_about(user, session.enrolment):
            _hide_texts(session)
    return found


def _hide_texts(session: StimulationSession) -> None:
    """Empty what people typed of a session with blocks and deviations, which repeat the words for a target."""
    targets: dict[int | None, StimulationTarget] = {block.position: StimulationTarget(block.target) for block in session.blocks.all()}
    for row in (session, *session.blocks.all(), *session.deviations.all()):
        hide_text(row)
    for one in session.deviations.all():
        one.delivered = delivered_without_text(DeviationKind(one.kind), one.delivered, targets.get(one.position))


def _pain_records(session: StimulationSession) -> list[UUID]:
    return [record for record in (session.pain_before_record, session.pain_after_record) if record is not None]


def _last(scores: dict[UUID, list[PainScore]], record: UUID | None, session: StimulationSession) -> PainScore | None:
    versions = [] if record is None else scores.get(record, [])
    return next((score for score in versions if _stands_with(score, session)), None)


def _stands_with(row: PainScore | AdverseEvent, session: StimulationSession) -> bool:
    """Tell whether a version stands, or was taken out in the same act as its voided session."""
    return row.ended_at is None or (session.voided and row.voided and row.ended_at == session.ended_at)


def _stood(row: PainScore | AdverseEvent, session: StimulationSession) -> bool:
    """Tell whether a version stood just before a version of its session ended; beside a standing one, whether it stands."""
    if session.ended_at is None:
        return row.ended_at is None
    return row.recorded_at < session.ended_at and (row.ended_at is None or row.ended_at >= session.ended_at)
