"""The two documents of a snapshot. The open one is built from counts that never saw an arm; the closed one adds arms to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from registry.models import PlanTimePoint, Site, Trial
from registry.outcomes import estimates
from registry.outcomes.arms import ArmTable
from registry.outcomes.cells import Cell
from registry.outcomes.counting import Counted
from registry.outcomes.curves import CurveMaker
from registry.outcomes.definitions import closed_definitions, definitions
from registry.outcomes.disclosure import Disclosure
from registry.outcomes.groups import Fill, groups_of
from registry.outcomes.plans import CheckedPlan
from registry.outcomes.recruitment import Recruited, recruitment
from registry.selectors import outcome_payload as shape

NO_ARMS = "The trial has no arms yet, so nobody is counted here: see the open document."


@dataclass(frozen=True)
class Circumstances:
    """What a snapshot is made of beside the counts."""

    trial: Trial
    plan: CheckedPlan
    cutoff: datetime
    seal: int | None
    seal_hash: str
    code_version: str
    recruited: Recruited
    disclosure: Disclosure


def open_payload(about: Circumstances, counted: Counted) -> shape.Payload:
    """Return the document for everybody who may read outcomes; small subgroups are left out."""
    minimum = about.plan.row.small_cell_minimum
    payload = _frame(about, "open", counted, _of_everybody(about, shown=about.disclosure.efficacy), minimum=minimum)
    payload["efficacy"] = "shown" if about.disclosure.efficacy else "withheld"
    if about.disclosure.efficacy:
        for whole, maker in _wholes(about, payload, counted):
            # The steps of a curve are single people; of a few they would be those few.
            if whole["counts"]["due"] >= minimum:
                whole["curve"] = maker.curve(whole["counts"]["due"])
    return payload


def closed_payload(about: Circumstances, counted: Counted, arms: ArmTable) -> shape.Payload:
    """Return the document of the closed room: every group by arm, with the contrasts; nothing is left out as too small.

    Between the looks of the charter it has who is where by arm, and nothing of response.
    """
    shown = about.disclosure.efficacy_by_arm
    fill = _by_arm(about, arms) if arms.arms else _of_everybody(about, shown=shown)
    payload = _frame(about, "closed", counted, fill, minimum=0)
    payload["efficacy"] = "shown" if shown else "withheld"
    for whole, maker in _wholes(about, payload, counted) if shown else ():
        for arm, printed in zip(arms.arms, whole.get("arms", []), strict=True):
            printed["curve"] = maker.curve(printed["counts"]["due"], arm.id)
    payload["coded"] = arms.coded
    payload["notes"] += arms.notes if arms.arms else [NO_ARMS]
    payload["definitions"] = closed_definitions(about.trial, about.plan, coded=arms.coded)
    return payload


def _of_everybody(about: Circumstances, *, shown: bool) -> Fill:
    """Return what writes a group without arms; where response is not shown, who is where."""
    thresholds = about.plan.rules.thresholds

    def fill(group: shape.Group, cell: Cell, _: Mapping[int | None, Cell]) -> None:
        if shown:
            group["counts"] = estimates.counts(cell, thresholds)
            group["rates"] = estimates.rates(cell, thresholds)
            group["means"] = estimates.means(cell)
        else:
            group["counts"] = estimates.completeness(cell, thresholds)

    return fill


def _by_arm(about: Circumstances, arms: ArmTable) -> Fill:
    """Return what writes a group arm by arm; between looks no rate, no mean and no contrast."""
    thresholds, shown = about.plan.rules.thresholds, about.disclosure.efficacy_by_arm
    counts = estimates.counts if shown else estimates.completeness

    def fill(group: shape.Group, _: Cell, by_arm: Mapping[int | None, Cell]) -> None:
        of = {arm.id: by_arm.get(arm.id, Cell()) for arm in arms.arms}
        group["arms"] = [
            {
                "code": arm.name,
                "label": arm.shown_label,
                "counts": counts(of[arm.id], thresholds),
                "rates": estimates.rates(of[arm.id], thresholds) if shown else [],
                "means": estimates.means(of[arm.id]) if shown else [],
            }
            for arm in arms.arms
        ]
        group["contrasts"] = [
            row
            for first, second in (arms.contrasts if shown else ())
            for row in estimates.contrasts((first.name, second.name), (of[first.id], of[second.id]), thresholds, coded=arms.coded)
        ]

    return fill


def _wholes(about: Circumstances, payload: shape.Payload, counted: Counted) -> Iterator[tuple[shape.Group, CurveMaker]]:
    """Yield the whole of each time point with what makes its curve."""
    for place, point in enumerate(payload["time_points"], start=1):
        yield point["groups"][0], CurveMaker(counted.reached, place, about.plan.rules.thresholds)


def _frame(about: Circumstances, document: str, counted: Counted, fill: Fill, *, minimum: int) -> shape.Payload:
    trial, row, cells = about.trial, about.plan.row, counted.cells
    sites = list(Site.objects.filter(trial=trial).order_by("code"))
    return {
        "format": shape.FORMAT,
        "document": document,
        "trial": {
            "slug": trial.slug,
            "name": trial.name,
            "masked": trial.masked,
            "decoded": about.disclosure.decoded,
            "conduct": trial.conduct,
            "design": trial.design,
            "time_zone": trial.time_zone,
            "synthetic": trial.synthetic,
        },
        "plan": _plan(about.plan),
        "cutoff": about.cutoff.astimezone(UTC).isoformat(),
        "seal": about.seal,
        "seal_hash": about.seal_hash,
        "code_version": about.code_version,
        "efficacy": "shown",
        "thresholds_tenths": list(about.plan.rules.thresholds),
        "definitions": definitions(trial, about.plan),
        "notes": ["The analysis plan was changed after an unmasked look: post hoc."] if row.post_hoc else [],
        "recruitment": recruitment(about.recruited),
        "time_points": [
            _time_point(time_point, groups_of({group: cell for group, cell in cells.items() if group.place == place}, sites, fill, minimum))
            for place, time_point in enumerate(about.plan.time_points, start=1)
        ],
    }


def _plan(plan: CheckedPlan) -> dict[str, object]:
    row = plan.row
    return {
        "version": row.version,
        "post_hoc": row.post_hoc,
        "scale": row.scale.code,
        "scale_version": row.scale.version,
        "scale_label": row.scale.label,
        "scale_minimum": f"{row.scale.minimum.normalize():f}",
        "scale_maximum": f"{row.scale.maximum.normalize():f}",
        "recall": row.recall,
        "pain": row.pain,
        "contexts": sorted(row.contexts),
        "sources": list(row.sources),
        "anchor": row.anchor,
        "population": row.population,
        "strategy": row.strategy,
        "composite_reasons": sorted(row.composite_reasons),
        "baseline": {
            "kind": row.baseline_kind,
            "first_day": row.baseline_first_day,
            "last_day": row.baseline_last_day,
            "visit": plan.rules.baseline.visit_code or "",
            "rule": row.baseline_rule,
            "min_n": row.baseline_min_n,
            "day0_pre": row.day0_pre,
        },
        "accept_late": row.accept_late,
        "grace_days": row.grace_days,
        "small_cell_minimum": row.small_cell_minimum,
    }


def _time_point(row: PlanTimePoint, groups: list[shape.Group]) -> shape.TimePoint:
    return {
        "code": row.code,
        "label": row.label,
        "kind": row.kind,
        "target_day": row.target_day,
        "first_day": row.first_day,
        "last_day": row.last_day,
        "visit": row.visit_type.code if row.visit_type else "",
        "rule": row.rule,
        "min_n": row.min_n,
        "primary": row.primary,
        "groups": groups,
    }
