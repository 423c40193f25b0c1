"""Correcting what is said of the trial itself."""

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
from registry.services.trial_records import definition_of
from registry.services.trial_setup import correct_trial
from web.requests import TrialRequest, in_trial
from web.trial_settings import words
from web.trial_settings.forms import Reason, SectionForm, sent, typed_facts
from web.trial_settings.frame import settings_frame


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.TRIAL_MANAGE)
def trial_facts(request: TrialRequest) -> HttpResponse:
    """Ask for the facts as they should be, and why they change."""
    initial = typed_facts(definition_of(request.trial).trial, sections.TRIAL)
    form = SectionForm(sent(request), table=sections.TRIAL, words=words.TRIAL, leave_out=["slug"], initial=initial)
    reason = Reason(sent(request))
    if request.method == "POST" and corrected(request, form, reason):
        messages.success(request, _("Facts of the trial corrected."))
        return redirect("trial_settings", request.trial.slug)
    context = {
        **settings_frame(request, "overview"),
        "part": form,
        "reason": reason,
        "forms": [form, reason],
        "form": form if form.errors else reason,
    }
    return render(request, "settings/facts.html", context, status=400 if form.errors or reason.errors else 200)


def corrected(request: TrialRequest, form: SectionForm, reason: Reason) -> bool:
    """Store the correction, or put the refusals into the forms."""
    try:
        correct_trial(trial=request.trial, values=form.values(), reason=reason.text(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        for problem in form.take(refusal.problems, "trial[0]"):
            reason.add_error("reason", problem.message)
        return False
    return True
