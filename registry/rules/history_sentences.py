"""The change history in sentences: versions of rows and of pain scores in, words out. Days stay in ISO form for the page to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

# More new scores than this in one change are told as a number: an import is one sentence, not four hundred.
TOLD_ONE_BY_ONE = 3
VOIDED = "voided_at"
WORDS = {"icd10": "ICD-10", "icd11": "ICD-11", "percent_mso": "% MSO", "threshold_percent_mso": "threshold in % MSO"}


@dataclass(frozen=True, slots=True)
class RowVersion:
    """What one change left of one row: `label` is insert, update or delete, `values` are words people read."""

    change: UUID
    row: int
    label: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScoreVersion:
    """What one change did to one version of a score: wrote it (`inserted`) or voided it."""

    change: UUID
    record: UUID
    version: int
    inserted: bool
    value: Decimal
    when: str


def row_sentences(noun: str, named_by: str, versions: Iterable[RowVersion]) -> Iterator[tuple[UUID, str]]:
    """Yield each change with its sentence, the oldest first; an update that shows nothing worth telling yields none.

    `noun` names the kind of row ("a diagnosis"), `named_by` the value that tells one row from the next ('' where there is one).
    """
    before: dict[int, Mapping[str, str]] = {}
    for version in versions:
        sentence = _row_sentence(noun, named_by, version, before.get(version.row))
        if sentence:
            yield version.change, sentence
        before[version.row] = version.values


def _row_sentence(noun: str, named_by: str, version: RowVersion, before: Mapping[str, str] | None) -> str:
    values = version.values
    if version.label == "insert":
        return f"Added {noun}{given(values)}."
    which = _which(noun, before.get(named_by, "") if before else values.get(named_by, ""))
    if version.label == "delete":
        return f"Deleted {which}."
    if before is None or not values:
        return f"Changed {which}."
    if before.get(VOIDED, "") != values.get(VOIDED, ""):
        return f"Voided {which}." if values[VOIDED] else f"Restored {which}, which had been voided."
    changed = difference(before, values)
    return f"Changed in {which}: {changed}." if changed else ""


def given(values: Mapping[str, str]) -> str:
    """Return ': name value, name value' for what has a value, '' where nothing has."""
    told = ", ".join(f"{_name(name)} {text}" for name, text in values.items() if text)
    return f": {told}" if told else ""


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return 'name from old to new; …' for each value that changed."""
    return "; ".join(_change(name, before[name], text) for name, text in after.items() if text != before[name])


def _which(noun: str, name: str) -> str:
    """Return the noun for one known row: 'a diagnosis' becomes 'the diagnosis (Low back pain)'."""
    definite = f"the {noun.removeprefix('a ')}" if noun.startswith("a ") else noun
    return f"{definite} ({name})" if name else definite


def _change(name: str, old: str, new: str) -> str:
    return f"{_name(name)} from {old or 'nothing'} to {new or 'nothing'}"


def _name(name: str) -> str:
    """Return a column's name as people say it."""
    return WORDS.get(name, name.replace("_", " "))


def score_sentences(versions: Sequence[ScoreVersion]) -> dict[UUID, list[str]]:
    """Return the sentences of each change of pain scores: new ones together, the rest one by one."""
    written = {(version.record, version.version): version.value for version in versions if version.inserted}
    voided = {(version.record, version.version) for version in versions if not version.inserted}
    groups: dict[UUID, list[ScoreVersion]] = {}
    for version in versions:
        groups.setdefault(version.change, []).append(version)
    return {change: _told(group, written, voided) for change, group in groups.items()}


def _told(group: list[ScoreVersion], written: Mapping[tuple[UUID, int], Decimal], voided: set[tuple[UUID, int]]) -> list[str]:
    """Return the sentences of one change."""
    new = [version for version in group if version.inserted and version.version == 1]
    later = [version for version in group if not version.inserted or version.version > 1]
    return [*_new_scores(new), *(_later(version, written, voided) for version in later)]


def _new_scores(new: list[ScoreVersion]) -> list[str]:
    if len(new) > TOLD_ONE_BY_ONE:
        return [f"Recorded {len(new)} pain scores, from {min(row.when for row in new)} to {max(row.when for row in new)}."]
    return [f"Recorded a pain score of {plain(row.value)} for {row.when}." for row in new]


def _later(version: ScoreVersion, written: Mapping[tuple[UUID, int], Decimal], voided: set[tuple[UUID, int]]) -> str:
    """Say what became of a score that was there already."""
    if not version.inserted:
        return f"Voided the pain score of {plain(version.value)} for {version.when}."
    before = (version.record, version.version - 1)
    if before in voided:
        return f"Restored the voided pain score of {plain(version.value)} for {version.when}."
    old = f" from {plain(written[before])}" if before in written else ""
    return f"Corrected the pain score for {version.when}{old} to {plain(version.value)}."


def plain(value: Decimal) -> str:
    """Return a value without trailing zeros."""
    return f"{value.normalize():f}"


def in_one_line(who: str, sentence: str, reason: str) -> str:
    """Return a sentence with its author in front and the reason behind: 'Ana Rivera corrected … from 5 to 6: typing error.'"""
    told = f"{who} {sentence[:1].lower()}{sentence[1:].removesuffix('.')}"
    return f"{told}: {reason.removesuffix('.')}." if reason else f"{told}."
