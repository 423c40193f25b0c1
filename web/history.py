"""The history of one patient's records."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry.roles import Permission
from registry.selectors.history import history_of
from registry.selectors.patients import enrolment_visible_to
from web.paging import asked_page, pager
from web.patients import patient_frame
from web.requests import TrialRequest, in_trial

PAGE_SIZE = 50


@require_safe
@in_trial("patients", Permission.HISTORY_VIEW)
def history(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Show what happened to the patient's records, the newest change first."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(Permission.HISTORY_VIEW, trial=request.trial, site=enrolment.site)
    happenings = history_of(request.user, enrolment)
    page = min(asked_page(request), max(1, -(-len(happenings) // PAGE_SIZE)))
    context = {
        **patient_frame(request, enrolment, "history"),
        "happenings": happenings[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        "pager": pager(request.GET, page=page, size=PAGE_SIZE, total=len(happenings)),
    }
    return render(request, "patients/history.html", context)
