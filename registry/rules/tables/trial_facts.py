"""What trial.toml says, as plain values with every default filled in; words are stored as in the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from registry.rules.tables.stimulation_facts import BlockFacts, CoilConversionFacts, CoilFacts, PrescriptionFacts, StimulatorFacts


@dataclass(frozen=True, slots=True)
class TrialFacts:
    """Section [trial]."""

    slug: str
    name: str
    conduct: str
    title: str = ""
    design: str = "parallel"
    time_zone: str = "UTC"
    masked: bool = True
    pooled_efficacy: bool = False
    registry_number: str = ""
    sponsor: str = ""
    contact: str = ""
    synthetic: bool = False
    grading_scheme: str = "three_step"
    planned_participants: int | None = None
    recruitment_starts_on: date | None = None
    recruitment_ends_on: date | None = None
    report_day: str = "monday"
    report_hour: int = 6


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """One of [[sites]]."""

    code: str
    name: str
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class TreatmentFacts:
    """One of [[treatments]]."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class VisitTypeFacts:
    """One of [[visit_types]]; its place in the list is its position."""

    code: str
    label: str
    target_day: int | None = None
    days_before: int = 0
    days_after: int = 0


@dataclass(frozen=True, slots=True)
class ScaleFacts:
    """One of [[scales]]."""

    code: str
    label: str
    maximum: Decimal
    version: str = "1"
    kind: str = "intensity"
    minimum: Decimal = Decimal(0)
    step: Decimal | None = None
    zero_means_none: bool = True


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """One of [[protocol.epochs]]; its place in the list is its position."""

    kind: str
    first_day: int
    period: int = 1
    last_day: int | None = None


@dataclass(frozen=True, slots=True)
class ProtocolFacts:
    """A version of the protocol."""

    version: str
    effective_from: date | None = None
    summary: str = ""
    epochs: tuple[EpochFacts, ...] = ()
    prescriptions: tuple[PrescriptionFacts, ...] = ()
    blocks: tuple[BlockFacts, ...] = ()

    def blocks_of(self, treatment: str) -> tuple[BlockFacts, ...]:
        """Return the blocks of the prescription for a treatment, in their order."""
        return tuple(block for block in self.blocks if block.treatment == treatment)


@dataclass(frozen=True, slots=True)
class BaselineFacts:
    """Section [plan.baseline]: a visit, or days."""

    visit: str
    first_day: int | None
    last_day: int | None
    rule: str
    min_n: int

    @property
    def kind(self) -> str:
        """Return the kind under which it is stored."""
        return "visit_code" if self.visit else "diary"


@dataclass(frozen=True, slots=True)
class TimePointFacts:
    """One of [[plan.time_points]]; its place in the list is its position."""

    code: str
    label: str
    kind: str
    visit: str
    target_day: int | None
    days_before: int
    days_after: int
    rule: str
    min_n: int
    primary: bool

    @property
    def first_day(self) -> int | None:
        """Return the first day of the window, None where there is no target."""
        return None if self.target_day is None else self.target_day - self.days_before

    @property
    def last_day(self) -> int | None:
        """Return the last day of the window, None where there is no target."""
        return None if self.target_day is None else self.target_day + self.days_after


@dataclass(frozen=True, slots=True)
class ContrastFacts:
    """One of [[plan.contrasts]]: an arm and the one it is compared with."""

    arm: str
    against: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A version of the analysis plan; thresholds in percent."""

    version: str
    scale: str
    scale_version: str
    recall: str
    pain: str
    contexts: tuple[str, ...]
    sources: tuple[str, ...]
    anchor: str
    population: str
    strategy: str
    composite_reasons: tuple[str, ...]
    thresholds: tuple[Decimal, ...]
    day0_pre: bool
    accept_late: bool
    grace_days: int
    small_cell_minimum: int
    comparator: str
    post_hoc: bool
    baseline: BaselineFacts
    time_points: tuple[TimePointFacts, ...]
    contrasts: tuple[ContrastFacts, ...]

    @property
    def thresholds_tenths(self) -> list[int]:
        """Return the thresholds in tenths of a percent, exactly."""
        return [int(threshold * 10) for threshold in self.thresholds]


@dataclass(frozen=True, slots=True)
class LookFacts:
    """One of [[looks]]: a look at efficacy by arm that the board's charter plans."""

    code: str
    label: str
    planned_on: date
    called_off: bool = False


@dataclass(frozen=True, slots=True)
class TrialDefinition:
    """The whole of trial.toml."""

    trial: TrialFacts
    sites: tuple[SiteFacts, ...]
    treatments: tuple[TreatmentFacts, ...] = ()
    stimulators: tuple[StimulatorFacts, ...] = ()
    coils: tuple[CoilFacts, ...] = ()
    coil_conversions: tuple[CoilConversionFacts, ...] = ()
    visit_types: tuple[VisitTypeFacts, ...] = ()
    scales: tuple[ScaleFacts, ...] = ()
    protocols: tuple[ProtocolFacts, ...] = ()
    plans: tuple[PlanFacts, ...] = ()
    looks: tuple[LookFacts, ...] = ()
