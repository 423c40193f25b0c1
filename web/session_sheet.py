"""What the session form says around its questions: who, the plan in words, and the values that follow from the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.forms import BoundField
from django.utils import formats
from django.utils.translation import gettext as _

from registry.rules.stimulation import (
    count_text,
    decimal_text,
    length_text,
    live_values,
    needs_reason,
    output_problem,
)
from registry.rules.stimulation.numbers import rounded_text
from registry.selectors.prescriptions import PlannedBlock
from registry.selectors.session_questions import SessionQuestion
from registry.vocabulary import SOLICITED_TERMS, ThresholdMethod
from web.session_form import BLOCK, SessionForm
from web.session_form_problems import all_problems, deviations_so_far, open_questions
from web.session_reading import Reading, Times

MORE = ("note", "kit_code", "pulse_counter", "for_date", "start_time", "end_time")


@dataclass(frozen=True)
class Cell:
    """One planned value."""

    label: str
    value: str
    unit: str = ""


@dataclass(frozen=True)
class PlanStrip:
    """The planned values of one block, with its place where there are several."""

    place: str
    cells: list[Cell]


@dataclass(frozen=True)
class LiveText:
    """The values that follow from the answers, as text; a dash where something is not known yet."""

    pulses: str
    length: str
    course: str
    course_planned: str
    setting: str
    above_output: str
    differs: str
    left: int
    end_unknown: bool


@dataclass(frozen=True)
class Entry:
    """One entry of a block's editor, and whether it belongs to a stopped session alone or to a changed one."""

    bound: BoundField
    only: str


@dataclass(frozen=True)
class Effect:
    """Strength and relation of one side effect."""

    term: str
    severity: BoundField
    relation: BoundField


@dataclass(frozen=True)
class SessionSheet:
    """The page around one form."""

    title: str
    heading: str
    who: str
    url: str
    live_url: str
    save_label: str
    began: str
    ended: str
    anything_new: str
    protocol_line: str
    attested: str
    threshold_hint: str
    given_hint: str
    kept_from_last: str
    more_open: bool
    plan: list[PlanStrip] = field(default_factory=list)
    editors: list[list[Entry]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    earlier: list[Any] = field(default_factory=list)


def live_text(asked: SessionQuestion, reading: Reading) -> LiveText:
    """Return the values beside the form for what was read of it."""
    values = live_values(reading.blocks, reading.threshold_percent, asked.course_before)
    too_strong = None
    if values.setting is not None and reading.blocks:
        too_strong = output_problem(values.setting, reading.blocks[0].intensity_percent)
    planned = asked.course_planned
    return LiveText(
        pulses=count_text(values.pulses),
        length=values.length_text,
        course=count_text(values.course_pulses),
        course_planned="" if planned is None else count_text(planned),
        setting="–" if values.setting is None else f"{values.setting} %",
        above_output="" if too_strong is None else too_strong.message,
        differs=", ".join(kind.label for kind in needs_reason(deviations_so_far(reading, asked))),
        left=open_questions(all_problems(reading, asked, complete=True)),
        end_unknown=reading.end_unknown,
    )


def session_sheet(form: SessionForm, times: Times, *, shown: Times | None, earlier: list[Any], urls: tuple[str, str]) -> SessionSheet:
    """Return the page around a form; `shown` are the times already known from answers."""
    asked = form.asked
    return SessionSheet(
        title=_("Log session %(number)d, %(code)s") % {"number": asked.number, "code": asked.enrolment.patient_code},
        heading=heading(asked),
        who=who(asked),
        url=urls[0],
        live_url=urls[1],
        save_label=_("Save session %(number)d") % {"number": asked.number},
        began=clock(shown.began, times) if shown is not None else "",
        ended=clock(shown.ended, times) if shown is not None and shown.ended is not None else "",
        anything_new=anything_new(asked),
        protocol_line=protocol_line(asked),
        attested=attested(form),
        threshold_hint=threshold_hint(asked),
        given_hint=_("your answer records every value above") if asked.prescribed is not None and asked.prescribed.whole else "",
        kept_from_last=kept_from_last(asked),
        more_open=any(form.value(name) or name in form.errors for name in MORE),
        plan=[strip(planned, named=len(form.planned) > 1) for planned in form.planned],
        editors=list(editors(form)),
        effects=[Effect(term, form[f"severity_{term}"], form[f"relation_{term}"]) for term in SOLICITED_TERMS],
        earlier=earlier,
    )


def clock(moment: datetime, times: Times) -> str:
    """Return a time of day where the patient is."""
    return f"{moment.astimezone(times.zone):%H:%M}"


def heading(asked: SessionQuestion) -> str:
    """Return who and which session; 'of n' only where the plan has so many."""
    words = {"code": asked.enrolment.patient_code, "number": asked.number}
    if asked.prescribed is not None and asked.number <= asked.prescribed.session_count:
        return _("%(code)s, session %(number)d of %(planned)d") % {**words, "planned": asked.prescribed.session_count}
    return _("%(code)s, session %(number)d") % words


def who(asked: SessionQuestion) -> str:
    """Return what tells one patient from another without a name."""
    pain = asked.pain
    parts = []
    if pain is not None:
        region = [pain.get_side_display().lower()] if pain.side in ("left", "right", "both", "midline") else []
        region += [pain.body_region] if pain.body_region else []
        parts.append(f"{pain.diagnosis.label}{', ' if region else ''}{' '.join(region)}")
    if asked.enrolment.patient.birth_year:
        parts.append(_("Born %(year)d") % {"year": asked.enrolment.patient.birth_year})
    return ". ".join(parts)


def anything_new(asked: SessionQuestion) -> str:
    """Return the question with the day it reaches back to."""
    if asked.last_on is None:
        return _("Anything new since enrolment?")
    return _("Anything new since %(day)s?") % {"day": formats.date_format(asked.last_on, "j F")}


def protocol_line(asked: SessionQuestion) -> str:
    """Return protocol, place and kit; never what the kit holds."""
    parts = []
    if asked.prescribed is not None:
        parts.append(_("Protocol %(version)s") % {"version": asked.prescribed.version.version})
        parts += [place(planned) for planned in asked.prescribed.blocks[:1]] if len(asked.prescribed.blocks) == 1 else []
    if asked.kit_code:
        parts.append(_("kit %(code)s") % {"code": asked.kit_code})
    return ", ".join(parts)


def place(planned: PlannedBlock) -> str:
    """Return target and hemisphere."""
    side = planned.hemisphere.label.lower() if planned.hemisphere is not None else _("side to be chosen")
    return f"{planned.target_text or planned.target.label}, {side}"


def attested(form: SessionForm) -> str:
    """Return what 'exactly as planned' says besides the values; where both coils are known nobody need attest their model."""
    if "coil_matches" in form.fields:
        return _("Hearing protection on, coil of the model the threshold was measured with")
    return _("Hearing protection on")


def threshold_hint(asked: SessionQuestion) -> str:
    """Return until when a threshold holds, and why the last one is not offered."""
    limit, age = asked.threshold_limit_days, asked.threshold_age_days
    if asked.usable_threshold is None and asked.threshold is not None and asked.number > 1 and age is not None:
        return _("the last one is %(age)d days old, too old to use") % {"age": age}
    if not limit:
        return _("measure it at every session") if limit == 0 else ""
    return _("re-measure after %(n)d days") % {"n": limit}


def kept_from_last(asked: SessionQuestion) -> str:
    """Return what a new measurement keeps from the last one."""
    last = asked.threshold
    if last is None:
        return ""
    method = ThresholdMethod(last.method).label
    # EMG stays EMG.
    kept = [last.get_hemisphere_display().lower(), last.muscle, method if method[:2].isupper() else method.lower()]
    if last.coil is not None:
        kept.append(_("coil %(code)s") % {"code": last.coil.code})
    return _("Measured as last time: %(how)s.") % {"how": ", ".join(part for part in kept if part)}


def strip(planned: PlannedBlock, *, named: bool) -> PlanStrip:
    """Return the planned values of a block as cells."""
    return PlanStrip(place(planned) if named else "", list(cells(planned)))


def cells(planned: PlannedBlock) -> Iterator[Cell]:
    """Yield frequency, train, trains, pause and intensity; a burst protocol says its bursts too."""
    pattern = planned.pattern
    if pattern.is_bursts and pattern.intra_burst_hz is not None:
        yield Cell(_("Bursts"), decimal_text(pattern.frequency_hz), "Hz")
        yield Cell(_("Burst"), str(pattern.pulses_per_burst), _("at %(hz)s Hz") % {"hz": decimal_text(pattern.intra_burst_hz)})
        yield Cell(_("Train"), str(pattern.bursts_per_train), _("bursts"))
    else:
        yield Cell(_("Frequency"), decimal_text(pattern.frequency_hz), "Hz")
        seconds = pattern.train_s
        yield Cell(_("Train"), rounded_text(seconds, 2), "s") if seconds < 120 else Cell(_("Train"), length_text(seconds))
    yield Cell(_("Trains"), str(pattern.trains))
    if pattern.trains > 1:
        yield Cell(_("Pause between"), decimal_text(pattern.gap_s), "s")
    yield Cell(_("Intensity"), decimal_text(planned.intensity_percent), f"% {planned.intensity_reference.upper()}")


def editors(form: SessionForm) -> Iterator[list[Entry]]:
    """Yield the entries of each block's editor."""
    for position in range(max(1, len(form.planned))):
        start = f"{BLOCK}{position}_"
        only = {f"{start}trains_done": "only-early", f"{start}broken": "only-early", f"{start}trains": "only-changed"}
        yield [Entry(form[name], only.get(name, "")) for name in form.fields if name.startswith(start)]
