"""The dashboard in a real browser: drawn under the policy, readable without script, tables when drawing fails, in every width."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from registry.models import Trial
from registry.services.auditing import audited
from tests.browser.conftest import HEIGHTS
from tests.web import made_up_outcomes

OPEN, CLOSED = "/t/calm-m1/dashboard/", "/t/calm-m1/dashboard/closed/"
DRAWN = ("responders", "over-time", "means", "recruitment")


@pytest.fixture
def outcomes(trial, setup_actor, monkeypatch):
    """Put made-up outcomes behind both pages; the masked team may see pooled response."""
    with audited(by=setup_actor, reason="test"):
        Trial.objects.update(pooled_efficacy=True)
    monkeypatch.setattr("web.dashboard.latest_open", lambda trial: made_up_outcomes.stored("open"))
    monkeypatch.setattr("web.dashboard.latest_closed", lambda trial, by: made_up_outcomes.stored("closed"))


def drawn_on(page):
    return page.locator("[data-drawn]").evaluate_all("all => all.map(one => one.closest('figure').id)")


def lines_in(page, key):
    """Return colour and dash of every line of a figure, in order."""
    return page.locator(f"#{key} .scatterlayer .js-line").evaluate_all(
        "all => all.map(line => [getComputedStyle(line).stroke, getComputedStyle(line).strokeDasharray])"
    )


def test_every_figure_is_drawn_and_its_table_folded(tab, alice, outcomes):
    page = tab(alice).goto(OPEN)
    assert drawn_on(page) == list(DRAWN)
    for key in DRAWN:
        figure = page.locator(f"#{key}")
        assert figure.locator(".plot[role=img]").get_attribute("aria-label")
        expect(figure.get_by_role("table")).to_have_count(0)
        figure.get_by_text("Show as table").click()
        expect(figure.get_by_role("table")).to_have_count(1)
    for key in ("diagnoses", "completeness"):
        expect(page.locator(f"#{key}").get_by_role("table")).to_have_count(1)


def test_curve_and_whiskers_lie_where_the_numbers_say(tab, uma, outcomes):
    page = tab(uma).goto(CLOSED)
    found = page.evaluate(
        """() => [...document.querySelectorAll("#responders .plot")].flatMap(plot => plot.calcdata.map(points =>
            points.length === 1 ? [points[0].y, points[0].ys, points[0].yh] : points.length))"""
    )
    low, high = (100 * end for end in made_up_outcomes.WILSON)
    steps = len(made_up_outcomes.curve(87, 161)["cuts_tenths"])
    assert [part if isinstance(part, int) else [round(value, 6) if value else value for value in part] for part in found] == [
        steps,
        [round(100 * 87 / 161, 6), pytest.approx(low), pytest.approx(high)],
        steps,
        [round(100 * 45 / 140, 6), pytest.approx(low), pytest.approx(high)],
    ]


def test_arms_differ_by_colour_dash_and_symbol(tab, uma, outcomes):
    page = tab(uma).goto(CLOSED)
    for key in ("responders", "over-time", "means"):
        (first, first_dash), (second, second_dash) = lines_in(page, key)
        assert first != second
        assert (first_dash == "none") != (second_dash == "none")
    symbols = page.locator("#over-time .points path.point").evaluate_all(
        "all => all.map(one => one.getAttribute('d').replace(/[0-9.-]/g, ''))"
    )
    assert len(set(symbols)) == 2
    labels = page.locator("#over-time .annotation-text").all_text_contents()
    assert labels == ["Arm A", "Arm B"] or labels == ["Arm B", "Arm A"]


def test_pointing_tells_value_count_and_interval(tab, uma, outcomes):
    page = tab(uma).goto(CLOSED)
    point = page.locator("#over-time .points path.point").first.bounding_box()
    page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    hover = page.locator("#over-time .hoverlayer .hovertext")
    hover.wait_for()
    text = hover.text_content()
    assert "54.0 % (87/161)" in text
    assert "95 % CI 46.3 to 61.6" in text


def test_without_script_every_table_stands_open(tab, alice, outcomes):
    page = tab(alice, javascript=False).goto(OPEN)
    expect(page.get_by_role("table")).to_have_count(len(DRAWN) + 2)
    assert page.get_by_role("columnheader", name="Less pain by at least").is_visible()


def test_table_opens_when_a_figure_cannot_be_drawn(tab, alice, outcomes):
    opened = tab(alice)
    opened.page.route("**/plotly.min.js", lambda route: route.abort())
    page = opened.goto(OPEN)
    expect(page.get_by_text("The chart could not be drawn.")).to_have_count(len(DRAWN))
    expect(page.get_by_role("table")).to_have_count(len(DRAWN) + 2)
    opened.errors.clear()


def test_figures_follow_theme_and_width(tab, uma, outcomes):
    page = tab(uma).goto(CLOSED)
    light = lines_in(page, "responders")[0][0]
    page.emulate_media(color_scheme="dark")
    expect(page.locator("#responders .scatterlayer .js-line").first).not_to_have_css("stroke", light)
    for width in (820, 390):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        page.wait_for_timeout(500)
        for key in DRAWN:
            plot, card = page.locator(f"#{key} .plot").bounding_box(), page.locator(f"#{key}").bounding_box()
            assert plot["x"] + plot["width"] <= card["x"] + card["width"]
            assert page.locator(f"#{key} .main-svg").first.bounding_box()["width"] <= plot["width"] + 1


def test_forest_is_drawn_from_left_to_right(tab, uma, outcomes):
    """The estimate lies inside its interval, the zero line left of an interval that lies above zero."""
    page = tab(uma).goto(CLOSED)
    row = page.locator("#diagnoses tbody tr").filter(has_text="Other chronic pain")
    zero, whisker = (row.locator("line").nth(number).bounding_box() for number in range(2))
    square = row.locator("rect").bounding_box()
    assert zero["x"] < whisker["x"] < square["x"] + square["width"] / 2 < whisker["x"] + whisker["width"]


def test_link_of_a_figure_leads_to_it(tab, alice, outcomes):
    page = tab(alice).goto(f"{OPEN}#completeness")
    expect(page.locator("#completeness")).to_be_in_viewport()
    assert page.locator("#completeness").evaluate("one => one.matches(':target')")


def test_download_is_named_after_trial_figure_and_snapshot(tab, alice, outcomes):
    page = tab(alice).goto(OPEN)
    with page.expect_download() as found:
        page.locator("#means").get_by_role("link", name="CSV").click()
    assert found.value.suggested_filename == "calm-m1-open-means-3.csv"
