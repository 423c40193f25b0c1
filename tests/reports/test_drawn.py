"""What a report draws and writes: the plan beside recruitment, low completeness, numbers needed as people read them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from registry.reports import drawings, tables
from registry.selectors.figures.completeness import Cell, Matrix
from registry.selectors.figures.figure import Figure, limits_needed

RECRUITED: dict[str, Any] = {
    "x": ["2026-01-05", "2026-01-12"], "y": [0, 3], "until": "2026-01-20", "total": 5, "word": "allocated",
    "ahead": [], "low": [], "high": [], "plan": [["2026-01-01", 0], ["2026-03-01", 40]], "plan_word": "planned",
}  # fmt: skip


def lines_of(svg: str) -> list[tuple[float, ...]]:
    """Return the ends of the dotted lines."""
    found = re.findall(r'x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"[^>]*stroke-dasharray', svg)
    return [tuple(map(float, line)) for line in found]


def test_recruitment_is_drawn_beside_the_whole_plan():
    svg = drawings.recruitment(RECRUITED)
    [(x1, y1, x2, y2)] = lines_of(svg)
    canvas = drawings.Canvas((0, 59), (0, 42.0))
    assert (x1, y1) == pytest.approx((canvas.x(0), canvas.y(0)), abs=0.1)
    assert (x2, y2) == pytest.approx((canvas.x(59), canvas.y(40)), abs=0.1)
    assert ">40 planned</text>" in svg
    assert ">5 allocated</text>" in svg


def test_without_a_plan_nothing_is_said_of_one():
    svg = drawings.recruitment({**RECRUITED, "plan": []})
    assert lines_of(svg) == []
    assert "planned" not in svg


def test_low_completeness_is_marked_by_a_sign_and_not_by_colour_alone():
    cells = [Cell(f"{share} %", "1/2", 1, tone, suppressed=False, query="") for share, tone in ((95, ""), (91, "lo"), (80, "vlo"))]
    figure = Figure("completeness", "", "", "", [], [], [], plot=Matrix(["All", "N", "S"], [("Week 4", cells)]))
    [row] = tables.matrix(figure, "Complete").rows
    assert [cell.text for cell in row.cells] == ["95 % (1/2)", "91 % (1/2) *", "80 % (1/2) **"]


@pytest.mark.parametrize(
    ("limits", "written"),
    [
        ("A better 5.1594 to Inf to B better 2443.983", "A better 5.2 to ∞ to B better 2444.0"),
        ("A better 2.9194 to A better 13.3926", "A better 2.9 to A better 13.4"),
        ("", ""),
    ],
    ids=["over infinity", "one direction", "none"],
)
def test_limits_of_a_number_needed_have_one_decimal(limits: str, written: str):
    assert limits_needed(limits) == written
