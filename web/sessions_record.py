"""The record of a session: what was given against what was planned, what came before and after, and every version it had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from registry.models import Enrolment, StimulationBlock, StimulationSession
from registry.roles import Permission
from registry.rules.stimulation import count_text, decimal_text, delivered_percent, length_text, percent_text
from registry.selectors.session_rows import effects_text, pain_text
from registry.selectors.sessions import pains_of, session_visible_to, side_effects_of, versions_of
from registry.vocabulary import NewSinceLast
from web.patients import patient_frame
from web.requests import TrialRequest


@dataclass(frozen=True)
class BlockLine:
    """One block as it was delivered, with what follows from it."""

    position: int
    place: str
    frequency: str
    train: str
    trains: str
    gap: str
    intensity: str
    setting: str
    delivered: str
    pulses: str
    nominal: str
    last_pulse: str


def show_record(request: TrialRequest, enrolment: Enrolment, record: UUID) -> HttpResponse:
    """Show a session on record."""
    found = session_visible_to(request.user, record, request.trial)
    versions = versions_of(request.user, record)
    pains, effects = pains_of(request.user, [found]).get(record), side_effects_of(request.user, [found]).get(record, [])
    held = request.user.permissions_in(request.trial, enrolment.site)
    context = {
        **patient_frame(request, enrolment, "sessions"),
        "session": found,
        "blocks": list(block_lines(found)),
        "pains": pains,
        "pain_text": pain_text(pains),
        "events": effects,
        "effects_text": effects_text(found, effects),
        "new_text": new_text(found),
        "deviations": list(found.deviations.all()),
        "versions": versions,
        "dose": against_plan(found),
        "entered_late": is_late(versions[0]) if versions else False,
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


def against_plan(session: StimulationSession) -> str:
    """Return pulses given of those planned, with their share rounded down, so that 79.9 % is never shown as 80 %."""
    if session.pulses_planned is None:
        return count_text(session.pulses_delivered)
    words = {"given": count_text(session.pulses_delivered), "planned": count_text(session.pulses_planned)}
    if not session.pulses_planned:
        return words["given"]
    share = 100 * session.pulses_delivered // session.pulses_planned
    return _("%(given)s of %(planned)s planned (%(share)d %%)") % {**words, "share": share}


def block_lines(session: StimulationSession) -> Iterator[BlockLine]:
    """Yield the blocks in order."""
    for block in session.blocks.all():
        yield block_line(block, session)


def block_line(block: StimulationBlock, session: StimulationSession) -> BlockLine:
    """Return one block as text."""
    pattern, setting = block.pattern, block.setting_percent_mso
    known = setting is not None and session.threshold_percent_mso is not None and block.intensity_reference != "mso"
    threshold = (session.threshold_percent_mso or 0) * (session.threshold_factor or 1)
    return BlockLine(
        position=block.position,
        place=f"{block.target_text or block.get_target_display()}, {block.get_hemisphere_display().lower()}",
        frequency=f"{decimal_text(pattern.frequency_hz)} Hz",
        train=_("%(n)d bursts of %(pulses)d") % {"n": pattern.bursts_per_train, "pulses": pattern.pulses_per_burst}
        if pattern.is_bursts
        else length_text(pattern.train_s),
        trains=count_text(pattern.trains),
        gap=f"{decimal_text(pattern.gap_s)} s" if pattern.trains > 1 else "–",
        intensity=f"{decimal_text(block.intensity_percent)} % {block.intensity_reference.upper()}",
        setting="–" if setting is None else f"{setting} % MSO",
        delivered=f"{percent_text(delivered_percent(setting, threshold))} %" if known and setting is not None else "–",
        pulses=count_text(pattern.pulses),
        nominal=length_text(pattern.nominal_s),
        last_pulse=length_text(pattern.last_pulse_s),
    )
