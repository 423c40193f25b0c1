"""How recruitment goes: who was taken in by week, the rate of the last twelve weeks, and where that leads in twelve more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import accumulate

from django.db.backends.base.base import BaseDatabaseWrapper

from registry.models import Trial
from registry.outcomes.endpoints import last_day_before
from registry.rules.recruitment_plan import RecruitmentPlan
from registry.selectors import outcome_payload as shape
from registry.stats.poisson import poisson_interval
from registry.vocabulary import TrialDesign

WEEKS = 12
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Recruited:
    """Patients taken in by day, those without a date apart; `until` is the last day that counts, in the trial's zone."""

    measure: str
    days: dict[date, int]
    undated: int
    until: date
    goes_on: bool
    plan: RecruitmentPlan | None = None


def read_recruited(connection: BaseDatabaseWrapper, trial: Trial, cutoff: datetime) -> Recruited:
    """Return who was allocated by the cut-off or, in a cohort, enrolled; comparison groups without pain are left out."""
    measure = "enrolled" if trial.design == TrialDesign.COHORT else "allocated"
    until = last_day_before(cutoff, trial)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {measure}_on, count(*) FROM registry_enrolment e
            {"JOIN registry_allocation a ON a.enrolment_id = e.id AND a.stage = 1" if measure == "allocated" else ""}
            WHERE e.trial_id = %(trial)s AND e.voided_at IS NULL AND e.cohort = 'patients'
            AND ({measure}_on IS NULL OR {measure}_on <= %(until)s) GROUP BY 1
            """,
            {"trial": trial.pk, "until": until},
        )
        days = dict(cursor.fetchall())
    undated = days.pop(None, 0)
    return Recruited(measure, days, undated, until, goes_on=not trial.all_due, plan=plan_of(trial))


def plan_of(trial: Trial) -> RecruitmentPlan | None:
    """Return what the trial plans to recruit, None where it says no number."""
    if trial.planned_participants is None:
        return None
    return RecruitmentPlan(trial.planned_participants, trial.recruitment_starts_on, trial.recruitment_ends_on)


def recruitment(found: Recruited) -> shape.Recruitment:
    """Return what is printed of it; a finished trial and one younger than twelve weeks have no projection."""
    total = sum(found.days.values())
    recent = _recent(found)
    return {
        "measure": found.measure,
        "until": found.until.isoformat(),
        "total": total + found.undated,
        "undated": found.undated,
        "weeks": list(_weeks(found)),
        "recent": recent,
        "projection": _projection(found, total + found.undated, recent) if recent else [],
        "plan": _plan(found, found.plan, total + found.undated, recent) if found.plan else None,
    }


def _plan(found: Recruited, plan: RecruitmentPlan, total: int, rate: shape.RecruitmentRate | None) -> shape.PlannedRecruitment:
    reached = plan.reached_on(total, Fraction(rate["count"], rate["weeks"]), found.until) if rate else None
    return {
        "participants": plan.participants,
        "starts_on": plan.starts_on.isoformat() if plan.starts_on else None,
        "ends_on": plan.ends_on.isoformat() if plan.ends_on else None,
        "planned": plan.by(found.until),
        "reached_on": reached.isoformat() if reached else None,
    }


def _weeks(found: Recruited) -> Iterator[shape.RecruitedWeek]:
    """Yield every week from the first patient to the last day that counts (of a finished trial: to its last patient)."""
    if not found.days:
        return
    by_week: dict[date, int] = {}
    for on, number in found.days.items():
        by_week[_monday(on)] = by_week.get(_monday(on), 0) + number
    last = _monday(found.until) if found.goes_on else max(by_week)
    mondays = list(_mondays(min(by_week), last))
    added = [by_week.get(monday, 0) for monday in mondays]
    for monday, number, total in zip(mondays, added, accumulate(added), strict=True):
        planned = found.plan.by(min(monday + timedelta(days=6), found.until)) if found.plan else None
        yield {"week": monday.isoformat(), "added": number, "total": total, "planned": planned}


def _recent(found: Recruited) -> shape.RecruitmentRate | None:
    """Return the rate a week with its exact interval, from the count of the last twelve weeks."""
    since = found.until - WEEKS * _WEEK
    if not found.goes_on or not found.days or min(found.days) > since + timedelta(days=1):
        return None
    count = sum(number for on, number in found.days.items() if on > since)
    limits = poisson_interval(count)
    return {"weeks": WEEKS, "count": count, "per_week": count / WEEKS, "low": limits.low / WEEKS, "high": limits.high / WEEKS}


def _projection(found: Recruited, total: int, rate: shape.RecruitmentRate) -> list[shape.ProjectedWeek]:
    return [
        {
            "on": (found.until + ahead * _WEEK).isoformat(),
            "total": total + ahead * rate["per_week"],
            "low": total + ahead * rate["low"],
            "high": total + ahead * rate["high"],
        }
        for ahead in range(WEEKS + 1)
    ]


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


def _mondays(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _WEEK
