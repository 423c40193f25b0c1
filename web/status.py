"""The operator's page: is the registry well, and what failed. For the administrator, and for nobody's patients."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from registry.selectors.status import status_for
from registry.services.jobs import retry_job
from web.requests import SignedInRequest


@require_safe
def status(request: SignedInRequest) -> HttpResponse:
    """Show how the registry is."""
    return render(request, "status/page.html", {"status": status_for(request.user, now=timezone.now())})


@require_POST
def job_retry(request: SignedInRequest, number: int) -> HttpResponse:
    """Let a failed job be done again."""
    retry_job(number, by=request.user)
    messages.success(request, _("The job waits to be done again."))
    return redirect("status")
