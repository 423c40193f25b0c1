"""Versions of the protocol with their stretches of time; a version is followed by a new one, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from registry.exceptions import InvalidInput
from registry.roles import Permission
from registry.rules.tables import trial_sections as sections
from registry.services.trial_records import definition_of
from registry.services.trial_setup import add_part
from registry.vocabulary import EpochKind
from web.requests import TrialRequest, in_trial
from web.trial_settings import words
from web.trial_settings.forms import SectionForm, typed_facts
from web.trial_settings.frame import settings_frame
from web.trial_settings.rows import SectionRows


@require_safe
@in_trial("settings", Permission.TRIAL_VIEW)
def protocol(request: TrialRequest) -> HttpResponse:
    """Show the versions, the latest first."""
    versions = [
        {"facts": facts, "epochs": [(EpochKind(epoch.kind).label, epoch) for epoch in facts.epochs]}
        for facts in reversed(definition_of(request.trial).protocols)
    ]
    context = {**settings_frame(request, "protocol"), "versions": versions}
    return render(request, "settings/protocol.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.TRIAL_MANAGE)
def protocol_new(request: TrialRequest) -> HttpResponse:
    """Write the next version, beginning from the latest one."""
    last = next(reversed(definition_of(request.trial).protocols), None)
    data = request.POST or None
    form = SectionForm(data, table=sections.PROTOCOL, words=words.PROTOCOL)
    initial = [typed_facts(epoch, sections.EPOCHS) for epoch in last.epochs] if last else []
    epochs = SectionRows(data, name="epoch", table=sections.EPOCHS, words=words.EPOCHS, initial=initial)
    if data and "epoch-more" not in data and written(request, form, epochs):
        messages.success(request, _("Protocol version %(version)s saved.") % {"version": form["version"].data})
        return redirect("trial_protocol", request.trial.slug)
    forms = [form, *epochs.forms]
    wrong = next((one for one in forms if one.errors), None)
    context = {
        **settings_frame(request, "protocol"),
        "form": wrong or form,
        "forms": forms,
        "protocol": form,
        "epochs": epochs,
        "last": last,
    }
    return render(request, "settings/protocol_new.html", context, status=400 if wrong else 200)


def written(request: TrialRequest, form: SectionForm, epochs: SectionRows) -> bool:
    """Add the version, or put the refusals beside their fields."""
    values: dict[str, Any] = {**form.values(), "epochs": epochs.values()}
    try:
        add_part(trial=request.trial, section="protocol", values=values, by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        others = form.take(epochs.take(refusal.problems, "protocol.epochs"), "protocol[0]")
        for problem in others:
            form.add_error(None, problem.message)
        return False
    return True
