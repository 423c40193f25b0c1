"""Arms, kits, sessions and events written straight to the tables, so that a test of the counting needs no service."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connections
from django.utils import timezone

from registry.models import AdverseEvent, Enrolment, StimulationSession, Trial, User
from registry.services.auditing import audited
from tests.trials import ENROLLED_ON


def add_arms(trial: Trial, by: User) -> dict[str, int]:
    """Store an active and a sham arm of each treatment, with a spare kit of each part, and return the arms' ids."""
    arms = {}
    with audited(by=by, using="closed"), connections["closed"].cursor() as cursor:
        for position, (treatment, part) in enumerate((("m1", "active"), ("m1", "sham"), ("dlpfc", "active"), ("dlpfc", "sham")), start=1):
            cursor.execute(
                """INSERT INTO closed.arm (trial_id, code, label, treatment_id, part, letter, position)
                   SELECT trial_id, %(code)s, %(code)s, id, %(part)s, %(letter)s, %(position)s
                   FROM registry_treatment WHERE trial_id = %(trial)s AND code = %(treatment)s RETURNING id""",
                {
                    **{"code": f"{treatment}-{part}", "part": part, "letter": "DCBA"[position - 1]},
                    **{"position": position, "trial": trial.pk, "treatment": treatment},
                },
            )
            arms[f"{treatment}-{part}"] = cursor.fetchone()[0]
        for code, part in (("K-ACT", "active"), ("K-SHAM", "sham")):
            cursor.execute("INSERT INTO closed.kit (trial_id, code, part, is_spare) VALUES (%s, %s, %s, true)", [trial.pk, code, part])
    return arms


def deal(enrolment: Enrolment, arm: int, by: User) -> None:
    """Store the concealed half of an allocation."""
    with audited(by=by, using="closed"), connections["closed"].cursor() as cursor:
        cursor.execute("INSERT INTO closed.allocation (enrolment_id, arm_id) VALUES (%s, %s)", [enrolment.pk, arm])


def stimulate(enrolment: Enrolment, by: User, kit: str = "", *, delivered: int = 3000, planned: int = 3000) -> None:
    """Store a session of now."""
    with audited(by=by):
        StimulationSession.objects.create(
            **{"enrolment": enrolment, "record": uuid.uuid4(), "recorded_by": by, "recorded_at": timezone.now(), "status": "given"},
            **{"for_date": ENROLLED_ON, "kit_code": kit, "pulses_planned": planned, "pulses_delivered": delivered},
        )


def report_event(enrolment: Enrolment, by: User, *, serious: bool = False, term: str = "headache") -> None:
    """Store an adverse event of now."""
    criteria: dict[str, Any] = {"serious": True, "serious_criteria": ["hospital"]} if serious else {}
    with audited(by=by):
        AdverseEvent.objects.create(
            **{"enrolment": enrolment, "record": uuid.uuid4(), "recorded_by": by, "recorded_at": timezone.now(), "term": term},
            **{"onset_on": ENROLLED_ON, "grade": 1, **criteria},
        )
