"""Diagnoses and pains of a patient as pages change them: one of them, standing or voided, and what is free for the next."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from registry.exceptions import NotFound
from registry.models import Allocation, Enrolment, EnrolmentPain, PainDiagnosis, User
from registry.vocabulary import Conduct

PRIMARY = 1


@dataclass(frozen=True)
class VoidedFile:
    """What was taken out of use and can be brought back."""

    diagnoses: list[PainDiagnosis]
    pains: list[EnrolmentPain]


def diagnosis_visible_to(user: User, enrolment: Enrolment, number: UUID) -> PainDiagnosis:
    """Return a diagnosis of a patient the person may see, standing or voided; raise NotFound for any other."""
    seen = Enrolment.objects.visible_to(user).filter(pk=enrolment.pk)
    found = PainDiagnosis.with_voided.filter(patient__in=seen.values("patient"), uuid=number).first()
    if found is None:
        raise NotFound("There is no such diagnosis among those you may see.")
    return found


def pain_visible_to(user: User, enrolment: Enrolment, number: UUID) -> EnrolmentPain:
    """Return a pain of a patient the person may see, standing or voided; raise NotFound for any other."""
    seen = Enrolment.objects.visible_to(user).filter(pk=enrolment.pk)
    found = EnrolmentPain.with_voided.filter(enrolment__in=seen, uuid=number).select_related("diagnosis").first()
    if found is None:
        raise NotFound("There is no such pain among those you may see.")
    return found


def voided_file(user: User, enrolment: Enrolment) -> VoidedFile:
    """Return the voided diagnoses and pains of a patient the person may see."""
    seen = Enrolment.objects.visible_to(user).filter(pk=enrolment.pk)
    diagnoses = PainDiagnosis.with_voided.filter(patient__in=seen.values("patient"), voided_at__isnull=False)
    pains = EnrolmentPain.with_voided.filter(enrolment__in=seen, voided_at__isnull=False).select_related("diagnosis")
    return VoidedFile(list(diagnoses.order_by("code", "pk")), list(pains.order_by("rank", "pk")))


def frozen_diagnosis_fields(enrolment: Enrolment, diagnosis: PainDiagnosis) -> tuple[str, ...]:
    """Return what of a diagnosis is frozen: what is treated, once somebody was allocated with it as the primary pain."""
    is_primary = EnrolmentPain.objects.filter(enrolment=enrolment, rank=PRIMARY, diagnosis=diagnosis).exists()
    return ("condition", "condition_text") if is_primary and _follows(enrolment) and _is_allocated(enrolment) else ()


def frozen_pain_fields(enrolment: Enrolment, pain: EnrolmentPain) -> tuple[str, ...]:
    """Return what of a pain is frozen at allocation: the primary one's diagnosis, and its side once it is known."""
    if pain.rank != PRIMARY or not _is_allocated(enrolment):
        return ()
    return ("diagnosis", "side") if pain.side != "not_recorded" and _follows(enrolment) else ("diagnosis",)


def _is_allocated(enrolment: Enrolment) -> bool:
    return Allocation.objects.filter(enrolment=enrolment).exists()


def _follows(enrolment: Enrolment) -> bool:
    return bool(enrolment.trial.conduct == Conduct.PROSPECTIVE)
