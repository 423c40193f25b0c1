"""The groups of one time point: the whole, then by diagnosis, then by analysis site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from registry.models import Site
from registry.outcomes.cells import Cell, Group, sum_cells
from registry.outcomes.suppression import suppressed_groups
from registry.selectors import outcome_payload as shape
from registry.vocabulary import PainCondition

ByArm = Mapping[int | None, Cell]
# Writes into a group what its document prints of a cell, given whole and by arm.
Fill = Callable[[shape.Group, Cell, ByArm], None]


@dataclass(frozen=True)
class _Partition:
    """A way to divide everybody: what each part is called, in order, and to which part a cell belongs."""

    kind: str
    parts: Mapping[str, tuple[str, str]]
    key_of: Callable[[Group], str]
    minimum: int


def groups_of(cells: Mapping[Group, Cell], sites: Iterable[Site], fill: Fill, minimum: int) -> list[shape.Group]:
    """Return all groups of one time point that have anybody in them; the whole is always there."""
    conditions = {str(condition): (str(condition), condition.label) for condition in PainCondition}
    partitions = (
        _Partition("overall", {"": ("", "All")}, lambda _: "", 0),
        _Partition("diagnosis", conditions | {"": ("not_recorded", "Diagnosis not recorded")}, lambda group: group.condition, minimum),
        _Partition("site", {str(site.pk): (site.code, site.name) for site in sites}, lambda group: str(group.site_id), minimum),
    )
    return [group for partition in partitions for group in _divide(partition, cells, fill)]


def _divide(partition: _Partition, cells: Mapping[Group, Cell], fill: Fill) -> Iterator[shape.Group]:
    members: defaultdict[str, dict[Group, Cell]] = defaultdict(dict)
    for group, cell in cells.items():
        members[partition.key_of(group)][group] = cell
    whole = {key: sum_cells(inside.values()) for key, inside in members.items()}
    hidden = suppressed_groups(whole, partition.minimum)
    for key, (code, label) in partition.parts.items():
        if key not in whole and partition.kind != "overall":
            continue
        printed: shape.Group = {"kind": partition.kind, "code": code, "label": label, "suppressed": key in hidden}
        if key not in hidden:
            fill(printed, whole.get(key, Cell()), _by_arm(members[key]))
        yield printed


def _by_arm(cells: Mapping[Group, Cell]) -> ByArm:
    arms: defaultdict[int | None, Cell] = defaultdict(Cell)
    for group, cell in cells.items():
        arms[group.arm_id].add(cell)
    return arms
