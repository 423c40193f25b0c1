"""Outcomes, open and closed: both are read from a stored snapshot, nothing is computed here."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from registry.roles import Permission
from registry.selectors.charter import look_ahead
from registry.selectors.outcomes import StoredOutcomes, latest_closed, latest_open
from registry.services.acts import log_act
from registry.vocabulary import Act
from web import outcome_tables
from web.requests import TrialRequest, in_trial


@require_safe
@in_trial("outcomes", Permission.OUTCOMES_OPEN)
def outcomes(request: TrialRequest) -> HttpResponse:
    """Show the open outcomes: everybody together, by diagnosis and by site, never by arm."""
    stored = latest_open(request.trial)
    log_act(Act.OUTCOMES_READ, by=request.user, trial=request.trial, target=target(stored))
    may_see_closed = request.user.can(Permission.OUTCOMES_CLOSED, trial=request.trial)
    return render(request, "outcomes/open.html", {**tables(stored), "may_see_closed": may_see_closed})


@require_safe
@in_trial("closed", Permission.OUTCOMES_CLOSED)
def outcomes_closed(request: TrialRequest) -> HttpResponse:
    """Show the closed outcomes by arm, by letter until the trial is decoded; the reading is recorded."""
    stored = latest_closed(request.trial, by=request.user)
    log_act(Act.CLOSED_OUTCOMES_READ, by=request.user, trial=request.trial, target=target(stored))
    facts = {**tables(stored), "ahead": look_ahead(request.trial, now=timezone.now())}
    return render(request, "outcomes/closed.html", facts)


def target(stored: StoredOutcomes | None) -> str:
    """Return which snapshot was read, for the act log."""
    return f"snapshot {stored.number}" if stored else "no snapshot yet"


def tables(stored: StoredOutcomes | None) -> dict[str, object]:
    """Return what the page shows of a stored snapshot; without one, that there is none."""
    if stored is None:
        return {"payload": None}
    points = outcome_tables.time_points(stored.payload)
    return {
        "stored": stored,
        "payload": stored.payload,
        "cutoff": datetime.fromisoformat(stored.payload["cutoff"]),
        "points": points,
        "lead": outcome_tables.leading(points),
        "sections": list(outcome_tables.sections(points)),
        "flow_columns": outcome_tables.flow_columns(stored.payload),
    }
