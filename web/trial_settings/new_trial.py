"""Making a trial with its first site; everything else is added on its settings pages."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput
from registry.roles import Permission
from registry.rules.tables import trial_sections as sections
from registry.services.trial_setup import create_trial
from registry.vocabulary import Conduct
from web.requests import SignedInRequest
from web.trial_settings import words
from web.trial_settings.forms import SectionForm, sent


@require_http_methods(["GET", "HEAD", "POST"])
def trial_new(request: SignedInRequest) -> HttpResponse:
    """Ask what the trial is and where it begins; lead on to its settings."""
    request.user.check_can(Permission.TRIAL_CREATE)
    trial = SectionForm(sent(request), table=sections.TRIAL, words=words.TRIAL, initial={"conduct": Conduct.PROSPECTIVE})
    site = SectionForm(sent(request), table=sections.SITES, words=words.SITES, prefix="site")
    if request.method == "POST":
        try:
            made = create_trial(trial=trial.values(), site=site.values(), by=request.user, now=timezone.now())
        except InvalidInput as refusal:
            trial.take(site.take(refusal.problems, "sites[0]"), "trial[0]")
        else:
            messages.success(request, _("%(trial)s is there. Add what it still needs, one page after the other.") % {"trial": made})
            return redirect("trial_settings", made.slug)
    context = {"form": trial if trial.errors else site, "trial": trial, "site": site, "forms": [trial, site]}
    return render(request, "settings/new_trial.html", context, status=400 if request.method == "POST" else 200)
