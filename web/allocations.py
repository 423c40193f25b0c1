"""Preparing a trial's allocation, for its unmasked statistician; and giving one patient the next kit."""

from __future__ import annotations

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from registry.exceptions import AllocationRefused, InvalidInput
from registry.models import Allocation
from registry.roles import Permission
from registry.selectors.allocation_list import prepared_allocation
from registry.selectors.patients import enrolment_visible_to
from registry.services.allocation import PreparedList, define_arms, generate_list, import_list, reasons_against, request_allocation
from web.allocation_forms import MOST_ARMS, ArmForm, GenerateForm, RandomiseForm, UploadForm
from web.patients import patient_frame
from web.requests import TrialRequest, in_trial
from web.trial_settings.forms import sent
from web.trial_settings.frame import settings_frame


class PreparationPage:
    """The forms of the page; the one that was sent is bound."""

    def __init__(self, request: TrialRequest) -> None:
        self.prepared = prepared_allocation(request.trial, request.user)
        self.act = request.POST.get("act", "")
        sent = {act: request.POST if self.act == act else None for act in ("arms", "upload", "generate")}
        self.arms = [ArmForm(sent["arms"], trial=request.trial, number=number) for number in range(MOST_ARMS)]
        self.upload = UploadForm(sent["upload"], request.FILES if self.act == "upload" else None)
        self.generate = GenerateForm(sent["generate"], trial=request.trial, arms=self.prepared.arms)
        self.forms: list[Form] = [*self.arms, self.upload, self.generate]

    def save(self, request: TrialRequest) -> bool:
        """Do what was asked, or put the refusals into the form that was sent."""
        form = {"arms": self.arms[0], "upload": self.upload, "generate": self.generate}.get(self.act)
        if form is None or not all(one.is_valid() for one in self.forms if one.is_bound):
            return False
        try:
            said = getattr(self, f"save_{self.act}")(request)
        except InvalidInput as refusal:
            for problem in refusal.problems:
                form.add_error("block_sizes" if problem.field == "list" else None, problem.message)
            return False
        messages.success(request, said)
        return True

    def save_arms(self, request: TrialRequest) -> str:
        """Define the arms that were named."""
        arms = [form.new_arm() for form in self.arms if form.has_changed()]
        define_arms(trial=request.trial, arms=arms, by=request.user)
        return _("Arms defined. Now bring or draw the list.")

    def save_upload(self, request: TrialRequest) -> str:
        """Store the list that was prepared elsewhere."""
        return stored(import_list(trial=request.trial, content=self.upload.cleaned_data["file"].read(), by=request.user))

    def save_generate(self, request: TrialRequest) -> str:
        """Draw and store a list."""
        form = self.generate
        sizes, length = form.cleaned_data["block_sizes"], form.cleaned_data["length"]
        return stored(
            generate_list(trial=request.trial, strata=form.strata(), ratio=form.ratio(), block_sizes=sizes, length=length, by=request.user)
        )


def stored(made: PreparedList) -> str:
    """Say what was stored, and nothing of it."""
    return _("%(n)d places stored. SHA-256 of the list: %(digest)s") % {"n": made.slots, "digest": made.sha256}


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.ALLOCATION_MANAGE)
def allocation_list(request: TrialRequest) -> HttpResponse:
    """Define arms, then bring or draw the list; both stand once and cannot be exchanged."""
    page = PreparationPage(request)
    if request.method == "POST" and page.save(request):
        return redirect("allocation_list", request.trial.slug)
    wrong = next((form for form in page.forms if form.errors), None)
    context = {
        **settings_frame(request, "allocation"),
        "form": wrong,
        "forms": page.forms,
        "arms": page.arms,
        "upload": page.upload,
        "generate": page.generate,
        "prepared": page.prepared,
        "has_treatment": request.trial.treatments.exists(),
        "drawn_before": page.act == "generate",
    }
    return render(request, "allocation/list.html", context, status=400 if wrong else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.ALLOCATION_REQUEST)
def randomise(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Give the patient the next kit of the list; asking again gives the same one."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    request.user.check_can(Permission.ALLOCATION_REQUEST, trial=request.trial, site=enrolment.site)
    form = RandomiseForm(sent(request), enrolment=enrolment)
    if request.method == "POST" and form.is_valid():
        try:
            code = request_allocation(enrolment=enrolment, stratum=form.name(), by=request.user, now=timezone.now())
        except AllocationRefused as refusal:
            form.add_error("stratum", refusal.sentence)
        else:
            messages.success(request, _("%(patient)s is allocated: kit %(kit)s.") % {"patient": enrolment, "kit": code or "–"})
            return redirect("patient", request.trial.slug, patient_code)
    context = {
        **patient_frame(request, enrolment, "overview"),
        "form": form,
        "given": Allocation.objects.filter(enrolment=enrolment).select_related("treatment").order_by("stage").first(),
        "against": reasons_against(enrolment),
    }
    return render(request, "allocation/randomise.html", context, status=400 if form.errors else 200)
