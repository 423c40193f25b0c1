"""A planned session that did not take place: which one was due, and the form that asks why."""

from __future__ import annotations

from datetime import date

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.selectors.prescriptions import Prescribed
from registry.vocabulary import SESSION_REASONS, SessionReason, SessionStatus


def due_number(prescribed: Prescribed | None, today: date) -> int | None:
    """Return the last planned session whose day has come, None where none has."""
    if prescribed is None or prescribed.anchor is None:
        return None
    offset = (today - prescribed.anchor).days
    passed = [number for number, day in enumerate(prescribed.prescription.session_days, start=1) if day <= offset]
    return max(passed, default=None)


class MissedForm(forms.Form):
    """Why a planned session was missed."""

    record = forms.UUIDField(widget=forms.HiddenInput)
    for_date = forms.DateField(
        label=_("Day it was planned for"),
        widget=forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d"),
        error_messages={"required": _("Enter the day it was planned for."), "invalid": _("Enter the day as 2026-11-19 or 19/11/2026.")},
    )
    reason = forms.ChoiceField(
        label=_("Why it was missed"),
        choices=[(one.value, one.label) for one in SESSION_REASONS[SessionStatus.MISSED] if one is not SessionReason.NOT_RECORDED],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why the session was missed.")},
    )
    reason_text = forms.CharField(label=_("In your own words"), required=False, max_length=500, help_text=_("No names, no phone numbers."))

    def reason_word(self) -> SessionReason:
        """Return the reason as the word it is."""
        return SessionReason(self.cleaned_data["reason"])
