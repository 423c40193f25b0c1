"""What an analysis plan says about response, as plain values."""

from dataclasses import dataclass
from typing import Self

from registry.vocabulary import (
    Anchor,
    DispositionReason,
    PlanPain,
    Population,
    RecallPeriod,
    ScaleKind,
    ScoreContext,
    ScoreSource,
    Strategy,
    TimePointKind,
    ValueRule,
)

DIARY_DAYS = 7
DIARY_MIN_N = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale a plan is about. Percent change has a meaning only where 0 is no pain and lower is better."""

    code: str
    version: str = "1"
    kind: ScaleKind = ScaleKind.INTENSITY
    minimum_units: int = 0
    zero_means_none: bool = True


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where baseline values come from: days first..last, or a visit whatever its days."""

    first_day: int | None = -DIARY_DAYS
    last_day: int | None = -1
    visit_code: str | None = None
    rule: ValueRule = ValueRule.MEAN
    min_n: int = DIARY_MIN_N

    @classmethod
    def of_visit(cls, visit_code: str, rule: ValueRule = ValueRule.MEAN, min_n: int = 1) -> Self:
        """Take the baseline from a named visit; no date is needed."""
        return cls(first_day=None, last_day=None, visit_code=visit_code, rule=rule, min_n=min_n)


@dataclass(frozen=True, slots=True)
class TimePoint:
    """One time point: a window of days around a target, or a visit code; a visit code may have days to fall due by."""

    code: str
    kind: TimePointKind
    target_day: int | None = None
    first_day: int | None = None
    last_day: int | None = None
    visit_code: str | None = None
    rule: ValueRule = ValueRule.MEAN
    min_n: int = 1

    @classmethod
    def diary(cls, code: str, target: int, rule: ValueRule = ValueRule.MEAN, min_n: int = DIARY_MIN_N) -> Self:
        """Make a diary interval: the seven days that end on the target."""
        return cls(code, TimePointKind.DIARY, target, target - DIARY_DAYS + 1, target, None, rule, min_n)

    @classmethod
    def visit(cls, code: str, target: int, before: int, after: int, rule: ValueRule = ValueRule.NEAREST, min_n: int = 1) -> Self:
        """Make a visit value: target - before to target + after."""
        return cls(code, TimePointKind.VISIT, target, target - before, target + after, None, rule, min_n)

    @classmethod
    def of_visit(cls, code: str, visit_code: str, rule: ValueRule = ValueRule.MEAN, min_n: int = 1) -> Self:
        """Make a time point of a named visit; no date is needed."""
        return cls(code, TimePointKind.VISIT_CODE, visit_code=visit_code, rule=rule, min_n=min_n)


@dataclass(frozen=True, slots=True)
class Plan:
    """How response is decided in one trial; `time_points` stand in their order in time, thresholds in tenths of a percent.

    `day0_pre` left open means yes with rule last and no otherwise.
    """

    scale: Scale
    recall: RecallPeriod
    time_points: tuple[TimePoint, ...]
    baseline: Baseline = Baseline()
    anchor: Anchor = Anchor.ALLOCATION
    population: Population = Population.ALLOCATED
    pain: PlanPain = PlanPain.OVERALL
    contexts: frozenset[ScoreContext] = frozenset({ScoreContext.DIARY})
    sources: tuple[ScoreSource, ...] = (ScoreSource.DIARY, ScoreSource.PHONE, ScoreSource.CLINIC)
    thresholds: tuple[int, ...] = (300, 500)
    day0_pre: bool | None = None
    accept_late: bool = False
    grace_days: int = 2
    strategy: Strategy = Strategy.TREATMENT_POLICY
    composite_reasons: frozenset[DispositionReason] = frozenset(
        {DispositionReason.LACK_OF_EFFECT, DispositionReason.ADVERSE_EVENT, DispositionReason.RESCUE}
    )

    @property
    def counts_day0(self) -> bool:
        """Tell whether values before the first session on day 0 are baseline."""
        return self.baseline.rule == ValueRule.LAST if self.day0_pre is None else self.day0_pre
