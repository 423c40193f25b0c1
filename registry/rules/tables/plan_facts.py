"""A plan with every default filled in, and the same plan as the rules of response know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from registry.rules import response
from registry.rules.tables.problems import name_remedy
from registry.rules.tables.section_reader import SectionReader, Values
from registry.rules.tables.trial_facts import BaselineFacts, ContrastFacts, PlanFacts, ScaleFacts, TimePointFacts, VisitTypeFacts
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
    TrialDesign,
    ValueRule,
)

DEFAULT_THRESHOLDS = (Decimal(30), Decimal(50))
DEFAULT_SOURCES = (ScoreSource.DIARY, ScoreSource.PHONE, ScoreSource.CLINIC)
COMPOSITE_REASONS = (DispositionReason.LACK_OF_EFFECT, DispositionReason.ADVERSE_EVENT, DispositionReason.RESCUE)
UNITS_PER_POINT = 1_000_000


@dataclass(frozen=True)
class PlanContext:
    """What the plan may refer to."""

    design: str
    visit_types: Mapping[str, VisitTypeFacts]
    scales: Sequence[ScaleFacts]

    def scale(self, code: str, version: str) -> ScaleFacts | None:
        """Return the scale meant by a code and version; an empty one is the only one there is."""
        found = [scale for scale in self.scales if code in ("", scale.code) and version in ("", scale.version)]
        return found[0] if len(found) == 1 else None


def complete_baseline(values: Values) -> BaselineFacts:
    """Return the baseline with its defaults: the seven days before day 0, or one value of a visit."""
    visit = values["visit"]
    default_days = (None, None) if visit else (-response.plan.DIARY_DAYS, -1)
    days = [
        default if given is None else given for given, default in zip((values["first_day"], values["last_day"]), default_days, strict=True)
    ]
    # One value is picked under the other rules, so that more could never be asked for.
    several = not visit and values["rule"] == ValueRule.MEAN
    default_n = response.plan.DIARY_MIN_N if several else 1
    return BaselineFacts(visit, days[0], days[1], values["rule"], values["min_n"] or default_n)


def complete_time_points(rows: list[Values], context: PlanContext) -> tuple[TimePointFacts, ...]:
    """Return the time points with their defaults; the last one is primary where none is named."""
    if rows and not any(row["primary"] for row in rows):
        rows = [*rows[:-1], {**rows[-1], "primary": True}]
    return tuple(_time_point(row, context.visit_types.get(row["visit"])) for row in rows)


def _time_point(row: Values, visit: VisitTypeFacts | None) -> TimePointFacts:
    kind = row["kind"] or (TimePointKind.VISIT_CODE if row["visit"] else TimePointKind.DIARY)
    diary = kind == TimePointKind.DIARY
    rule = row["rule"] or (ValueRule.NEAREST if kind == TimePointKind.VISIT else ValueRule.MEAN)
    before, after = (response.plan.DIARY_DAYS - 1, 0) if diary else (visit.days_before, visit.days_after) if visit else (0, 0)
    default_n = response.plan.DIARY_MIN_N if diary and rule == ValueRule.MEAN else 1
    target = visit.target_day if row["target_day"] is None and visit else row["target_day"]
    dated = target is not None
    return TimePointFacts(
        code=row["code"],
        label=row["label"] or (visit.label if visit else row["code"]),
        kind=str(kind),
        visit=row["visit"],
        target_day=target,
        days_before=(before if row["days_before"] is None else row["days_before"]) if dated else 0,
        days_after=(after if row["days_after"] is None else row["days_after"]) if dated else 0,
        rule=str(rule),
        min_n=row["min_n"] or default_n,
        primary=bool(row["primary"]),
    )


def complete_plan(
    values: Values, baseline: BaselineFacts, points: tuple[TimePointFacts, ...], contrasts: list[Values], context: PlanContext
) -> PlanFacts:
    """Return the plan with its defaults; its scale is left as given where no single one is meant."""
    scale = context.scale(values["scale"], values["scale_version"])
    composite = values["strategy"] == Strategy.COMPOSITE
    reasons = values["composite_reasons"] or (COMPOSITE_REASONS if composite else ())
    population = Population.ENROLLED if context.design == TrialDesign.COHORT else Population.ALLOCATED
    default_day0 = baseline.rule == ValueRule.LAST and not baseline.visit
    return PlanFacts(
        version=values["version"],
        scale=scale.code if scale else values["scale"],
        scale_version=scale.version if scale else values["scale_version"],
        recall=values["recall"],
        pain=values["pain"],
        contexts=_in_order(values["contexts"] or _contexts(baseline, points), ScoreContext),
        sources=tuple(map(str, values["sources"] or DEFAULT_SOURCES)),
        anchor=values["anchor"],
        population=values["population"] or str(population),
        strategy=values["strategy"],
        composite_reasons=_in_order(reasons, DispositionReason),
        thresholds=tuple(sorted(values["thresholds"] or DEFAULT_THRESHOLDS)),
        day0_pre=default_day0 if values["day0_pre"] is None else values["day0_pre"],
        accept_late=values["accept_late"],
        grace_days=values["grace_days"],
        small_cell_minimum=values["small_cell_minimum"],
        comparator=values["comparator"],
        post_hoc=values["post_hoc"],
        baseline=baseline,
        time_points=points,
        contrasts=tuple(ContrastFacts(row["arm"], row["against"] or values["comparator"]) for row in contrasts),
    )


def _contexts(baseline: BaselineFacts, points: tuple[TimePointFacts, ...]) -> set[str]:
    """Return the contexts a plan counts where it names none: those of its kinds of time point."""
    kinds = {point.kind for point in points} | {baseline.kind}
    diary = {ScoreContext.DIARY} if TimePointKind.DIARY in kinds else set()
    return {*diary, *({ScoreContext.VISIT} if kinds - {TimePointKind.DIARY} else set())}


def _in_order(words: object, vocabulary: type[ScoreContext] | type[DispositionReason]) -> tuple[str, ...]:
    """Return words once each, in the order of the vocabulary."""
    return tuple(str(word) for word in vocabulary if word in set(words))  # type: ignore[call-overload]  # a tuple or a set


def check_plan(reader: SectionReader, number: int, plan: PlanFacts, context: PlanContext) -> None:
    """Note what makes a plan unusable: references, thresholds off a tenth of a percent, and what the rules of response refuse."""
    found = len(reader.problems)
    scale = context.scale(plan.scale, plan.scale_version)
    if scale is None:
        known = [f"{one.code} (version {one.version})" for one in context.scales]
        reader.problem("plan", number, "scale", plan.scale or None, "names no single scale", name_remedy(plan.scale, known, "scale"))
    for threshold in plan.thresholds:
        if threshold * 10 != int(threshold * 10) or not 0 < threshold <= 100:
            wrong = "is no percentage above 0 and up to 100 in whole tenths"
            reader.problem("plan", number, "thresholds", threshold, wrong, "Write for example 30 or 33.5")
    if sum(point.primary for point in plan.time_points) > 1:
        reader.problem("plan.time_points", 0, "primary", None, "more than one time point is primary", "Keep one")
    if scale is None or len(reader.problems) > found:
        return
    for problem in response.plan_problems(rules_plan(plan, scale), set(context.visit_types)):
        wrong, _, right = problem.message.rstrip(".").partition(": ")
        reader.problem("plan", number, problem.field, None, wrong, right[:1].upper() + right[1:] or "Correct it")


def rules_plan(plan: PlanFacts, scale: ScaleFacts) -> response.Plan:
    """Return the plan as the rules of response know it."""
    return response.Plan(
        scale=response.Scale(
            code=scale.code,
            version=scale.version,
            kind=ScaleKind(scale.kind),
            minimum_units=int(scale.minimum * UNITS_PER_POINT),
            zero_means_none=scale.zero_means_none,
        ),
        recall=RecallPeriod(plan.recall),
        time_points=tuple(map(_rules_time_point, plan.time_points)),
        baseline=_rules_baseline(plan.baseline),
        anchor=Anchor(plan.anchor),
        population=Population(plan.population),
        pain=PlanPain(plan.pain),
        contexts=frozenset(map(ScoreContext, plan.contexts)),
        sources=tuple(map(ScoreSource, plan.sources)),
        thresholds=tuple(plan.thresholds_tenths),
        day0_pre=plan.day0_pre,
        accept_late=plan.accept_late,
        grace_days=plan.grace_days,
        strategy=Strategy(plan.strategy),
        composite_reasons=frozenset(map(DispositionReason, plan.composite_reasons)),
    )


def _rules_baseline(baseline: BaselineFacts) -> response.Baseline:
    return response.Baseline(
        first_day=baseline.first_day,
        last_day=baseline.last_day,
        visit_code=baseline.visit or None,
        rule=ValueRule(baseline.rule),
        min_n=baseline.min_n,
    )


def _rules_time_point(point: TimePointFacts) -> response.TimePoint:
    return response.TimePoint(
        code=point.code,
        kind=TimePointKind(point.kind),
        target_day=point.target_day,
        first_day=point.first_day,
        last_day=point.last_day,
        visit_code=point.visit or None,
        rule=ValueRule(point.rule),
        min_n=point.min_n,
    )
