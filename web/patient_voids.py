"""Taking a patient entered by mistake out of use, the list of such patients, and bringing one back."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from registry.models import Enrolment
from registry.roles import Permission
from registry.selectors.patients import enrolment_visible_to, voided_patients
from registry.selectors.voidings import Voiding, voidings_of
from registry.services.patient_voids import restore_patient, void_patient
from web.patients import patient_frame
from web.record_reasons import done_with_reason
from web.requests import TrialRequest, in_trial

EDIT = Permission.PATIENT_EDIT


@dataclass(frozen=True)
class SeenPatient:
    """A patient as the form shows it; the version is a number that changes with the standing."""

    enrolment: Enrolment

    @property
    def voided(self) -> bool:
        """Tell whether the patient is out of use."""
        return self.enrolment.voided_at is not None

    @property
    def version(self) -> int:
        """Return the checksum of since when."""
        return version_of(self.enrolment.voided_at)


@dataclass(frozen=True)
class VoidedPatient:
    """One line of the list of voided patients."""

    patient: Enrolment
    voiding: Voiding


def version_of(voided_at: datetime | None) -> int:
    """Return a number that changes with a patient's standing."""
    return zlib.crc32(b"" if voided_at is None else voided_at.astimezone(UTC).isoformat().encode())


@require_safe
@in_trial("patients", EDIT)
def patients_voided(request: TrialRequest) -> HttpResponse:
    """List the voided patients of the person's sites."""
    found = voided_patients(request.user, request.trial)
    voidings = voidings_of(request.user, found)
    return render(request, "patients/voided.html", {"rows": [VoidedPatient(one, voidings[one]) for one in found]})


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", EDIT)
def patient_void(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Take a patient out of use, with a reason."""
    said = _("Patient %(code)s voided. The study number stays taken.") % {"code": patient_code}
    back = reverse("patients", args=[request.trial.slug])
    return asked(request, patient_code, void_patient, voids=True, said=said, back=back)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", EDIT)
def patient_restore(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Bring a voided patient back, with a reason."""
    said = _("Patient %(code)s restored.") % {"code": patient_code}
    back = reverse("patient", args=[request.trial.slug, patient_code])
    return asked(request, patient_code, restore_patient, voids=False, said=said, back=back)


def asked(request: TrialRequest, patient_code: str, act: Callable[..., object], *, voids: bool, said: str, back: str) -> HttpResponse:
    """Void or restore after asking why; doing it again changes nothing."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code, with_voided=True)
    request.user.check_can(EDIT, trial=request.trial, site=enrolment.site)
    title = _("Void a patient") if voids else _("Restore a patient")
    context = {**patient_frame(request, enrolment, "overview"), "title": title, "voids": voids}
    do = partial(done_with_reason, request, SeenPatient(enrolment), voids=voids, said=said, back=back)
    return do(lambda seen, **why: act(enrolment=seen.enrolment, **why), template="patients/void.html", context=context)
