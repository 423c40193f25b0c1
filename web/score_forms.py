"""The forms of pain scores. They parse; what a score must be is decided by the rules behind the services."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from registry.exceptions import Problem
from registry.models import PainScore, Scale
from registry.rules.scores import NewScore
from registry.selectors.scores import ScoreQuestion
from registry.vocabulary import Rater, RecallPeriod, ScoreContext, ScoreSource
from web.record_reasons import RecordReasonForm

MOST_BUTTONS = 11
OVERALL = "overall"
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{0,9})?")


def decimal_text(value: Decimal | None) -> str:
    """Return a value without trailing zeros."""
    return "" if value is None else f"{value.normalize():f}"


class PlainDecimalField(forms.Field):
    """A number typed with a point or a comma; half a number is refused, never guessed."""

    widget = forms.TextInput

    def to_python(self, value: object) -> Decimal | None:
        """Return the number, None for nothing."""
        text = str(value or "").strip().replace(",", ".").replace("\u2212", "-")
        if not text:
            return None
        if not PLAIN_NUMBER.fullmatch(text):
            raise ValidationError(_("Enter a number such as 4 or 3.5."), code="not_a_number")
        return Decimal(text)


def value_field(scale: Scale) -> forms.Field:
    """Return the question for a value: buttons where the scale has few whole steps, else a number."""
    label, missing = _("Pain"), _("Choose or enter the pain score.")
    low, high = decimal_text(scale.minimum), decimal_text(scale.maximum)
    if scale.step == 1 and scale.maximum - scale.minimum < MOST_BUTTONS and scale.minimum == scale.minimum.to_integral():
        values = [str(value) for value in range(int(scale.minimum), int(scale.maximum) + 1)]
        return forms.TypedChoiceField(
            label=label,
            choices=[(value, value) for value in values],
            coerce=Decimal,
            widget=forms.RadioSelect,
            error_messages={"required": missing},
        )
    hint = _("A number from %(low)s to %(high)s.") % {"low": low, "high": high}
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "short"})
    return PlainDecimalField(label=label, help_text=hint, widget=widget, error_messages={"required": missing})


def take_over(form: forms.Form, problems: Iterable[Problem]) -> None:
    """Put refusals of a service beside the fields they name; one that names no field of the form stands above all."""
    for problem in problems:
        form.add_error(problem.field if problem.field in form.fields else None, ValidationError(problem.message, code=problem.code))


class NewScoreForm(forms.Form):
    """One new score on a given scale. The hidden id belongs to this form alone: sent twice, it is stored once."""

    record = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    pain = forms.ChoiceField(label=_("Which pain"))
    recall = forms.ChoiceField(label=_("Asked about"))
    context = forms.ChoiceField(label=_("Occasion"), error_messages={"required": _("Choose the occasion of the answer.")})
    for_date = forms.DateField(
        label=_("Day the pain was felt"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Enter the day as 2026-11-19 or 19/11/2026.")},
        help_text=_("Leave it empty only where the day is unknown and the score belongs to a visit."),
    )
    visit = forms.ChoiceField(label=_("Visit it belongs to"), required=False)
    source = forms.ChoiceField(label=_("How it was given"), error_messages={"required": _("Choose how the answer was given.")})
    rater = forms.ChoiceField(label=_("Who rated"))

    def __init__(self, data: object = None, *, patient_code: str, asked: ScoreQuestion) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # request.POST or None
        self.patient_code, self.scale = patient_code, asked.scale
        self.fields["value"] = value_field(asked.scale)
        self.order_fields(["value", "for_date", "visit", "pain", "context", "recall", "source", "rater", "record"])
        pains = [(str(pain.rank), f"{pain.diagnosis.label}, {pain.get_side_display()}") for pain in asked.pains]
        visits = [(visit.code, visit.label) for visit in asked.visits]
        self._offer("pain", [(OVERALL, _("Overall pain")), *pains], initial=OVERALL)
        self._offer("recall", RecallPeriod.choices(), initial=asked.recall)
        self._offer("context", [("", _("Choose")), *ScoreContext.choices()])
        self._offer("visit", [("", _("No visit")), *visits])
        self._offer("source", [("", _("Choose")), *ScoreSource.choices()])
        self._offer("rater", Rater.choices(), initial=Rater.PATIENT)

    def _offer(self, name: str, values: Iterable[tuple[str, object]], initial: str | None = None) -> None:
        field = cast(forms.ChoiceField, self.fields[name])
        field.choices = [(value, str(label)) for value, label in values]
        field.initial = initial

    def new_score(self) -> NewScore:
        """Return the score in the domain's words."""
        given = self.cleaned_data
        return NewScore(
            patient=self.patient_code,
            scale=self.scale.code,
            scale_version=self.scale.version,
            value=given["value"],
            context=ScoreContext(given["context"]),
            recall=RecallPeriod(given["recall"]),
            source=ScoreSource(given["source"]),
            rater=Rater(given["rater"]),
            pain_rank=None if given["pain"] == OVERALL else int(given["pain"]),
            visit=given["visit"] or None,
            for_date=given["for_date"],
            record=given["record"],
        )

    def when(self) -> str:
        """Return the day in words, else the visit."""
        day = self.cleaned_data["for_date"]
        labels = dict(cast("list[tuple[str, str]]", cast(forms.ChoiceField, self.fields["visit"]).choices))
        return formats.date_format(day, "DATE_FORMAT") if day else labels[self.cleaned_data["visit"]]


class CorrectionForm(RecordReasonForm):
    """The corrected value and why; the old one stands beside the question."""

    def __init__(self, data: object = None, *, score: PainScore) -> None:
        super().__init__(data, record=score)
        self.score = score
        self.fields["value"] = value_field(score.scale)
        self.fields["value"].label = _("Corrected pain score")
        self.order_fields(["value", "reason_code", "reason_text", "seen_version"])

    def clean_value(self) -> Decimal:
        """Refuse the value that is on record already."""
        value: Decimal = self.cleaned_data["value"]
        if value == self.score.value:
            raise ValidationError(_("This is the value on record. Enter the corrected one, or go back."), code="unchanged")
        return value

    def was_saved_before(self) -> bool:
        """Tell whether this very form was saved already: made from the version before the last, with the last one's value."""
        if self.data.get("seen_version") != str(self.score.version - 1):
            return False
        try:
            return bool(self.fields["value"].clean(self.data.get("value")) == self.score.value)
        except ValidationError:
            return False
