"""Finding a patient and reading the pain course."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from registry.models import Endpoint
from tests.trials import make_enrolment

LIST = "/t/calm-m1/patients/"
PATIENT = f"{LIST}P-0001/"


def test_filter_narrows_the_list_and_stays_in_the_address(tab, alice, diary, other_site_enrolment):
    page = tab(alice).goto(LIST)
    assert page.locator("tbody tr").count() == 2
    page.get_by_label("Site").select_option("S")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_url(re.compile("site=S"))
    assert page.get_by_role("link", name="P-0002").is_visible()
    page.reload()
    assert page.get_by_label("Site").input_value() == "S"
    assert page.locator("tbody tr").count() == 1


def test_typing_a_study_number_finds_the_patient(tab, alice, trial, setup_actor):
    for number in range(1, 12):
        make_enrolment(trial, f"P-{number:04d}", site="N", by=setup_actor)
    page = tab(alice).goto(LIST)
    page.get_by_label("Study number").press_sequentially("0011", delay=20)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="P-0011").click()
    page.get_by_role("heading", name="P-0011").wait_for()


def test_search_in_the_header_works_from_every_page_of_the_trial(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    page.get_by_label("Find patient").fill("p-0001")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"patients/\?q=p-0001"))
    assert page.get_by_role("link", name="P-0001").is_visible()


def test_list_works_without_script(tab, alice, diary, other_site_enrolment):
    page = tab(alice, javascript=False).goto(LIST)
    page.get_by_label("Site").select_option("S")
    page.get_by_role("button", name="Show").click()
    assert page.locator("tbody tr").count() == 1


def test_part_that_cannot_be_loaded_says_so(tab, alice, diary):
    opened = tab(alice)
    page = opened.goto(LIST)
    page.route("**/patients/?*", lambda route: route.fulfill(status=500, body=""))
    page.get_by_label("Site").select_option("S")
    page.get_by_text("That part of the page could not be loaded.").wait_for()
    assert page.locator("tbody tr").count() == 1
    opened.errors.clear()


def boxes(page, selector):
    return page.evaluate(
        """selector => [...document.querySelectorAll(selector)].map(element => element.getBoundingClientRect())
            .map(box => [box.x, box.y, box.width, box.height].map(Math.round))""",
        selector,
    )


def test_layers_of_the_chart_lie_on_top_of_each_other(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    (plot,) = boxes(page, ".plot")
    layers = boxes(page, ".plot .main-svg")
    assert len(layers) >= 2
    assert layers == [plot] * len(layers)


@pytest.mark.parametrize("width", [1440, 390])
def test_names_of_thresholds_keep_apart_under_a_low_baseline(tab, alice, diary, width):
    Endpoint.objects.update(baseline_sum_units=4_000_000, baseline_n=4)
    page = tab(alice, width=width).goto(PATIENT)
    page.locator(".plot .annotation-text-g", has_text="baseline").wait_for()
    texts = page.locator(".plot .annotation-text-g").all_text_contents()
    named = zip(texts, boxes(page, ".plot .annotation-text-g"), strict=True)
    names = sorted((y, height) for text, (_, y, _, height) in named if "less" in text or "baseline" in text)
    assert len(names) == 3
    assert all(lower >= upper + height - 2 for (upper, height), (lower, _) in pairwise(names))


def test_chart_shows_days_as_dots_means_as_a_line_and_the_thresholds(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    assert page.locator(".plot .points path.point").count() == 30
    assert page.locator(".plot .scatterlayer .js-line").count() == 2  # the week without a diary breaks the line
    labels = page.locator(".plot .annotation-text").all_text_contents()
    assert {"baseline 7.0", "30 % less 4.9", "50 % less 3.5", "Week 4", "Week 12, primary"} <= set(labels)


def test_threshold_lines_lie_at_their_values(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    ys = page.evaluate(
        """() => {
            const plot = document.querySelector(".plot"), axis = plot._fullLayout.yaxis, top = plot.getBoundingClientRect().top;
            const lines = plot._fullLayout.shapes.filter(shape => shape.type === "line" && shape.yref === "y").map(shape => shape.y0);
            const boxes = [...plot.querySelectorAll(".shapelayer path")].map(path => path.getBoundingClientRect());
            const drawn = boxes.filter(box => box.width > 100 && box.height < 4).map(box => box.top + box.height / 2 - top);
            return [lines.map(y => axis.l2p(y) + axis._offset), drawn];
        }"""
    )
    expected, drawn = (sorted(values) for values in ys)
    assert len(expected) == 3
    assert all(abs(one - other) < 1.5 for one, other in zip(expected, drawn, strict=True))


def test_pointing_at_a_dot_tells_its_day_and_value(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    dot = page.locator(".plot .points path.point").nth(3).bounding_box()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    hover = page.locator(".plot .hoverlayer .hovertext")
    hover.wait_for()
    assert "Thu 22 Oct 2026, day -4" in hover.text_content().replace("\u2212", "-")


def test_chart_follows_the_theme(tab, alice, diary):
    def line_colour(scheme):
        page = tab(alice, scheme=scheme).goto(PATIENT)
        return page.evaluate("getComputedStyle(document.querySelector('.plot .js-line')).stroke")

    assert line_colour("light") != line_colour("dark")


def test_chart_is_redrawn_when_the_device_turns_dark(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    read = "getComputedStyle(document.querySelector('.plot .js-line')).stroke"
    light = page.evaluate(read)
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".plot .js-line").first).not_to_have_css("stroke", light)


def test_chart_on_paper_is_dark_on_white_whatever_the_theme(tab, alice, diary):
    page = tab(alice, scheme="dark").goto(PATIENT)
    lines = page.locator(".plot .js-line")
    on_screen = lines.first.evaluate("line => getComputedStyle(line).stroke")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(lines.first).to_have_css("stroke", "rgb(10, 92, 90)")
    assert page.locator(".plot .main-svg").first.bounding_box()["width"] == 670
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(lines.first).to_have_css("stroke", on_screen)


def test_table_is_folded_under_a_drawn_chart_and_open_without_script(tab, alice, diary):
    assert not tab(alice).goto(PATIENT).get_by_role("columnheader", name="Mean pain").is_visible()
    assert tab(alice, javascript=False).goto(PATIENT).get_by_role("columnheader", name="Mean pain").is_visible()


def test_table_opens_when_the_chart_cannot_be_drawn(tab, alice, diary):
    opened = tab(alice)
    opened.page.route("**/plotly.min.js", lambda route: route.abort())
    page = opened.goto(PATIENT)
    page.get_by_text("The chart could not be drawn.").wait_for()
    assert page.get_by_role("columnheader", name="Mean pain").is_visible()
    opened.errors.clear()


def test_page_scrolls_over_the_chart_on_a_phone(tab, alice, diary):
    page = tab(alice, width=390).goto(PATIENT)
    plot = page.locator(".plot").bounding_box()
    page.mouse.move(plot["x"] + 50, plot["y"] + 50)
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > 100


def test_undated_scores_are_drawn_by_visit(tab, alice, enrolment, trial, setup_actor):
    from registry.models import AnalysisPlan, PainScore
    from registry.services.auditing import audited

    visits = list(trial.visit_types.all())
    with audited(by=setup_actor, reason="test"):
        AnalysisPlan.objects.update(contexts=["visit"])
        for visit, value in zip(visits, (8, 5, 4), strict=True):
            PainScore.objects.create(
                enrolment=enrolment, scale=trial.scales.get(), visit_type=visit, context="visit", recall="average_24h", source="clinic",
                value=value, value_units=value * 10**6, submitted_at="2026-11-01T10:00Z", recorded_at="2026-11-01T10:00Z",
            )  # fmt: skip
    page = tab(alice).goto(PATIENT)
    assert page.locator(".plot .points path.point").count() == 3
    assert "Week 12" in page.locator(".plot .xaxislayer-above").text_content()
