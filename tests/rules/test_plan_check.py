"""Each thing that makes a plan unusable is refused with the field and a remedy."""

from dataclasses import replace

import pytest

from registry.exceptions import InvalidInput
from registry.rules.response import Baseline, Plan, Scale, TimePoint, check_plan, plan_problems
from registry.vocabulary import ScaleKind, ScoreContext, Strategy, TimePointKind, ValueRule
from tests.rules.example_patient import PLAN

VISITS = {"BL", "M3", "M12"}
WEEK4 = TimePoint.diary("W4", 28)


def of(*time_points: TimePoint) -> Plan:
    """Make a plan with these time points."""
    return replace(PLAN, time_points=time_points)


def test_the_default_plan_is_usable() -> None:
    check_plan(PLAN, VISITS)


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, baseline=Baseline(last_day=0), day0_pre=True),
        replace(PLAN, baseline=Baseline(last_day=0, rule=ValueRule.LAST, min_n=1)),
        replace(PLAN, baseline=Baseline.of_visit("BL"), time_points=(TimePoint.of_visit("M3", "M3"), TimePoint.of_visit("M12", "M12"))),
        of(TimePoint.visit("V1", 3, before=2, after=1), TimePoint.visit("V2", 8, before=3, after=3)),
        of(replace(TimePoint.of_visit("M3", "M3"), target_day=90, first_day=83, last_day=97), TimePoint.diary("W13", 91)),
        replace(PLAN, thresholds=(1, 1000)),
    ],
)
def test_unusual_plans_are_usable(plan: Plan) -> None:
    assert plan_problems(plan, VISITS) == []


@pytest.mark.parametrize(
    ("plan", "field", "sentence"),
    [
        (replace(PLAN, scale=Scale("relief", kind=ScaleKind.RELIEF_PERCENT)), "scale", "measures relief"),
        (replace(PLAN, scale=Scale("nrs1", minimum_units=1_000_000)), "scale", "does not start at 0"),
        (replace(PLAN, scale=Scale("change", zero_means_none=False)), "scale", "does not start at 0 = no pain"),
        (replace(PLAN, thresholds=()), "thresholds", "is empty"),
        (replace(PLAN, thresholds=(300, 300)), "thresholds", "twice"),
        (replace(PLAN, thresholds=(0,)), "thresholds", "threshold 0 is not"),
        (replace(PLAN, thresholds=(1001,)), "thresholds", "from 1 to 1000"),
        (replace(PLAN, thresholds=(30.5,)), "thresholds", "whole number"),  # type: ignore[arg-type]
        (replace(PLAN, contexts=frozenset()), "contexts", "no score could count"),
        (replace(PLAN, sources=()), "sources", "at least one"),
        (replace(PLAN, strategy=Strategy.COMPOSITE, composite_reasons=frozenset()), "composite_reasons", "name them"),
        (replace(PLAN, grace_days=-1), "grace_days", "0 or more"),
        (of(), "time_points", "is empty"),
        (of(WEEK4, replace(TimePoint.diary("W8", 56), code="W4")), "time_points", "names W4 2 times"),
        (of(TimePoint.diary("W8", 56), WEEK4), "time_points", "lists W8 before W4"),
        (replace(PLAN, baseline=Baseline(last_day=0)), "baseline", "set day0_pre"),
        (replace(PLAN, baseline=Baseline(last_day=1), day0_pre=True), "baseline", "reaches day 1"),
        (replace(PLAN, baseline=Baseline(first_day=None)), "baseline", "neither a window nor a visit"),
        (replace(PLAN, baseline=Baseline(first_day=-1, last_day=-7)), "baseline", "swap them"),
        (replace(PLAN, baseline=Baseline(min_n=8)), "baseline", "asks for 8 values but has 7 days"),
        (replace(PLAN, baseline=Baseline(min_n=0)), "baseline", "1 or more"),
        (replace(PLAN, baseline=Baseline(rule=ValueRule.LAST)), "baseline", "picks one value"),
        (replace(PLAN, baseline=Baseline.of_visit("V0")), "baseline", "unknown visit V0: name one of BL, M12, M3"),
        (replace(PLAN, baseline=Baseline.of_visit("BL"), day0_pre=True), "day0_pre", "no effect"),
        (of(TimePoint.of_visit("M6", "M6")), "time_points[M6]", "unknown visit M6"),
        (of(TimePoint.of_visit("M3", "M3", rule=ValueRule.NEAREST)), "time_points[M3]", "no day to be near to"),
        (of(TimePoint("M3", TimePointKind.VISIT_CODE)), "time_points[M3]", "names no visit"),
        (of(TimePoint("V4", TimePointKind.VISIT)), "time_points[V4]", "needs first_day"),
        (of(replace(WEEK4, visit_code="M3")), "time_points[W4]", "needs first_day"),
        (of(TimePoint.diary("W1", 6)), "time_points[W1]", "reaches day 0"),
        (of(TimePoint.visit("V0", 3, before=5, after=1)), "time_points[V0]", "reaches day -2"),
        (of(replace(WEEK4, target_day=40)), "time_points[W4]", "target outside its window"),
        (of(TimePoint.diary("W1", 7), TimePoint.diary("W2", 13)), "time_points[W2]", "overlaps time_points[W1] (days 1 to 7)"),
        (of(TimePoint.visit("V0", 3, before=5, after=1)), "time_points[V0]", "overlaps baseline"),
        (of(TimePoint.diary("W2", 13), TimePoint.diary("W1", 7)), "time_points[W1]", "overlaps time_points[W2] (days 7 to 13)"),
        (of(TimePoint.of_visit("A", "M3"), TimePoint.of_visit("B", "M3")), "time_points[B]", "both take visit M3"),
        (replace(of(WEEK4), contexts=frozenset({ScoreContext.VISIT})), "time_points[W4]", "diary interval"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unusable_plan_is_refused_with_field_and_remedy(plan: Plan, field: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_plan(plan, VISITS)
    problems = refused.value.problems
    assert any(problem.field == field and sentence in problem.message for problem in problems), problems
    assert all(problem.message.endswith(".") for problem in problems)


def test_all_that_is_wrong_is_said_at_once() -> None:
    plan = replace(PLAN, thresholds=(0,), grace_days=-1, time_points=(TimePoint.of_visit("M6", "M6"),))
    assert [problem.field for problem in plan_problems(plan, VISITS)] == ["thresholds", "grace_days", "time_points[M6]"]


def test_an_unknown_visit_without_any_known_says_so() -> None:
    assert "name one of none" in plan_problems(replace(PLAN, baseline=Baseline.of_visit("BL")), ())[0].message
