"""Devices and prescriptions in trial.toml: read with their references checked, and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from registry.rules.tables import stimulation_sections as sections
from registry.rules.tables.columns import Table
from registry.rules.tables.patterns import PATTERN_KEYS, read_block
from registry.rules.tables.problems import name_remedy
from registry.rules.tables.section_reader import SectionReader, Values
from registry.rules.tables.stimulation_facts import BlockFacts, CoilConversionFacts, CoilFacts, PrescriptionFacts, StimulatorFacts
from registry.vocabulary import StimulationTarget

FACTORS = (Decimal("0.1"), Decimal(10))


def read_stimulators(reader: SectionReader, data: Mapping[str, Any], sites: Collection[str]) -> tuple[StimulatorFacts, ...]:
    """Return the stimulators."""
    rows = _at_sites(reader, sections.STIMULATORS, data.get("stimulators"), sites)
    return tuple(StimulatorFacts(**row) for row in rows)


def read_coils(reader: SectionReader, data: Mapping[str, Any], sites: Collection[str]) -> tuple[CoilFacts, ...]:
    """Return the coils."""
    return tuple(CoilFacts(**row) for row in _at_sites(reader, sections.COILS, data.get("coils"), sites))


def _at_sites(reader: SectionReader, table: Table, data: object, sites: Collection[str]) -> list[Values]:
    rows = reader.read_list(table, data)
    for number, row in enumerate(rows):
        if row["site"] and row["site"] not in sites:
            reader.problem(table.name, number, "site", row["site"], "is no site of the trial", name_remedy(row["site"], sites, "site"))
    return rows


def read_conversions(reader: SectionReader, data: Mapping[str, Any]) -> tuple[CoilConversionFacts, ...]:
    """Return the conversions of thresholds between coil models."""
    rows = reader.read_list(sections.COIL_CONVERSIONS, data.get("coil_conversions"))
    for number, row in enumerate(rows):
        _check_conversion(reader, number, row)
    return tuple(CoilConversionFacts(**row) for row in rows)


def _check_conversion(reader: SectionReader, number: int, row: Values) -> None:
    name, factor = sections.COIL_CONVERSIONS.name, row["factor"]
    if factor is not None and not (FACTORS[0] <= factor <= FACTORS[1] and factor == round(factor, 4)):
        reader.problem(name, number, "factor", factor, "is no factor", "Enter a number from 0.1 to 10 with at most four decimals")
    if row["from_model"] and row["from_model"] == row["to_model"]:
        reader.problem(name, number, "to_model", row["to_model"], "is the same model", "Name another model; within one no factor is needed")


def read_prescriptions(
    reader: SectionReader, protocol: object, first: tuple[int, int]
) -> tuple[tuple[PrescriptionFacts, ...], tuple[BlockFacts, ...]]:
    """Return what one version prescribes; `first` are the numbers of its first prescription and block in the file."""
    inner = protocol if isinstance(protocol, Mapping) else {}
    rows = reader.read_list(sections.PRESCRIPTIONS, inner.get("prescriptions"), first=first[0])
    blocks = reader.read_list(sections.BLOCKS, inner.get("blocks"), first=first[1])
    _check_days(reader, rows, first[0])
    _check_belonging(reader, rows, blocks, first)
    found = [block for number, row in enumerate(blocks, start=first[1]) if (block := _block(reader, number, row)) is not None]
    in_order = tuple(block for row in rows for block in found if block.treatment == row["treatment"])
    return tuple(PrescriptionFacts(**row) for row in rows), in_order


def _check_days(reader: SectionReader, rows: list[Values], first: int) -> None:
    for number, row in enumerate(rows, start=first):
        days = row["session_days"]
        if None not in days and list(days) != sorted(days):
            shown = ", ".join(map(str, days))
            reader.problem(sections.PRESCRIPTIONS.name, number, "session_days", shown, "are not in their order", "Sort them by day")


def _check_belonging(reader: SectionReader, rows: list[Values], blocks: list[Values], first: tuple[int, int]) -> None:
    """Note prescriptions without a block, and blocks without a prescription."""
    prescribed, given = {row["treatment"] for row in rows}, {block["treatment"] for block in blocks}
    for number, row in enumerate(rows, start=first[0]):
        if row["treatment"] not in given:
            right = "Add [[protocol.blocks]] with the same treatment"
            reader.problem(sections.PRESCRIPTIONS.name, number, "treatment", row["treatment"] or None, "has no block", right)
    for number, block in enumerate(blocks, start=first[1]):
        if block["treatment"] not in prescribed:
            right = "Add [[protocol.prescriptions]] with the same treatment"
            reader.problem(sections.BLOCKS.name, number, "treatment", block["treatment"] or None, "belongs to no prescription", right)


def _block(reader: SectionReader, number: int, row: Values) -> BlockFacts | None:
    """Return a block, or None having noted what is wrong with it."""
    name = sections.BLOCKS.name
    if row["target"] == StimulationTarget.OTHER and not row["target_text"]:
        reader.problem(name, number, "target_text", None, "is empty", "Say which target it is")
    if row["frequency_hz"] is None or row["intensity_percent"] is None or not row["target"] or not row["hemisphere"]:
        return None  # the reader has noted what is missing
    pattern, complaints = read_block(row)
    for one in complaints:
        reader.problem(name, number, one.column, one.value or None, one.wrong, one.right)
    if pattern is None:
        return None
    others = {key: value for key, value in row.items() if key not in PATTERN_KEYS}
    return BlockFacts.of(pattern, **others)


def check_treatments(reader: SectionReader, prescriptions: Iterable[PrescriptionFacts], treatments: Collection[str], first: int) -> None:
    """Note prescriptions for what is no treatment of the trial."""
    for number, one in enumerate(prescriptions, start=first):
        if one.treatment and one.treatment not in treatments:
            remedy = name_remedy(one.treatment, treatments, "treatment")
            reader.problem(sections.PRESCRIPTIONS.name, number, "treatment", one.treatment, "is no treatment of the trial", remedy)
