"""What holds on every page in every width and theme: no axe violation, no sideways scroll, no small target, no policy report."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from registry.models import PainScore, Trial, system_actor
from registry.services.auditing import audited
from tests.browser.conftest import HEIGHTS
from tests.web import made_up_outcomes

PATIENT = "/t/calm-m1/patients/P-0001/"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Width and theme of each look at a page; the first is the one it is opened in.
VIEWS = [(1440, "light"), (1440, "dark"), (820, "light"), (390, "light")]
NARROW = (390, 320)
# Contrast takes most of axe's time, and follows from an element's colour and letters and from what is painted behind it: of elements that
# are alike in all of that one stands for all. What lies out of the flow of the page is always looked at itself.
RUN_AXE = """async tags => {
    const grounds = new Map([[null, 0]]), numbers = new Map(), seen = new Set(), asked = [];
    const number = text => numbers.get(text) ?? numbers.set(text, numbers.size + 1).get(text);
    const ground = element => {
        if (!grounds.has(element)) {
            const style = getComputedStyle(element), inFlow = ["static", "relative"].includes(style.position) && style.transform === "none";
            const painted = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter, inFlow || grounds.size];
            grounds.set(element, number([ground(element.parentElement), ...painted].join()));
        }
        return grounds.get(element);
    };
    const hasLetters = element => element.matches("input, select, textarea, button, label") ||
        [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    for (const element of document.body.querySelectorAll("*")) {
        if (!hasLetters(element) || !element.checkVisibility({visibilityProperty: true})) continue;
        const style = getComputedStyle(element), isControl = element.matches("input, select, textarea, button, label");
        const letters = [style.color, style.fontSize, style.fontWeight, style.textShadow, style.webkitTextFillColor];
        const isDisabled = element.closest("[aria-disabled=true], :disabled") !== null;
        const key = [ground(element), isDisabled, isControl && asked.length, ...letters].join();
        if (!seen.has(key)) asked.push(element);
        seen.add(key);
    }
    const rest = await axe.run({runOnly: tags, resultTypes: ["violations"], rules: {"color-contrast": {enabled: false}}});
    const contrast = await axe.run({include: asked}, {runOnly: {type: "rule", values: ["color-contrast"]}, resultTypes: ["violations"]});
    return [...rest.violations, ...contrast.violations];
}"""


def pages(record):
    """Return the address of every page a signed-in coordinator can open, some of them empty or refused."""
    return [
        "/t/",
        "/account/",
        "/account/tokens/",
        "/api/v1/docs/",
        "/api/v1/problems/conflict/",
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
        "/t/calm-m1/dashboard/",
        "/nowhere/",
    ]


UNMASKED = ["/t/calm-m1/outcomes/", "/t/calm-m1/outcomes/closed/", "/t/calm-m1/dashboard/closed/", PATIENT]
PUBLIC = ["/login/", "/password/reset/", "/password/reset/sent/", "/password/reset/done/", "/password/reset/1-nokey/", "/login/refused/"]
# Pages with a form, and the button that sends it empty.
FORMS = [
    (f"{PATIENT}scores/add/", "Save score"),
    (f"{PATIENT}scores/RECORD/correct/", "Check the change"),
    (f"{PATIENT}scores/RECORD/void/", "Void this score"),
    ("/password/change/", "Save new password"),
    ("/account/tokens/", "Make the token"),
]


def violations(page):
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(RUN_AXE, TAGS)
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
def scene(diary, other_site_enrolment, alice, monkeypatch):
    """A patient with a diary, an empty patient, one score to change, and outcomes with figures."""
    monkeypatch.setattr("web.outcomes.latest_open", lambda trial: made_up_outcomes.stored("open", failure="A window overlaps."))
    monkeypatch.setattr("web.outcomes.latest_closed", lambda trial, by: made_up_outcomes.stored("closed"))
    monkeypatch.setattr("web.dashboard.latest_open", lambda trial: made_up_outcomes.stored("open"))
    monkeypatch.setattr("web.dashboard.latest_closed", lambda trial, by: made_up_outcomes.stored("closed"))
    with audited(by=system_actor("setup"), reason="test"):
        Trial.objects.update(pooled_efficacy=True)
    return str(PainScore.objects.order_by("for_date").first().record)


def look(page, width, scheme):
    """Turn the device and its theme; a chart is drawn anew a moment later."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    if page.locator("[data-chart]").count():
        page.wait_for_timeout(400)


def faults_in_every_view(page):
    """Return what is wrong with an open page in any width and theme."""
    found = []
    page.locator("details").evaluate_all("all => all.forEach(one => one.setAttribute('open', ''))")
    for width, scheme in VIEWS:
        look(page, width, scheme)
        found += [(width, scheme, fault) for fault in violations(page) + small_targets(page)]
    for width in NARROW:
        look(page, width, "light")
        found += [(width, "scrolls sideways", pixels)] if (pixels := sideways(page)) > 0 else []
    look(page, *VIEWS[0])
    return found


def faults_of(opened, addresses):
    found = {address: faults_in_every_view(opened.goto(address)) for address in addresses}
    return {address: faults for address, faults in found.items() if faults}


@pytest.mark.parametrize("part", range(3))
def test_no_page_of_a_coordinator_has_a_fault(tab, scene, alice, part):
    assert faults_of(tab(alice), pages(scene)[part::3]) == {}


def test_no_page_of_an_unmasked_role_has_a_fault(tab, scene, uma):
    assert faults_of(tab(uma), UNMASKED) == {}


def test_no_page_before_signing_in_has_a_fault(tab):
    assert faults_of(tab(), PUBLIC) == {}


def test_no_refused_form_has_a_fault(tab, scene, alice):
    opened, found = tab(alice), {}
    for address, button in FORMS:
        page = opened.goto(address.replace("RECORD", scene))
        opened.collect()
        page.get_by_role("button", name=button).click()
        page.get_by_role("alert").wait_for()
        found[address] = faults_in_every_view(page)
    assert {address: faults for address, faults in found.items() if faults} == {}


def test_pale_letters_among_many_alike_would_be_seen(tab, scene, alice):
    """And letters on another ground, and the whole row on it: the check of contrast leaves out only what is like something it looked at."""
    page = tab(alice).goto(f"{PATIENT}scores/")
    assert violations(page) == []
    page.evaluate("""() => {
        const [letters, ground, around] = [...document.querySelectorAll("tbody tr")].slice(-3);
        letters.querySelector("td").style.color = "#bbb";
        ground.querySelector("td").style.background = "#444";
        around.style.background = "#444";
    }""")
    found = violations(page)
    assert {rule for rule, *_ in found} == {"color-contrast"}
    assert len(found) >= 3


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
