"""The change history of versioned records in sentences: sessions, thresholds, adverse events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.rules.history_sentences import TOLD_ONE_BY_ONE, difference, given


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """What one change did to one version of a record: wrote it (`inserted`) or voided it. `when` is its day, `values` are words."""

    change: UUID
    record: UUID
    version: int
    inserted: bool
    when: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Noun:
    """What such a record is called: one, several, and the value that names one of a day ('' where the day does)."""

    one: str
    several: str
    named_by: str = ""


def record_sentences(noun: Noun, versions: Sequence[RecordVersion]) -> dict[UUID, list[str]]:
    """Return the sentences of each change: new records together where there are many, the rest one by one."""
    written = {(version.record, version.version): version for version in versions if version.inserted}
    voided = {(version.record, version.version) for version in versions if not version.inserted}
    groups: dict[UUID, list[RecordVersion]] = {}
    for version in versions:
        groups.setdefault(version.change, []).append(version)
    return {change: _told(noun, group, written, voided) for change, group in groups.items()}


Written = Mapping[tuple[UUID, int], RecordVersion]


def _told(noun: Noun, group: list[RecordVersion], written: Written, voided: set[tuple[UUID, int]]) -> list[str]:
    new = [version for version in group if version.inserted and version.version == 1]
    later = [version for version in group if not version.inserted or version.version > 1]
    return [*_new(noun, new), *(_later(noun, version, written, voided) for version in later)]


def _new(noun: Noun, new: list[RecordVersion]) -> list[str]:
    if len(new) > TOLD_ONE_BY_ONE:
        return [f"Recorded {len(new)} {noun.several}, from {min(row.when for row in new)} to {max(row.when for row in new)}."]
    return [f"Recorded {_which(noun, row)}{given(_details(noun, row))}." for row in new]


def _later(noun: Noun, version: RecordVersion, written: Written, voided: set[tuple[UUID, int]]) -> str:
    """Say what became of a record that was there already."""
    if not version.inserted:
        return f"Voided {_which(noun, version)}."
    key = (version.record, version.version - 1)
    if key in voided:
        return f"Restored {_which(noun, version)}, which had been voided."
    before = written.get(key)
    changed = difference(before.values, version.values) if before else ""
    return f"Corrected {_which(noun, before or version)}{f': {changed}' if changed else ''}."


def _which(noun: Noun, version: RecordVersion) -> str:
    name = version.values.get(noun.named_by, "")
    return f"the {noun.one}{f' {name}' if name else ''} of {version.when}"


def _details(noun: Noun, version: RecordVersion) -> dict[str, str]:
    return {name: text for name, text in version.values.items() if name != noun.named_by}
