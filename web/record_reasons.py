"""The form that every change of a record asks: why. One reason for the whole change, none of them chosen beforehand."""

from __future__ import annotations

from typing import Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from registry.exceptions import Conflict
from registry.services.reasons import CORRECTION_REASONS, MINIMUM_REASON, Reason
from web.requests import TrialRequest


class HasVersion(Protocol):
    """Anything whose changes can be told from one number."""

    @property
    def version(self) -> int:
        """Return the number that its next change changes."""


class RecordReasonForm(forms.Form):
    """Why a record is changed, and which version the person had before them."""

    reason_code = forms.ChoiceField(
        label=_("Why"),
        choices=list(CORRECTION_REASONS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why the record is changed.")},
    )
    reason_text = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Needed with 'Other', at least 10 characters. It stays in the history: no names, no phone numbers."),
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: object = None, *, record: HasVersion) -> None:
        super().__init__(data, initial={"seen_version": record.version})  # type: ignore[arg-type]  # request.POST or None

    def clean(self) -> dict[str, object]:
        """Refuse an 'other' that says nothing, beside its field."""
        given = super().clean() or {}
        if given.get("reason_code") == "other" and len(str(given.get("reason_text", "")).strip()) < MINIMUM_REASON:
            self.add_error("reason_text", ValidationError(_("Say why in at least %(n)d characters."), params={"n": MINIMUM_REASON}))
        return given

    def reason(self) -> Reason:
        """Return the reason in the domain's words."""
        return Reason(self.cleaned_data["reason_code"], self.cleaned_data["reason_text"])


def check_version_seen(request: TrialRequest, record: HasVersion) -> None:
    """Raise Conflict where the form was made from a version that is no longer the last."""
    if request.method == "POST" and request.POST.get("seen_version") != str(record.version):
        raise Conflict("Somebody changed this record while you were looking at it. Open it again to see what it is now.")
