"""Adding a patient to the trial."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput
from registry.models import Enrolment
from registry.roles import Permission
from registry.rules.tables.patient_sections import NEW_PAINS, NEW_PATIENT
from registry.selectors.patients import sites_visible_to
from registry.services.identity import Identity
from registry.services.new_patient import add_patient
from web.requests import TrialRequest, in_trial
from web.trial_settings.forms import Choices, SectionForm, sent
from web.trial_settings.rows import SectionRows
from web.trial_settings.words import Words

PATIENT_WORDS: Words = {
    "patient": (gettext_lazy("Study number"), gettext_lazy("Capitals, digits and dashes, like P-0042; never initials or a record number.")),
    "site": (gettext_lazy("Site"), ""),
    "cohort": (gettext_lazy("Group"), gettext_lazy("Only patients are counted in outcomes; comparison groups are kept apart.")),
    "enrolled_on": (gettext_lazy("Enrolled on"), ""),
    "protocol": (gettext_lazy("Protocol version"), ""),
    "birth_year": (gettext_lazy("Year of birth"), gettext_lazy("Four digits; the full date belongs to the identity below.")),
    "sex": (gettext_lazy("Sex"), ""),
    "handedness": (gettext_lazy("Preferred hand"), ""),
}  # fmt: skip
PAIN_WORDS: Words = {
    "condition": (gettext_lazy("Condition"), ""),
    "condition_text": (gettext_lazy("In words, if other"), ""),
    "body_region": (gettext_lazy("Where it hurts"), ""),
    "side": (gettext_lazy("Side"), ""),
    "certainty": (gettext_lazy("Certainty"), ""),
    "mechanism": (gettext_lazy("Mechanism"), ""),
    "onset": (gettext_lazy("Since"), gettext_lazy("2024, 2024-05 or a day.")),
    "icd10": (gettext_lazy("ICD-10"), ""),
    "icd11": (gettext_lazy("ICD-11"), ""),
}


class IdentityForm(forms.Form):
    """What names the person; kept encrypted, apart from everything else."""

    use_required_attribute = False
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=200)
    initials = forms.CharField(label=gettext_lazy("Initials"), required=False, max_length=10)
    birth_date = forms.CharField(label=gettext_lazy("Date of birth"), required=False, max_length=10)
    record_number = forms.CharField(label=gettext_lazy("Hospital record number"), required=False, max_length=60)
    contact = forms.CharField(label=gettext_lazy("Contact"), required=False, max_length=200)

    def __init__(self, data: object = None) -> None:
        super().__init__(data, prefix="identity")  # type: ignore[arg-type]  # sent(request)
        for field in self.fields.values():
            field.widget.attrs["autocomplete"] = "off"


class NewPatientPage:
    """The parts of the page."""

    def __init__(self, request: TrialRequest) -> None:
        data: Any = sent(request)
        sites, versions = sites_to_enrol_at(request), protocol_versions(request)
        initial = {"enrolled_on": timezone.localdate().isoformat(), "protocol": versions[-1][0] if versions else ""}
        self.patient = SectionForm(
            data, table=NEW_PATIENT, words=PATIENT_WORDS, offers={"site": sites, "protocol": [*versions, NO_VERSION]}, initial=initial
        )
        self.pains = SectionRows(data, name="pain", table=NEW_PAINS, words=PAIN_WORDS, least=2)
        self.identity = IdentityForm(data) if request.user.can(Permission.IDENTITY_EDIT, trial=request.trial) else None
        self.forms: list[forms.Form] = [self.patient, *self.pains.forms, *([self.identity] if self.identity else [])]

    def given_identity(self) -> Identity | None:
        """Return what was typed of the identity."""
        if self.identity is None or not self.identity.is_valid():
            return None
        return Identity(**{name: value.strip() for name, value in self.identity.cleaned_data.items()})

    def take(self, refusal: InvalidInput) -> None:
        """Put refusals beside their fields; a missing pain belongs to the first row."""
        for problem in self.patient.take(self.pains.take(refusal.problems, "pains"), "patients[0]"):
            self.pains.forms[0].add_error(problem.field.rpartition(".")[2], problem.message)


NO_VERSION = ("", gettext_lazy("None"))


def sites_to_enrol_at(request: TrialRequest) -> Choices:
    """Return the sites where the person may add patients; with several, none is chosen beforehand."""
    may = [
        site
        for site in sites_visible_to(request.user, request.trial)
        if request.user.can(Permission.PATIENT_EDIT, trial=request.trial, site=site)
    ]
    found: Choices = [(site.code, site.name) for site in may]
    return found if len(found) == 1 else [("", gettext_lazy("Choose")), *found]


def protocol_versions(request: TrialRequest) -> Choices:
    """Return the versions in the order they came."""
    return [(row.version, row.version) for row in request.trial.protocol_versions.order_by("pk")]


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("patients", Permission.PATIENT_EDIT)
def patient_new(request: TrialRequest) -> HttpResponse:
    """Ask for everything a patient begins with and store it at once."""
    page = NewPatientPage(request)
    if request.method == "POST" and "pain-more" not in request.POST:
        enrolment = saved(request, page)
        if enrolment is not None:
            messages.success(request, _("%(code)s added.") % {"code": enrolment.patient_code})
            return redirect("patient", request.trial.slug, enrolment.patient_code)
    wrong = next((form for form in page.forms if form.errors), None)
    context = {
        "form": wrong or page.patient,
        "forms": page.forms,
        "patient": page.patient,
        "pains": page.pains,
        "identity": page.identity,
    }
    return render(request, "patients/new.html", context, status=400 if wrong else 200)


def saved(request: TrialRequest, page: NewPatientPage) -> Enrolment | None:
    """Add the patient, or put the refusals beside their fields."""
    identity = page.given_identity()
    if page.identity is not None and page.identity.errors:
        return None
    try:
        return add_patient(
            trial=request.trial,
            patient=page.patient.values(),
            pains=page.pains.values(),
            by=request.user,
            now=timezone.now(),
            identity=identity,
        )
    except InvalidInput as refusal:
        page.take(refusal)
        return None
