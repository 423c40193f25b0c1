"""Versions of the analysis plan: how response is decided, in words; and writing the next version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from registry.exceptions import InvalidInput, Problem
from registry.roles import Permission
from registry.rules.tables import trial_sections as sections
from registry.rules.tables.trial_facts import PlanFacts, TrialDefinition
from registry.services.trial_records import definition_of
from registry.services.trial_setup import add_part
from registry.vocabulary import ValueRule
from web.requests import TrialRequest, in_trial
from web.trial_settings import words
from web.trial_settings.forms import Choices, SectionForm, sent, typed_facts
from web.trial_settings.frame import settings_frame
from web.trial_settings.plan_words import plan_in_words
from web.trial_settings.rows import SectionRows

# How the rules name what they object to, and where that is asked for.
OF_TIME_POINT = re.compile(r"plan\[0\]\.time_points\[(?P<code>.*)\]")
NOT_COPIED = ("version", "post_hoc")


@require_safe
@in_trial("settings", Permission.TRIAL_VIEW)
def plan(request: TrialRequest) -> HttpResponse:
    """Show the version that counts in sentences, and those before it."""
    definition = definition_of(request.trial)
    versions = [plan_in_words(facts, definition) for facts in reversed(definition.plans)]
    context = {
        **settings_frame(request, "plan"),
        "versions": versions,
        "has_scale": bool(definition.scales),
    }
    return render(request, "settings/plan.html", context)


class PlanForm:
    """The parts of the page on which a plan is written: the plan, its baseline, its time points."""

    def __init__(self, data: Any, definition: TrialDefinition) -> None:
        last = definition.plans[-1] if definition.plans else None
        offers = offers_of(definition)
        self.last = last
        self.plan = SectionForm(data, table=sections.PLAN, words=words.PLAN, offers=offers, initial=initial_plan(last))
        baseline = typed_facts(last.baseline, sections.BASELINE) if last else {}
        self.baseline = SectionForm(
            data,
            table=sections.BASELINE,
            words=words.BASELINE,
            offers={**offers, "rule": rules("mean", "last")},
            initial=baseline,
            prefix="baseline",
        )
        self.points = SectionRows(
            data, name="point", table=sections.TIME_POINTS, words=words.TIME_POINTS, initial=initial_points(definition), offers=offers
        )
        self.forms = [self.plan, self.baseline, *self.points.forms]

    def values(self) -> dict[str, Any]:
        """Return the plan as a section; contrasts named in the version before are kept."""
        kept = [{"arm": one.arm, "against": one.against} for one in self.last.contrasts] if self.last else []
        contrasts = {"contrasts": kept} if kept else {}
        return {**self.plan.values(), "baseline": self.baseline.values(), "time_points": self.points.values(), **contrasts}

    def take(self, problems: list[Problem]) -> None:
        """Put each refusal beside what it is about."""
        for problem in self.points.take(self.baseline.take(self.plan_problems(problems), "plan.baseline[0]"), "plan.time_points"):
            self.plan.add_error(None, problem.message)

    def plan_problems(self, problems: list[Problem]) -> list[Problem]:
        """Take what is about the plan as a whole, its baseline or one time point, as the rules name them; return the others."""
        others = []
        for problem in problems:
            found = OF_TIME_POINT.fullmatch(problem.field)
            if found:
                self.point_of(found["code"]).add_error("target_day", problem.message)
            elif problem.field == "plan[0].baseline":
                self.baseline.add_error("first_day", problem.message)
            else:
                others.append(problem)
        return self.plan.take(others, "plan[0]")

    def point_of(self, code: str) -> SectionForm:
        """Return the row of a time point."""
        return next(form for form in self.points.given if str(form["code"].data).strip() == code)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.TRIAL_MANAGE)
def plan_new(request: TrialRequest) -> HttpResponse:
    """Write the next version of the plan, beginning from the one that counts."""
    definition = definition_of(request.trial)
    if not definition.scales:
        return redirect("trial_scales", request.trial.slug)
    page = PlanForm(sent(request), definition)
    if request.method == "POST" and "point-more" not in request.POST and written(request, page):
        messages.success(
            request, _("Plan version %(version)s saved; it counts from now on.") % {"version": page.plan["version"].data or "1"}
        )
        return redirect("trial_plan", request.trial.slug)
    wrong = next((form for form in page.forms if form.errors), None)
    context = {
        **settings_frame(request, "plan"),
        "form": wrong or page.plan,
        "forms": page.forms,
        "plan": page.plan,
        "baseline": page.baseline,
        "points": page.points,
        "last": page.last,
    }
    return render(request, "settings/plan_new.html", context, status=400 if wrong else 200)


def written(request: TrialRequest, page: PlanForm) -> bool:
    """Add the version, or put the refusals beside their fields."""
    try:
        add_part(trial=request.trial, section="plan", values=page.values(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        page.take(refusal.problems)
        return False
    return True


def offers_of(definition: TrialDefinition) -> Mapping[str, Choices]:
    """Return what can be chosen because it is on record: scales and visits."""
    scales: Choices = [(one.code, one.label) for one in {scale.code: scale for scale in definition.scales}.values()]
    visits: Choices = [("", gettext_lazy("None")), *((visit.code, visit.label) for visit in definition.visit_types)]
    return {"scale": scales, "visit": visits}


def rules(*names: str) -> Choices:
    """Return these rules as choices."""
    return [(str(rule), rule.label) for rule in ValueRule if rule in names]


def initial_plan(last: PlanFacts | None) -> dict[str, object]:
    """Return what the form begins with: the plan that counts, else the usual thresholds."""
    if last is None:
        return {"version": "1", "thresholds": "30 50"}
    return {name: value for name, value in typed_facts(last, sections.PLAN).items() if name not in NOT_COPIED}


def initial_points(definition: TrialDefinition) -> list[dict[str, object]]:
    """Return the time points to begin with: those of the plan that counts, else one for each visit after day 0."""
    if definition.plans:
        return [{**typed_facts(point, sections.TIME_POINTS), "primary": point.primary} for point in definition.plans[-1].time_points]
    later = [visit for visit in definition.visit_types if (visit.target_day or 0) > 0]
    return [{"code": visit.code, "label": visit.label, "target_day": str(visit.target_day)} for visit in later]
