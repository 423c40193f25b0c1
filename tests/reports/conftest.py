"""A trial under way whose reports can be made, and the worker that makes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from registry.models import Allocation, Enrolment, Trial
from registry.outcomes.refresh import refresh_trial
from registry.services.auditing import audited
from tests.outcomes.conftest import worker
from tests.trials import ENROLLED_ON, make_diary, make_enrolment

__all__ = ["worker"]


def allocate(trial: Trial, code: str, by: Any) -> Enrolment:
    """Return a patient who was allocated on the day of enrolment and keeps a diary: 6 before, 3 in week 4."""
    enrolment = make_enrolment(trial, code, site="N", by=by)
    with audited(by=by):
        Allocation.objects.create(
            enrolment=enrolment, treatment=trial.treatments.first(), analysis_site=enrolment.site, allocated_on=ENROLLED_ON
        )
    make_diary(enrolment, dict.fromkeys(range(-7, 0), "6") | dict.fromkeys(range(22, 29), "3"), by=by)
    return enrolment


@pytest.fixture
def running(worker: None, trial: Trial, setup_actor: Any) -> Trial:
    """Return the trial with one patient and a snapshot of now."""
    allocate(trial, "P-0001", setup_actor)
    refresh_trial(trial.pk)
    return trial


@pytest.fixture
def later() -> datetime:
    """Return the real time: what is written in a test lies before the weeks it asks for."""
    return timezone.now()
