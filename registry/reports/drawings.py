"""The figures of a report, drawn from the same data as the dashboard's charts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from registry.reports.svg import GRID, INK, INK_2, INK_3, Canvas, Dress, dress, number, ticks
from registry.selectors.figures.diagnoses import HEIGHT, Forest, ForestRow

# Of the space between two places, how far apart arms stand.
DODGE = 0.14
MARK_WIDTH = 190.0


def cumulative(data: Mapping[str, Any]) -> str:
    """Draw for each amount of relief the share with at least that much, with intervals at the plan's thresholds."""
    canvas = Canvas((0, 100), (0, 100), top=32)
    _frame(canvas, [0, 20, 40, 60, 80, 100], percent=True)
    for tick in range(0, 101, 10):
        canvas.text(canvas.x(tick), canvas.height - canvas.bottom + 16, str(tick), at="middle")
    _below(canvas, _("Pain reduction from baseline, at least, in percent"))
    lines = data["lines"]
    for row, at in enumerate(lines[0]["at"]):
        canvas.line(canvas.x(at["x"]), canvas.top, canvas.x(at["x"]), canvas.height - canvas.bottom, stroke=INK_3, kind="axis", dash="2 3")
        # Two thresholds that lie close to each other are written one above the other.
        above = 18 if row % 2 and at["x"] - lines[0]["at"][row - 1]["x"] < 8 else 6
        canvas.text(canvas.x(at["x"]), canvas.top - above, f"\u2265 {number(at['x'])} %", at="middle")
    for place, line in enumerate(lines):
        its = dress(place, arms=bool(line["key"]))
        canvas.path([(canvas.x(x), canvas.y(y)) for x, y in zip(line["x"], line["y"], strict=True)], its, steps=True)
        for at in line["at"]:
            _estimate(canvas, canvas.x(at["x"]) + (place - (len(lines) - 1) / 2) * 9, at["y"], at["lo"], at["hi"], its)
    lowest = min(line["y"][0] for line in lines) if len(lines) > 1 else -1
    begins = [
        # The lowest name stands below its line, which falls while it is written.
        (
            min(y for x, y in zip(line["x"], line["y"], strict=True) if x <= 12) if line["y"][0] == lowest else line["y"][0],
            line["name"],
            dress(place, arms=bool(line["key"])),
        )
        for place, line in enumerate(lines)
    ]
    _names(canvas, begins, left=True)
    return canvas.svg()


def over_time(data: Mapping[str, Any]) -> str:
    """Draw the share of responders at each time point, with the number due below."""
    highest = max((top for line in data["lines"] for top in line["hi"] if top is not None), default=0.0)
    top = max(40.0, 20.0 * -(-highest // 20))
    canvas = _by_place(data, (0, top), _("Share"), [20.0 * step for step in range(int(top // 20) + 1)], percent=True)
    return canvas.svg()


def means(data: Mapping[str, Any]) -> str:
    """Draw the mean at baseline and at each time point."""
    highest = max((top for line in data["lines"] for top in (*line["hi"], *line["y"]) if top is not None), default=1.0)
    top = float(data["maximum"] or 0) or ticks(0, highest)[-1] + (ticks(0, highest)[1] if len(ticks(0, highest)) > 1 else 1)
    canvas = _by_place(data, (0, max(top, highest)), _("Mean"), ticks(0, max(top, highest)), percent=False)
    return canvas.svg()


def recruitment(data: Mapping[str, Any]) -> str:
    """Draw the cumulative number taken in, where the recent rate would lead, and the plan."""
    days = [date.fromisoformat(on).toordinal() for on in data["x"]]
    end = date.fromisoformat(data["until"]).toordinal() if data["until"] else days[-1] + 7
    ahead = [(date.fromisoformat(on).toordinal(), total) for on, total in data["ahead"]]
    plan = [(date.fromisoformat(on).toordinal(), number) for on, number in data["plan"]]
    first = min([days[0], *(day for day, _number in plan)])
    last = max([ahead[-1][0] if ahead else end, *(day for day, _number in plan)])
    highest = max([float(data["total"]), *data["high"], *(float(number) for _day, number in plan)], default=1.0)
    marks = ticks(0, max(highest, 1.0))
    canvas = Canvas((first, max(last, first + 7)), (0, max(highest, 1.0) * 1.05))
    _frame(canvas, marks, percent=False)
    _months(canvas, first, last)
    _planned(canvas, plan, data["plan_word"])
    its = dress(0, arms=False)
    if ahead:
        canvas.band(
            [(canvas.x(day), canvas.y(high)) for (day, _total), high in zip(ahead, data["high"], strict=True)],
            [(canvas.x(day), canvas.y(low)) for (day, _total), low in zip(ahead, data["low"], strict=True)],
            its,
        )
        canvas.path([(canvas.x(day), canvas.y(total)) for day, total in ahead], Dress(its.name, its.colour, its.ink, "5 4", its.symbol))
    course = [*zip(days, data["y"], strict=True), (end, data["total"])]
    canvas.path([(canvas.x(day), canvas.y(total)) for day, total in course], its, steps=True)
    # Above the steps, but with a plan beside them below: the planned line runs where the label would be.
    told, x, y = f"{data['total']} {data['word']}", canvas.x(end), canvas.y(data["total"])
    canvas.text(x + 8 if plan else x - 6, y + 16 if plan else y - 6, told, at="start" if plan else "end", fill=INK, bold=True)
    return canvas.svg()


def _planned(canvas: Canvas, plan: list[tuple[int, int]], word: str) -> None:
    """Draw the planned course from its first to its last day."""
    if plan:
        (begin, none), (end, everybody) = plan
        place = canvas.x(begin), canvas.y(none), canvas.x(end), canvas.y(everybody)
        canvas.line(*place, stroke=INK_3, kind="axis", width=1.5, dash="2 3")
        canvas.text(canvas.x(end) - 6, canvas.y(everybody) - 6, f"{everybody} {word}", at="end", fill=INK_3)


def forest_axis(forest: Forest) -> str:
    """Draw the scale above the marks of a forest table."""
    canvas = Canvas((0, 100), (0, 1), width=MARK_WIDTH, height=18, left=0, right=0, top=0, bottom=0)
    for place, label in forest.ticks:
        canvas.text(_across(place), 13, label, at="middle", size=11)
    return canvas.svg()


def forest_mark(forest: Forest, row: ForestRow) -> str:
    """Draw one row of a forest table: interval, and a square whose area goes with the number of people; the whole is a diamond."""
    canvas = Canvas((0, 100), (0, 1), width=MARK_WIDTH, height=HEIGHT, left=0, right=0, top=0, bottom=0)
    middle = HEIGHT / 2
    if forest.zero:
        canvas.line(_across(forest.zero), 0, _across(forest.zero), HEIGHT, stroke=INK_3, kind="axis")
    if row.mark is None:
        return canvas.svg()
    low, at, high, half = _across(row.mark.low), _across(row.mark.at), _across(row.mark.high), -float(row.mark.half)
    if row.mark.is_whole:
        corners = ((low, middle), (at, middle - 7), (high, middle), (at, middle + 7))
        points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
        canvas.parts.append(f'<polygon class="pooled fill" points="{points}" fill="{INK}"/>')
        return canvas.svg()
    canvas.line(low, middle, high, middle, stroke=INK, kind="pooled", width=1.4)
    place = f'x="{number(at - half)}" y="{number(middle - half)}" width="{number(2 * half)}" height="{number(2 * half)}"'
    canvas.parts.append(f'<rect class="pooled fill" {place} fill="{INK}"/>')
    return canvas.svg()


def _by_place(data: Mapping[str, Any], y_range: tuple[float, float], word: str, marks: list[float], *, percent: bool) -> Canvas:
    """Draw lines over named places, arms side by side, with n under the axis."""
    places, lines = data["places"], data["lines"]
    canvas = Canvas((-0.5, len(places) - 0.5), y_range, bottom=34 + 13 * len(lines))
    _frame(canvas, marks, percent=percent)
    for place, name in enumerate(places):
        below = canvas.height - canvas.bottom + 16
        canvas.text(canvas.x(place), below, name, at="middle")
        for row, line in enumerate(lines, start=1):
            who = f"{line['key']} " if line["key"] else "n = "
            canvas.text(canvas.x(place), below + 13 * row, f"{who}{line['n'][place]}", at="middle", size=11, fill=INK_3)
    ends = []
    for order, line in enumerate(lines):
        its = dress(order, arms=bool(line["key"]))
        shift = (order - (len(lines) - 1) / 2) * DODGE
        known = [(place, value) for place, value in enumerate(line["y"]) if value is not None]
        canvas.path([(canvas.x(place + shift), canvas.y(value)) for place, value in known], its)
        for place, value in known:
            _estimate(canvas, canvas.x(place + shift), value, line["lo"][place], line["hi"][place], its)
        if known:
            ends.append((known[-1][1], line["name"], its))
    _names(canvas, ends)
    canvas.text(canvas.left, canvas.top - 8, word, fill=INK_3, size=11)
    return canvas


def _estimate(canvas: Canvas, x: float, value: float | None, low: float | None, high: float | None, its: Dress) -> None:
    if value is None:
        return
    if low is not None and high is not None:
        canvas.whisker(x, canvas.y(low), canvas.y(high), its)
    canvas.mark(x, canvas.y(value), its)


def _frame(canvas: Canvas, marks: list[float], *, percent: bool) -> None:
    """Draw the horizontal grid with its numbers."""
    for mark in marks:
        canvas.line(
            canvas.left,
            canvas.y(mark),
            canvas.width - canvas.right,
            canvas.y(mark),
            stroke=INK_3 if mark == 0 else GRID,
            kind="axis" if mark == 0 else "grid",
        )
        canvas.text(canvas.left - 6, canvas.y(mark) + 4, f"{number(mark)}{' %' if percent else ''}", at="end")


def _below(canvas: Canvas, words: str) -> None:
    canvas.text((canvas.left + canvas.width - canvas.right) / 2, canvas.height - 8, words, at="middle", fill=INK_3)


def _names(canvas: Canvas, ends: list[tuple[float, str, Dress]], *, left: bool = False) -> None:
    """Write each line's name where it ends (or begins), moved apart where two would lie on each other."""
    taken: list[float] = []
    ordered = sorted(ends, key=lambda end: -end[0])
    for value, name, its in ordered:
        # Where lines begin on the left their names stand off them: above, the lowest one below.
        off = 4 if not left else 15 if len(ordered) > 1 and name == ordered[-1][1] else -7
        y = canvas.y(value) + off
        while any(abs(y - other) < 13 for other in taken):
            y += 1
        taken.append(y)
        x = canvas.left + 6 if left else canvas.width - canvas.right + 4
        canvas.text(x, y, name, fill=its.ink, kind=f"{its.name} ink", bold=True)


def _months(canvas: Canvas, first: int, last: int) -> None:
    """Write months under a time axis, few enough to be read."""
    begins = [day for day in range(first, last + 1) if date.fromordinal(day).day == 1]
    step = max(1, -(-len(begins) // 7))
    for day in begins[::step]:
        canvas.line(
            canvas.x(day), canvas.height - canvas.bottom, canvas.x(day), canvas.height - canvas.bottom + 4, stroke=INK_3, kind="axis"
        )
        words = formats.date_format(date.fromordinal(day), "M Y")
        canvas.text(canvas.x(day), canvas.height - canvas.bottom + 17, words, at="middle", fill=INK_2)


def _across(place: str) -> float:
    """Return where a share of the axis, as '34.50%', lies on the paper."""
    return float(place.rstrip("%")) / 100 * MARK_WIDTH
