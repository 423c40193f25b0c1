"""Devices of a trial with their calibrations."""

from __future__ import annotations

from registry.exceptions import NotFound
from registry.models import Calibration, Coil, Stimulator, Trial


def device_in(trial: Trial, kind: str, code: str) -> Stimulator | Coil:
    """Return a stimulator or a coil by its code; raise NotFound where the trial has none."""
    found: Stimulator | Coil | None = None
    if kind == "coils":
        found = Coil.objects.filter(trial=trial, code=code).select_related("trial").first()
    elif kind == "stimulators":
        found = Stimulator.objects.filter(trial=trial, code=code).select_related("trial").first()
    if found is None:
        raise NotFound("There is no such device in this trial.")
    return found


def calibrations_of(device: Stimulator | Coil) -> list[Calibration]:
    """Return the calibrations of a device, the latest first."""
    return list(device.calibrations.order_by("-calibrated_on", "-pk"))
