"""The page of the day: what is planned, begun and saved, and the drafts that wait."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from registry.roles import Permission
from registry.selectors.today import today_of
from web.requests import TrialRequest, in_trial


@require_safe
@in_trial("today", Permission.SESSION_RECORD)
def today(request: TrialRequest) -> HttpResponse:
    """Show the day's sessions of the patients the person may see."""
    now = timezone.now()
    day = timezone.localdate(now)
    found = today_of(request.user, request.trial, on=day, now=now)
    upcoming = next((row for row in found.rows if row.state in ("draft", "planned")), None)
    return render(request, "today/page.html", {"today": found, "day": day, "upcoming": upcoming})
