"""trial.toml: text to definition and back. Writing what was read gives the canonical text."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from registry.rules.tables import stimulation_sections
from registry.rules.tables import trial_sections as sections
from registry.rules.tables.cells import canonical_decimal
from registry.rules.tables.columns import Table
from registry.rules.tables.plan_facts import PlanContext, check_plan, complete_baseline, complete_plan, complete_time_points
from registry.rules.tables.problems import FileProblem, name_remedy
from registry.rules.tables.section_reader import TRIAL_FILE, SectionReader, Values
from registry.rules.tables.stimulation_toml import check_treatments, read_coils, read_conversions, read_prescriptions, read_stimulators
from registry.rules.tables.trial_facts import (
    EpochFacts,
    LookFacts,
    PlanFacts,
    ProtocolFacts,
    ScaleFacts,
    SiteFacts,
    TreatmentFacts,
    TrialDefinition,
    TrialFacts,
    VisitTypeFacts,
)

TOP_LEVEL = (
    *("trial", "sites", "treatments", "stimulators", "coils", "coil_conversions", "visit_types", "scales"),
    *("protocol", "plan", "looks"),
)
SCALE_LIMIT = 1000


def read_trial(text: str) -> tuple[TrialDefinition | None, list[FileProblem]]:
    """Return the definition a text holds, or None with everything that is wrong with it."""
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax_problem(str(error))]
    reader = SectionReader(text)
    for key in data:
        if key not in TOP_LEVEL:
            reader.problem(key, 0, "", None, f"there is no section '{key}'", name_remedy(key, TOP_LEVEL, "section"))
    definition = definition_from(reader, data)
    return (None if reader.problems else definition), reader.problems


def _syntax_problem(message: str) -> FileProblem:
    place = re.search(r"at line (\d+)", message)
    wrong = re.sub(r"\s*\(at [^)]*\)", "", message)
    return FileProblem(
        TRIAL_FILE, int(place[1]) if place else 0, "", "", f"this is no TOML: {wrong}", "See docs/reference/trial-folder.md for an example"
    )


def definition_from(reader: SectionReader, data: Mapping[str, Any]) -> TrialDefinition | None:
    """Return the definition that sections hold, every default filled in; of use only where the reader found no problem."""
    trial = reader.read(sections.TRIAL, 0, data.get("trial", {}))
    _check_recruitment(reader, trial)
    sites = reader.read_list(sections.SITES, data.get("sites"))
    if not sites:
        reader.problem("sites", 0, "", None, "the trial has no site", 'Add at least one [[sites]] with code = "..."')
    treatments = reader.read_list(sections.TREATMENTS, data.get("treatments"))
    site_codes = {row["code"] for row in sites}
    stimulators, coils = read_stimulators(reader, data, site_codes), read_coils(reader, data, site_codes)
    conversions = read_conversions(reader, data)
    visits = [_labelled(row) for row in reader.read_list(sections.VISIT_TYPES, data.get("visit_types"))]
    scales = [_labelled(row) for row in reader.read_list(sections.SCALES, data.get("scales"))]
    _check_scales(reader, scales)
    looks = [_labelled(row) for row in reader.read_list(sections.LOOKS, data.get("looks"))]
    protocols = _protocols(reader, data.get("protocol"), {row["code"] for row in treatments})
    if reader.problems:
        return None
    scale_facts = tuple(ScaleFacts(**row) for row in scales)
    visit_facts = tuple(VisitTypeFacts(**row) for row in visits)
    context = PlanContext(trial["design"], {visit.code: visit for visit in visit_facts}, scale_facts)
    return TrialDefinition(
        trial=TrialFacts(**trial),
        sites=tuple(SiteFacts(**{**row, "name": row["name"] or row["code"]}) for row in sites),
        treatments=tuple(TreatmentFacts(**_labelled(row)) for row in treatments),
        stimulators=stimulators,
        coils=coils,
        coil_conversions=conversions,
        visit_types=visit_facts,
        scales=scale_facts,
        protocols=protocols,
        plans=_plans(reader, data.get("plan"), context),
        looks=tuple(LookFacts(**row) for row in looks),
    )


def _check_recruitment(reader: SectionReader, trial: Values) -> None:
    starts_on, ends_on = trial.get("recruitment_starts_on"), trial.get("recruitment_ends_on")
    if starts_on is not None and ends_on is not None and ends_on <= starts_on:
        wrong = f"is not after the first day of recruitment, {starts_on}"
        reader.problem("trial", 0, "recruitment_ends_on", ends_on, wrong, "Enter a later day")


def _labelled(row: Values) -> Values:
    return {**row, "label": row["label"] or row["code"]}


def _check_scales(reader: SectionReader, scales: list[Values]) -> None:
    for number, scale in enumerate(scales):
        low, high = scale["minimum"], scale["maximum"]
        if high is not None and low >= high:
            reader.problem("scales", number, "maximum", high, f"does not lie above the minimum, {low:f}", "Swap them")
        elif high is not None and max(-low, high) > SCALE_LIMIT:
            right = f"Use a range inside -{SCALE_LIMIT} to {SCALE_LIMIT}, for example by another unit"
            reader.problem("scales", number, "maximum", high, "makes a range too wide for exact sums", right)
        if scale["step"] is not None and scale["step"] <= 0:
            reader.problem("scales", number, "step", scale["step"], "is not above 0", "Leave it out where values are as published")


def _as_list(data: object) -> list[Any]:
    """Return [name] as a list of one, [[name]] as it is."""
    return [] if data is None else data if isinstance(data, list) else [data]


def _protocols(reader: SectionReader, data: object, treatments: set[str]) -> tuple[ProtocolFacts, ...]:
    protocols: list[ProtocolFacts] = []
    first = prescribed = blocked = 0
    for number, one in enumerate(_as_list(data)):
        inner = one if isinstance(one, Mapping) else {}
        values = reader.read(sections.PROTOCOL, number, one, inner=("epochs", "prescriptions", "blocks"))
        epochs = reader.read_list(sections.EPOCHS, inner.get("epochs"), first=first)
        _check_epochs(reader, epochs, first)
        prescriptions, blocks = read_prescriptions(reader, inner, (prescribed, blocked))
        check_treatments(reader, prescriptions, treatments, prescribed)
        first, prescribed, blocked = first + len(epochs), prescribed + len(prescriptions), blocked + len(blocks)
        protocols.append(
            ProtocolFacts(**values, epochs=tuple(EpochFacts(**row) for row in epochs), prescriptions=prescriptions, blocks=blocks)
        )
    _check_versions(reader, "protocol", [protocol.version for protocol in protocols])
    return tuple(protocols)


def _check_epochs(reader: SectionReader, epochs: list[Values], first: int) -> None:
    for number, epoch in enumerate(epochs, start=first):
        if epoch["last_day"] is not None and epoch["first_day"] is not None and epoch["last_day"] < epoch["first_day"]:
            reader.problem("protocol.epochs", number, "last_day", epoch["last_day"], "lies before the first day", "Swap them")


def _check_versions(reader: SectionReader, section: str, versions: list[str]) -> None:
    for number, version in enumerate(versions):
        if version in versions[:number]:
            reader.problem(section, number, "version", version, "stands twice", "Give each version its own name")


def _plans(reader: SectionReader, data: object, context: PlanContext) -> tuple[PlanFacts, ...]:
    plans: list[PlanFacts] = []
    points = contrasts = 0
    for number, one in enumerate(_as_list(data)):
        values = reader.read(sections.PLAN, number, one, inner=("baseline", "time_points", "contrasts"))
        inner = one if isinstance(one, Mapping) else {}
        baseline = reader.read(sections.BASELINE, number, inner.get("baseline", {}))
        point_rows = reader.read_list(sections.TIME_POINTS, inner.get("time_points"), first=points)
        contrast_rows = reader.read_list(sections.CONTRASTS, inner.get("contrasts"), first=contrasts)
        points, contrasts = points + len(point_rows), contrasts + len(contrast_rows)
        if not reader.problems:
            plan = complete_plan(values, complete_baseline(baseline), complete_time_points(point_rows, context), contrast_rows, context)
            check_plan(reader, number, plan, context)
            plans.append(plan)
    _check_versions(reader, "plan", [plan.version for plan in plans])
    return tuple(plans)


def write_trial(definition: TrialDefinition) -> str:
    """Return the canonical text: every key that has a value, in the order of the reference."""
    return "\n\n".join(_blocks(definition)) + "\n"


def _blocks(definition: TrialDefinition) -> Iterator[str]:
    yield _block("[trial]", sections.TRIAL, definition.trial)
    for site in sorted(definition.sites, key=lambda site: site.code):
        yield _block("[[sites]]", sections.SITES, site)
    for treatment in sorted(definition.treatments, key=lambda treatment: treatment.code):
        yield _block("[[treatments]]", sections.TREATMENTS, treatment)
    yield from _device_blocks(definition)
    for visit in definition.visit_types:
        yield _block("[[visit_types]]", sections.VISIT_TYPES, visit)
    for scale in sorted(definition.scales, key=lambda scale: (scale.code, scale.version)):
        yield _block("[[scales]]", sections.SCALES, scale)
    for protocol in definition.protocols:
        yield from _protocol_blocks(protocol, _header("protocol", definition.protocols))
    for plan in definition.plans:
        yield from _plan_blocks(plan, _header("plan", definition.plans))
    for look in sorted(definition.looks, key=lambda look: (look.planned_on, look.code)):
        yield _block("[[looks]]", sections.LOOKS, look)


def _device_blocks(definition: TrialDefinition) -> Iterator[str]:
    for stimulator in sorted(definition.stimulators, key=lambda one: one.code):
        yield _block("[[stimulators]]", stimulation_sections.STIMULATORS, stimulator)
    for coil in sorted(definition.coils, key=lambda one: one.code):
        yield _block("[[coils]]", stimulation_sections.COILS, coil)
    for conversion in sorted(definition.coil_conversions, key=lambda one: (one.from_model, one.to_model)):
        yield _block("[[coil_conversions]]", stimulation_sections.COIL_CONVERSIONS, conversion)


def _protocol_blocks(protocol: ProtocolFacts, header: str) -> Iterator[str]:
    yield _block(header, sections.PROTOCOL, protocol)
    yield from (_block("[[protocol.epochs]]", sections.EPOCHS, epoch) for epoch in protocol.epochs)
    for one in protocol.prescriptions:
        yield _block("[[protocol.prescriptions]]", stimulation_sections.PRESCRIPTIONS, one)
    for block in protocol.blocks:
        yield _block("[[protocol.blocks]]", stimulation_sections.BLOCKS, block)


def _header(name: str, versions: Sequence[object]) -> str:
    return f"[{name}]" if len(versions) == 1 else f"[[{name}]]"


def _plan_blocks(plan: PlanFacts, header: str) -> Iterator[str]:
    yield _block(header, sections.PLAN, plan)
    yield _block("[plan.baseline]", sections.BASELINE, plan.baseline)
    yield from (_block("[[plan.time_points]]", sections.TIME_POINTS, point) for point in plan.time_points)
    yield from (_block("[[plan.contrasts]]", sections.CONTRASTS, contrast) for contrast in plan.contrasts)


def _block(header: str, table: Table, facts: object) -> str:
    values = {column.name: getattr(facts, column.name) for column in table.columns}
    return "\n".join([header, *(f"{name} = {_literal(value)}" for name, value in values.items() if value not in (None, "", ()))])


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, Decimal):
        return canonical_decimal(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(str(value), ensure_ascii=False)
