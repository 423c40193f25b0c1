"""The list of patients, and one patient's page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from registry.models import Enrolment, MotorThreshold, Trial, User
from registry.models.scores import sees_scores_of_today
from registry.roles import Permission
from registry.selectors.adverse_events import events_of
from registry.selectors.missing_values import may_list_missing, time_points_of
from registry.selectors.pain_course import PainCourse, pain_course
from registry.selectors.patient_file import voided_file
from registry.selectors.patients import (
    PAGE_SIZE,
    STATES,
    PatientFilter,
    enrolment_visible_to,
    list_patients,
    patient_facts,
    sites_visible_to,
)
from registry.selectors.prescriptions import prescribed_for
from registry.selectors.session_rows import session_rows, session_strip
from registry.selectors.thresholds import thresholds_of
from registry.selectors.time_points import ladder
from registry.selectors.voidings import voidings_of
from registry.vocabulary import Conduct, PainCondition
from web.paging import asked_page, pager
from web.requests import TrialRequest, in_trial
from web.session_offer import session_offer

SESSIONS_SHOWN = 6


class PatientFilterForm(forms.Form):
    """The filter above the list; it lives in the address, so that a list can be kept as a bookmark."""

    q = forms.CharField(label=_("Study number"), required=False, max_length=40, widget=forms.TextInput(attrs={"type": "search"}))
    site = forms.ChoiceField(label=_("Site"), required=False)
    diagnosis = forms.ChoiceField(label=_("Diagnosis"), required=False)
    state = forms.ChoiceField(label=_("Status"), required=False)
    missing = forms.ChoiceField(label=_("Incomplete at"), required=False)

    def __init__(self, *args: object, user: User, trial: Trial, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed through
        sites = [(site.code, site.name) for site in sites_visible_to(user, trial)]
        self._offer("site", _("All sites"), sites)
        self._offer("diagnosis", _("All diagnoses"), PainCondition.choices())
        self._offer("state", _("All"), [(state, str(label)) for state, label in STATES.items()])
        self._offer("missing", _("All"), time_points_of(trial))
        if not may_list_missing(user, trial):
            del self.fields["missing"]

    def _offer(self, name: str, all_of_them: Promise, values: list[tuple[str, str]]) -> None:
        cast(forms.ChoiceField, self.fields[name]).choices = [("", str(all_of_them)), *values]

    def filter(self) -> PatientFilter:
        """Return the filter; a value that is none of the choices finds nothing rather than everything."""
        # PostgreSQL takes no NUL in a text; its stand-in is in no record either.
        given = {name: str(self.data.get(name, "")).strip().replace("\0", "\ufffd") for name in (*self.fields, "missing")}
        return PatientFilter(
            text=given["q"], site=given["site"], condition=given["diagnosis"], state=given["state"], missing=given["missing"]
        )


@require_safe
@in_trial("patients", Permission.PATIENT_VIEW)
def patients(request: TrialRequest) -> HttpResponse:
    """Show one page of the trial's patients; htmx takes the table out of the same answer."""
    form = PatientFilterForm(request.GET, user=request.user, trial=request.trial)
    found = list_patients(request.user, request.trial, form.filter(), page=asked_page(request))
    context = {
        "form": form,
        "found": found,
        "pager": pager(request.GET, page=found.page, size=PAGE_SIZE, total=found.total),
        "narrowed": form.filter() != PatientFilter(),
        "may_add": request.user.can(Permission.PATIENT_EDIT, trial=request.trial),
    }
    return render(request, "patients/list.html", context)


@require_safe
@in_trial("patients", Permission.PATIENT_VIEW)
def patient(request: TrialRequest, patient_code: str) -> HttpResponse:
    """Show one patient: pain course, diagnoses, way through the trial."""
    enrolment = enrolment_visible_to(request.user, request.trial, patient_code)
    course = pain_course(request.user, enrolment)
    facts, voided = patient_facts(request.user, enrolment), voided_file(request.user, enrolment)
    context = {
        **patient_frame(request, enrolment, "overview"),
        **treatment_of(request, enrolment),
        "facts": facts,
        "primary_frozen": facts.allocation is not None and request.trial.conduct == Conduct.PROSPECTIVE,
        "voided": voided,
        "voidings": voidings_of(request.user, voided.diagnoses, enrolment) | voidings_of(request.user, voided.pains, enrolment),
        "course": course,
        "figure": figure_of(course, request.trial, timezone.localdate()) if course is not None else None,
        "scores_hidden": not sees_scores_of_today(request.user, enrolment),
        "ladder": ladder(request.user, enrolment, today=timezone.localdate()),
    }
    return render(request, "patients/patient.html", context)


def treatment_of(request: TrialRequest, enrolment: Enrolment) -> dict[str, object]:
    """Return what the page tells of the treatment to a person who may see it: strip, latest sessions, threshold course, what is open."""
    today = timezone.localdate(timezone=enrolment.zone)
    held = request.user.permissions_in(request.trial, enrolment.site)
    found: dict[str, object] = {}
    if Permission.SESSION_VIEW in held:
        rows = session_rows(request.user, enrolment)
        thresholds = thresholds_of(request.user, enrolment)
        standing = [one for one in thresholds if not one.voided]
        strip = session_strip(rows, prescribed_for(enrolment, today))
        found = {
            "rows": rows[:SESSIONS_SHOWN],
            "session_count": len(rows),
            "strip": strip,
            "offer": session_offer(enrolment, strip),
            "thresholds": thresholds[::-1],
            "threshold_figure": threshold_figure(standing),
            "last_threshold": standing[-1] if standing else None,
            "last_effect": next((row for row in rows if row.had_effects), None),
        }
    if Permission.EVENT_VIEW in held:
        found["open_reports"] = [event for event in events_of(request.user, enrolment) if event.needs_report and not event.voided]
    return found


def threshold_figure(standing: list[MotorThreshold]) -> dict[str, Any]:
    """Return what the chart of a patient's thresholds draws."""
    return {
        "date": [one.measured_on.isoformat() for one in standing],
        "value": [one.percent_mso for one in standing],
        "label": [f"{one.get_hemisphere_display()}, {one.get_kind_display()}" for one in standing],
    }


def figure_of(course: PainCourse, trial: Trial, today: date) -> dict[str, Any]:
    """Return what the chart draws, with today's day number while the trial runs."""
    if not course.figure.get("date") or trial.all_due:
        return course.figure
    day_0 = date.fromisoformat(course.figure["date"][0]) - timedelta(days=course.figure["day"][0])
    return {**course.figure, "today": (today - day_0).days}


def patient_frame(request: TrialRequest, enrolment: Enrolment, tab: str) -> dict[str, object]:
    """Return what every page of a patient shows: who, which tab, and which acts are open to the person at this site."""
    held = request.user.permissions_in(request.trial, enrolment.site)
    return {
        "enrolment": enrolment,
        "tab": tab,
        "may_record": Permission.SCORE_RECORD in held,
        "may_correct": Permission.SCORE_CORRECT in held,
        "may_allocate": Permission.ALLOCATION_REQUEST in held,
        "may_see_history": Permission.HISTORY_VIEW in held,
        "may_see_sessions": Permission.SESSION_VIEW in held,
        "may_log": Permission.SESSION_RECORD in held,
        "may_correct_sessions": Permission.SESSION_CORRECT in held,
        "may_see_events": Permission.EVENT_VIEW in held,
        "may_record_events": Permission.EVENT_RECORD in held,
        "may_edit": Permission.PATIENT_EDIT in held,
    }
