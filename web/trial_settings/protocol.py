"""Versions of the protocol: stretches of time and prescriptions; a version is followed by a new one, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from registry.exceptions import InvalidInput
from registry.roles import Permission
from registry.rules.stimulation.presets import preset
from registry.rules.tables import stimulation_sections
from registry.rules.tables import trial_sections as sections
from registry.rules.tables.trial_facts import TrialDefinition
from registry.services.trial_records import definition_of
from registry.services.trial_setup import add_part
from registry.vocabulary import EpochKind
from web.requests import TrialRequest, in_trial
from web.trial_settings import device_words, words
from web.trial_settings.forms import Choices, SectionForm, sent, typed_facts
from web.trial_settings.frame import settings_frame
from web.trial_settings.prescriptions import initial_rows, marked_values, prescriptions_in_words, preset_choices
from web.trial_settings.rows import SectionRows


@require_safe
@in_trial("settings", Permission.TRIAL_VIEW)
def protocol(request: TrialRequest) -> HttpResponse:
    """Show the versions, the latest first."""
    definition = definition_of(request.trial)
    treatments = {one.code: one.label for one in definition.treatments}
    versions = [
        {
            "facts": facts,
            "epochs": [(EpochKind(epoch.kind).label, epoch) for epoch in facts.epochs],
            "prescriptions": prescriptions_in_words(facts, treatments),
        }
        for facts in reversed(definition.protocols)
    ]
    context = {**settings_frame(request, "protocol"), "versions": versions}
    return render(request, "settings/protocol.html", context)


class ProtocolPage:
    """The parts of the page on which a version is written."""

    def __init__(self, request: TrialRequest, definition: TrialDefinition) -> None:
        data = sent(request)
        self.last = definition.protocols[-1] if definition.protocols else None
        self.chosen = preset(request.GET.get("preset", ""))
        prescriptions, blocks = initial_rows(self.last, self.chosen)
        epochs = [typed_facts(epoch, sections.EPOCHS) for epoch in self.last.epochs] if self.last else []
        treatments: Choices = [("", gettext_lazy("All treatments")), *((one.code, one.label) for one in definition.treatments)]
        self.protocol = SectionForm(data, table=sections.PROTOCOL, words=words.PROTOCOL)
        self.epochs = SectionRows(data, name="epoch", table=sections.EPOCHS, words=words.EPOCHS, initial=epochs)
        offers = {"treatment": treatments}
        table = stimulation_sections.PRESCRIPTIONS
        self.prescriptions = SectionRows(
            data, name="prescription", table=table, words=device_words.PRESCRIPTIONS, initial=prescriptions, least=1, offers=offers
        )
        table = stimulation_sections.BLOCKS
        self.blocks = SectionRows(data, name="block", table=table, words=device_words.BLOCKS, initial=blocks, least=1, offers=offers)
        self.rows = [self.epochs, self.prescriptions, self.blocks]
        self.forms = [self.protocol, *(form for rows in self.rows for form in rows.forms)]

    def values(self) -> dict[str, Any]:
        """Return the version as a section; blocks without more to say belong to a prescription for all treatments."""
        prescriptions, blocks = self.prescriptions.values(), self.blocks.values()
        if blocks and not prescriptions:
            prescriptions = [{}]
        return {**self.protocol.values(), "epochs": self.epochs.values(), "prescriptions": prescriptions, "blocks": blocks}

    def wants_another_row(self, request: TrialRequest) -> bool:
        """Tell whether one more row was asked for, and nothing else."""
        return any(f"{rows.name}-more" in request.POST for rows in self.rows)

    def take(self, refusal: InvalidInput) -> None:
        """Put each refusal beside its field."""
        others = self.protocol.take(refusal.problems, "protocol[0]")
        for rows, section in ((self.epochs, "epochs"), (self.prescriptions, "prescriptions"), (self.blocks, "blocks")):
            others = rows.take(others, f"protocol.{section}")
        for problem in others:
            self.protocol.add_error(None, problem.message)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.TRIAL_MANAGE)
def protocol_new(request: TrialRequest) -> HttpResponse:
    """Write the next version, beginning from the latest one or from a published protocol."""
    page = ProtocolPage(request, definition_of(request.trial))
    if request.method == "POST" and not page.wants_another_row(request) and written(request, page):
        messages.success(request, _("Protocol version %(version)s saved.") % {"version": page.protocol["version"].data})
        return redirect("trial_protocol", request.trial.slug)
    wrong = next((one for one in page.forms if one.errors), None)
    context = {
        **settings_frame(request, "protocol"),
        "form": wrong or page.protocol,
        "forms": page.forms,
        "protocol": page.protocol,
        "epochs": page.epochs,
        "prescriptions": page.prescriptions,
        "blocks": page.blocks,
        "last": page.last,
        "chosen": page.chosen,
        "marked": marked_values(page.chosen) if page.chosen else [],
        "presets": preset_choices(),
    }
    return render(request, "settings/protocol_new.html", context, status=400 if wrong else 200)


def written(request: TrialRequest, page: ProtocolPage) -> bool:
    """Add the version, or put the refusals beside their fields."""
    try:
        add_part(trial=request.trial, section="protocol", values=page.values(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        page.take(refusal)
        return False
    return True
