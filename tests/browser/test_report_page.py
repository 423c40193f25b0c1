"""An issued report as a file of its own: nothing in it is too small to read, or wider than the page, on a telephone."""

from __future__ import annotations

from typing import Any

from registry.reports import drawings
from registry.reports.page import page_of
from registry.reports.parts import Cell, Contents, Drawing, Row, Section, Table
from registry.reports.svg import WIDTH

RECRUITED: dict[str, Any] = {
    "x": ["2026-01-05", "2026-01-12"], "y": [0, 3], "until": "2026-01-20", "total": 5, "word": "allocated",
    "ahead": [], "low": [], "high": [], "plan": [["2026-01-01", 0], ["2026-03-01", 40]], "plan_word": "planned",
}  # fmt: skip
TABLE = Table("Who is where", ["Time point", "Due", "Why missing"], [Row("Week 12, Arm B", [Cell("74"), Cell("lost 2")])], left=(2,))


def report() -> str:
    section = Section("recruitment", "Recruitment", drawing=Drawing(drawings.recruitment(RECRUITED), "A rising line."), tables=[TABLE])
    return page_of(
        Contents(
            language="en-gb", document="open", trial="CALM", title="Weekly outcome report", subtitle="", finding="", band="", foot="",
            cutoff="2026-01-20T00:00:00+00:00", notices=[], blocks=[], brief="", sections=[section], appendix=[], definitions=[],
            provenance=[], checks=[], synthetic=False,
        )
    )  # fmt: skip


def test_words_in_figures_stay_readable_on_a_telephone_and_the_page_does_not_scroll_sideways(chromium: Any) -> None:
    page = chromium.new_page()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.set_content(report())
        drawn = page.evaluate("document.querySelector('figure svg').getBoundingClientRect().width")
        smallest = 11 * drawn / WIDTH
        assert smallest >= 10, (width, drawn)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        one_line = page.evaluate("document.querySelector('tbody th').getBoundingClientRect().height")
        assert one_line < 50, width
    # The figure scrolls inside its region, which the keyboard reaches.
    region = page.locator("[role=region]:has(figure)")
    assert region.get_attribute("tabindex") == "0"
    assert region.evaluate("element => element.scrollWidth > element.clientWidth")
    page.close()
