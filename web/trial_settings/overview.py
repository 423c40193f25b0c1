"""The settings of a trial at a glance: each subject, what is on record of it, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from registry.models import Trial, User
from registry.roles import Permission
from registry.rules.tables.trial_facts import TrialFacts
from registry.selectors.trial_setup import set_up_of
from registry.services.trial_records import definition_of
from registry.vocabulary import Conduct, ReportDay, TrialDesign
from web.requests import TrialRequest, in_trial
from web.trial_settings.frame import settings_frame


@dataclass(frozen=True)
class Subject:
    """A page of the settings: its name in the counts, whether a trial needs at least one, and the right that opens it."""

    name: str
    route: str
    label: Promise
    sentence: Promise
    needed: bool = True
    right: Permission = Permission.TRIAL_VIEW


@dataclass(frozen=True)
class Step:
    """One subject of the settings: what it is for and how much of it there is."""

    label: Promise
    sentence: Promise
    url: str
    count: int
    done: bool
    next: bool = False


SUBJECTS = (
    Subject("sites", "trial_sites", _("Sites"), _("Where patients are treated; each sees its own patients.")),
    Subject("treatments", "trial_treatments", _("Visible treatments"), _("What differs to the eye, never what is concealed.")),
    Subject("scales", "trial_scales", _("Scales"), _("How pain is measured.")),
    Subject("visit_types", "trial_visits", _("Visits"), _("The named visits and the days they are planned for."), needed=False),
    Subject("stimulators", "trial_stimulators", _("Stimulators"), _("The devices, with their calibrations."), needed=False),
    Subject("coils", "trial_coils", _("Coils"), _("Those that may be named; a threshold holds for its coil."), needed=False),
    Subject("protocols", "trial_protocol", _("Protocol"), _("Versions with stretches of time and what is prescribed.")),
    Subject("plans", "trial_plan", _("Analysis plan"), _("How response is decided: baseline, time points, thresholds.")),
    Subject("looks", "trial_looks", _("Looks at efficacy"), _("The dates of the board's charter for efficacy by arm."), needed=False),
    Subject("members", "members", _("Members"), _("Who works in the trial, in which role."), right=Permission.MEMBERS_MANAGE),
)


@require_safe
@in_trial("settings", Permission.TRIAL_VIEW)
def trial_settings(request: TrialRequest) -> HttpResponse:
    """Show the trial's facts and its subjects, the next one to do first among equals."""
    held = request.user.permissions_in(request.trial)
    may_manage = request.user.can(Permission.TRIAL_MANAGE, trial=request.trial)
    trial = definition_of(request.trial).trial
    context = {
        **settings_frame(request, "overview"),
        "facts": trial,
        "conduct": Conduct(trial.conduct).label,
        "design": TrialDesign(trial.design).label,
        "report_time": report_time(trial),
        "steps": steps(request.user, request.trial, may_manage=may_manage),
        "may_prepare_allocation": Permission.ALLOCATION_MANAGE in held,
    }
    return render(request, "settings/overview.html", context)


def report_time(trial: TrialFacts) -> str:
    """Say when the weekly report is made."""
    day = ReportDay(trial.report_day)
    if day == ReportDay.NONE:
        return str(day.label)
    return gettext("%(day)s, %(hour)s:00") % {"day": day.label, "hour": f"{trial.report_hour:02d}"}


def steps(user: User, trial: Trial, *, may_manage: bool) -> list[Step]:
    """Return the subjects the person may open; the first needed one that is empty is next for who may fill it."""
    found = set_up_of(user, trial)
    open_ones = [subject for subject in SUBJECTS if user.can(subject.right, trial=trial)]
    empty = [subject for subject in open_ones if subject.needed and not getattr(found, subject.name)]
    return [step(subject, trial, getattr(found, subject.name), is_next=may_manage and subject in empty[:1]) for subject in open_ones]


def step(subject: Subject, trial: Trial, count: int, *, is_next: bool) -> Step:
    """Return one subject with its count."""
    url = reverse(subject.route, args=[trial.slug])
    return Step(subject.label, subject.sentence, url, count, done=bool(count) or not subject.needed, next=is_next)
