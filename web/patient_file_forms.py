"""The forms of one diagnosis and of one pain. They parse; what may be changed is decided by the services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.models import EnrolmentPain, PainDiagnosis
from registry.models.diagnoses import ICD_10, ICD_11, PARTIAL_DATE
from registry.vocabulary import DiagnosticCertainty, MechanismClass, PainCondition, Side

CHOOSE = ("", _("Choose"))
FROZEN = _("Frozen at allocation.")


def entry(label: Any, longest: int, **more: Any) -> forms.CharField:
    """Return an optional text."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "class": "short"} if longest < 20 else {"autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=longest, widget=widget, **more)


class FileForm(forms.Form):
    """A form of one row; what is frozen is shown and cannot be changed."""

    def __init__(self, data: object = None, *, initial: dict[str, Any] | None = None, frozen: Iterable[str] = ()) -> None:
        super().__init__(data, initial=initial)  # type: ignore[arg-type]  # sent(request)
        for name in frozen:
            self.fields[name].disabled = True
            self.fields[name].help_text = FROZEN

    def values(self) -> dict[str, str]:
        """Return what was entered."""
        return {name: str(value).strip() for name, value in self.cleaned_data.items()}

    def differing(self) -> list[tuple[str, str, str]]:
        """Return label, old and new words of each field that says something else than before."""
        pairs = ((self[name], self.initial.get(name) or "", value) for name, value in self.values().items())
        return [(str(bound.label), words(bound.field, old), words(bound.field, new)) for bound, old, new in pairs if old != new]


def words(field: forms.Field, value: str) -> str:
    """Return a value as people read it."""
    if isinstance(field, forms.ChoiceField):
        known = {str(key): str(label) for key, label in cast("list[tuple[str, str]]", field.choices) if key}
        return known.get(value, value)
    return value


class DiagnosisForm(FileForm):
    """A pain condition of the patient."""

    condition = forms.ChoiceField(
        label=_("Condition"), choices=[CHOOSE, *PainCondition.choices()], error_messages={"required": _("Choose the condition.")}
    )
    condition_text = entry(_("In words, if other"), 200)
    certainty = forms.ChoiceField(label=_("Certainty"), choices=DiagnosticCertainty.choices(), initial=DiagnosticCertainty.NOT_GRADED)
    mechanism = forms.ChoiceField(label=_("Mechanism"), choices=MechanismClass.choices(), initial=MechanismClass.NOT_CLASSIFIED)
    onset = entry(_("Since"), 10, help_text=_("2024, 2024-05 or a day."), validators=[PARTIAL_DATE])
    icd10 = entry(_("ICD-10"), 10, validators=[ICD_10])
    icd11 = entry(_("ICD-11"), 12, validators=[ICD_11])


class PainForm(FileForm):
    """A pain that the trial follows, under one of the patient's diagnoses."""

    diagnosis = forms.ChoiceField(label=_("Diagnosis"), error_messages={"required": _("Choose the diagnosis.")})
    body_region = entry(_("Where it hurts"), 80, help_text=_("No names."))
    side = forms.ChoiceField(label=_("Side"), choices=Side.choices(), initial=Side.NOT_RECORDED)

    def offer(self, diagnoses: Iterable[PainDiagnosis]) -> None:
        """Take the diagnoses a pain may be of."""
        field = self.fields["diagnosis"]
        field.choices = [CHOOSE, *((one.code, f"{one.code}, {one.label}") for one in diagnoses)]  # type: ignore[attr-defined]  # a choice


def diagnosis_values(row: PainDiagnosis) -> dict[str, str]:
    """Return what a diagnosis says under the names of its form."""
    return {name: str(getattr(row, name)) for name in DiagnosisForm.base_fields}


def pain_values(row: EnrolmentPain) -> dict[str, str]:
    """Return what a pain says under the names of its form."""
    return {"diagnosis": row.diagnosis.code, "body_region": row.body_region, "side": str(row.side)}
