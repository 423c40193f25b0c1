"""Sites, visible treatments, scales and visits: a page each with what is on record and a form to add one; and correcting one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput, NotFound
from registry.roles import Permission
from registry.rules.tables import trial_sections as sections
from registry.rules.tables.columns import Table
from registry.services.trial_records import definition_of
from registry.services.trial_setup import add_part, correct_part
from registry.vocabulary import ScaleKind
from web.requests import TrialRequest, in_trial
from web.score_forms import decimal_text
from web.trial_settings import words
from web.trial_settings.forms import Reason, SectionForm, as_section, typed_facts
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


def scale_cells(facts: Any) -> tuple[str, ...]:
    """Return what a table shows of a scale."""
    step = decimal_text(facts.step) if facts.step is not None else _("any")
    return facts.label, facts.version, ScaleKind(facts.kind).label, f"{decimal_text(facts.minimum)} to {decimal_text(facts.maximum)}", step


def visit_cells(facts: Any) -> tuple[str, ...]:
    """Return what a table shows of a visit."""
    day = "–" if facts.target_day is None else str(facts.target_day)
    window = "–" if facts.target_day is None else f"{facts.target_day - facts.days_before} to {facts.target_day + facts.days_after}"
    return facts.label, day, window


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


def list_of(subject: Subject) -> View:
    """Return the page of one subject: reading is for everybody in the trial, adding for who manages it."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @in_trial("settings", Permission.TRIAL_VIEW)
    def parts(request: TrialRequest) -> HttpResponse:
        form = SectionForm(request.POST or None, table=subject.table, words=subject.words, prefix="new")
        if request.method == "POST":
            request.user.check_can(Permission.TRIAL_MANAGE, trial=request.trial)
            if added(request, subject, form):
                return redirect(subject.route, request.trial.slug)
        context = {**settings_frame(request, subject.section), "subject": subject, "rows": rows(request, subject), "form": form}
        return render(request, "settings/parts.html", context, status=400 if form.errors else 200)

    return parts


def rows(request: TrialRequest, subject: Subject) -> list[tuple[Any, tuple[str, ...]]]:
    """Return what is on record, with what the table shows of it."""
    return [(facts, subject.cells(facts)) for facts in getattr(definition_of(request.trial), subject.section)]


def added(request: TrialRequest, subject: Subject, form: SectionForm) -> bool:
    """Add the part and say so, or put the refusals into the form."""
    try:
        add_part(trial=request.trial, section=subject.section, values=form.values(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        form.take(refusal.problems, f"{subject.section}[0]")
        return False
    messages.success(request, _("%(code)s added.") % {"code": form["code"].data})
    return True


def correction_of(subject: Subject) -> View:
    """Return the page that corrects one item of a subject, with a reason."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @in_trial("settings", Permission.TRIAL_MANAGE)
    def part(request: TrialRequest, code: str, version: str = "") -> HttpResponse:
        facts = part_on_record(request, subject, code, version)
        initial = typed_facts(facts, subject.table)
        form = SectionForm(request.POST or None, table=subject.table, words=subject.words, leave_out=subject.fixed, initial=initial)
        reason = Reason(request.POST or None)
        fixed = {name: as_section(subject.table.column(name), initial[name]) for name in subject.fixed}
        if request.method == "POST" and corrected(request, subject, form, reason, fixed):
            messages.success(request, _("%(code)s corrected.") % {"code": code})
            return redirect(subject.route, request.trial.slug)
        context = {
            **settings_frame(request, subject.section),
            "subject": subject, "facts": facts, "part": form, "reason": reason, "forms": [form, reason],
            "form": form if form.errors else reason,
        }  # fmt: skip
        return render(request, "settings/part.html", context, status=400 if form.errors or reason.errors else 200)

    return part


def part_on_record(request: TrialRequest, subject: Subject, code: str, version: str) -> Any:
    """Return one item; raise NotFound where there is none."""
    items = getattr(definition_of(request.trial), subject.section)
    found = [item for item in items if item.code == code and version in ("", getattr(item, "version", ""))]
    if not found:
        raise NotFound("There is no such record in this trial.")
    return found[0]


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
