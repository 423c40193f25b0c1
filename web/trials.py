"""The choice of a trial: what comes after signing in."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.models import Trial, User
from registry.roles import ROLES, Permission
from registry.selectors.patients import trials_visible_to
from registry.vocabulary import Conduct, TrialDesign
from web.requests import SignedInRequest

OPERATOR = "operator"


@dataclass(frozen=True)
class TrialCard:
    """One trial of the choice, with what the person is in it; no address where no page is open to them."""

    trial: Trial
    url: str
    roles: list[str]
    conduct: str
    design: str
    masked: bool


@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Lead from the bare address to the choice of trial."""
    return redirect("trial_choice")


@require_safe
def trial_choice(request: SignedInRequest) -> HttpResponse:
    """Show the person's trials."""
    cards = [trial_card(request.user, trial) for trial in trials_visible_to(request.user)]
    return render(request, "trials/choice.html", {"cards": cards, "may_create": request.user.can(Permission.TRIAL_CREATE)})


def trial_card(user: User, trial: Trial) -> TrialCard:
    """Return the card of one trial."""
    memberships = [row for row in user.current_memberships() if row.trial_id in (None, trial.pk)]
    return TrialCard(
        trial=trial,
        url=first_page(user, trial),
        roles=sorted({ROLES[row.role].label + (f", {row.site.name}" if row.site else "") for row in memberships}),
        conduct=Conduct(trial.conduct).label,
        design=TrialDesign(trial.design).label,
        masked=user.is_masked_in(trial),
    )


def stimulates(user: User, trial: Trial) -> bool:
    """Tell whether somebody is an operator of a trial: their work begins with the sessions of the day."""
    return any(row.role == OPERATOR for row in user.current_memberships() if row.trial_id == trial.pk)


def landing(user: User) -> str:
    """Return where signing in leads: an operator of the only trial they see to its day, everybody else to their trials."""
    trials = trials_visible_to(user)
    if len(trials) == 1 and stimulates(user, trials[0]):
        return first_page(user, trials[0])
    return reverse("trial_choice")


def first_page(user: User, trial: Trial) -> str:
    """Return the address of the first page of the trial that the person's roles open, or an empty string."""
    held = user.permissions_in(trial)
    if stimulates(user, trial):
        return reverse("today", args=[trial.slug])
    pages = (
        (Permission.PATIENT_VIEW, "patients"),
        (Permission.OUTCOMES_OPEN, "dashboard"),
        (Permission.OUTCOMES_CLOSED, "dashboard_closed"),
        (Permission.TRIAL_VIEW, "trial_settings"),
    )
    return next((reverse(route, args=[trial.slug]) for right, route in pages if right in held), "")
