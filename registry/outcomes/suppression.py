"""Small cells in open documents: which subgroups are not printed, so that nobody can be worked out (specification 2.6)."""

from __future__ import annotations

from collections.abc import Mapping

from registry.outcomes.cells import Cell


def suppressed_groups(cells: Mapping[str, Cell], minimum: int) -> frozenset[str]:
    """Return the subgroups of one partition whose counts stay unprinted.

    First those with any denominator from 1 to below the minimum; then, smallest first, as many others as it takes for
    the sum of what is left out, which anybody can work out from the whole, not to be that small itself.
    """
    hidden = {key for key, cell in cells.items() if _is_small(_sizes(cell), minimum)}
    others = sorted(cells.keys() - hidden, key=lambda key: (cells[key].due, cells[key].population, key))
    while others and _is_small(_totals(cells, hidden), minimum):
        hidden.add(others.pop(0))
    return frozenset(hidden)


def _sizes(cell: Cell) -> tuple[int, ...]:
    return cell.population, cell.due, cell.with_value, cell.judged


def _totals(cells: Mapping[str, Cell], hidden: set[str]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*(_sizes(cells[key]) for key in hidden), strict=True)))


def _is_small(sizes: tuple[int, ...], minimum: int) -> bool:
    return any(0 < size < minimum for size in sizes)
