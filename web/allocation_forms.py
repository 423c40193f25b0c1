"""The forms of preparing an allocation and of asking for it. They parse; services decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registry.models import Enrolment, EnrolmentPain, Site, Treatment, Trial
from registry.rules.strata import strata_names, strata_of_patient
from registry.selectors.allocation_list import ArmRow
from registry.services.allocation import NewArm
from registry.vocabulary import PainCondition
from web.trial_settings.forms import split_list

MOST_ARMS = 6
LARGEST_UPLOAD = 2_000_000
OTHER = "other:"


class ArmForm(forms.Form):
    """One arm: its visible treatment and its concealed part."""

    use_required_attribute = False
    code = forms.CharField(label=gettext_lazy("Code"), max_length=40, widget=forms.TextInput(attrs={"class": "short"}))
    label = forms.CharField(label=gettext_lazy("Label in closed tables"), max_length=200)
    treatment = forms.ChoiceField(label=gettext_lazy("Visible treatment"))
    part = forms.CharField(
        label=gettext_lazy("Concealed part, such as active or sham"), max_length=40, widget=forms.TextInput(attrs={"class": "short"})
    )

    def __init__(self, data: object = None, *, trial: Trial, number: int) -> None:
        super().__init__(data, prefix=f"arm-{number}", empty_permitted=True)  # type: ignore[arg-type]  # request.POST or None
        treatments = [(one.code, one.label) for one in Treatment.objects.filter(trial=trial).order_by("code")]
        cast(forms.ChoiceField, self.fields["treatment"]).choices = treatments
        self.initial["treatment"] = treatments[0][0] if treatments else ""

    def has_changed(self) -> bool:
        """Tell whether something was typed; a treatment is always chosen."""
        return any(str(self[name].data or "").strip() for name in ("code", "label", "part"))

    def new_arm(self) -> NewArm:
        """Return the arm in the domain's words."""
        given = self.cleaned_data
        return NewArm(given["code"].strip(), given["label"].strip(), given["treatment"], given["part"].strip())


class UploadForm(forms.Form):
    """A list that was prepared elsewhere."""

    use_required_attribute = False
    file = forms.FileField(
        label=gettext_lazy("List as CSV"),
        help_text=gettext_lazy(
            "Columns stratum and arm, perhaps position, kit_code and coil_position. Kit codes are drawn if there are none."
        ),
        error_messages={"required": gettext_lazy("Choose a file."), "empty": gettext_lazy("The file is empty. Choose the list.")},
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_file(self) -> object:
        """Refuse what cannot be a list by its size."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_UPLOAD:
            raise ValidationError(_("The file is larger than 2 MB. A list has one short line for each place."))
        return file


class GenerateForm(forms.Form):
    """A list to draw: strata, ratio, block sizes, length."""

    use_required_attribute = False
    by_site = forms.BooleanField(label=gettext_lazy("Sites are strata"), required=False, initial=True)
    conditions = forms.MultipleChoiceField(
        label=gettext_lazy("Diagnoses that are strata"),
        required=False,
        choices=PainCondition.choices(),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("By the condition of the primary pain; none ticked: no factor."),
    )
    block_sizes = forms.CharField(
        label=gettext_lazy("Block sizes"),
        initial="4 6",
        help_text=gettext_lazy("Multiples of the ratio's sum, drawn at random and hidden from sites."),
        widget=forms.TextInput(attrs={"class": "short"}),
    )
    length = forms.IntegerField(
        label=gettext_lazy("Places for each stratum, at least"),
        min_value=1,
        max_value=5000,
        initial=100,
        widget=forms.TextInput(attrs={"class": "short", "inputmode": "numeric"}),
    )

    def __init__(self, data: object = None, *, trial: Trial, arms: Sequence[ArmRow]) -> None:
        super().__init__(data, prefix="draw")  # type: ignore[arg-type]  # request.POST or None
        self.trial, self.arms = trial, arms
        for number, arm in enumerate(arms):
            label = _("Share of %(arm)s") % {"arm": arm.label}
            widget = forms.TextInput(attrs={"class": "short", "inputmode": "numeric"})
            self.fields[f"share_{number}"] = forms.IntegerField(label=label, min_value=1, max_value=20, initial=1, widget=widget)

    def clean_block_sizes(self) -> list[int]:
        """Return the sizes as numbers."""
        sizes = split_list(self.cleaned_data["block_sizes"])
        if not sizes or not all(size.isdecimal() and 0 < int(size) <= 1000 for size in sizes):
            raise ValidationError(_("Enter whole numbers parted by blanks, for example 4 6."))
        return [int(size) for size in sizes]

    def ratio(self) -> list[tuple[str, int]]:
        """Return each arm with its share."""
        return [(arm.code, self.cleaned_data[f"share_{number}"]) for number, arm in enumerate(self.arms)]

    def shares(self) -> list[forms.BoundField]:
        """Return the fields of the ratio."""
        return [self[f"share_{number}"] for number in range(len(self.arms))]

    def strata(self) -> list[str]:
        """Return the names of the strata."""
        sites = list(Site.objects.filter(trial=self.trial).order_by("code").values_list("code", flat=True))
        return strata_names(sites if self.cleaned_data["by_site"] else [], self.cleaned_data["conditions"])


class RandomiseForm(forms.Form):
    """The stratum of a patient, out of those the record speaks for, or another that the list names."""

    use_required_attribute = False
    stratum = forms.ChoiceField(
        label=gettext_lazy("Stratum"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy("As the unmasked statistician named the strata of the list; it is kept as used."),
        error_messages={"required": gettext_lazy("Choose the stratum.")},
    )
    other = forms.CharField(label=gettext_lazy("Another stratum"), required=False, max_length=200)

    def __init__(self, data: object = None, *, enrolment: Enrolment) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # request.POST or None
        primary = EnrolmentPain.objects.filter(enrolment=enrolment, rank=1).select_related("diagnosis").first()
        names = strata_of_patient(enrolment.site.code, primary.diagnosis.condition if primary else "")
        choices = [(f"={name}", name or _("The list has no strata")) for name in names]
        cast(forms.ChoiceField, self.fields["stratum"]).choices = [*choices, (OTHER, _("Another one"))]

    def name(self) -> str:
        """Return the stratum as the list writes it."""
        chosen = str(self.cleaned_data["stratum"])
        return str(self.cleaned_data["other"]).strip() if chosen == OTHER else chosen.removeprefix("=")
