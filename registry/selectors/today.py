"""The day's sessions at the sites a person works for: planned, begun, saved; and the drafts that wait, however old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from registry.models import (
    Allocation,
    Disposition,
    Enrolment,
    EnrolmentPain,
    EnrolmentProtocol,
    Prescription,
    ProtocolVersion,
    SessionDraft,
    StimulationSession,
    Trial,
    User,
)
from registry.selectors.patients import ENDING
from registry.selectors.session_rows import next_number, pain_text
from registry.selectors.sessions import pains_of
from registry.vocabulary import DispositionKind, PainCondition, SessionStatus

STOPPING = (*ENDING, DispositionKind.STOP_OF_STIMULATION, DispositionKind.COMPLETION)
OLD_DRAFT = timedelta(hours=24)


@dataclass(frozen=True)
class TodayRow:
    """One session of the day. `state` is planned, draft, or the word of its record."""

    patient_code: str
    condition: str
    site: str
    number: int
    planned: int | None
    state: str
    state_label: str
    at: datetime | None
    pain_text: str
    record: UUID | None


@dataclass(frozen=True)
class DraftRow:
    """One draft that was not saved yet."""

    patient_code: str
    site: str
    number: int | None
    record: UUID
    opened_at: datetime
    opened_by: str
    updated_at: datetime
    is_old: bool


@dataclass(frozen=True)
class Today:
    """What the day asks for; `next_on` is the next planned day after it."""

    rows: list[TodayRow]
    drafts: list[DraftRow]
    done: int
    next_on: date | None


@dataclass(frozen=True)
class _Plan:
    days: list[int]
    anchor: date

    def number_on(self, day: date) -> int | None:
        """Return which session is planned for a day."""
        offset = (day - self.anchor).days
        return self.days.index(offset) + 1 if offset in self.days else None

    def next_after(self, day: date) -> date | None:
        return min((self.anchor + timedelta(days=one) for one in self.days if self.anchor + timedelta(days=one) > day), default=None)


def today_of(user: User, trial: Trial, *, on: date, now: datetime) -> Today:
    """Return the day of a trial in a number of statements that does not depend on how many patients there are."""
    enrolments = {row.pk: row for row in _enrolments(user, trial)}
    drafts = list(_drafts(enrolments))
    sessions = list(_sessions(user, trial).filter(for_date=on))
    plans = _plans(trial, {pk: row for pk, row in enrolments.items() if not row.has_stopped}, on)  # type: ignore[attr-defined]  # annotated
    rows = [
        *_on_record(user, enrolments, sessions, plans),
        *_begun(enrolments, drafts, plans, on),
        *_planned(user, trial, enrolments, {row.enrolment_id for row in sessions} | {row.enrolment_id for row in drafts}, plans, on),
    ]
    following = [day for plan in plans.values() if (day := plan.next_after(on)) is not None]
    return Today(
        rows=sorted(rows, key=lambda row: (row.at is None, row.at or now, row.patient_code)),
        drafts=[_draft(draft, enrolments[draft.enrolment_id], now) for draft in drafts],
        done=sum(row.state not in ("planned", "draft") for row in rows),
        next_on=min(following, default=None),
    )


def _enrolments(user: User, trial: Trial) -> Iterable[Enrolment]:
    primary = EnrolmentPain.objects.filter(enrolment=OuterRef("pk"), rank=1)
    stopped = Disposition.objects.filter(enrolment=OuterRef("pk"), voided_at__isnull=True, kind__in=STOPPING)
    rows = Enrolment.objects.visible_to(user).in_trial(trial)
    return rows.annotate(has_stopped=Exists(stopped), condition=Subquery(primary.values("diagnosis__condition")[:1])).select_related("site")


def _drafts(enrolments: dict[int, Enrolment]) -> Iterable[SessionDraft]:
    rows = SessionDraft.objects.filter(enrolment__in=list(enrolments), submitted_at__isnull=True, discarded_at__isnull=True)
    return rows.select_related("opened_by").order_by("opened_at", "pk")


def _sessions(user: User, trial: Trial) -> QuerySet[StimulationSession]:
    rows = cast("QuerySet[StimulationSession]", StimulationSession.objects.visible_to(user).current())
    return rows.filter(enrolment__trial=trial).order_by("started_at", "number", "pk")


def _plans(trial: Trial, enrolments: dict[int, Enrolment], on: date) -> dict[int, _Plan]:
    """Return the planned days of each patient; those without a prescription or an anchor have none."""
    allocations = {row.enrolment_id: row for row in Allocation.objects.filter(enrolment__in=list(enrolments)).order_by("stage")}
    own = dict(
        EnrolmentProtocol.objects.filter(enrolment__in=list(enrolments), valid_from__lte=on)
        .order_by("valid_from")
        .values_list("enrolment_id", "protocol_version_id")
    )
    newest = _newest_version(trial, on)
    prescriptions = {(row.protocol_version_id, row.treatment_id): row for row in Prescription.objects.filter(protocol_version__trial=trial)}
    found: dict[int, _Plan] = {}
    for pk, enrolment in enrolments.items():
        allocation = allocations.get(pk)
        version = own.get(pk) or enrolment.protocol_version_id or newest
        treatment = None if allocation is None else allocation.treatment_id
        prescription = prescriptions.get((version, treatment)) or prescriptions.get((version, None))  # type: ignore[arg-type]
        anchor = (allocation.allocated_on if allocation is not None else None) or enrolment.enrolled_on
        if prescription is not None and anchor is not None:
            found[pk] = _Plan(list(prescription.session_days), anchor)
    return found


def _newest_version(trial: Trial, on: date) -> int | None:
    versions = ProtocolVersion.objects.filter(trial=trial).order_by(F("effective_from").desc(nulls_last=True), "-pk")
    return next((row.pk for row in versions if row.effective_from is None or row.effective_from <= on), None)


def _on_record(
    user: User, enrolments: dict[int, Enrolment], sessions: list[StimulationSession], plans: dict[int, _Plan]
) -> Iterable[TodayRow]:
    pains = pains_of(user, sessions)
    for session in sessions:
        enrolment = enrolments.get(session.enrolment_id)
        if enrolment is None:
            continue
        yield _row(
            enrolment,
            plans.get(enrolment.pk),
            number=session.number or 0,
            state=session.status,
            label=SessionStatus(session.status).label,
            at=session.started_at,
            pain=pain_text(pains.get(session.record)),
            record=session.record,
        )


def _begun(enrolments: dict[int, Enrolment], drafts: list[SessionDraft], plans: dict[int, _Plan], on: date) -> Iterable[TodayRow]:
    for draft in drafts:
        enrolment = enrolments[draft.enrolment_id]
        if draft.opened_at.astimezone(enrolment.site.zone).date() == on:
            yield _row(
                enrolment,
                plans.get(enrolment.pk),
                number=draft.number or 0,
                state="draft",
                label=_("Begun"),
                at=draft.opened_at,
                record=draft.uuid,
            )


def _planned(
    user: User, trial: Trial, enrolments: dict[int, Enrolment], seen: set[int], plans: dict[int, _Plan], on: date
) -> Iterable[TodayRow]:
    """Yield what is planned for the day and neither begun nor on record; the number is the next one that is open."""
    due = {pk: plan for pk, plan in plans.items() if pk not in seen and plan.number_on(on) is not None}
    taken: dict[int, set[int]] = {}
    for pk, number in _sessions(user, trial).filter(enrolment__in=list(due)).values_list("enrolment_id", "number"):
        taken.setdefault(pk, set()).add(number or 0)
    for pk, plan in due.items():
        number = next_number(taken.get(pk, set()))
        yield _row(enrolments[pk], plan, number=number, state="planned", label=_("Planned"), at=None)


def _row(
    enrolment: Enrolment,
    plan: _Plan | None,
    *,
    number: int,
    state: str,
    label: str,
    at: datetime | None,
    pain: str = "",
    record: UUID | None = None,
) -> TodayRow:
    condition = getattr(enrolment, "condition", None)
    return TodayRow(
        patient_code=enrolment.patient_code,
        condition=PainCondition(condition).label if condition else "",
        site=enrolment.site.name,
        number=number,
        planned=None if plan is None else len(plan.days),
        state=state,
        state_label=label,
        at=at,
        pain_text=pain,
        record=record,
    )


def _draft(draft: SessionDraft, enrolment: Enrolment, now: datetime) -> DraftRow:
    return DraftRow(
        patient_code=enrolment.patient_code,
        site=enrolment.site.name,
        number=draft.number,
        record=draft.uuid,
        opened_at=draft.opened_at,
        opened_by=draft.opened_by.name,
        updated_at=draft.updated_at,
        is_old=now - draft.updated_at > OLD_DRAFT,
    )
