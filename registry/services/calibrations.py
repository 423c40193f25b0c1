"""Calibrations of stimulators and coils: recorded, never changed; a later one says what holds now."""

from __future__ import annotations

from datetime import date, datetime

from registry.exceptions import InvalidInput, Problem
from registry.models import Calibration, Coil, Stimulator, User
from registry.roles import Permission
from registry.services.auditing import audited
from registry.services.row_sets import latest_date


def record_calibration(
    device: Stimulator | Coil, *, calibrated_on: date, by: User, now: datetime, valid_until: date | None = None, result: str = ""
) -> Calibration:
    """Record that a device was checked; raise InvalidInput for a day to come or an end before the beginning."""
    by.check_can(Permission.TRIAL_MANAGE, trial=device.trial)
    problems = []
    if calibrated_on > latest_date(now):
        problems.append(Problem("calibrated_on", "This is in the future. Enter the day it was done."))
    if valid_until is not None and valid_until < calibrated_on:
        problems.append(Problem("valid_until", "This lies before the calibration. Swap them, or leave it empty."))
    if problems:
        raise InvalidInput(problems)
    of_device = {"stimulator": device} if isinstance(device, Stimulator) else {"coil": device}
    with audited(by=by, reason="calibration recorded"):
        return Calibration.objects.create(calibrated_on=calibrated_on, valid_until=valid_until, result=result.strip(), **of_device)
