"""Who is missing at a time point: the people behind a cell of the completeness figure, for those who see all their scores."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import DateField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from registry.models import Allocation, AnalysisPlan, Disposition, Endpoint, Enrolment, PlanTimePoint, Snapshot, Trial, User
from registry.models.scores import enrolments_with_all_scores, sees_all_scores
from registry.roles import Permission
from registry.vocabulary import DispositionKind


def may_list_missing(user: User, trial: Trial) -> bool:
    """Tell whether the person sees all scores of some patients of the trial: that one is missing tells of the others."""
    return user.can(Permission.PATIENT_VIEW, trial=trial) and sees_all_scores(user, trial)


def time_points_of(trial: Trial) -> list[tuple[str, str]]:
    """Return code and label of each time point of the plan that counts now."""
    plan = _plan(trial)
    return list(plan.time_points.order_by("position").values_list("code", "label")) if plan else []


def missing_at(rows: QuerySet[Enrolment], user: User, trial: Trial, code: str) -> QuerySet[Enrolment]:
    """Keep who is due at a time point, by the cut-off of the outcomes on record, without a baseline above 0 or enough values."""
    plan = _plan(trial)
    point = plan.time_points.filter(code=code).first() if plan else None
    if plan is None or point is None:
        return rows.none()
    endpoints = Endpoint.objects.filter(enrolment=OuterRef("pk"), time_point=point)
    lacking = _due(endpoints, trial, plan, point).exclude(_complete(plan, point) & ~_died(plan, point))
    return rows.filter(enrolments_with_all_scores(user)).filter(Exists(lacking))


def counted_at(rows: QuerySet[Enrolment], site: str) -> QuerySet[Enrolment]:
    """Keep whom the outcomes count at a site: where somebody was allocated, else where they are."""
    allocated_at = Allocation.objects.filter(enrolment=OuterRef("pk"), stage=1).values("analysis_site__code")[:1]
    return rows.annotate(counted_at=Coalesce(Subquery(allocated_at), F("site__code"))).filter(counted_at=site)


def _plan(trial: Trial) -> AnalysisPlan | None:
    return trial.plans.order_by("-pk").first()


def _due(endpoints: QuerySet[Endpoint], trial: Trial, plan: AnalysisPlan, point: PlanTimePoint) -> QuerySet[Endpoint]:
    """Keep what is due (R10), with the last day of its window."""
    days = timedelta(days=point.last_day or 0)
    windowed = endpoints.annotate(window_end=ExpressionWrapper(F("anchor_on") + days, output_field=DateField()))
    if trial.all_due:
        return windowed
    if point.last_day is None:
        return windowed.none()
    return windowed.filter(anchor_on__lt=_cutoff_day(trial) - days - timedelta(days=plan.grace_days))


def _cutoff_day(trial: Trial) -> date:
    """Return the day of the cut-off of the outcomes on record, before the first ones today."""
    cutoff = Snapshot.objects.filter(trial=trial).order_by("-number").values_list("cutoff", flat=True).first()
    return (cutoff or timezone.now()).astimezone(trial.zone).date()


def _complete(plan: AnalysisPlan, point: PlanTimePoint) -> Q:
    """Return the condition that there is a baseline above 0 and a value (R8)."""
    return Q(
        baseline_n__gte=max(1, plan.baseline_min_n),
        baseline_sum_units__gt=0,
        value_n__gte=max(1, point.min_n),
    )


def _died(plan: AnalysisPlan, point: PlanTimePoint) -> Q:
    """Return the condition of a death by the end of the window; without dates, after the last value (R12)."""
    deaths = Disposition.objects.filter(enrolment=OuterRef("enrolment"), kind=DispositionKind.DEATH, voided_at__isnull=True)
    dated = Exists(deaths.filter(happened_on__isnull=False))
    later = Endpoint.objects.filter(
        enrolment=OuterRef("enrolment"),
        time_point__plan=plan,
        time_point__position__gte=point.position,
        value_n__gte=F("time_point__min_n"),
        value_n__gt=0,
    )
    without_dates = Q(Exists(deaths)) & ~Q(Exists(later))
    if point.last_day is None:
        return without_dates
    in_time = Q(Exists(deaths.filter(happened_on__lte=OuterRef("window_end"))))
    return in_time | ((Q(anchor_on__isnull=True) | ~Q(dated)) & without_dates)
