"""Plain records of the rules, written to the tables: what the plain definition and the database then both judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import count
from uuid import UUID

from registry.models import (
    Allocation,
    AnalysisPlan,
    Disposition,
    Enrolment,
    EnrolmentPain,
    Epoch,
    PainDiagnosis,
    PainScore,
    Patient,
    PlanTimePoint,
    ProtocolVersion,
    Scale,
    Site,
    StimulationSession,
    Treatment,
    Trial,
    User,
    VisitType,
)
from registry.rules.response import Cutoff, PatientRecord, Plan, anchor_day
from registry.services.auditing import audited
from registry.vocabulary import PainCondition, PlanPain, SessionReason, SessionStatus, TimePointKind

CONDITIONS = tuple(PainCondition)[:3]
SITES = ("N", "S")
_slugs = count(1)


@dataclass(frozen=True)
class StoredTrial:
    """A trial in the tables, its plan as both sides read it, and the record behind each enrolment."""

    trial: Trial
    plan: Plan
    cutoff: Cutoff
    records: dict[int, PatientRecord]
    condition_of: dict[int, str]
    site_of: dict[int, int]


def anchored(plan: Plan, record: PatientRecord, cutoff: Cutoff) -> PatientRecord:
    """Take a period that follows away where there is no anchor for its first day to be counted from."""
    return record if anchor_day(plan, record, cutoff).on else replace(record, next_period_on=None)


def store_trial(plan: Plan, records: Sequence[PatientRecord], cutoff: Cutoff, *, by: User) -> StoredTrial:
    """Write a trial with one enrolment per record, spread over two sites and three conditions."""
    known = [anchored(plan, record, cutoff) for record in records]
    with audited(by=by, reason="random trial"):
        trial = Trial.objects.create(
            slug=f"random-{next(_slugs)}",
            name="Random",
            conduct="retrospective" if cutoff.all_due else "prospective",
            design="parallel",
            time_zone=str(cutoff.zone),
        )
        _store_design(trial, plan)
        enrolments = _store_records(trial, plan, cutoff, known)
        both = zip(enrolments, known, strict=True)
        StimulationSession.objects.bulk_create(row for enrolment, record in both for row in _session_rows(enrolment, record, by))
    return StoredTrial(
        trial,
        plan,
        cutoff,
        {enrolment.pk: record for enrolment, record in zip(enrolments, known, strict=True)},
        {enrolment.pk: CONDITIONS[number % len(CONDITIONS)] for number, enrolment in enumerate(enrolments)},
        {enrolment.pk: enrolment.site_id for enrolment in enrolments},
    )


def _store_design(trial: Trial, plan: Plan) -> None:
    Site.objects.bulk_create(Site(trial=trial, code=code, name=code) for code in SITES)
    Treatment.objects.create(trial=trial, code="m1", label="M1")
    scales = [Scale(trial=trial, code=code, label=code, kind="intensity", minimum=0, maximum=1000) for code in (plan.scale.code, "vas")]
    Scale.objects.bulk_create(scales)
    codes = {plan.baseline.visit_code, "BL", "V1", "V2", *(time_point.visit_code for time_point in plan.time_points)} - {None}
    VisitType.objects.bulk_create(
        VisitType(trial=trial, code=code, label=code, position=position) for position, code in enumerate(sorted(codes))
    )
    _store_plan(trial, plan, scales[0])


def _store_plan(trial: Trial, plan: Plan, scale: Scale) -> None:
    visits = {visit.code: visit for visit in trial.visit_types.all()}
    baseline = plan.baseline
    row = AnalysisPlan.objects.create(
        trial=trial,
        version="1",
        scale=scale,
        recall=plan.recall,
        pain=plan.pain,
        contexts=sorted(plan.contexts),
        sources=list(plan.sources),
        anchor=plan.anchor,
        population=plan.population,
        strategy=plan.strategy,
        composite_reasons=sorted(plan.composite_reasons),
        baseline_kind=TimePointKind.VISIT_CODE if baseline.visit_code else TimePointKind.DIARY,
        baseline_first_day=baseline.first_day,
        baseline_last_day=baseline.last_day,
        baseline_visit_type=visits.get(baseline.visit_code or ""),
        baseline_rule=baseline.rule,
        baseline_min_n=baseline.min_n,
        day0_pre=plan.counts_day0 and baseline.visit_code is None,
        thresholds_tenths=list(plan.thresholds),
        accept_late=plan.accept_late,
        grace_days=plan.grace_days,
        comparator="sham",
        contrasts=[["active", "sham"]],
    )
    for position, time_point in enumerate(plan.time_points):
        PlanTimePoint.objects.create(
            plan=row,
            code=time_point.code,
            label=time_point.code,
            position=10 * position,
            kind=time_point.kind,
            target_day=time_point.target_day,
            first_day=time_point.first_day,
            last_day=time_point.last_day,
            visit_type=visits.get(time_point.visit_code or ""),
            rule=time_point.rule,
            min_n=time_point.min_n,
            primary=position == 0,
        )


def _store_records(trial: Trial, plan: Plan, cutoff: Cutoff, records: list[PatientRecord]) -> list[Enrolment]:
    """Write the enrolments and all that hangs on them, a statement per table."""
    patients = Patient.objects.bulk_create(Patient() for _ in records)
    sites = [trial.sites.get(code=code) for code in SITES]
    enrolments = Enrolment.objects.bulk_create(
        Enrolment(
            trial=trial,
            patient=patient,
            patient_code=f"P{number}",
            site=sites[number % 2],
            cohort=record.cohort,
            enrolled_on=record.enrolled_on,
            protocol_version=_protocol_version(trial, plan, cutoff, number, record),
        )
        for number, (patient, record) in enumerate(zip(patients, records, strict=True))
    )
    both = list(zip(enrolments, records, strict=True))
    treatment = trial.treatments.get()
    Allocation.objects.bulk_create(
        Allocation(enrolment=enrolment, treatment=treatment, analysis_site=enrolment.site, allocated_on=record.allocated_on)
        for enrolment, record in both
        if record.allocated
    )
    Disposition.objects.bulk_create(
        Disposition(enrolment=enrolment, kind=turn.kind, happened_on=turn.on, reason=turn.reason)
        for enrolment, record in both
        for turn in record.dispositions
    )
    pains = _store_pains(enrolments)
    codes = dict(trial.scales.values_list("code", "pk")), dict(trial.visit_types.values_list("code", "pk"))
    PainScore.objects.bulk_create(row for enrolment, record in both for row in _score_rows(enrolment, record, pains[enrolment.pk], *codes))
    return enrolments


def _protocol_version(trial: Trial, plan: Plan, cutoff: Cutoff, number: int, record: PatientRecord) -> ProtocolVersion | None:
    """Return a version whose second period begins on the record's date."""
    anchor = anchor_day(plan, record, cutoff)
    if record.next_period_on is None:
        return None
    version = ProtocolVersion.objects.create(trial=trial, version=f"v{number}")
    Epoch.objects.create(
        protocol_version=version, position=1, kind="induction", period=2, first_day=anchor.day(record.next_period_on) or 0, last_day=None
    )
    return version


def _store_pains(enrolments: list[Enrolment]) -> dict[int, list[EnrolmentPain]]:
    """Give each enrolment a primary pain and another one."""
    diagnoses = PainDiagnosis.objects.bulk_create(
        PainDiagnosis(patient_id=enrolment.patient_id, code=f"D{rank}", condition=CONDITIONS[(number + rank - 1) % 3])
        for number, enrolment in enumerate(enrolments)
        for rank in (1, 2)
    )
    pains = EnrolmentPain.objects.bulk_create(
        EnrolmentPain(enrolment=enrolments[number // 2], diagnosis=diagnosis, rank=1 + number % 2)
        for number, diagnosis in enumerate(diagnoses)
    )
    return {enrolment.pk: pains[2 * number : 2 * number + 2] for number, enrolment in enumerate(enrolments)}


def _score_rows(
    enrolment: Enrolment, record: PatientRecord, pains: list[EnrolmentPain], scales: dict[str, int], visits: dict[str, int]
) -> Iterator[PainScore]:
    pain_of = {PlanPain.OVERALL: None, PlanPain.PRIMARY: pains[0], None: pains[1]}
    for score in record.scores:
        versions = sorted((other for other in record.scores if other.record == score.record), key=lambda one: one.recorded_at)
        yield PainScore(
            record=UUID(int=(enrolment.pk << 64) | score.record),
            version=versions.index(score) + 1,
            enrolment=enrolment,
            scale_id=scales[score.scale],
            pain=pain_of[score.pain],
            visit_type_id=visits.get(score.visit_code or ""),
            submitted_at=versions[0].recorded_at,
            value=Decimal(score.value_units) / 10**6,
            voided=score.ended_at is not None and score == versions[-1],
            **{name: getattr(score, name) for name in _SAME},
        )


def _session_rows(enrolment: Enrolment, record: PatientRecord, by: User) -> Iterator[StimulationSession]:
    """Yield the versions of an enrolment's sessions; one that begins where another ended is its correction."""
    numbers = count(1)
    sitting: dict[datetime | None, tuple[int, int]] = {}
    for session in sorted(record.sessions, key=lambda one: one.recorded_at):
        number, version = sitting.pop(session.recorded_at, None) or (next(numbers), 1)
        sitting[session.ended_at] = number, version + 1
        yield StimulationSession(
            record=UUID(int=(enrolment.pk << 64) | number),
            version=version,
            enrolment=enrolment,
            status=SessionStatus.GIVEN if session.pulses else SessionStatus.MISSED,
            reason="" if session.pulses else SessionReason.NOT_RECORDED,
            for_date=session.on,
            started_at=session.started_at,
            pulses_delivered=session.pulses,
            recorded_at=session.recorded_at,
            recorded_by=by,
            ended_at=session.ended_at,
        )


_SAME = (
    "context",
    "recall",
    "source",
    "answer_state",
    "scheduled",
    "for_date",
    "observed_at",
    "recorded_at",
    "value_units",
    "ended_at",
)  # fmt: skip
