"""The form of an adverse event; what an event must be is decided by the rules behind the service."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.models import AdverseEvent, Enrolment, StimulationSession
from registry.rules.adverse_events import NewAdverseEvent
from registry.vocabulary import (
    SEVERITY_GRADES,
    AdverseEventTerm,
    EventAction,
    EventOutcome,
    GradingScheme,
    Relatedness,
    SeriousCriterion,
)

YES, NO = "yes", "no"
YES_NO = [(YES, _("Yes")), (NO, _("No"))]
CTCAE_WORDS = ("Mild", "Moderate", "Severe", "Life-threatening", "Death")


def day_field(label: Any, *, required: bool, missing: Any = "") -> forms.DateField:
    """Return a question for a day."""
    messages = {"invalid": _("Enter the day as 2026-11-19 or 19/11/2026."), **({"required": missing} if missing else {})}
    widget = forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=required, widget=widget, error_messages=messages)


class AdverseEventForm(forms.Form):
    """One event. Nothing of the judgement is chosen beforehand."""

    record = forms.UUIDField(widget=forms.HiddenInput)
    term = forms.ChoiceField(
        label=_("What happened"),
        choices=[("", _("Choose")), *AdverseEventTerm.choices()],
        error_messages={"required": _("Choose what happened.")},
    )
    term_text = forms.CharField(label=_("In a few words"), required=False, max_length=200, help_text=_("Needed with 'Other'. No names."))
    onset_on = day_field(_("Day it began"), required=True, missing=_("Enter the day the event began."))
    resolved_on = day_field(_("Day it ended"), required=False)
    grade = forms.TypedChoiceField(
        label=_("How severe"), coerce=int, widget=forms.RadioSelect, error_messages={"required": _("Choose how severe it was.")}
    )
    serious = forms.ChoiceField(
        label=_("Serious"),
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=_("Serious is not the same as severe: it means one of the criteria below."),
        error_messages={"required": _("Say whether the event is serious.")},
    )
    serious_criteria = forms.MultipleChoiceField(
        label=_("What makes it serious"), choices=SeriousCriterion.choices(), required=False, widget=forms.CheckboxSelectMultiple
    )
    relatedness = forms.ChoiceField(
        label=_("Related to the stimulation"),
        choices=[("", _("Choose")), *Relatedness.choices()],
        error_messages={"required": _("Choose how it relates to the stimulation; 'Not assessed' is an answer.")},
    )
    expected = forms.ChoiceField(label=_("Expected"), choices=[("", _("Not judged")), *YES_NO], required=False)
    action = forms.ChoiceField(
        label=_("What was done with the stimulation"),
        choices=[("", _("Choose")), *EventAction.choices()],
        error_messages={"required": _("Choose what was done.")},
    )
    outcome = forms.ChoiceField(
        label=_("Outcome so far"),
        choices=[("", _("Choose")), *EventOutcome.choices()],
        error_messages={"required": _("Choose the outcome so far.")},
    )
    session = forms.ChoiceField(label=_("Session it came with"), required=False)
    needs_report = forms.BooleanField(label=_("A report still has to be completed"), required=False)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("No names, no phone numbers."),
    )

    def __init__(
        self, data: Any = None, *, enrolment: Enrolment, sessions: list[StimulationSession], event: AdverseEvent | None = None
    ) -> None:
        super().__init__(data, initial={"record": uuid.uuid4()} if event is None else initial_of(event))
        self.patient_code, self.event = enrolment.patient_code, event
        cast(forms.TypedChoiceField, self.fields["grade"]).choices = grades(GradingScheme(enrolment.trial.grading_scheme))
        labels = [(str(one.record), f"{one.number or '–'}, {one.for_date:%d %b %Y}") for one in sessions]
        cast(forms.ChoiceField, self.fields["session"]).choices = [("", _("No session")), *labels]

    def new_event(self) -> NewAdverseEvent:
        """Return the event in the domain's words; what the form does not ask stays as it is on record."""
        given, event = self.cleaned_data, self.event
        return NewAdverseEvent(
            patient=self.patient_code,
            term=AdverseEventTerm(given["term"]),
            grade=given["grade"],
            onset_on=given["onset_on"],
            onset_at=event.onset_at if event is not None and event.onset_on == given["onset_on"] else None,
            term_text=given["term_text"].strip(),
            resolved_on=given["resolved_on"],
            serious=given["serious"] == YES,
            serious_criteria=tuple(SeriousCriterion(one) for one in given["serious_criteria"]),
            expected={YES: True, NO: False}.get(given["expected"]),
            relatedness=Relatedness(given["relatedness"]),
            action=EventAction(given["action"]),
            outcome=EventOutcome(given["outcome"]),
            aware_at=event.aware_at if event is not None else None,
            session=uuid.UUID(given["session"]) if given["session"] else None,
            solicited=event.solicited if event is not None else False,
            needs_report=given["needs_report"],
            note=given["note"].strip(),
            record=event.record if event is not None else given["record"],
        )


def grades(scheme: GradingScheme) -> list[tuple[int, str]]:
    """Return the grades of the trial's one scheme."""
    if scheme is GradingScheme.THREE_STEP:
        return [(grade, severity.label) for severity, grade in SEVERITY_GRADES.items()]
    return [(grade, f"{grade}, {word.lower()}") for grade, word in enumerate(CTCAE_WORDS, start=1)]


def initial_of(event: AdverseEvent) -> dict[str, object]:
    """Return the values on record."""
    same = (
        "record",
        "term",
        "term_text",
        "onset_on",
        "resolved_on",
        "grade",
        "serious_criteria",
        "relatedness",
        "action",
        "outcome",
        "note",
    )
    return {
        **{name: getattr(event, name) for name in (*same, "needs_report")},
        "serious": YES if event.serious else NO,
        "expected": "" if event.expected is None else YES if event.expected else NO,
        "session": str(event.session_record or ""),
    }
