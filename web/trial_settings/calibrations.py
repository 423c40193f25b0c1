"""The calibrations of one stimulator or coil."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput
from registry.models import Coil, Stimulator
from registry.roles import Permission
from registry.selectors.devices import calibrations_of, device_in
from registry.services.calibrations import record_calibration
from web.members import day_field
from web.requests import TrialRequest, in_trial
from web.score_forms import take_over
from web.trial_settings.forms import sent
from web.trial_settings.frame import settings_frame


class CalibrationForm(forms.Form):
    """A check of the device."""

    use_required_attribute = False
    calibrated_on = day_field(gettext_lazy("Calibrated on"))
    valid_until = day_field(gettext_lazy("Holds until"), gettext_lazy("Empty where no end is stated."))
    result = forms.CharField(label=gettext_lazy("Result"), required=False, max_length=200)

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # sent(request)
        self.fields["calibrated_on"].required = True
        self.fields["calibrated_on"].error_messages["required"] = gettext_lazy("Enter the day of the calibration.")


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.TRIAL_VIEW)
def calibrations(request: TrialRequest, kind: str, code: str) -> HttpResponse:
    """Show a device's calibrations; adding one is for who manages the trial."""
    device = device_in(request.trial, kind, code)
    form = CalibrationForm(sent(request))
    if request.method == "POST":
        request.user.check_can(Permission.TRIAL_MANAGE, trial=request.trial)
        if form.is_valid() and recorded(request, device, form):
            return redirect("device_calibrations", request.trial.slug, kind, code)
    context = {
        **settings_frame(request, kind),
        "form": form,
        "device": device,
        "kind": kind,
        "rows": calibrations_of(device),
        "today": timezone.localdate(),
    }
    return render(request, "settings/calibrations.html", context, status=400 if form.errors else 200)


def recorded(request: TrialRequest, device: Stimulator | Coil, form: CalibrationForm) -> bool:
    """Record it and say so, or put the refusals into the form."""
    try:
        record_calibration(device, **form.cleaned_data, by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    messages.success(request, _("Calibration of %(code)s recorded.") % {"code": device.code})
    return True
