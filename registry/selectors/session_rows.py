"""A patient's sessions as lines of a table and as a strip: dose against plan, pain before and after, side effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext as _

from registry.models import AdverseEvent, Enrolment, PainScore, StimulationSession, User
from registry.rules.stimulation import count_text, decimal_text, is_received
from registry.selectors.prescriptions import Prescribed
from registry.selectors.sessions import SessionPains, pains_of, sessions_of, side_effects_of
from registry.vocabulary import SEVERITY_GRADES, SessionStatus

GRADE_WORDS = {grade: severity.label.lower() for severity, grade in SEVERITY_GRADES.items()}


@dataclass(frozen=True)
class SessionRow:
    """One session on record, as its line says it."""

    record: UUID
    number: int | None
    for_date: date
    started_at: datetime | None
    status: str
    status_label: str
    operator: str
    threshold: int | None
    setting: int | None
    pulses: int
    pulses_planned: int | None
    pain_text: str
    effects: str
    had_effects: bool
    deviations: int
    corrected: bool

    @property
    def pulses_text(self) -> str:
        """Return the pulses, with those planned where they differ."""
        if self.pulses_planned is None or self.pulses == self.pulses_planned:
            return count_text(self.pulses)
        return _("%(given)s of %(planned)s") % {"given": count_text(self.pulses), "planned": count_text(self.pulses_planned)}


@dataclass(frozen=True)
class Dot:
    """One planned session of the strip: given, partial, not_given, missed, next, planned."""

    number: int
    state: str


@dataclass(frozen=True)
class SessionStrip:
    """The planned sessions as dots, and the same in words and numbers; `done` are those given in full or in part."""

    dots: list[Dot]
    done: int
    partial: int
    planned: int | None
    received: int
    missed: int
    not_given: int
    pulses: str
    pulses_planned: str
    next_number: int
    next_on: date | None

    @property
    def is_complete(self) -> bool:
        """Tell whether every planned session has a record."""
        return self.planned is not None and self.next_number > self.planned


def session_rows(user: User, enrolment: Enrolment) -> list[SessionRow]:
    """Return the sessions on record that the person may see, the latest first."""
    sessions = sessions_of(user, enrolment)
    pains, effects = pains_of(user, sessions), side_effects_of(user, sessions)
    rows = [_row(session, pains.get(session.record), effects.get(session.record, [])) for session in sessions]
    return sorted(rows, key=lambda row: (row.for_date, row.number or 0), reverse=True)


def _row(session: StimulationSession, pains: SessionPains | None, effects: list[AdverseEvent]) -> SessionRow:
    blocks = list(session.blocks.all())
    return SessionRow(
        record=session.record,
        number=session.number,
        for_date=session.for_date,
        started_at=session.started_at,
        status=session.status,
        status_label=SessionStatus(session.status).label,
        operator="" if session.operator is None else session.operator.name,
        threshold=session.threshold_percent_mso,
        setting=blocks[0].setting_percent_mso if blocks else None,
        pulses=session.pulses_delivered,
        pulses_planned=session.pulses_planned,
        pain_text=pain_text(pains),
        effects=effects_text(session, effects),
        had_effects=bool(effects),
        deviations=len(session.deviations.all()),
        corrected=session.version > 1,
    )


def pain_text(pains: SessionPains | None) -> str:
    """Return pain before and after as '6 → 4', a dash for what is not known or not to be seen."""
    before, after = (None, None) if pains is None else (pains.before, pains.after)
    return "–" if before is None and after is None else f"{value_text(before)} → {value_text(after)}"


def value_text(score: PainScore | None) -> str:
    """Return the value of a score."""
    return "–" if score is None else decimal_text(Decimal(score.value))


def effects_text(session: StimulationSession, effects: list[AdverseEvent]) -> str:
    """Return the side effects with their strength; 'None' only where somebody asked."""
    if not effects:
        return _("None") if session.side_effects_asked else "–"
    return "; ".join(
        f"{event.term_text or event.get_term_display()}, {GRADE_WORDS.get(event.grade, str(event.grade))}" for event in effects
    )


def session_strip(rows: list[SessionRow], prescribed: Prescribed | None) -> SessionStrip:
    """Return the strip of a patient's sessions beside what is planned."""
    by_number = {row.number: row for row in rows if row.number is not None}
    planned = None if prescribed is None else prescribed.session_count
    following = next_number(set(by_number))
    length = max([planned or 0, *by_number])
    percent = 80 if prescribed is None else prescribed.prescription.received_percent
    dots = [Dot(number, _state(by_number.get(number), number, following)) for number in range(1, length + 1)]
    return SessionStrip(
        dots=dots,
        done=sum(row.status in (SessionStatus.GIVEN, SessionStatus.PARTIAL) for row in rows),
        partial=sum(row.status == SessionStatus.PARTIAL for row in rows),
        planned=planned,
        received=sum(is_received(row.pulses, row.pulses_planned or row.pulses or 1, percent) for row in rows),
        missed=sum(row.status == SessionStatus.MISSED for row in rows),
        not_given=sum(row.status == SessionStatus.NOT_GIVEN for row in rows),
        pulses=count_text(sum(row.pulses for row in rows)),
        pulses_planned="" if prescribed is None else count_text(prescribed.pulses * prescribed.session_count),
        next_number=following,
        next_on=None if prescribed is None else prescribed.day_of(following),
    )


def next_number(taken: set[int]) -> int:
    """Return the smallest number without a session."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _state(row: SessionRow | None, number: int, following: int) -> str:
    if row is not None:
        return str(row.status)
    return "next" if number == following else "planned"
