"""Adding versions of a trial's protocol and analysis plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry.models import (
    AnalysisPlan,
    Epoch,
    PlanTimePoint,
    PrescribedBlock,
    Prescription,
    ProtocolVersion,
    Scale,
    Treatment,
    Trial,
    VisitType,
)
from registry.rules.tables.stimulation_facts import BlockFacts
from registry.rules.tables.trial_facts import PlanFacts, ProtocolFacts
from registry.services.trial_records import PRESCRIPTION_FIELDS

# Facts that the row stores under their own name.
PLAN_FIELDS = (
    "version",
    "recall",
    "pain",
    "anchor",
    "population",
    "strategy",
    "day0_pre",
    "accept_late",
    "grace_days",
    "small_cell_minimum",
    "comparator",
    "post_hoc",
)


def add_protocols(trial: Trial, protocols: Sequence[ProtocolFacts], using: str) -> None:
    """Add versions of the protocol with their epochs and prescriptions, in a fixed number of statements."""
    versions = ProtocolVersion.objects.using(using).bulk_create(
        ProtocolVersion(trial_id=trial.pk, version=facts.version, effective_from=facts.effective_from, summary=facts.summary)
        for facts in protocols
    )
    Epoch.objects.using(using).bulk_create(
        Epoch(
            protocol_version_id=version.pk,
            position=position,
            kind=epoch.kind,
            period=epoch.period,
            first_day=epoch.first_day,
            last_day=epoch.last_day,
        )
        for version, facts in zip(versions, protocols, strict=True)
        for position, epoch in enumerate(facts.epochs, start=1)
    )
    if any(facts.prescriptions for facts in protocols):
        _add_prescriptions(trial, list(zip(versions, protocols, strict=True)), using)


def _add_prescriptions(trial: Trial, versions: Sequence[tuple[ProtocolVersion, ProtocolFacts]], using: str) -> None:
    treatments = dict(Treatment.objects.using(using).filter(trial=trial).values_list("code", "pk"))
    rows = Prescription.objects.using(using).bulk_create(
        Prescription(
            protocol_version_id=version.pk,
            treatment_id=treatments.get(facts.treatment),
            **{name: getattr(facts, name) for name in PRESCRIPTION_FIELDS if name != "session_days"},
            session_days=list(facts.session_days),
        )
        for version, protocol in versions
        for facts in protocol.prescriptions
    )
    blocks = [protocol.blocks_of(facts.treatment) for _, protocol in versions for facts in protocol.prescriptions]
    PrescribedBlock.objects.using(using).bulk_create(
        block for row, facts in zip(rows, blocks, strict=True) for block in _prescribed_blocks(row, facts)
    )


def _prescribed_blocks(row: Prescription, blocks: Sequence[BlockFacts]) -> Iterator[PrescribedBlock]:
    for position, facts in enumerate(blocks, start=1):
        pattern = facts.pattern
        yield PrescribedBlock(
            prescription_id=row.pk,
            position=position,
            bursts_per_train=pattern.bursts_per_train,
            **{name: getattr(pattern, name) for name in ("frequency_hz", "trains", "gap_s", "pulses_per_burst", "intra_burst_hz")},
            **{name: getattr(facts, name) for name in ("target", "target_text", "hemisphere", "intensity_percent", "intensity_reference")},
        )


def add_plans(trial: Trial, plans: Sequence[PlanFacts], using: str) -> None:
    """Add versions of the plan with their time points, in four statements; the last one added is the one that counts."""
    if not plans:
        return
    scales = {(scale.code, scale.version): scale.pk for scale in Scale.objects.using(using).filter(trial=trial)}
    visits = dict(VisitType.objects.using(using).filter(trial=trial).values_list("code", "pk"))
    rows = AnalysisPlan.objects.using(using).bulk_create(
        _plan(trial, facts, scales[facts.scale, facts.scale_version], visits) for facts in plans
    )
    PlanTimePoint.objects.using(using).bulk_create(
        PlanTimePoint(
            plan_id=row.pk,
            position=position,
            visit_type_id=visits.get(point.visit),
            first_day=point.first_day,
            last_day=point.last_day,
            **{name: getattr(point, name) for name in ("code", "label", "kind", "target_day", "rule", "min_n", "primary")},
        )
        for row, facts in zip(rows, plans, strict=True)
        for position, point in enumerate(facts.time_points, start=1)
    )


def _plan(trial: Trial, facts: PlanFacts, scale_id: int, visits: dict[str, int]) -> AnalysisPlan:
    return AnalysisPlan(
        trial_id=trial.pk,
        scale_id=scale_id,
        contexts=list(facts.contexts),
        sources=list(facts.sources),
        composite_reasons=list(facts.composite_reasons),
        thresholds_tenths=facts.thresholds_tenths,
        contrasts=[[contrast.arm, contrast.against] for contrast in facts.contrasts],
        baseline_kind=facts.baseline.kind,
        baseline_first_day=facts.baseline.first_day,
        baseline_last_day=facts.baseline.last_day,
        baseline_visit_type_id=visits.get(facts.baseline.visit),
        baseline_rule=facts.baseline.rule,
        baseline_min_n=facts.baseline.min_n,
        **{name: getattr(facts, name) for name in PLAN_FIELDS},
    )
