"""What the figures mean under a plan, in sentences: printed beside every table, stored in the snapshot."""

from __future__ import annotations

from collections.abc import Iterator

from registry.models import Trial
from registry.outcomes.plans import CheckedPlan
from registry.rules import response
from registry.rules.response import percent_text
from registry.selectors.outcome_payload import Definition
from registry.vocabulary import Anchor, Population, Strategy, TrialDesign, ValueRule

POINTWISE = "Intervals are pointwise, not adjusted for repeated looks."
_ANCHORS = {
    Anchor.ALLOCATION: "the day of allocation",
    Anchor.FIRST_STIMULATION: "the day of the first stimulation; until it is on record, the day of allocation",
}
_POPULATIONS = {
    Population.ALLOCATED: "Everybody allocated, as allocated.",
    Population.TREATED: "Everybody stimulated at least once; a sham coil's pulses count like any other.",
    Population.ENROLLED: "Everybody enrolled.",
}
_RULES = {
    ValueRule.MEAN: "the mean of all its days",
    ValueRule.NEAREST: "the day nearest to the target",
    ValueRule.LAST: "its last day",
}


def definitions(trial: Trial, plan: CheckedPlan) -> list[Definition]:
    """Return the terms of both documents."""
    return [{"term": term, "text": text} for term, text in _definitions(trial, plan)]


def closed_definitions(trial: Trial, plan: CheckedPlan, *, coded: bool) -> list[Definition]:
    """Return the same with what concerns arms."""
    return definitions(trial, plan) + [{"term": term, "text": text} for term, text in _comparison(coded=coded)]


def _definitions(trial: Trial, plan: CheckedPlan) -> Iterator[tuple[str, str]]:
    rules, scale = plan.rules, plan.row.scale
    cuts = ", ".join(f"{percent_text(cut)} %" for cut in rules.thresholds)
    yield "Response", f"Reduction of {scale.label} from baseline by at least {cuts}; exactly that much counts. Decided in whole numbers."
    yield "Population", f"{_POPULATIONS[rules.population]} Comparison groups without pain are never counted."
    yield "Day 0", f"Days are counted from {_ANCHORS[rules.anchor]}."
    yield "Baseline", _source(rules.baseline)
    yield "Due", _due(trial, plan)
    yield "NRI", "Non-responder imputation: n is everybody due; whoever is incomplete is a non-responder."
    yield "OC", "Observed cases: n is the complete ones, so those due with a baseline above 0 and a value."
    carried = "n is those due with a baseline above 0 who did not die"
    yield (
        "LOCF",
        f"Last observation carried forward: {carried}; a missing value is that of the latest earlier time point, else the baseline.",
    )
    yield "BOCF", f"Baseline observation carried forward: {carried}; a missing value is the baseline, so no change."
    if rules.strategy == Strategy.COMPOSITE:
        yield "Stop for a listed reason", "Stopping stimulation for a listed reason by the end of the window is non-response under NRI."
    yield "Rate", "Responders divided by n, with Wilson's 95 % interval."
    yield (
        "Cumulative curve",
        "Of those due, who has at least that much less pain (NRI), at each whole percent and threshold.",
    )
    yield (
        "Change",
        "Value minus baseline; negative means less pain. SD is the sample standard deviation, the interval Student's t.",
    )
    yield "Complete", "Of those due, who has a baseline above 0 and a value."
    yield "Incomplete", "Due and not complete, for whatever reason: died, no baseline, a baseline of 0, or the value is missing."
    yield "Missing", "Due, alive, with a baseline above 0, but without a value in the window; reasons are told beside it."
    yield "Recruitment", f"{_recruitment(trial)} The rate is that of the last twelve weeks with the exact Poisson interval of their count."
    small = f"A subgroup with a denominator below {plan.row.small_cell_minimum} is not printed in open documents"
    yield "Small groups", f"{small}, nor are as many others as it takes that it cannot be worked out."


def _recruitment(trial: Trial) -> str:
    taken_in = "enrolled" if trial.design == TrialDesign.COHORT else "allocated"
    return f"Patients {taken_in}, by the day it happened; weeks begin on Monday."


def _comparison(*, coded: bool) -> Iterator[tuple[str, str]]:
    yield "Difference", "Response rate of the first arm minus that of the second, with Newcombe's 95 % interval (method 10)."
    if coded:
        yield "Number needed", "One divided by the difference; over infinity, both directions are named. Letters were drawn at random."
    else:
        yield (
            "NNT",
            "One divided by the difference: to benefit (NNTB) or to harm (NNTH); over infinity if 0 is possible.",
        )
    yield "Repeated looks", POINTWISE


def _source(source: response.Baseline | response.TimePoint) -> str:
    least = f"at least {source.min_n} value{'s' if source.min_n > 1 else ''}"
    if source.visit_code is not None:
        return f"Visit {source.visit_code}: {_RULES[source.rule]}, {least}."
    return f"Days {source.first_day} to {source.last_day}: {_RULES[source.rule]}, {least}."


def _due(trial: Trial, plan: CheckedPlan) -> str:
    if trial.all_due:
        return "The trial is finished or locked: every time point is due."
    return f"A time point is due when its window and {plan.rules.grace_days} days of grace ended before the cut-off date."
