"""The ladder of one patient's time points: which window is open, which is past, what the plan got from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from django.utils.translation import gettext as _

from registry.models import AnalysisPlan, Endpoint, Enrolment, PainScore, PlanTimePoint, User
from registry.models.scores import sees_scores_of_today
from registry.rules.scores import UNITS_PER_POINT
from registry.selectors.pain_course import current_plan, number
from registry.vocabulary import PlanPain


class StepState(StrEnum):
    """Where a time point stands on a given day."""

    REACHED = "reached"
    SHORT = "short"
    OPEN = "open"
    LATER = "later"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class Step:
    """One time point; the value is the outcomes' own, shown only to who may see the scores behind it."""

    label: str
    state: StepState
    first_on: date | None
    last_on: date | None
    scores: int
    minimum: int
    mean: str


@dataclass(frozen=True)
class _Window:
    """A window of study days or a named visit, as the plan has it."""

    label: str
    first_day: int | None
    last_day: int | None
    visit_type_id: int | None
    minimum: int
    sum_units: int
    n: int


def ladder(user: User, enrolment: Enrolment, *, today: date) -> list[Step]:
    """Return baseline and time points of the current plan in order; empty without a plan or before anything was computed."""
    plan = current_plan(enrolment)
    if plan is None:
        return []
    endpoints = {row.time_point_id: row for row in Endpoint.objects.filter(enrolment=enrolment, time_point__plan=plan, period=1)}
    if not endpoints:
        return []
    anchor = next(iter(endpoints.values())).anchor_on
    seen = list(_visible_scores(user, enrolment, plan))
    steps = [_step(window, anchor, seen, today, all_due=enrolment.trial.all_due) for window in _windows(plan, endpoints)]
    return steps if sees_scores_of_today(user, enrolment) else [steps[0], *map(_hidden, steps[1:])]


def _hidden(step: Step) -> Step:
    """Say that the scores of a time point are not for this person, where it would look as if there were none."""
    return replace(step, state=StepState.HIDDEN) if step.state in (StepState.SHORT, StepState.OPEN) else step


def _visible_scores(user: User, enrolment: Enrolment, plan: AnalysisPlan) -> Iterable[tuple[date | None, int | None]]:
    """Return day and visit of each score on the plan's question that the person may see."""
    rows = PainScore.objects.visible_to(user).current().filter(enrolment=enrolment, scale=plan.scale, recall=plan.recall)
    rows = rows.filter(context__in=plan.contexts)
    rows = rows.filter(pain__isnull=True) if plan.pain == PlanPain.OVERALL else rows.filter(pain__rank=1)
    return rows.values_list("for_date", "visit_type_id")


def _windows(plan: AnalysisPlan, endpoints: dict[int, Endpoint]) -> list[_Window]:
    any_row = next(iter(endpoints.values()))
    baseline = _Window(
        _("Baseline"),
        plan.baseline_first_day,
        plan.baseline_last_day,
        plan.baseline_visit_type_id,
        plan.baseline_min_n,
        any_row.baseline_sum_units,
        any_row.baseline_n,
    )
    points = PlanTimePoint.objects.filter(plan=plan).order_by("position")
    return [baseline, *(_window(point, endpoints.get(point.pk)) for point in points)]


def _window(point: PlanTimePoint, row: Endpoint | None) -> _Window:
    label = f"{point.label}, primary" if point.primary else point.label
    sums = (row.value_sum_units, row.value_n) if row is not None else (0, 0)
    return _Window(label, point.first_day, point.last_day, point.visit_type_id, point.min_n, *sums)


def _step(window: _Window, anchor: date | None, seen: list[tuple[date | None, int | None]], today: date, *, all_due: bool) -> Step:
    first_on, last_on = _on(anchor, window.first_day), _on(anchor, window.last_day)
    scores = sum(_belongs(window, first_on, last_on, for_date, visit) for for_date, visit in seen)
    has_value = window.n >= window.minimum and scores > 0
    mean = number(Fraction(window.sum_units, window.n * UNITS_PER_POINT)) if has_value else ""
    return Step(window.label, _state(has_value, first_on, last_on, today, all_due), first_on, last_on, scores, window.minimum, mean)


def _on(anchor: date | None, day: int | None) -> date | None:
    return None if anchor is None or day is None else anchor + timedelta(days=day)


def _belongs(window: _Window, first_on: date | None, last_on: date | None, for_date: date | None, visit: int | None) -> bool:
    if window.visit_type_id is not None:
        return visit == window.visit_type_id
    return for_date is not None and first_on is not None and last_on is not None and first_on <= for_date <= last_on


def _state(has_value: bool, first_on: date | None, last_on: date | None, today: date, all_due: bool) -> StepState:
    """Say where the window stands; without dates only a finished trial makes a value overdue."""
    if has_value:
        return StepState.REACHED
    if all_due or (last_on is not None and last_on < today):
        return StepState.SHORT
    if first_on is not None and last_on is not None and first_on <= today <= last_on:
        return StepState.OPEN
    return StepState.LATER
