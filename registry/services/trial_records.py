"""A trial on record as the definition that trial.toml would hold."""

from __future__ import annotations

from decimal import Decimal

from registry.models import (
    AnalysisPlan,
    CharterLook,
    Coil,
    CoilConversion,
    Epoch,
    PlanTimePoint,
    PrescribedBlock,
    Prescription,
    ProtocolVersion,
    Scale,
    Site,
    Stimulator,
    Treatment,
    Trial,
    VisitType,
)
from registry.rules.stimulation import Pattern
from registry.rules.tables.stimulation_facts import BlockFacts, CoilConversionFacts, CoilFacts, PrescriptionFacts, StimulatorFacts
from registry.rules.tables.trial_facts import (
    BaselineFacts,
    ContrastFacts,
    EpochFacts,
    LookFacts,
    PlanFacts,
    ProtocolFacts,
    ScaleFacts,
    SiteFacts,
    TimePointFacts,
    TreatmentFacts,
    TrialDefinition,
    TrialFacts,
    VisitTypeFacts,
)

TRIAL_FIELDS = tuple(TrialFacts.__slots__)
STIMULATOR_FIELDS = tuple(name for name in StimulatorFacts.__slots__ if name != "site")
COIL_FIELDS = tuple(name for name in CoilFacts.__slots__ if name != "site")
PRESCRIPTION_FIELDS = tuple(name for name in PrescriptionFacts.__slots__ if name != "treatment")


def definition_of(trial: Trial, using: str = "default") -> TrialDefinition:
    """Return everything trial.toml says of a trial, in a fixed number of queries."""
    return TrialDefinition(
        trial=TrialFacts(**{name: getattr(trial, name) for name in TRIAL_FIELDS}),
        sites=tuple(SiteFacts(row.code, row.name, row.time_zone) for row in Site.objects.using(using).filter(trial=trial).order_by("code")),
        treatments=tuple(
            TreatmentFacts(row.code, row.label) for row in Treatment.objects.using(using).filter(trial=trial).order_by("code")
        ),
        stimulators=tuple(map(_stimulator, Stimulator.objects.using(using).filter(trial=trial).select_related("site").order_by("code"))),
        coils=tuple(map(_coil, Coil.objects.using(using).filter(trial=trial).select_related("site").order_by("code"))),
        coil_conversions=tuple(
            CoilConversionFacts(row.from_model, row.to_model, _plain(row.factor), row.source)
            for row in CoilConversion.objects.using(using).filter(trial=trial).order_by("from_model", "to_model")
        ),
        visit_types=tuple(map(_visit_type, VisitType.objects.using(using).filter(trial=trial).order_by("position"))),
        scales=tuple(map(_scale, Scale.objects.using(using).filter(trial=trial).order_by("code", "version"))),
        protocols=_protocols(trial, using),
        plans=_plans(trial, using),
        looks=tuple(
            LookFacts(row.code, row.label, row.planned_on, row.called_off) for row in CharterLook.objects.using(using).filter(trial=trial)
        ),
    )


def _stimulator(row: Stimulator) -> StimulatorFacts:
    values = {name: getattr(row, name) for name in STIMULATOR_FIELDS}
    return StimulatorFacts(**{**values, "site": row.site.code if row.site else "", "waveform": str(row.waveform)})


def _coil(row: Coil) -> CoilFacts:
    values = {name: getattr(row, name) for name in COIL_FIELDS}
    return CoilFacts(**{**values, "site": row.site.code if row.site else "", "shape": str(row.shape)})


def _visit_type(row: VisitType) -> VisitTypeFacts:
    return VisitTypeFacts(row.code, row.label, row.target_day, row.days_before, row.days_after)


def _scale(row: Scale) -> ScaleFacts:
    return ScaleFacts(
        code=row.code,
        label=row.label,
        maximum=_plain(row.maximum),
        version=row.version,
        kind=str(row.kind),
        minimum=_plain(row.minimum),
        step=None if row.step is None else _plain(row.step),
        zero_means_none=row.zero_means_none,
    )


def _plain(value: Decimal) -> Decimal:
    """Return a stored number without the zeros its column adds."""
    return value.normalize() + 0


def _protocols(trial: Trial, using: str) -> tuple[ProtocolFacts, ...]:
    epochs: dict[int, list[EpochFacts]] = {}
    for row in Epoch.objects.using(using).filter(protocol_version__trial=trial).order_by("position"):
        facts = EpochFacts(str(row.kind), row.first_day, row.period, row.last_day)
        epochs.setdefault(row.protocol_version_id, []).append(facts)
    prescribed: dict[int, list[PrescriptionFacts]] = {}
    for one in Prescription.objects.using(using).filter(protocol_version__trial=trial).select_related("treatment").order_by("pk"):
        prescribed.setdefault(one.protocol_version_id, []).append(_prescription(one))
    blocks: dict[int, list[BlockFacts]] = {}
    ordered = PrescribedBlock.objects.using(using).filter(prescription__protocol_version__trial=trial).order_by("prescription", "position")
    for block in ordered.select_related("prescription__treatment"):
        blocks.setdefault(block.prescription.protocol_version_id, []).append(_block(block))
    versions = ProtocolVersion.objects.using(using).filter(trial=trial).order_by("pk")
    return tuple(
        ProtocolFacts(
            version=row.version,
            effective_from=row.effective_from,
            summary=row.summary,
            epochs=tuple(epochs.get(row.pk, [])),
            prescriptions=tuple(prescribed.get(row.pk, [])),
            blocks=tuple(blocks.get(row.pk, [])),
        )
        for row in versions
    )


def _prescription(row: Prescription) -> PrescriptionFacts:
    values = {name: getattr(row, name) for name in PRESCRIPTION_FIELDS}
    return PrescriptionFacts(**{**values, "treatment": _treatment_of(row), "session_days": tuple(row.session_days)})


def _treatment_of(prescription: Prescription) -> str:
    return prescription.treatment.code if prescription.treatment else ""


def _block(row: PrescribedBlock) -> BlockFacts:
    rate = None if row.intra_burst_hz is None else _plain(row.intra_burst_hz)
    return BlockFacts.of(
        Pattern(_plain(row.frequency_hz), row.bursts_per_train, row.trains, _plain(row.gap_s), row.pulses_per_burst, rate),
        treatment=_treatment_of(row.prescription),
        target=str(row.target),
        target_text=row.target_text,
        hemisphere=str(row.hemisphere),
        intensity_percent=_plain(row.intensity_percent),
        intensity_reference=str(row.intensity_reference),
    )


def _plans(trial: Trial, using: str) -> tuple[PlanFacts, ...]:
    points: dict[int, list[TimePointFacts]] = {}
    for point in PlanTimePoint.objects.using(using).filter(plan__trial=trial).select_related("visit_type").order_by("position"):
        points.setdefault(point.plan_id, []).append(_time_point(point))
    plans = AnalysisPlan.objects.using(using).filter(trial=trial).select_related("scale", "baseline_visit_type").order_by("pk")
    return tuple(_plan(plan, tuple(points.get(plan.pk, []))) for plan in plans)


def _time_point(row: PlanTimePoint) -> TimePointFacts:
    target, first, last = row.target_day, row.first_day, row.last_day
    return TimePointFacts(
        code=row.code,
        label=row.label,
        kind=str(row.kind),
        visit=row.visit_type.code if row.visit_type else "",
        target_day=target,
        days_before=0 if target is None or first is None else target - first,
        days_after=0 if target is None or last is None else last - target,
        rule=str(row.rule),
        min_n=row.min_n,
        primary=row.primary,
    )


def _plan(row: AnalysisPlan, points: tuple[TimePointFacts, ...]) -> PlanFacts:
    return PlanFacts(
        version=row.version,
        scale=row.scale.code,
        scale_version=row.scale.version,
        recall=str(row.recall),
        pain=str(row.pain),
        contexts=tuple(row.contexts),
        sources=tuple(row.sources),
        anchor=str(row.anchor),
        population=str(row.population),
        strategy=str(row.strategy),
        composite_reasons=tuple(row.composite_reasons),
        thresholds=tuple(Decimal(tenths) / 10 for tenths in row.thresholds_tenths),
        day0_pre=row.day0_pre,
        accept_late=row.accept_late,
        grace_days=row.grace_days,
        small_cell_minimum=row.small_cell_minimum,
        comparator=row.comparator,
        post_hoc=row.post_hoc,
        baseline=_baseline(row),
        time_points=points,
        contrasts=tuple(ContrastFacts(arm, against) for arm, against in row.contrasts),
    )


def _baseline(row: AnalysisPlan) -> BaselineFacts:
    return BaselineFacts(
        visit=row.baseline_visit_type.code if row.baseline_visit_type else "",
        first_day=row.baseline_first_day,
        last_day=row.baseline_last_day,
        rule=str(row.baseline_rule),
        min_n=row.baseline_min_n,
    )
