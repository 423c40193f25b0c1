"""The session form: its fields as the page shows them. Nothing that is an answer is chosen beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils import formats
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from registry.exceptions import Problem
from registry.models import Coil
from registry.rules.stimulation import Pattern, decimal_text
from registry.selectors.prescriptions import PlannedBlock
from registry.selectors.session_questions import SessionQuestion
from registry.vocabulary import (
    SESSION_REASONS,
    SOLICITED_TERMS,
    AdverseEventTerm,
    DeviationReason,
    Hemisphere,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
    Severity,
    StimulationTarget,
    ThresholdMethod,
    TreatmentGuess,
)

LONGEST_ENTRY = 500
NONE = "none"
BLOCK = "block"
PLAN, CHANGED, EARLY, NOT_GIVEN = "plan", "changed", "early", "none"
LAST, MEASURED = "last", "new"
YES, NO = "yes", "no"
# Short words for the pills; the record keeps the term.
PILLS = {
    AdverseEventTerm.HEADACHE: _("Headache"),
    AdverseEventTerm.SCALP_PAIN: _("Scalp discomfort"),
    AdverseEventTerm.NECK_PAIN: _("Neck pain"),
    AdverseEventTerm.DIZZINESS: _("Dizzy"),
    AdverseEventTerm.SYNCOPE: _("Fainted"),
    AdverseEventTerm.SLEEPINESS: _("Sleepy"),
    AdverseEventTerm.HEARING: _("Hearing change"),
    AdverseEventTerm.TWITCHING: _("Muscle twitching"),
    AdverseEventTerm.OTHER: _("Other"),
}
# More coils than this are a list to choose from.
MOST_PILLS = 6
YES_NO = [(YES, _("Yes")), (NO, _("No"))]
CHOOSE = ("", _("Choose"))
Answers = dict[str, list[str]]


def choice(label: Any, choices: Iterable[tuple[str, Any]], *, radio: bool = True, **more: Any) -> forms.ChoiceField:
    """Return an optional question with fixed answers; which ones must be answered is for the rules to say."""
    widget: forms.Widget = forms.RadioSelect() if radio else forms.Select()
    return forms.ChoiceField(label=label, choices=list(choices), required=False, widget=widget, **more)


def text(label: Any, *, longest: int = LONGEST_ENTRY, mode: str = "", **more: Any) -> forms.CharField:
    """Return an optional entry."""
    attributes = {"autocomplete": "off", **({"inputmode": mode} if mode else {})}
    return forms.CharField(label=label, required=False, max_length=longest, widget=forms.TextInput(attrs=attributes), **more)


class SessionForm(forms.Form):
    """The questions of one session. They are all optional here: a draft may hold any of them."""

    anything_new = choice(_("Anything new?"), [(NO, _("Nothing new")), (YES, _("Something changed"))])
    new_items = forms.MultipleChoiceField(
        label=_("What changed"), choices=NewSinceLast.choices(), required=False, widget=forms.CheckboxSelectMultiple
    )
    anything_new_text = text(_("What else is new"))
    threshold_new = text(_("New resting motor threshold, % MSO"), longest=5, mode="numeric")
    threshold_hemisphere = choice(
        _("Hemisphere measured"), [CHOOSE, ("left", Hemisphere.LEFT.label), ("right", Hemisphere.RIGHT.label)], radio=False
    )
    threshold_method = choice(_("Method"), [CHOOSE, *ThresholdMethod.choices()], radio=False)
    hearing_protection = choice(_("Hearing protection on"), YES_NO)
    coil_matches = choice(_("Coil of the same model as for the threshold"), YES_NO)
    deviation_reason = choice(
        _("Why it differs from the plan"),
        [CHOOSE, *(pair for pair in DeviationReason.choices() if pair[0] != DeviationReason.NOT_RECORDED)],
        radio=False,
    )
    deviation_text = text(_("In your own words"))
    effects = forms.MultipleChoiceField(
        label=_("Side effects"),
        choices=[(NONE, _("None")), *((term.value, label) for term, label in PILLS.items())],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    other_effect = text(_("What the other side effect was"))
    guess = choice(_("What does the patient believe they got?"), TreatmentGuess.choices())
    guess_certainty = text(_("How certain, 0 to 10"), longest=2, mode="numeric")
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_ENTRY,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("No names, no phone numbers."),
    )
    kit_code = text(_("Kit in use, if it is another"), longest=40)
    pulse_counter = text(_("Pulses the stimulator counted"), longest=9, mode="numeric")
    for_date = forms.CharField(
        label=_("Day, if it was not today"), required=False, max_length=20, widget=forms.TextInput(attrs={"placeholder": "2026-11-19"})
    )
    start_time = text(_("Start"), longest=8, mode="text")
    end_time = text(_("End"), longest=8, mode="text")

    def __init__(self, answers: Mapping[str, list[str]], *, asked: SessionQuestion) -> None:
        self.given = querydict(answers)
        super().__init__(self.given)
        self.asked = asked
        # In a correction: what stood on record for each question answered differently now.
        self.was: dict[str, str] | None = None
        # Questions refused by what is on record, not by the answers alone.
        self.refused_by_record: set[str] = set()
        self.planned = asked.prescribed.blocks if asked.prescribed is not None else ()
        self._add_pain("pain_before", _("Pain before, right now"))
        self._add_pain("pain_after", _("Pain after, right now"))
        self._add_threshold()
        self._add_coil()
        self._add_given()
        self._add_blocks()
        self._add_strengths()
        self._leave_out()
        blocks = [name for name in self.fields if name.startswith(BLOCK)]
        self.order_fields([*ORDER_BEFORE, *blocks, *ORDER_AFTER])
        for name in blocks:
            # What was planned stands in the editor until somebody types; an emptied entry stays empty.
            if name not in self.given and self.fields[name].initial is not None:
                self.given[name] = self.fields[name].initial

    def _add_pain(self, name: str, label: Any) -> None:
        """Ask on buttons where the scale has them, else by a number."""
        scale = self.asked.scale
        if scale is None or (scale.step == 1 and scale.minimum == 0 and scale.maximum == 10):
            values = [(str(value), str(value)) for value in range(11)]
            self.fields[name] = choice(label, [*values, (NONE, _("No answer"))])
        else:
            hint = now_("%(low)s to %(high)s") % {"low": decimal_text(scale.minimum), "high": decimal_text(scale.maximum)}
            self.fields[name] = text(label, longest=12, mode="decimal", help_text=hint)
        self.fields[f"{name}_why"] = choice(
            _("Why there is no answer"),
            [CHOOSE, *(pair for pair in NoAnswer.choices() if pair[0] != NoAnswer.NOT_RECORDED)],
            radio=False,
        )

    def _add_threshold(self) -> None:
        usable = self.asked.usable_threshold
        offered: list[tuple[str, Any]] = []
        if usable is not None:
            day = formats.date_format(usable.measured_on, "j M")
            offered.append((LAST, now_("Use %(value)d %% MSO, %(day)s") % {"value": self.asked.threshold_percent, "day": day}))
        self.fields["threshold"] = choice(
            _("Resting motor threshold"), [*offered, (MEASURED, _("Re-measured") if usable else _("Measured now"))]
        )
        self.fields["threshold_coil"] = choice(_("Coil"), [CHOOSE, *((coil.code, coil.code) for coil in self.asked.coils)], radio=False)
        self.fields["stimulator"] = choice(
            _("Stimulator"), [CHOOSE, *((one.code, one.code) for one in self.asked.stimulators)], radio=False
        )

    def _add_coil(self) -> None:
        """Ask which coil was used where nothing is concealed; elsewhere the kit stands for it."""
        if self.asked.asks_coil:
            coils = [(coil.code, f"{coil.code}, {coil.model}") for coil in self.asked.coils]
            few = len(coils) <= MOST_PILLS
            self.fields["coil_used"] = choice(_("Coil used"), coils if few else [CHOOSE, *coils], radio=few)

    def _add_given(self) -> None:
        whole = self.asked.prescribed is not None and self.asked.prescribed.whole is not None
        planned = [(PLAN, _("Exactly as planned"))] if whole else []
        changed = (CHANGED, _("Changed") if whole else _("Given"))
        self.fields["given"] = choice(_("What was given?"), [*planned, changed, (EARLY, _("Stopped early")), (NOT_GIVEN, _("Not given"))])
        for name, status in (("reason_early", SessionStatus.PARTIAL), ("reason_none", SessionStatus.NOT_GIVEN)):
            reasons = [(one.value, one.label) for one in SESSION_REASONS[status] if one is not SessionReason.NOT_RECORDED]
            label = _("Why it was stopped") if name == "reason_early" else _("Why it was not given")
            self.fields[name] = choice(label, [CHOOSE, *reasons], radio=False)
            self.fields[f"{name}_text"] = text(_("In your own words"))

    def _add_blocks(self) -> None:
        for position in range(max(1, len(self.planned))):
            planned = self.planned[position] if self.planned else None
            for name, field in block_fields(planned).items():
                self.fields[f"block{position}_{name}"] = field

    def _add_strengths(self) -> None:
        for term in SOLICITED_TERMS:
            self.fields[f"severity_{term}"] = choice(PILLS[term], Severity.choices())
            related = [pair for pair in Relatedness.choices() if pair[0] != Relatedness.NOT_ASSESSED]
            self.fields[f"relation_{term}"] = choice(_("Related to the stimulation?"), [CHOOSE, *related], radio=False)

    def _leave_out(self) -> None:
        """Drop what is not asked of this patient today."""
        known = self.asked.threshold is not None
        gone = ["threshold_hemisphere"] if self.measured_side() is not None else []
        gone += ["threshold_method", "threshold_coil"] if known else []
        gone += [] if self.asked.is_last else ["guess", "guess_certainty"]
        gone += [] if self.asked.stimulators else ["stimulator"]
        if self.asked.asks_coil:
            gone += [] if self.asked.kit_code else ["kit_code"]
            # Both coils are known, so nobody need say whether they are of one model.
            gone += ["coil_matches"] if self.asked.threshold is not None and self.asked.threshold.coil is not None else []
        for name in gone:
            del self.fields[name]

    def measured_side(self) -> Hemisphere | None:
        """Return the hemisphere of the last threshold, else the one to be stimulated; nothing where that is not one side."""
        if self.asked.threshold is not None:
            return Hemisphere(self.asked.threshold.hemisphere)
        sides = {planned.hemisphere for planned in self.planned} & {Hemisphere.LEFT, Hemisphere.RIGHT}
        return next(iter(sides)) if len(sides) == 1 else None

    def coil_used(self) -> Coil | None:
        """Return the coil that was chosen."""
        code = self.value("coil_used")
        return next((coil for coil in self.asked.coils if code and coil.code == code), None)

    def coil_measured_with(self) -> Coil | None:
        """Return the coil of the threshold in use, None where it is not known."""
        code = self.value("threshold_coil") if self.value("threshold") == MEASURED else ""
        if code:
            return next((coil for coil in self.asked.coils if coil.code == code), None)
        return None if self.asked.threshold is None else self.asked.threshold.coil

    def value(self, name: str) -> str:
        """Return one answer as it was given, '' where there is none or it is no possible one."""
        return str(getattr(self, "cleaned_data", {}).get(name) or "").strip()

    def values(self, name: str) -> list[str]:
        """Return the ticked answers."""
        return list(getattr(self, "cleaned_data", {}).get(name) or [])

    def entry(self, position: int, name: str) -> str:
        """Return what the editor of a block says; where it was left as it is, what was planned."""
        return self.value(f"block{position}_{name}")

    def take_problems(self, problems: Iterable[Problem], *, by_record: bool = False) -> None:
        """Put each problem beside its question; one sentence a question, in the order of the page."""
        for problem in problems:
            name = field_of(problem.field, self)
            if by_record and name is not None:
                self.refused_by_record.add(name)
            if name is None or name not in self.errors:
                self.add_error(name, ValidationError(problem.message, code=problem.code))
        places = {name: place for place, name in enumerate(self.fields)}
        self._errors = ErrorDict(sorted(self.errors.items(), key=lambda one: places.get(one[0], -1)))


ORDER_BEFORE = [
    "pain_before", "pain_before_why", "anything_new", "new_items", "anything_new_text", "threshold", "threshold_new",
    "threshold_hemisphere", "threshold_coil", "stimulator", "threshold_method", "coil_used", "given", "reason_early", "reason_early_text",
    "reason_none", "reason_none_text",
]  # fmt: skip
ORDER_AFTER = [
    "hearing_protection", "coil_matches", "deviation_reason", "deviation_text", "pain_after", "pain_after_why", "effects",
    *(f"{kind}_{term}" for term in SOLICITED_TERMS for kind in ("severity", "relation")), "other_effect", "guess", "guess_certainty",
    "note", "kit_code", "pulse_counter", "for_date", "start_time", "end_time",
]  # fmt: skip


def querydict(answers: Mapping[str, list[str]]) -> QueryDict:
    """Return raw answers as a form takes them."""
    data = QueryDict(mutable=True)
    for name, values in answers.items():
        data.setlist(name, values)
    return data


def raw_answers(data: QueryDict, form: SessionForm) -> Answers:
    """Return what was posted for the questions of the form, nothing else and nothing endless; NUL is no text for PostgreSQL."""
    return {
        name: [value[:LONGEST_ENTRY].replace("\0", "\ufffd") for value in data.getlist(name)[:20]]
        for name in form.fields
        if name in data and (name.startswith(BLOCK) or any(data.getlist(name)))
    }


def block_fields(planned: PlannedBlock | None) -> dict[str, forms.Field]:
    """Return the editor of one block, filled with what was planned; trains given before a stop are never filled in."""
    pattern = planned.pattern if planned is not None else None
    bursts = pattern is not None and pattern.is_bursts
    made: dict[str, forms.Field] = {}
    if planned is None:
        made["target"] = choice(_("Target"), [CHOOSE, *StimulationTarget.choices()], radio=False)
    if planned is None or planned.hemisphere is None:
        made["hemisphere"] = choice(_("Hemisphere"), [CHOOSE, *Hemisphere.choices()], radio=False)
    made["frequency_hz"] = number(_("Bursts, Hz") if bursts else _("Frequency, Hz"), pattern.frequency_hz if pattern is not None else None)
    name, length = train_entry(pattern)
    made[name] = number(TRAIN_LABELS[name], length)
    if pattern is not None and bursts:
        made["pulses_per_burst"] = number(_("Pulses a burst"), Decimal(pattern.pulses_per_burst), mode="numeric")
        made["intra_burst_hz"] = number(_("In a burst, Hz"), pattern.intra_burst_hz)
    made["trains"] = number(_("Trains"), Decimal(pattern.trains) if pattern is not None else None, mode="numeric")
    made["trains_done"] = number(_("Whole trains given"), None, mode="numeric")
    made["broken"] = number(_("Bursts after them") if bursts else _("Pulses after them"), None, mode="numeric")
    made["gap_s"] = number(_("Pause, s"), pattern.gap_s if pattern is not None else None)
    made["intensity_percent"] = number(intensity_label(planned), planned.intensity_percent if planned is not None else None)
    return made


TRAIN_LABELS = {"train_s": _("Train, s"), "pulses_per_train": _("Pulses a train"), "bursts_per_train": _("Bursts a train")}


def train_entry(pattern: Pattern | None) -> tuple[str, Decimal | None]:
    """Return how the length of a train is entered: in bursts, in seconds where these are a short number, else in pulses."""
    if pattern is None:
        return "train_s", None
    if pattern.is_bursts:
        return "bursts_per_train", Decimal(pattern.bursts_per_train)
    thousandths = pattern.train_s * 1000
    if thousandths.denominator == 1:
        return "train_s", Decimal(thousandths.numerator).scaleb(-3)
    return "pulses_per_train", Decimal(pattern.pulses_per_train)


def intensity_label(planned: PlannedBlock | None) -> str:
    """Return the name of the intensity with what it is a percentage of."""
    return f"{now_('Intensity, %')} {'RMT' if planned is None else planned.intensity_reference.upper()}"


def number(label: Any, planned: Decimal | None, *, mode: str = "decimal") -> forms.CharField:
    """Return the entry of one number, with the planned one in it and beside it."""
    field = text(label, longest=12, mode=mode)
    if planned is not None:
        field.initial = decimal_text(planned)
        field.help_text = now_("planned %(value)s") % {"value": decimal_text(planned)}
    return field


PROBLEM_FIELDS = {
    "blocks": "given", "as_planned": "given", "status": "given", "started_at": "start_time", "ended_at": "end_time",
    "coil_matches_threshold": "coil_matches", "anything_new": "anything_new", "percent_mso": "threshold_new",
    "hemisphere": "threshold_hemisphere", "coil": "threshold_coil", "method": "threshold_method", "measured_on": "for_date",
    "measured_at": "for_date", "threshold_factor": "threshold", "visit": "for_date", "protocol_version": "given",
    "side_effects": "effects", "pain_before_no_answer": "pain_before_why", "pain_after_no_answer": "pain_after_why",
}  # fmt: skip


def field_of(problem_field: str, form: SessionForm) -> str | None:
    """Return the question that a problem of the domain is about, None where the page has none."""
    name = problem_field.removeprefix("rows[0].")
    if name.startswith("blocks[") and "]." in name:
        position, part = name.removeprefix("blocks[").split("].", 1)
        name = f"block{position}_{part}"
    elif name.startswith("side_effects[") and "]." in name:
        position, part = name.removeprefix("side_effects[").split("].", 1)
        ticked = [term for term in form.values("effects") if term != NONE]
        term = ticked[int(position)] if int(position) < len(ticked) else ""
        name = "other_effect" if part == "text" else "effects" if part == "term" else f"{part}_{term}"
    elif name in ("reason", "reason_text"):
        kind = "reason_early" if form.value("given") == EARLY else "reason_none"
        name = kind if name == "reason" else f"{kind}_text"
    name = "coil_used" if name == "coil" and "coil_used" in form.fields else PROBLEM_FIELDS.get(name, name)
    if name in form.fields:
        return name
    # The editor asks for a train in one of three ways.
    ways = [name.replace(suffix, way) for suffix in TRAIN_LABELS for way in TRAIN_LABELS if name.endswith(suffix)]
    return next((way for way in ways if way in form.fields), None)
