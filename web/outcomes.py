"""Outcomes, open and closed: both are read from a snapshot, nothing is computed here."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry.roles import Permission
from web.requests import TrialRequest, in_trial


@require_safe
@in_trial("outcomes", Permission.OUTCOMES_OPEN)
def outcomes(request: TrialRequest) -> HttpResponse:
    """Show the open outcomes."""
    return render(request, "outcomes/open.html", {"payload": None})


@require_safe
@in_trial("closed", Permission.OUTCOMES_CLOSED)
def outcomes_closed(request: TrialRequest) -> HttpResponse:
    """Show the closed outcomes."""
    return render(request, "outcomes/open.html", {"payload": None})
