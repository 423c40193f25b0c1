"""What holds on every page in every width and theme: no axe violation, no sideways scroll, no small target, no policy report."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from registry.models import PainScore

PATIENT = "/t/calm-m1/patients/P-0001/"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS = [(1440, "light"), (1440, "dark"), (820, "light"), (390, "light"), (390, "dark")]


def pages(record):
    """Return the address of every page a signed-in coordinator can open, some of them empty or refused."""
    return [
        "/t/",
        "/account/",
        "/password/change/",
        "/logout/",
        "/t/calm-m1/patients/",
        "/t/calm-m1/patients/?q=nobody",
        PATIENT,
        "/t/calm-m1/patients/P-0002/",
        f"{PATIENT}scores/",
        f"{PATIENT}scores/add/",
        f"{PATIENT}scores/{record}/",
        f"{PATIENT}scores/{record}/correct/",
        f"{PATIENT}scores/{record}/void/",
        f"{PATIENT}history/",
        "/t/calm-m1/outcomes/",
        "/t/calm-m1/outcomes/closed/",
        "/nowhere/",
    ]


PUBLIC = ["/login/", "/password/reset/", "/password/reset/sent/", "/password/reset/done/", "/password/reset/1-nokey/", "/login/refused/"]
# Pages with a form, and the button that sends it empty.
FORMS = [
    (f"{PATIENT}scores/add/", "Save score"),
    (f"{PATIENT}scores/RECORD/correct/", "Check the change"),
    (f"{PATIENT}scores/RECORD/void/", "Void this score"),
    ("/password/change/", "Save new password"),
]


def violations(page):
    found = Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]}).response["violations"]
    return [(rule["id"], node["target"], node.get("failureSummary", "")) for rule in found for node in rule["nodes"]]


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def small_targets(page):
    """Return what can be pressed and is smaller than 24 by 24, but for links inside a sentence."""
    return page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")].filter(element => {
            const box = (element.closest("label") || element).getBoundingClientRect();
            const inSentence = element.matches("p a, li a, .crumb a") && getComputedStyle(element).display === "inline";
            return box.width && !inSentence && !element.matches(".skip, .vh") && (box.width < 24 || box.height < 24);
        }).map(element => element.outerHTML.slice(0, 120))"""
    )


@pytest.fixture
def scene(diary, other_site_enrolment, alice):
    """A patient with a diary, an empty patient, and one score to change."""
    return str(PainScore.objects.order_by("for_date").first().record)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_no_page_has_an_accessibility_violation(tab, scene, alice, width, scheme):
    found = {}
    signed, stranger = tab(alice, width=width, scheme=scheme), tab(width=width, scheme=scheme)
    for opened, addresses in ((signed, pages(scene)), (stranger, PUBLIC)):
        for address in addresses:
            page = opened.goto(address)
            found[address] = violations(page) + small_targets(page)
    assert {address: faults for address, faults in found.items() if faults} == {}


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_no_refused_form_has_an_accessibility_violation(tab, scene, alice, width, scheme):
    opened, found = tab(alice, width=width, scheme=scheme), {}
    for address, button in FORMS:
        page = opened.goto(address.replace("RECORD", scene))
        opened.collect()
        page.get_by_role("button", name=button).click()
        page.get_by_role("alert").wait_for()
        found[address] = violations(page) + small_targets(page)
    assert {address: faults for address, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [320, 390])
def test_no_page_scrolls_sideways(tab, scene, alice, width):
    found = {}
    signed, stranger = tab(alice, width=width), tab(width=width)
    for opened, addresses in ((signed, pages(scene)), (stranger, PUBLIC)):
        found |= {address: sideways(opened.goto(address)) for address in addresses}
    assert {address: pixels for address, pixels in found.items() if pixels > 0} == {}


def test_chosen_theme_wins_over_the_device(tab, alice):
    opened = tab(alice)
    page = opened.goto("/account/")
    read = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(read)
    opened.collect()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save appearance").click()
    page.get_by_text("Appearance saved.").wait_for()
    assert page.evaluate(read) != light


def test_skip_link_leads_past_the_navigation(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_paper_shows_chart_and_facts_without_navigation(tab, alice, diary):
    page = tab(alice).goto(PATIENT)
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation", name="Main").is_visible()
    assert not page.get_by_role("link", name="Add a pain score").is_visible()
    assert page.get_by_role("heading", name="Pain course").is_visible()
    assert len(page.pdf(format="A4")) > 10_000


def test_policy_report_would_be_seen(tab, alice):
    """A page that breaks the policy must make the check fail, else the check proves nothing."""
    opened = tab(alice)
    page = opened.goto("/t/")
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.wait_for_timeout(100)
    opened.collect()
    assert len(opened.reports) == 1
    opened.reports.clear()
    opened.errors.clear()
    page.evaluate("window.policyReports = []")
