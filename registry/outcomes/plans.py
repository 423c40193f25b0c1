"""A trial's analysis plan as the worker reads it: the stored rows, and the same as plain values that the rules can check."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import AnalysisPlan, PlanTimePoint, Trial, VisitType
from registry.rules import response
from registry.rules.scores import value_units
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


@dataclass(frozen=True)
class CheckedPlan:
    """A stored plan that passed the rules' check, with its time points in order."""

    row: AnalysisPlan
    time_points: tuple[PlanTimePoint, ...]
    rules: response.Plan


def current_plan(trial: Trial) -> CheckedPlan | None:
    """Return the latest version of the trial's plan, None before there is one; raise InvalidInput where it cannot be used."""
    row = trial.plans.select_related("scale", "baseline_visit_type").order_by("-pk").first()
    if row is None:
        return None
    time_points = tuple(row.time_points.select_related("visit_type").order_by("position"))
    rules = _rules_plan(row, time_points)
    response.check_plan(rules, set(VisitType.objects.filter(trial=trial).values_list("code", flat=True)))
    return CheckedPlan(row, time_points, rules)


def _rules_plan(row: AnalysisPlan, time_points: tuple[PlanTimePoint, ...]) -> response.Plan:
    return response.Plan(
        scale=response.Scale(
            code=row.scale.code,
            version=row.scale.version,
            kind=ScaleKind(row.scale.kind),
            minimum_units=value_units(row.scale.minimum),
            zero_means_none=row.scale.zero_means_none,
        ),
        recall=RecallPeriod(row.recall),
        time_points=tuple(map(_rules_time_point, time_points)),
        baseline=_rules_baseline(row),
        anchor=Anchor(row.anchor),
        population=Population(row.population),
        pain=PlanPain(row.pain),
        contexts=frozenset(map(ScoreContext, row.contexts)),
        sources=tuple(map(ScoreSource, row.sources)),
        thresholds=tuple(row.thresholds_tenths),
        day0_pre=row.day0_pre,
        accept_late=row.accept_late,
        grace_days=row.grace_days,
        strategy=Strategy(row.strategy),
        composite_reasons=frozenset(map(DispositionReason, row.composite_reasons)),
    )


def _rules_baseline(row: AnalysisPlan) -> response.Baseline:
    return response.Baseline(
        first_day=row.baseline_first_day,
        last_day=row.baseline_last_day,
        visit_code=row.baseline_visit_type.code if row.baseline_visit_type else None,
        rule=ValueRule(row.baseline_rule),
        min_n=row.baseline_min_n,
    )


def _rules_time_point(row: PlanTimePoint) -> response.TimePoint:
    return response.TimePoint(
        code=row.code,
        kind=TimePointKind(row.kind),
        target_day=row.target_day,
        first_day=row.first_day,
        last_day=row.last_day,
        visit_code=row.visit_type.code if row.visit_type else None,
        rule=ValueRule(row.rule),
        min_n=row.min_n,
    )
