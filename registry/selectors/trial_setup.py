"""How far a trial is set up: what it has, and what it needs before the first patient and before the first outcome."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import (
    AnalysisPlan,
    CharterLook,
    Coil,
    Enrolment,
    Membership,
    ProtocolVersion,
    Scale,
    Site,
    Stimulator,
    Treatment,
    Trial,
    User,
    VisitType,
)


@dataclass(frozen=True)
class SetUp:
    """Numbers of what is on record."""

    sites: int
    treatments: int
    scales: int
    visit_types: int
    stimulators: int
    coils: int
    protocols: int
    plans: int
    looks: int
    members: int
    patients: int


def set_up_of(user: User, trial: Trial) -> SetUp:
    """Count what a trial has; patients as far as the person may see them."""
    return SetUp(
        sites=Site.objects.filter(trial=trial).count(),
        treatments=Treatment.objects.filter(trial=trial).count(),
        scales=Scale.objects.filter(trial=trial).count(),
        visit_types=VisitType.objects.filter(trial=trial).count(),
        stimulators=Stimulator.objects.filter(trial=trial).count(),
        coils=Coil.objects.filter(trial=trial).count(),
        protocols=ProtocolVersion.objects.filter(trial=trial).count(),
        plans=AnalysisPlan.objects.filter(trial=trial).count(),
        looks=CharterLook.objects.filter(trial=trial).count(),
        members=Membership.objects.filter(trial=trial).values("user").distinct().count(),
        patients=Enrolment.objects.visible_to(user).in_trial(trial).count(),
    )
