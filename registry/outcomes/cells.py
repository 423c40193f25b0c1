"""Counts and sums of a group of endpoints at one time point, exact, and how they are read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from registry.rules.scores import UNITS_PER_POINT
from registry.stats.moments import Moments, moments_from_sums
from registry.vocabulary import EndpointStatus, MissingReason, MissingRule

NEVER_JUDGED = (EndpointStatus.NOT_DUE, EndpointStatus.DIED, EndpointStatus.NO_BASELINE, EndpointStatus.BASELINE_ZERO)
MEAN_RULES = (MissingRule.OC, MissingRule.LOCF, MissingRule.BOCF)


@dataclass
class Sums:
    """How many, and the exact sums of baseline, value and change and of their squares, in steps of 10^-6."""

    n: int = 0
    totals: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(("baseline", "value", "change"), Fraction()))
    squares: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(("baseline", "value", "change"), Fraction()))

    def add(self, other: Sums) -> None:
        """Take another group's sums in."""
        self.n += other.n
        for name in self.totals:
            self.totals[name] += other.totals[name]
            self.squares[name] += other.squares[name]

    def moments(self, name: str) -> Moments:
        """Return mean and SD on the scale."""
        return moments_from_sums(self.n, self.totals[name], self.squares[name], Fraction(1, UNITS_PER_POINT))


@dataclass
class Cell:
    """One group at one time point.

    `missing` counts by reason those without a value among the missing, `stopped_missing` among composite stops.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    stopped_missing: Counter[str] = field(default_factory=Counter)
    responders: Counter[tuple[MissingRule, int]] = field(default_factory=Counter)
    sums: dict[MissingRule, Sums] = field(default_factory=lambda: {rule: Sums() for rule in MEAN_RULES})

    def add(self, other: Cell) -> None:
        """Take another group in."""
        self.statuses.update(other.statuses)
        self.missing.update(other.missing)
        self.stopped_missing.update(other.stopped_missing)
        self.responders.update(other.responders)
        for rule, sums in self.sums.items():
            sums.add(other.sums[rule])

    @property
    def population(self) -> int:
        """Return how many there are, due or not."""
        return self.statuses.total()

    @property
    def due(self) -> int:
        """Return how many are due: the denominator of NRI."""
        return self.population - self.statuses[EndpointStatus.NOT_DUE]

    @property
    def with_value(self) -> int:
        """Return how many have a baseline above 0 and a value: the denominator of OC."""
        return self.judged - self.missing.total() - self.stopped_missing.total()

    @property
    def judged(self) -> int:
        """Return how many enter LOCF and BOCF."""
        return self.population - sum(self.statuses[status] for status in NEVER_JUDGED)

    def denominator(self, rule: MissingRule) -> int:
        """Return how many a rule looks at (R12, R13, R15)."""
        match rule:
            case MissingRule.NRI:
                return self.due
            case MissingRule.OC:
                return self.with_value
            case _:
                return self.judged

    def check(self, thresholds: Iterable[int]) -> None:
        """Raise ArithmeticError unless the parts add up to those due (R18)."""
        reasons = sum(self.statuses[status] for status in (*NEVER_JUDGED[1:], EndpointStatus.COMPOSITE_STOP)) + self.missing.total()
        for threshold in thresholds:
            responders = self.responders[MissingRule.NRI, threshold]
            non_responders = self.statuses[EndpointStatus.OBSERVED] - responders
            if non_responders < 0 or self.due != responders + non_responders + reasons:
                raise ArithmeticError(f"{responders} responders, {non_responders} others observed and {reasons} not are not {self.due} due")


@dataclass(frozen=True)
class Group:
    """Where a cell belongs: time point (1 is the first), condition of the primary pain, analysis site, arm in the closed room."""

    place: int
    condition: str
    site_id: int
    arm_id: int | None = None


def sum_cells(parts: Iterable[Cell]) -> Cell:
    """Return one cell that holds all parts."""
    whole = Cell()
    for part in parts:
        whole.add(part)
    return whole


@dataclass(frozen=True)
class CountedRow:
    """What the database counted: endpoints of one group alike in status, reason, source and numbers of values."""

    group: Group
    status: str
    reason: str | None
    source: str | None
    baseline_n: int
    used_n: int
    endpoints: int
    sums: tuple[int, int, int, int, int]
    reached: tuple[int, ...]


def cells_from(rows: Iterable[CountedRow], thresholds: tuple[int, ...]) -> dict[Group, Cell]:
    """Return the cells of all groups."""
    cells: dict[Group, Cell] = {}
    for row in rows:
        cells.setdefault(row.group, Cell()).add(_cell_of(row, thresholds))
    return cells


def _cell_of(row: CountedRow, thresholds: tuple[int, ...]) -> Cell:
    cell = Cell(statuses=Counter({row.status: row.endpoints}))
    if row.reason is not None:
        kept = cell.missing if row.status == EndpointStatus.MISSING else cell.stopped_missing
        kept[MissingReason(row.reason)] += row.endpoints
    cell.responders = Counter({(rule, cut): n for rule in _rules_reached(row) for cut, n in zip(thresholds, row.reached, strict=True)})
    for rule, sums in _sums_of(row):
        cell.sums[rule] = sums
    return cell


def _rules_reached(row: CountedRow) -> tuple[MissingRule, ...]:
    """Return the rules under which these endpoints respond where the value in use reaches a threshold.

    Under BOCF a missing value never does, under LOCF a carried one may, and a composite stop never does under NRI (R14).
    """
    if row.status in NEVER_JUDGED or row.source == "baseline":
        return ()
    if row.source == "carried":
        return (MissingRule.LOCF,)
    return MEAN_RULES if row.status == EndpointStatus.COMPOSITE_STOP else (MissingRule.NRI, *MEAN_RULES)


def _sums_of(row: CountedRow) -> Iterator[tuple[MissingRule, Sums]]:
    """Yield what the endpoints add to the means of each rule; a baseline of 0 and a composite stop stay in (R13, R14)."""
    if row.source is None:
        return
    own = _sums(row, carried=True)
    if row.source == "observed":
        yield MissingRule.OC, own
    yield MissingRule.LOCF, own
    yield MissingRule.BOCF, own if row.source == "observed" else _sums(row, carried=False)


def _sums(row: CountedRow, *, carried: bool) -> Sums:
    """Return the sums with the value in use, or with the baseline in its place."""
    b, bb, u, uu, bu = row.sums
    n_b, n_u = row.baseline_n, row.used_n
    baseline, baseline2 = Fraction(b, n_b), Fraction(bb, n_b * n_b)
    if not carried:
        u, uu, bu, n_u = b, bb, bb, n_b
    value, value2, product = Fraction(u, n_u), Fraction(uu, n_u * n_u), Fraction(bu, n_b * n_u)
    return Sums(
        row.endpoints,
        {"baseline": baseline, "value": value, "change": value - baseline},
        {"baseline": baseline2, "value": value2, "change": value2 - 2 * product + baseline2},
    )
