"""The form of a motor threshold; what a threshold must be is decided by the rules behind the service."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.models import Coil, Enrolment, MotorThreshold, Stimulator
from registry.rules.thresholds import NewThreshold
from registry.selectors.session_questions import coils_at, stimulators_at
from registry.vocabulary import Hemisphere, ThresholdKind, ThresholdMethod, Waveform

# How the service's fields are called in the form.
FIELD_NAMES = {"measured_at": "measured_on"}


class ThresholdForm(forms.Form):
    """One threshold. The number is never filled in beforehand; how it was measured is kept from the last time."""

    record = forms.UUIDField(widget=forms.HiddenInput)
    percent_mso = forms.IntegerField(
        label=_("Threshold, % of maximum stimulator output"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "short"}),
        error_messages={
            "required": _("Enter the threshold measured, in % of maximum output."),
            "invalid": _("Enter a whole number from 1 to 100."),
        },
    )
    measured_on = forms.DateField(
        label=_("Day it was measured"),
        widget=forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d"),
        error_messages={"required": _("Enter the day it was measured."), "invalid": _("Enter the day as 2026-11-19 or 19/11/2026.")},
    )
    hemisphere = forms.ChoiceField(
        label=_("Hemisphere"),
        choices=[("left", Hemisphere.LEFT.label), ("right", Hemisphere.RIGHT.label)],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the hemisphere it was measured on.")},
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=ThresholdKind.choices())
    muscle = forms.CharField(label=_("Muscle"), required=False, max_length=40, help_text=_("For example FDI or APB."))
    method = forms.ChoiceField(label=_("Method"), choices=ThresholdMethod.choices())
    waveform = forms.ChoiceField(label=_("Waveform"), choices=Waveform.choices())
    coil = forms.ChoiceField(label=_("Coil"), required=False)
    stimulator = forms.ChoiceField(label=_("Stimulator"), required=False)

    def __init__(self, data: Any = None, *, enrolment: Enrolment, last: MotorThreshold | None, correcting: bool = False) -> None:
        super().__init__(data, initial=initial_of(last, correcting=correcting))
        self.patient_code = enrolment.patient_code
        self._offer("coil", coils_at(enrolment))
        self._offer("stimulator", stimulators_at(enrolment))

    def _offer(self, name: str, devices: Iterable[Coil | Stimulator]) -> None:
        """Offer devices by their code alone: makers and serial numbers belong on no page of a session."""
        cast(forms.ChoiceField, self.fields[name]).choices = [("", _("Not named")), *((one.code, one.code) for one in devices)]

    def new_threshold(self, *, record: uuid.UUID | None = None) -> NewThreshold:
        """Return the threshold in the domain's words."""
        given = self.cleaned_data
        return NewThreshold(
            patient=self.patient_code,
            percent_mso=given["percent_mso"],
            hemisphere=Hemisphere(given["hemisphere"]),
            kind=ThresholdKind(given["kind"]),
            measured_on=given["measured_on"],
            coil=given["coil"] or None,
            stimulator=given["stimulator"] or None,
            waveform=Waveform(given["waveform"]),
            muscle=given["muscle"].strip(),
            method=ThresholdMethod(given["method"]),
            record=record or given["record"],
        )


def initial_of(last: MotorThreshold | None, *, correcting: bool) -> dict[str, object]:
    """Return how the last one was measured; all of it where that very one is being corrected."""
    found: dict[str, object] = {"record": uuid.uuid4(), "method": ThresholdMethod.NOT_RECORDED, "waveform": Waveform.NOT_RECORDED}
    if last is not None:
        found |= {name: getattr(last, name) for name in ("hemisphere", "kind", "muscle", "method", "waveform")}
        found |= {"coil": last.coil.code if last.coil else "", "stimulator": last.stimulator.code if last.stimulator else ""}
    if last is not None and correcting:
        found |= {"percent_mso": last.percent_mso, "measured_on": last.measured_on, "record": last.record}
    else:
        found["measured_on"] = timezone.localdate()
    return found
