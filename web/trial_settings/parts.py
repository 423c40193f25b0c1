"""Sites, visible treatments, scales and visits: a page each with what is on record and a form to add one; and correcting one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput, NotFound
from registry.roles import Permission
from registry.rules.charter import Look
from registry.rules.tables import stimulation_sections
from registry.rules.tables import trial_sections as sections
from registry.rules.tables.columns import Table
from registry.rules.tables.trial_facts import LookFacts, TrialDefinition
from registry.services.trial_records import definition_of
from registry.services.trial_setup import REASONED, add_part, correct_part
from registry.vocabulary import CoilShape, ScaleKind, Waveform
from web.requests import TrialRequest, in_trial
from web.score_forms import decimal_text
from web.trial_settings import device_words, words
from web.trial_settings.forms import Choices, Reason, SectionForm, as_section, sent, typed_facts
from web.trial_settings.frame import settings_frame
from web.trial_settings.words import Words

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Subject:
    """One kind of part: where its facts are, how it is asked for, and which of its fields can never change."""

    section: str
    route: str
    one: str
    table: Table
    words: Words
    title: Promise
    add: Promise
    empty: Promise
    columns: tuple[Promise, ...]
    cells: Callable[[Any], tuple[str, ...]]
    fixed: tuple[str, ...] = ("code",)
    offers: Callable[[TrialDefinition], Mapping[str, Choices]] = lambda definition: {}
    note: Promise | str = ""
    # The calibrations of a device have a page of their own.
    calibrated: bool = False


def scale_cells(facts: Any) -> tuple[str, ...]:
    """Return what a table shows of a scale."""
    step = decimal_text(facts.step) if facts.step is not None else _("any")
    return facts.label, facts.version, ScaleKind(facts.kind).label, f"{decimal_text(facts.minimum)} to {decimal_text(facts.maximum)}", step


def visit_cells(facts: Any) -> tuple[str, ...]:
    """Return what a table shows of a visit."""
    day = "–" if facts.target_day is None else str(facts.target_day)
    window = "–" if facts.target_day is None else f"{facts.target_day - facts.days_before} to {facts.target_day + facts.days_after}"
    return facts.label, day, window


def sites_of(definition: TrialDefinition) -> Mapping[str, Choices]:
    """Return the sites a device may belong to."""
    return {"site": [("", gettext_lazy("All sites")), *((site.code, site.name) for site in definition.sites)]}


def device_cells(facts: Any) -> tuple[str, ...]:
    """Return what a table shows of a stimulator or a coil."""
    kind = CoilShape(facts.shape).label if hasattr(facts, "shape") else Waveform(facts.waveform).label
    retired = formats.date_format(facts.retired_on, "SHORT_DATE_FORMAT") if facts.retired_on else "–"
    return f"{facts.maker} {facts.model}".strip(), kind, facts.serial_number or "–", facts.site or _("all sites"), retired


SITES = Subject(
    section="sites",
    route="trial_sites",
    one="trial_site",
    table=sections.SITES,
    words=words.SITES,
    title=gettext_lazy("Sites"),
    add=gettext_lazy("Add a site"),
    empty=gettext_lazy("No site yet"),
    columns=(gettext_lazy("Name"), gettext_lazy("Time zone")),
    cells=lambda facts: (facts.name, facts.time_zone or _("the trial's")),
)
TREATMENTS = Subject(
    section="treatments",
    route="trial_treatments",
    one="trial_treatment",
    table=sections.TREATMENTS,
    words=words.TREATMENTS,
    title=gettext_lazy("Visible treatments"),
    add=gettext_lazy("Add a treatment"),
    empty=gettext_lazy("No treatment yet"),
    columns=(gettext_lazy("Label"),),
    cells=lambda facts: (facts.label,),
)
SCALES = Subject(
    section="scales",
    route="trial_scales",
    one="trial_scale",
    table=sections.SCALES,
    words=words.SCALES,
    title=gettext_lazy("Scales"),
    add=gettext_lazy("Add a scale"),
    empty=gettext_lazy("No scale yet"),
    columns=(
        gettext_lazy("Label"),
        gettext_lazy("Version"),
        gettext_lazy("Measures"),
        gettext_lazy("Range"),
        gettext_lazy("Step"),
    ),
    cells=scale_cells,
    fixed=tuple(name for name in sections.SCALES.names if name != "label"),
)
VISITS = Subject(
    section="visit_types",
    route="trial_visits",
    one="trial_visit",
    table=sections.VISIT_TYPES,
    words=words.VISIT_TYPES,
    title=gettext_lazy("Visits"),
    add=gettext_lazy("Add a visit"),
    empty=gettext_lazy("No visit yet"),
    columns=(gettext_lazy("Label"), gettext_lazy("Day"), gettext_lazy("Window")),
    cells=visit_cells,
)


def look_cells(facts: Any) -> tuple[str, ...]:
    """Return what a table shows of a look."""
    state = _("called off") if facts.called_off else _("planned")
    return facts.label, formats.date_format(facts.planned_on, "SHORT_DATE_FORMAT"), str(charter_look(facts).week), state


def charter_look(facts: LookFacts) -> Look:
    """Return a look as the rules take it."""
    return Look(facts.code, facts.label, facts.planned_on, facts.called_off)


LOOKS = Subject(
    section="looks",
    route="trial_looks",
    one="trial_look",
    table=sections.LOOKS,
    words=words.LOOKS,
    title=gettext_lazy("Looks at efficacy"),
    add=gettext_lazy("Add a look"),
    empty=gettext_lazy("No look yet: closed reports hold efficacy by arm every week"),
    columns=(gettext_lazy("Short name"), gettext_lazy("Planned for"), gettext_lazy("In the report of"), gettext_lazy("State")),
    cells=look_cells,
    note=gettext_lazy(
        "The dates of the safety board's charter. With any of them, closed documents hold efficacy by arm only in the report of a look; "
        "between looks they hold safety, conduct, recruitment and completeness. A change after a look is printed in closed reports."
    ),
)
DEVICE_COLUMNS = (
    gettext_lazy("Model"),
    gettext_lazy("Kind"),
    gettext_lazy("Serial number"),
    gettext_lazy("Site"),
    gettext_lazy("Retired"),
)
STIMULATORS = Subject(
    section="stimulators",
    route="trial_stimulators",
    one="trial_stimulator",
    table=stimulation_sections.STIMULATORS,
    words=device_words.STIMULATORS,
    title=gettext_lazy("Stimulators"),
    add=gettext_lazy("Add a stimulator"),
    empty=gettext_lazy("No stimulator yet"),
    columns=DEVICE_COLUMNS,
    cells=device_cells,
    offers=sites_of,
    calibrated=True,
)
COILS = Subject(
    section="coils",
    route="trial_coils",
    one="trial_coil",
    table=stimulation_sections.COILS,
    words=device_words.COILS,
    title=gettext_lazy("Coils"),
    add=gettext_lazy("Add a coil"),
    empty=gettext_lazy("No coil yet"),
    columns=DEVICE_COLUMNS,
    cells=device_cells,
    offers=sites_of,
    note=gettext_lazy("Only coils that may be named: a coil that tells active from sham has no place here, it belongs to a kit."),
    calibrated=True,
)
CONVERSIONS = Subject(
    section="coil_conversions",
    route="trial_conversions",
    one="trial_conversion",
    table=stimulation_sections.COIL_CONVERSIONS,
    words=device_words.CONVERSIONS,
    title=gettext_lazy("Thresholds between coils"),
    add=gettext_lazy("Add a factor"),
    empty=gettext_lazy("No factor yet"),
    columns=(gettext_lazy("Carried over to"), gettext_lazy("Factor"), gettext_lazy("Source")),
    cells=lambda facts: (facts.to_model, decimal_text(facts.factor), facts.source),
    fixed=("from_model", "to_model"),
    note=gettext_lazy("A threshold in percent of one coil is none of another. It is carried over by a factor stated here, or refused."),
)


def list_of(subject: Subject) -> View:
    """Return the page of one subject: reading is for everybody in the trial, adding for who manages it."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @in_trial("settings", Permission.TRIAL_VIEW)
    def parts(request: TrialRequest) -> HttpResponse:
        offers = subject.offers(definition_of(request.trial))
        form = SectionForm(sent(request), table=subject.table, words=subject.words, offers=offers, prefix="new")
        reason = Reason(sent(request)) if subject.section in REASONED else None
        if request.method == "POST":
            request.user.check_can(Permission.TRIAL_MANAGE, trial=request.trial)
            if added(request, subject, form, reason):
                return redirect(subject.route, request.trial.slug)
        refused = bool(form.errors or (reason and reason.errors))
        context = {
            **settings_frame(request, subject.section),
            "subject": subject, "rows": rows(request, subject), "part": form, "reason": reason,
            "form": form if form.errors or reason is None else reason,
        }  # fmt: skip
        return render(request, "settings/parts.html", context, status=400 if refused else 200)

    return parts


def rows(request: TrialRequest, subject: Subject) -> list[tuple[Any, str, tuple[str, ...]]]:
    """Return what is on record, with what the table shows of it."""
    return [(facts, name_of(facts), subject.cells(facts)) for facts in getattr(definition_of(request.trial), subject.section)]


def name_of(facts: Any) -> str:
    """Return what an item goes by in an address: its code; a conversion by its first model."""
    return str(facts.code if hasattr(facts, "code") else facts.from_model)


def added(request: TrialRequest, subject: Subject, form: SectionForm, reason: Reason | None) -> bool:
    """Add the part and say so, or put the refusals into the forms."""
    why = reason.text() if reason is not None else ""
    try:
        add_part(trial=request.trial, section=subject.section, values=form.values(), reason=why, by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        for problem in form.take(refusal.problems, f"{subject.section}[0]"):
            if reason is not None:
                reason.add_error("reason", problem.message)
        return False
    messages.success(request, _("%(code)s added.") % {"code": form[subject.fixed[0]].data})
    return True


def correction_of(subject: Subject) -> View:
    """Return the page that corrects one item of a subject, with a reason."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @in_trial("settings", Permission.TRIAL_MANAGE)
    def part(request: TrialRequest, code: str, version: str = "") -> HttpResponse:
        facts = part_on_record(request, subject, code, version)
        initial = typed_facts(facts, subject.table)
        form = SectionForm(
            sent(request),
            table=subject.table,
            words=subject.words,
            leave_out=subject.fixed,
            offers=subject.offers(definition_of(request.trial)),
            initial=initial,
        )
        reason = Reason(sent(request))
        fixed = {name: as_section(subject.table.column(name), initial[name]) for name in subject.fixed}
        if request.method == "POST" and corrected(request, subject, form, reason, fixed):
            messages.success(request, _("%(code)s corrected.") % {"code": code})
            return redirect(subject.route, request.trial.slug)
        context = {
            **settings_frame(request, subject.section),
            "subject": subject, "name": code, "part": form, "reason": reason, "forms": [form, reason],
            "form": form if form.errors else reason,
        }  # fmt: skip
        return render(request, "settings/part.html", context, status=400 if form.errors or reason.errors else 200)

    return part


def part_on_record(request: TrialRequest, subject: Subject, code: str, version: str) -> Any:
    """Return one item; raise NotFound where there is none."""
    items = getattr(definition_of(request.trial), subject.section)
    found = [item for item in items if name_of(item) == code and version in ("", second_name(item))]
    if not found:
        raise NotFound("There is no such record in this trial.")
    return found[0]


def second_name(facts: Any) -> str:
    """Return the other half of a key that has two: the version of a scale, the second model of a conversion."""
    return str(getattr(facts, "version", getattr(facts, "to_model", "")))


def corrected(request: TrialRequest, subject: Subject, form: SectionForm, reason: Reason, fixed: dict[str, object]) -> bool:
    """Store the correction, or put the refusals into the forms."""
    values = {**{name: value for name, value in fixed.items() if value != ""}, **form.values()}
    try:
        correct_part(trial=request.trial, section=subject.section, values=values, reason=reason.text(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        for problem in form.take(refusal.problems, f"{subject.section}[0]"):
            reason.add_error("reason", problem.message)
        return False
    return True


sites, site = list_of(SITES), correction_of(SITES)
treatments, treatment = list_of(TREATMENTS), correction_of(TREATMENTS)
scales, scale = list_of(SCALES), correction_of(SCALES)
visits, visit = list_of(VISITS), correction_of(VISITS)
stimulators, stimulator = list_of(STIMULATORS), correction_of(STIMULATORS)
coils, coil = list_of(COILS), correction_of(COILS)
looks, look = list_of(LOOKS), correction_of(LOOKS)
conversions, conversion = list_of(CONVERSIONS), correction_of(CONVERSIONS)
