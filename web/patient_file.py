"""Diagnoses and pains of a patient after enrolment: adding one, correcting it after a look at old and new, voiding, restoring."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput
from registry.models import Enrolment, EnrolmentPain, PainDiagnosis, User
from registry.roles import Permission
from registry.selectors import patient_file as file
from registry.services import patient_file as verbs
from web.patient_file_forms import DiagnosisForm, FileForm, PainForm, diagnosis_values, pain_values
from web.patients import patient_frame
from web.record_reasons import RecordReasonForm, check_version_seen
from web.requests import TrialRequest, in_trial, see_other
from web.score_forms import take_over
from web.thresholds import patient_at
from web.trial_settings.forms import sent

EDIT = Permission.PATIENT_EDIT
FileRow = PainDiagnosis | EnrolmentPain


@dataclass(frozen=True)
class FileKind:
    """One kind of row: its words, its form, and what finds and changes it."""

    noun: str
    titles: dict[str, str | Promise]
    done: dict[str, str | Promise]
    form: type[FileForm]
    values: Callable[[Any], dict[str, str]]
    find: Callable[[User, Enrolment, UUID], FileRow]
    frozen: Callable[[Enrolment, Any], tuple[str, ...]]
    add: Callable[[Enrolment, dict[str, str], TrialRequest], object]
    verbs: dict[str, Callable[..., object]]


@dataclass(frozen=True)
class Seen:
    """A row as a form shows it; the version is a number that changes with what the row says."""

    row: FileRow
    values: dict[str, str]

    @property
    def version(self) -> int:
        """Return the checksum of what the row says."""
        return version_of(self.values, self.row.voided_at)


def version_of(values: Mapping[str, str], voided_at: datetime | None) -> int:
    """Return a number that changes with what a row says and with its standing."""
    standing = "" if voided_at is None else voided_at.astimezone(UTC).isoformat()
    return zlib.crc32(repr((sorted(values.items()), standing)).encode())


def add_diagnosis(enrolment: Enrolment, values: dict[str, str], request: TrialRequest) -> object:
    """Add a diagnosis under a code of its own."""
    return verbs.add_next_diagnosis(enrolment=enrolment, by=request.user, now=timezone.now(), **values)


def add_pain(enrolment: Enrolment, values: dict[str, str], request: TrialRequest) -> object:
    """Add a pain after those that are followed."""
    return verbs.add_next_pain(enrolment=enrolment, by=request.user, now=timezone.now(), **values)


DIAGNOSIS = FileKind(
    noun="diagnosis",
    titles={
        "add": gettext_lazy("Add a diagnosis"),
        "correct": gettext_lazy("Correct a diagnosis"),
        "void": gettext_lazy("Void a diagnosis"),
        "restore": gettext_lazy("Restore a diagnosis"),
    },
    done={
        "add": gettext_lazy("Diagnosis added."),
        "correct": gettext_lazy("Diagnosis corrected."),
        "void": gettext_lazy("Diagnosis voided. It stays in the history."),
        "restore": gettext_lazy("Diagnosis restored."),
    },
    form=DiagnosisForm,
    values=diagnosis_values,
    find=file.diagnosis_visible_to,
    frozen=file.frozen_diagnosis_fields,
    add=add_diagnosis,
    verbs={"correct": verbs.correct_diagnosis, "void": verbs.void_diagnosis, "restore": verbs.restore_diagnosis},
)
PAIN = FileKind(
    noun="pain",
    titles={
        "add": gettext_lazy("Add a pain to follow"),
        "correct": gettext_lazy("Correct a pain"),
        "void": gettext_lazy("Void a pain"),
        "restore": gettext_lazy("Restore a pain"),
    },
    done={
        "add": gettext_lazy("Pain added."),
        "correct": gettext_lazy("Pain corrected."),
        "void": gettext_lazy("Pain voided. It stays in the history."),
        "restore": gettext_lazy("Pain restored."),
    },
    form=PainForm,
    values=pain_values,
    find=file.pain_visible_to,
    frozen=file.frozen_pain_fields,
    add=add_pain,
    verbs={"correct": verbs.correct_pain, "void": verbs.void_pain, "restore": verbs.restore_pain},
)


def to_patient(request: TrialRequest, enrolment: Enrolment, kind: FileKind, act: str) -> HttpResponse:
    """Say what was done and lead to the patient."""
    messages.success(request, str(kind.done[act]))
    return see_other(reverse("patient", args=[request.trial.slug, enrolment.patient_code]) + "#h-dx")


def form_for(kind: FileKind, enrolment: Enrolment, data: object, *, seen: Seen | None = None) -> FileForm:
    """Return the form of a row, filled with what it says where there is one."""
    frozen: Iterable[str] = () if seen is None else kind.frozen(enrolment, seen.row)
    form = kind.form(data, initial=None if seen is None else seen.values, frozen=frozen)
    if isinstance(form, PainForm):
        form.offer(PainDiagnosis.objects.filter(patient=enrolment.patient_id).order_by("code"))
    return form


def page_of(request: TrialRequest, enrolment: Enrolment, kind: FileKind, act: str, **more: object) -> dict[str, object]:
    """Return what the pages of one act share."""
    return {**patient_frame(request, enrolment, "overview"), "kind": kind.noun, "act": act, "title": kind.titles[act], **more}


def adding(kind: FileKind) -> Callable[..., HttpResponse]:
    """Return the view that adds a row of one kind."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @in_trial("patients", EDIT)
    def file_add(request: TrialRequest, patient_code: str) -> HttpResponse:
        """Add one row to the patient's file."""
        enrolment = patient_at(request, patient_code, EDIT)
        form = form_for(kind, enrolment, sent(request))
        if form.is_valid():
            try:
                kind.add(enrolment, form.values(), request)
            except InvalidInput as refusal:
                take_over(form, refusal.problems)
            else:
                return to_patient(request, enrolment, kind, "add")
        return render(request, "patients/file_form.html", page_of(request, enrolment, kind, "add", form=form), status=status_of(form))

    return file_add


def correcting(kind: FileKind) -> Callable[..., HttpResponse]:
    """Return the view that corrects a row of one kind."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @in_trial("patients", EDIT)
    def file_correct(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
        """Correct one row in two steps: the form, then old and new side by side; only the second saves."""
        enrolment = patient_at(request, patient_code, EDIT)
        row = kind.find(request.user, enrolment, record)
        seen = Seen(row, kind.values(row))
        form, reasons = form_for(kind, enrolment, sent(request), seen=seen), RecordReasonForm(sent(request), record=seen)
        check_version_seen(request, seen)
        changes = changes_of(form, reasons)
        if changes and "confirm" in request.POST and corrected(request, enrolment, kind, row, form, reasons):
            return to_patient(request, enrolment, kind, "correct")
        shown = changes and form.is_valid() and "edit" not in request.POST
        context = page_of(request, enrolment, kind, "correct", form=form, reasons=reasons, row=row, changes=changes)
        template = "patients/file_check.html" if shown else "patients/file_form.html"
        return render(request, template, context, status=status_of(form, reasons))

    return file_correct


def status_of(*forms: FileForm | RecordReasonForm) -> int:
    """Return the status of a page with these forms."""
    return 400 if any(form.errors for form in forms) else 200


def changes_of(form: FileForm, reasons: RecordReasonForm) -> list[tuple[str, str, str]]:
    """Return what a correction changes; nothing, with the problem in the form, where it cannot be looked at yet."""
    if not form.is_valid():
        return []
    changes = form.differing()
    if not changes:
        form.add_error(None, _("Nothing is changed yet. Change what was wrong, or go back."))
    return changes if reasons.is_valid() else []


def corrected(request: TrialRequest, enrolment: Enrolment, kind: FileKind, row: FileRow, form: FileForm, reasons: RecordReasonForm) -> bool:
    """Store the correction, or put the refusals into the form."""
    what = {kind.noun: row, "changes": form.values(), "reason": reasons.reason()}
    try:
        kind.verbs["correct"](enrolment=enrolment, by=request.user, now=timezone.now(), **what)
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return False
    return True


def reasoned(kind: FileKind, act: str) -> Callable[..., HttpResponse]:
    """Return the view of an act that asks only why: voiding or restoring."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @in_trial("patients", EDIT)
    def file_reasoned(request: TrialRequest, patient_code: str, record: UUID) -> HttpResponse:
        """Take one row out of use or bring it back, with a reason; doing it again changes nothing."""
        enrolment = patient_at(request, patient_code, EDIT)
        row = kind.find(request.user, enrolment, record)
        if request.method == "POST" and (row.voided_at is not None) == (act == "void"):
            return to_patient(request, enrolment, kind, act)
        seen = Seen(row, kind.values(row))
        check_version_seen(request, seen)
        form = RecordReasonForm(sent(request), record=seen)
        if form.is_valid():
            kind.verbs[act](enrolment=enrolment, reason=form.reason(), by=request.user, now=timezone.now(), **{kind.noun: row})
            return to_patient(request, enrolment, kind, act)
        context = page_of(request, enrolment, kind, act, form=form, row=row)
        return render(request, "patients/file_reason.html", context, status=status_of(form))

    return file_reasoned


diagnosis_add, pain_add = adding(DIAGNOSIS), adding(PAIN)
diagnosis_correct, pain_correct = correcting(DIAGNOSIS), correcting(PAIN)
diagnosis_void, pain_void = reasoned(DIAGNOSIS, "void"), reasoned(PAIN, "void")
diagnosis_restore, pain_restore = reasoned(DIAGNOSIS, "restore"), reasoned(PAIN, "restore")
