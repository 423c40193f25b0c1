"""The form that every change of a record asks: why. One reason for the whole change, none of them chosen beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registry.exceptions import Conflict
from registry.services.reasons import CORRECTION_REASONS, MINIMUM_REASON, Reason
from web.requests import TrialRequest, see_other


class HasVersion(Protocol):
    """Anything whose changes can be told from one number."""

    @property
    def version(self) -> int:
        """Return the number that its next change changes."""


class Voidable(HasVersion, Protocol):
    """A record that can be taken out of use and brought back."""

    @property
    def voided(self) -> bool:
        """Tell whether it is out of use."""


class RecordReasonForm(forms.Form):
    """Why a record is changed, and which version the person had before them."""

    reason_code = forms.ChoiceField(
        label=gettext_lazy("Why"),
        choices=list(CORRECTION_REASONS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose why the record is changed.")},
    )
    reason_text = forms.CharField(
        label=gettext_lazy("In your own words"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Needed with 'Other', at least 10 characters. It stays in the history: no names, no phone numbers."),
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

    def reason_sentence(self) -> str:
        """Return the reason as it will stand in the history."""
        return self.reason().sentence()


def check_version_seen(request: TrialRequest, record: HasVersion) -> None:
    """Raise Conflict where the form was made from a version that is no longer the last."""
    if request.method == "POST" and request.POST.get("seen_version") != str(record.version):
        raise Conflict(_("Somebody changed this record while you were looking at it. Open it again to see what it is now."))


def done_with_reason(
    request: TrialRequest,
    found: Voidable,
    act: Callable[..., object],
    *,
    voids: bool,
    said: str,
    back: str,
    template: str,
    context: Mapping[str, object],
) -> HttpResponse:
    """Void or restore a record after asking why; doing it again changes nothing. `back` is where it leads."""
    if request.method == "POST" and found.voided == voids:
        return see_other(back)
    check_version_seen(request, found)
    form = RecordReasonForm(request.POST or None, record=found)
    if request.method == "POST" and form.is_valid():
        act(found, reason=form.reason(), by=request.user, now=timezone.now())
        messages.success(request, said)
        return see_other(back)
    return render(request, template, {**context, "form": form}, status=400 if form.errors else 200)
