"""A trial that prescribes 10 Hz to M1, a threshold measured for its patient, and sessions to record."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from registry.models import (
    Allocation,
    Coil,
    Enrolment,
    MotorThreshold,
    PrescribedBlock,
    Prescription,
    Trial,
    User,
)
from registry.rules.stimulation import NewBlock, NewSession, Pattern
from registry.services.auditing import audited
from registry.vocabulary import SessionStatus

STARTED = datetime(2026, 11, 19, 8, 5, tzinfo=UTC)
PATTERN = Pattern(Decimal(10), 100, 30, Decimal(20))


def prescribe(trial: Trial, by: User, *, version: str = "1.0", treatment: Any = None, **changes: Any) -> Prescription:
    """Prescribe ten sessions of 30 trains of 10 s at 10 Hz and 80 % RMT, opposite to the pain."""
    with audited(by=by, reason="prescription"):
        prescription = Prescription.objects.create(
            protocol_version=trial.protocol_versions.get(version=version), treatment=treatment, session_days=list(range(1, 11))
        )
        block = {
            **{"target": "m1_hand", "hemisphere": "contralateral", "frequency_hz": 10, "bursts_per_train": 100, "trains": 30},
            **{"gap_s": 20, "intensity_percent": 80, "intensity_reference": "rmt"},
        }
        PrescribedBlock.objects.create(prescription=prescription, position=1, **{**block, **changes})
    return prescription


def measure(enrolment: Enrolment, by: User, percent: int = 54, **changes: Any) -> MotorThreshold:
    """Store a resting threshold of the day before."""
    values = {"measured_on": date(2026, 11, 18), "hemisphere": "right", "recorded_at": STARTED - timedelta(days=1), **changes}
    with audited(by=by, reason="threshold"):
        row = MotorThreshold.objects.create(enrolment=enrolment, percent_mso=percent, record=uuid.uuid4(), recorded_by=by, **values)
    return row


def add_coil(trial: Trial, by: User, code: str, model: str) -> Coil:
    with audited(by=by, reason="coil"):
        return Coil.objects.create(trial=trial, code=code, model=model, shape="figure_8")


def allocate(enrolment: Enrolment, by: User, kit_code: str = "K-3127", treatment: str = "m1") -> None:
    """Store the visible half of an allocation."""
    with audited(by=by, reason="allocated"):
        Allocation.objects.create(
            enrolment=enrolment,
            treatment=enrolment.trial.treatments.get(code=treatment),
            analysis_site=enrolment.site,
            kit_code=kit_code,
            allocated_on=date(2026, 11, 16),
        )


def given(threshold: MotorThreshold | None, **changes: Any) -> NewSession:
    """Return session 1 as a form sends it: given as planned, every question answered."""
    values: dict[str, Any] = {
        "patient": "P-0001",
        "status": SessionStatus.GIVEN,
        "number": 1,
        "as_planned": True,
        "started_at": STARTED,
        "ended_at": STARTED + timedelta(minutes=20),
        "threshold": None if threshold is None else threshold.record,
        "hearing_protection": True,
        "coil_matches_threshold": True,
        "pain_before": Decimal(6),
        "pain_after": Decimal(4),
        "anything_new": frozenset(),
        "side_effects": (),
    }
    return NewSession(**{**values, **changes})


def block(**changes: Any) -> NewBlock:
    """Return the prescribed block, changed: parts of the pattern by their names, or intensity, target, hemisphere."""
    own = {name: changes.pop(name) for name in ("intensity_percent", "intensity_reference", "target", "hemisphere") if name in changes}
    parts = {"frequency_hz": Decimal(10), "bursts_per_train": 100, "trains": 30, "gap_s": Decimal(20), **changes}
    return NewBlock(Pattern(**parts), **{"intensity_percent": Decimal(80), **own})
