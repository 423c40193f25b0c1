"""An analysis plan in sentences that a clinician can check without knowing the rules' names."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from registry.rules.tables.trial_facts import BaselineFacts, PlanFacts, TimePointFacts, TrialDefinition
from registry.vocabulary import (
    Anchor,
    DispositionReason,
    PlanPain,
    Population,
    RecallPeriod,
    ScoreContext,
    ScoreSource,
    Strategy,
    ValueRule,
)
from web.score_forms import decimal_text


@dataclass(frozen=True)
class PointWords:
    """One time point as a row of a table."""

    label: str
    when: str
    rule: str
    min_n: int
    primary: bool


@dataclass(frozen=True)
class PlanWords:
    """One version: term and sentence pairs, and its time points."""

    version: str
    post_hoc: bool
    lines: tuple[tuple[str, str], ...]
    points: tuple[PointWords, ...]


def plan_in_words(plan: PlanFacts, definition: TrialDefinition) -> PlanWords:
    """Return one version of the plan in words."""
    return PlanWords(
        plan.version, plan.post_hoc, (*measure_lines(plan, definition), *decision_lines(plan)), tuple(map(point_words, plan.time_points))
    )


def measure_lines(plan: PlanFacts, definition: TrialDefinition) -> list[tuple[str, str]]:
    """Say what is measured, and from which answers."""
    labels = {(scale.code, scale.version): scale.label for scale in definition.scales}
    contexts = ", ".join(ScoreContext(word).label for word in plan.contexts)
    sources = ", ".join(ScoreSource(word).label for word in plan.sources)
    return [
        (_("Measured by"), f"{labels[plan.scale, plan.scale_version]}, {RecallPeriod(plan.recall).label}, {PlanPain(plan.pain).label}"),
        (_("Occasions that count"), contexts),
        (_("One value a day"), _("the first answer of the first source in this order: %(sources)s") % {"sources": sources}),
        (_("Late diary answers"), _("count") if plan.accept_late else _("do not count")),
        (_("Day 0"), Anchor(plan.anchor).label),
        (_("Baseline"), baseline_words(plan.baseline)),
    ]


def decision_lines(plan: PlanFacts) -> list[tuple[str, str]]:
    """Say who is counted and what decides."""
    cuts = ", ".join(f"{decimal_text(cut)} %" for cut in plan.thresholds)
    lines = [
        (_("Responder"), _("pain reduced by at least: %(cuts)s") % {"cuts": cuts}),
        (_("Who is counted"), Population(plan.population).label),
        (_("When stimulation stops"), Strategy(plan.strategy).label),
    ]
    if plan.composite_reasons:
        lines.append((_("Reasons that count as no response"), ", ".join(DispositionReason(word).label for word in plan.composite_reasons)))
    return [
        *lines,
        (_("Due"), _("%(days)d days after the window ends") % {"days": plan.grace_days}),
        (_("Small subgroups"), _("hidden below %(n)d patients in open documents") % {"n": plan.small_cell_minimum}),
        *([(_("Compared with"), plan.comparator)] if plan.comparator else []),
    ]


def baseline_words(baseline: BaselineFacts) -> str:
    """Say where the baseline comes from."""
    rule = ValueRule(baseline.rule).label
    if baseline.visit:
        return _("visit %(visit)s, %(rule)s, at least %(n)d") % {"visit": baseline.visit, "rule": rule.lower(), "n": baseline.min_n}
    days = {"first": baseline.first_day, "last": baseline.last_day, "rule": rule.lower(), "n": baseline.min_n}
    return _("days %(first)s to %(last)s, %(rule)s, at least %(n)d values") % days


def point_words(point: TimePointFacts) -> PointWords:
    """Return one time point in words."""
    when = _("visit %(visit)s") % {"visit": point.visit} if point.visit else ""
    if point.first_day is not None:
        days = _("days %(first)d to %(last)d") % {"first": point.first_day, "last": point.last_day}
        when = f"{when}, {days}" if when else days
    return PointWords(point.label, when, ValueRule(point.rule).label, point.min_n, point.primary)
