"""The pain course of one patient: what the chart draws, the table beside it says, and the head line sums up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from registry.models import Allocation, AnalysisPlan, Endpoint, Enrolment, PainScore, PlanTimePoint, User
from registry.rules.pain_course import DayValue, change_percent, trailing_means, weekly_means
from registry.rules.scores import UNITS_PER_POINT
from registry.vocabulary import PlanPain

RESPONSE_LINES_PERCENT = (30, 50)


@dataclass(frozen=True)
class CourseRow:
    """One line of the table beside the chart."""

    label: str
    n: int
    mean: str
    change: str


@dataclass(frozen=True)
class PainCourse:
    """`figure` is plain data for the chart layer; `dated` tells whether its axis is days or named visits."""

    scale: str
    figure: dict[str, Any]
    rows: list[CourseRow]
    dated: bool
    latest: str = ""
    baseline: str = ""
    change: str = ""
    latest_label: str = ""
    reached_percent: list[int] = field(default_factory=list)
    missing_baseline: bool = False

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to draw."""
        return not self.rows


def number(value: Fraction, places: str = "0.1") -> str:
    """Return a value rounded half up for reading."""
    return str((Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(places), ROUND_HALF_UP))


def signed_percent(change: Fraction | None) -> str:
    """Return a change such as '−38 %'. Rounded towards zero, so that a reduction of 29.6 % is never shown as 30 %."""
    if change is None:
        return ""
    whole = int(abs(change))
    return f"{'−' if change < 0 and whole else '+' if whole else ''}{whole} %"


def current_plan(enrolment: Enrolment) -> AnalysisPlan | None:
    """Return the newest analysis plan of the trial."""
    return AnalysisPlan.objects.filter(trial=enrolment.trial).select_related("scale").order_by("-created_at", "-pk").first()


def pain_course(user: User, enrolment: Enrolment) -> PainCourse | None:
    """Return the course on the plan's scale from the scores the person may see; None where the trial has no plan yet."""
    plan = current_plan(enrolment)
    if plan is None:
        return None
    scores = _scores(user, enrolment, plan)
    baseline = _baseline(enrolment, plan)
    anchor = _anchor(enrolment, scores)
    if anchor is None:
        return _by_visit(plan, scores, baseline)
    return _by_day(plan, scores, baseline, anchor)


def _scores(user: User, enrolment: Enrolment, plan: AnalysisPlan) -> list[PainScore]:
    """Return the current scores of the plan's scale, recall and pain, in the order of their submission."""
    rows = PainScore.objects.visible_to(user).current().filter(enrolment=enrolment, scale=plan.scale, recall=plan.recall)
    rows = rows.filter(pain__isnull=True) if plan.pain == PlanPain.OVERALL else rows.filter(pain__rank=1)
    return list(rows.select_related("visit_type").order_by("for_date", "submitted_at", "record"))


def _baseline(enrolment: Enrolment, plan: AnalysisPlan) -> Fraction | None:
    """Return the baseline that the outcomes use; it is computed there and only there."""
    row = Endpoint.objects.filter(enrolment=enrolment, time_point__plan=plan).order_by("time_point__position").first()
    if row is None or row.baseline_n < plan.baseline_min_n:
        return None
    return Fraction(row.baseline_sum_units, row.baseline_n * UNITS_PER_POINT)


def _anchor(enrolment: Enrolment, scores: list[PainScore]) -> date | None:
    """Return the day that counts as 0: allocation, else enrolment, else the first dated score; None if nothing has a date."""
    allocation = Allocation.objects.filter(enrolment=enrolment, stage=1).first()
    dated = [score.for_date for score in scores if score.for_date is not None]
    if not dated:
        return None
    return (allocation and allocation.allocated_on) or enrolment.enrolled_on or dated[0]


def _points(score: PainScore) -> Fraction:
    return Fraction(score.value_units, UNITS_PER_POINT)


def _one_a_day(scores: list[PainScore], plan: AnalysisPlan, anchor: date) -> list[DayValue]:
    """Return the value that counts on each day: the plan's source order first, then the first submitted."""
    rank = {source: position for position, source in enumerate(plan.sources)}
    chosen: dict[date, PainScore] = {}
    for score in scores:
        if score.for_date is None:
            continue
        standing = chosen.get(score.for_date)
        if standing is None or rank.get(score.source, len(rank)) < rank.get(standing.source, len(rank)):
            chosen[score.for_date] = score
    return [DayValue((day - anchor).days, _points(score)) for day, score in sorted(chosen.items())]


def _by_day(plan: AnalysisPlan, scores: list[PainScore], baseline: Fraction | None, anchor: date) -> PainCourse:
    days = _one_a_day(scores, plan, anchor)
    means = trailing_means(days)
    rows = [
        CourseRow(
            label=_("Week before day 0") if week.number == 0 else (_("Week %(n)d") % {"n": week.number}).replace("-", "−"),
            n=week.n,
            mean=number(week.mean),
            change=signed_percent(change_percent(baseline, week.mean)) if baseline is not None and week.number > 0 else "",
        )
        for week in weekly_means(days)
    ]
    figure = {
        **_lines(plan, baseline),
        "day": [item.day for item in days],
        "value": [float(item.value) for item in days],
        "mean": [None if mean is None else round(float(mean), 4) for mean in means],
        "date": [(anchor + timedelta(days=item.day)).isoformat() for item in days],
        "windows": _windows(plan),
    }
    last = next(((item, mean) for item, mean in reversed(list(zip(days, means, strict=True))) if mean is not None), None)
    head = {} if last is None else _head(baseline, last[1], f"7 days to {(anchor + timedelta(days=last[0].day)).isoformat()}", last[0].day)
    return PainCourse(plan.scale.label, figure, rows, dated=True, missing_baseline=baseline is None, **head)


def _by_visit(plan: AnalysisPlan, scores: list[PainScore], baseline: Fraction | None) -> PainCourse:
    """Return the course by named visits, for data without dates."""
    by_visit: dict[int, list[PainScore]] = {}
    for score in scores:
        if score.visit_type is not None:
            by_visit.setdefault(score.visit_type.position, []).append(score)
    visits = [
        (found[0].visit_type, sum((_points(s) for s in found), Fraction(0)) / len(found), len(found))
        for _, found in sorted(by_visit.items())
    ]
    first = visits[0][0] if visits else None
    rows = [
        CourseRow(
            label=str(visit),
            n=n,
            mean=number(mean, "0.01"),
            change=signed_percent(change_percent(baseline, mean)) if baseline is not None and visit != first else "",
        )
        for visit, mean, n in visits
    ]
    figure = {**_lines(plan, baseline), "visit": [row.label for row in rows], "value": [round(float(mean), 6) for _, mean, _ in visits]}
    head = _head(baseline, visits[-1][1], str(visits[-1][0]), 1) if len(visits) > 1 else {}
    return PainCourse(plan.scale.label, figure, rows, dated=False, missing_baseline=baseline is None, **head)


def _lines(plan: AnalysisPlan, baseline: Fraction | None) -> dict[str, Any]:
    """Return the axis range and the horizontal lines: baseline, and what a reduction of 30 and 50 % leaves of it."""
    lines = [] if not baseline else [{"percent": cut, "at": float(baseline * (100 - cut) / 100)} for cut in RESPONSE_LINES_PERCENT]
    return {
        "minimum": float(plan.scale.minimum),
        "maximum": float(plan.scale.maximum),
        "baseline": None if baseline is None else float(baseline),
        "lines": lines,
    }


def _windows(plan: AnalysisPlan) -> list[dict[str, Any]]:
    """Return the windows of the plan's time points, in study days."""
    points = PlanTimePoint.objects.filter(plan=plan, first_day__isnull=False)
    return [
        {"label": point.label + (", primary" if point.primary else ""), "from": point.first_day, "to": point.last_day} for point in points
    ]


def _head(baseline: Fraction | None, value: Fraction, label: str, day: int) -> dict[str, Any]:
    """Return the head line: the latest value, its change, and which lines it is at or below."""
    if baseline is None or day <= 0:
        return {"latest": number(value), "latest_label": label, "baseline": "" if baseline is None else number(baseline)}
    reached = [cut for cut in RESPONSE_LINES_PERCENT if baseline and 100 * value <= (100 - cut) * baseline]
    return {
        "latest": number(value),
        "latest_label": label,
        "baseline": number(baseline),
        "change": signed_percent(change_percent(baseline, value)),
        "reached_percent": reached,
    }
