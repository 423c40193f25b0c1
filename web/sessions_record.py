"""The record of a session: what was given against what was planned, what came before and after, and every version it had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registry.models import Enrolment, StimulationBlock, StimulationSession
from registry.models.stimulation import PulsePattern
from registry.roles import Permission
from registry.rules.stimulation import count_text, decimal_text, delivered_percent, length_text, percent_text
from registry.selectors.session_rows import effects_text, pain_text
from registry.selectors.sessions import pains_of, session_visible_to, side_effects_of, versions_of
from registry.selectors.voidings import voidings_of
from registry.vocabulary import IntensityReference, NewSinceLast, StimulationTarget
from web.patients import patient_frame
from web.requests import TrialRequest

PLACE = "place"
LABELS = {
    PLACE: gettext_lazy("Place"),
    "frequency": gettext_lazy("Frequency"),
    "train": gettext_lazy("Train"),
    "trains": gettext_lazy("Trains"),
    "pause": gettext_lazy("Pause between trains"),
    "intensity": gettext_lazy("Intensity"),
    "setting": gettext_lazy("Setting"),
    "delivered": gettext_lazy("Delivered, % of threshold"),
    "pulses": gettext_lazy("Pulses"),
    "nominal": gettext_lazy("Nominal length"),
    "last_pulse": gettext_lazy("Last pulse at"),
}


@dataclass(frozen=True)
class DoseCell:
    """One value of one block, given or planned; a given one that differs from its plan stands out."""

    heading: str
    text: str
    differs: bool = False


@dataclass(frozen=True)
class DoseLine:
    """One value over all blocks: planned and given side by side."""

    label: str
    cells: list[DoseCell]


@dataclass(frozen=True)
class DoseText:
    """Pulses given, and against those planned."""

    given: str
    against: str


def show_record(request: TrialRequest, enrolment: Enrolment, record: UUID) -> HttpResponse:
    """Show a session on record."""
    found = session_visible_to(request.user, record, request.trial)
    versions = versions_of(request.user, record)
    pains, effects = pains_of(request.user, [found]).get(record), side_effects_of(request.user, [found]).get(record, [])
    held = request.user.permissions_in(request.trial, enrolment.site)
    context = {
        **patient_frame(request, enrolment, "sessions"),
        "session": found,
        "blocks": dose_lines(found),
        "pains": pains,
        "pain_text": pain_text(pains),
        "events": effects,
        "effects_text": effects_text(found, effects),
        "new_text": new_text(found),
        "deviations": list(found.deviations.all()),
        "versions": versions,
        "dose": against_plan(found),
        "entered_late": is_late(versions[0]) if versions else False,
        "voidings": voidings_of(request.user, [found], enrolment),
        "may_change": Permission.SESSION_CORRECT in held,
        "may_see_events": Permission.EVENT_VIEW in held,
    }
    return render(request, "sessions/record.html", context)


def new_text(session: StimulationSession) -> str:
    """Return what was new since the session before, a dash where nobody asked."""
    if session.new_since_last is None:
        return "–"
    labels = [NewSinceLast(one).label for one in session.new_since_last]
    words = [session.new_since_last_text] if session.new_since_last_text else []
    return ", ".join([*labels, *words]) or _("Nothing")


def is_late(first: StimulationSession) -> bool:
    """Tell whether a session was entered on a later day, or hours after it ended."""
    ended = first.finished_at or first.started_at
    return ended is not None and (first.recorded_at - ended).total_seconds() > 2 * 3600


def against_plan(session: StimulationSession) -> DoseText:
    """Return pulses given of those planned, with their share rounded down, so that 79.9 % is never shown as 80 %."""
    given = count_text(session.pulses_delivered)
    if not session.pulses_planned:
        return DoseText(given, _("pulses"))
    share = 100 * session.pulses_delivered // session.pulses_planned
    words = {"planned": count_text(session.pulses_planned), "share": share}
    return DoseText(given, _("of %(planned)s planned pulses (%(share)d %%)") % words)


def dose_lines(session: StimulationSession) -> list[DoseLine]:
    """Return the dose as lines: each value as planned and as given, block by block, then what follows from it."""
    planned = list(session.prescription.blocks.all()) if session.prescription is not None else []
    given = list(session.blocks.all())
    if not given:
        return []
    plans, gifts = [set_values(block) for block in planned], [set_values(block) for block in given]
    lines = [DoseLine(str(LABELS[label]), list(_cells(label, plans, gifts))) for label in gifts[0]]
    derived = [derived_values(block, session) for block in given]
    empty = [DoseCell("", "") for _plan in plans]
    return lines + [DoseLine(str(LABELS[label]), [*empty, *(DoseCell("", values[label]) for values in derived)]) for label in derived[0]]


def _cells(label: str, plans: list[dict[str, str]], gifts: list[dict[str, str]]) -> Iterator[DoseCell]:
    several = len(plans) > 1 or len(gifts) > 1
    for number, plan in enumerate(plans, start=1):
        yield DoseCell(_("Planned, block %(n)d") % {"n": number} if several else _("Planned"), plan.get(label, "–"))
    for number, gift in enumerate(gifts, start=1):
        plan = plans[number - 1] if number <= len(plans) else gift
        heading = _("Given, block %(n)d") % {"n": number} if several else _("Given")
        yield DoseCell(heading, gift[label], label != PLACE and plan.get(label) != gift[label])


def set_values(block: PulsePattern) -> dict[str, str]:
    """Return what people set, as text; prescribed and delivered blocks have the same values."""
    pattern = block.pattern
    place = getattr(block, "target_text", "") or StimulationTarget(getattr(block, "target", "other")).label
    train = length_text(pattern.train_s)
    if pattern.is_bursts:
        train = _("%(n)d bursts of %(pulses)d") % {"n": pattern.bursts_per_train, "pulses": pattern.pulses_per_burst}
    return {
        PLACE: f"{place}, {getattr(block, 'get_hemisphere_display')().lower()}",  # noqa: B009  # both kinds of block have it
        "frequency": f"{decimal_text(pattern.frequency_hz)} Hz",
        "train": train,
        "trains": count_text(pattern.trains),
        "pause": f"{decimal_text(pattern.gap_s)} s" if pattern.trains > 1 else "–",
        "intensity": f"{decimal_text(block.intensity_percent)} % {block.intensity_reference.upper()}",
    }


def derived_values(block: StimulationBlock, session: StimulationSession) -> dict[str, str]:
    """Return what follows from a block: setting, what it delivers, pulses and the two lengths."""
    pattern, setting = block.pattern, block.setting_percent_mso
    known = setting is not None and session.threshold_percent_mso is not None and block.intensity_reference != IntensityReference.MSO
    threshold = (session.threshold_percent_mso or 0) * (session.threshold_factor or 1)
    return {
        "setting": "–" if setting is None else f"{setting} % MSO",
        "delivered": f"{percent_text(delivered_percent(setting, threshold))} %" if known and setting is not None else "–",
        "pulses": count_text(pattern.pulses),
        "nominal": length_text(pattern.nominal_s),
        "last_pulse": length_text(pattern.last_pulse_s),
    }
