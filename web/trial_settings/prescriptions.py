"""Prescriptions on the protocol pages: in words, as rows of a form, and published ones to begin from."""

from __future__ import annotations

from dataclasses import dataclass, fields

from django.utils.translation import gettext as _

from registry.rules.stimulation.presets import PRESETS, SOURCE_MARKS, Marks, Preset
from registry.rules.tables import stimulation_sections as sections
from registry.rules.tables.stimulation_facts import BlockFacts
from registry.rules.tables.trial_facts import ProtocolFacts
from registry.vocabulary import HemisphereRule, IntensityReference, StimulationTarget
from web.score_forms import decimal_text
from web.trial_settings.forms import typed_facts


@dataclass(frozen=True)
class PrescriptionWords:
    """What one version prescribes for a treatment."""

    treatment: str
    days: str
    lines: tuple[str, ...]
    source: str
    threshold_days: int
    received_percent: int


@dataclass(frozen=True)
class MarkedValue:
    """One value of a published protocol with how it came to be known."""

    name: str
    value: str
    mark: str


def prescriptions_in_words(protocol: ProtocolFacts, treatments: dict[str, str]) -> list[PrescriptionWords]:
    """Return what a version prescribes, each block in one sentence."""
    return [
        PrescriptionWords(
            treatments.get(one.treatment, "") or _("All treatments"),
            ", ".join(map(str, one.session_days)),
            tuple(block_in_words(block) for block in protocol.blocks_of(one.treatment)),
            one.source,
            one.threshold_max_age_days,
            one.received_percent,
        )
        for one in protocol.prescriptions
    ]


def block_in_words(block: BlockFacts) -> str:
    """Return target, pattern and intensity of a block."""
    target = block.target_text or StimulationTarget(block.target).label
    side = HemisphereRule(block.hemisphere).label.lower()
    reference = IntensityReference(block.intensity_reference).label.removeprefix("% ")
    pattern = block.pattern
    burst = _(" in bursts of %(n)d at %(rate)s Hz") % {"n": block.pulses_per_burst, "rate": decimal_text(block.intra_burst_hz)}
    given = {
        "target": target,
        "side": side,
        "rate": f"{decimal_text(block.frequency_hz)} Hz" + (burst if pattern.is_bursts else ""),
        "pulses": pattern.pulses_per_train,
        "trains": block.trains,
        "gap": decimal_text(block.gap_s),
        "total": pattern.pulses,
        "intensity": f"{decimal_text(block.intensity_percent)} % {reference}",
    }
    return (
        _("%(target)s, %(side)s: %(rate)s, %(trains)d trains of %(pulses)d pulses, gap %(gap)s s, %(total)d pulses, %(intensity)s") % given
    )


def initial_rows(last: ProtocolFacts | None, chosen: Preset | None) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return prescriptions and blocks to begin with: a published one if chosen, else those of the version before."""
    if chosen is not None:
        return [{"source": source_of(chosen)}], [preset_block(chosen)]
    if last is None:
        return [], []
    return (
        [typed_facts(one, sections.PRESCRIPTIONS) for one in last.prescriptions],
        [typed_facts(block, sections.BLOCKS) for block in last.blocks],
    )


def source_of(chosen: Preset) -> str:
    """Return the label with the mark of each value, as it will stand beside the prescription."""
    marks = [f"{name} {mark}" for name, mark in marks_of(chosen.marks).items() if mark]
    legend = _("R read in the publication, R2 in a review, C computed, M from memory")
    return f"{chosen.label} ({', '.join(marks)}; {legend}). {chosen.note}".strip()[:300]


def marks_of(marks: Marks) -> dict[str, str]:
    """Return the mark of each value by its name."""
    return {field.name: getattr(marks, field.name) for field in fields(marks)}


def preset_block(chosen: Preset) -> dict[str, object]:
    """Return a published protocol as a row; what its source leaves open stays empty."""
    count = "bursts_per_train" if chosen.pulses_per_burst > 1 else "pulses_per_train"
    values = {
        "target": chosen.target,
        "hemisphere": chosen.hemisphere_rule,
        "frequency_hz": decimal_text(chosen.frequency_hz),
        count: chosen.bursts_per_train,
        "trains": chosen.trains,
        "gap_s": decimal_text(chosen.gap_s),
        "pulses_per_burst": chosen.pulses_per_burst,
        "intra_burst_hz": decimal_text(chosen.intra_burst_hz),
        "intensity_percent": decimal_text(chosen.intensity_percent),
        "intensity_reference": chosen.intensity_reference,
    }
    return {name: "" if value is None else str(value) for name, value in values.items()}


def marked_values(chosen: Preset) -> list[MarkedValue]:
    """Return the values of a published protocol, each with its mark in words."""
    open_word = _("left open by the source")
    train = _("%(n)d pulses") % {"n": chosen.bursts_per_train * chosen.pulses_per_burst} if chosen.bursts_per_train else open_word
    shown = {
        "frequency": (_("Rate"), f"{decimal_text(chosen.frequency_hz)} Hz"),
        "intensity": (_("Intensity"), f"{decimal_text(chosen.intensity_percent)} {chosen.intensity_reference.label}"),
        "train": (_("Train"), train),
        "gap": (_("Gap"), f"{decimal_text(chosen.gap_s)} s" if chosen.gap_s is not None else open_word),
        "pulses": (_("Pulses"), str(chosen.pulses)),
        "sessions": (_("Sessions"), chosen.sessions or open_word),
    }
    marks = marks_of(chosen.marks)
    return [MarkedValue(name, value, SOURCE_MARKS[marks[key]]) for key, (name, value) in shown.items()]


def preset_choices() -> list[tuple[str, str]]:
    """Return the published protocols by their labels."""
    return [(one.code, one.label) for one in PRESETS]
