"""What a figure is, and how its numbers are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from registry.selectors.outcome_payload import Counts, Curve, Group, Mean, Payload, Rate, TimePoint
from registry.vocabulary import MissingRule

MINUS = "\u2212"
_DECIMAL = re.compile(r"\d+\.\d+")
_INFINITE = re.compile(r"\bInf\b")
# The order in which a chart dresses its lines; colour, dash and symbol go by it.
POOLED = "pooled"


@dataclass(frozen=True)
class Figure:
    """One figure: the finding as a sentence, what is shown, how it reads aloud, the drawn data, the table, the rows to download.

    Without a `chart` the table is the figure. `few` says why nothing is drawn. `plot` holds a table's own drawing, if any.
    """

    key: str
    heading: str
    definition: str
    spoken: str
    columns: list[str]
    rows: list[list[str]]
    records: list[dict[str, object]]
    chart: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    caption: str = ""
    few: str = ""
    cuts: list[CutTab] = field(default_factory=list)
    plot: object = None

    @property
    def data_id(self) -> str:
        """Return the id under which a page holds the drawn data."""
        return f"data-{self.key}"


@dataclass(frozen=True)
class CutTab:
    """A threshold one may look at instead."""

    tenths: int
    label: str
    current: bool


@dataclass(frozen=True)
class Line:
    """Everybody together, or one arm, at one time point."""

    key: str
    name: str
    counts: Counts
    rates: list[Rate]
    means: list[Mean]
    curve: Curve | None

    def rate(self, cut: int, rule: MissingRule = MissingRule.NRI) -> Rate:
        """Return the rate at a threshold of the plan."""
        return next(row for row in self.rates if (row["threshold_tenths"], row["rule"]) == (cut, rule))

    def mean(self, measure: str, rule: MissingRule = MissingRule.OC) -> Mean:
        """Return the mean of baseline, value or change."""
        return next(row for row in self.means if (row["measure"], row["rule"]) == (measure, rule))


def lines_of(group: Group) -> list[Line]:
    """Return the lines a printed group is drawn with: its arms in order, else everybody."""
    arms = group.get("arms", [])
    if arms:
        return [Line(arm["code"], arm["label"], arm["counts"], arm["rates"], arm["means"], arm.get("curve")) for arm in arms]
    return [Line("", _("All"), group["counts"], group.get("rates", []), group.get("means", []), group.get("curve"))]


def whole(point: TimePoint) -> Group:
    """Return the group of everybody."""
    return next(group for group in point["groups"] if group["kind"] == "overall")


def leading(payload: Payload) -> TimePoint | None:
    """Return the primary time point, else the last one."""
    points = payload["time_points"]
    return next((point for point in points if point["primary"]), points[-1] if points else None)


def cut_tabs(payload: Payload, cut: int) -> list[CutTab]:
    """Return the plan's thresholds as tabs; a single one needs none."""
    cuts = payload["thresholds_tenths"]
    return [CutTab(one, at_least(one), one == cut) for one in cuts] if len(cuts) > 1 else []


def at_least(tenths: int) -> str:
    """Write a threshold: ≥ 30 %."""
    return f"\u2265\u2009{threshold(tenths)}"


def threshold(tenths: int) -> str:
    """Write tenths of a percent as people do: 30 %, 33.3 %."""
    whole_percent, tenth = divmod(tenths, 10)
    return f"{whole_percent}.{tenth} %" if tenth else f"{whole_percent} %"


def percent(value: float | None) -> str:
    """Write a share in percent with one decimal; none as a dash."""
    return "\u2013" if value is None else f"{100 * value:.1f} %"


def rounded(value: float, decimals: int = 1, *, signed: bool = False) -> str:
    """Write a number that may lie on either side of 0, with so many decimals, and a sign for the side.

    Where these would make it a zero it gets up to two more, until the side shows: a limit of +0.04 excludes 0, and "+0.0" would
    hide that. What is a zero even then is written without a sign.

    Examples
    --------
    >>> rounded(0.04, signed=True), rounded(-0.26), rounded(-0.0, signed=True), rounded(1e-17, signed=True)
    ('+0.04', '\u22120.3', '0.0', '0.0')
    """
    for digits in range(decimals, decimals + 3):
        text = f"{value:{'+' if signed else ''}.{digits}f}"
        if float(text):
            return text.replace("-", MINUS)
    return f"{0:.{decimals}f}"


def points(value: float) -> str:
    """Write a difference of shares in percentage points, signed."""
    return rounded(100 * value, signed=True)


def score(value: float | None) -> str:
    """Write a value of the scale, or a change on it, with one decimal."""
    return "\u2013" if value is None else rounded(value)


def exact(value: float | None) -> str:
    """Write a number so that it reads back as the same number."""
    return "" if value is None else repr(value)


def interval(row: Rate) -> str:
    """Write Wilson's interval: '32.0 to 65.2 %'."""
    if row["low"] is None or row["high"] is None:
        return "\u2013"
    return _("%(low)s to %(high)s") % {"low": f"{100 * row['low']:.1f}", "high": percent(row["high"])}


def share_of(row: Rate) -> str:
    """Write '15 of 31 (48.4 %)'."""
    return _("%(k)s of %(n)s (%(share)s)") % {"k": row["responders"], "n": row["n"], "share": percent(row["rate"])}


def joined(parts: list[str]) -> str:
    """Write a list as people do: 'a, b and c'."""
    if len(parts) < 2:
        return "".join(parts)
    return _("%(most)s and %(last)s") % {"most": ", ".join(parts[:-1]), "last": parts[-1]}


def limits_needed(text: str | None) -> str:
    """Write limits of the number needed with one decimal: patients come whole, and more digits than that mean nothing."""
    return _INFINITE.sub("\u221e", _DECIMAL.sub(lambda found: f"{Decimal(found[0]):.1f}", text or ""))
