"""A real Chromium against a real server: every page opened here must finish without a policy report or a script error."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import REQUIRED
from tests.embedded.running import wait_until
from tests.serving import served
from tests.web.session_answers import PATIENT, make_due
from web.requests import RequestManners

# A loaded machine may take long over a page; none of this is a measure of speed.
PATIENCE_MS = 90_000
HEIGHTS = {1440: 900, 820: 1180, 390: 844, 320: 700}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
# Said by the page when it asks the same anew and gives up the question before.
ASKED_ANEW = "asked anew"
# What the page's own policy refused, told by the browser itself; and which requests were given up for another one. That may happen to
# questions alone: whatever is posted has been sent, and the server may take it after its successor.
WATCH = """
    window.policyReports = [];
    document.addEventListener("securitypolicyviolation", event =>
        window.policyReports.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
    const givenUp = new Map();
    addEventListener("htmx:sendAbort", event => {
        givenUp.set(event.target, event.detail.requestConfig.verb);
        setTimeout(() => givenUp.delete(event.target));
    }, true);
    addEventListener("htmx:beforeSend", event => {
        if (givenUp.get(event.target) === "get") console.debug("ASKED ANEW");
    }, true);
""".replace("ASKED ANEW", ASKED_ANEW)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return a running Chromium; skip (in CI: fail) where none is installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if "chromium" in REQUIRED:
            pytest.fail("Chromium is required but not installed")
        pytest.skip("needs Chromium, which is not installed")
    # Playwright runs its own event loop in this thread; the tests still use the database from it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(chromium: Browser, committed_db: None) -> Iterator[str]:
    """Serve the application from a thread with a database of its own; return its address."""
    cache.clear()
    with served() as address:
        yield address
    cache.clear()


@dataclass
class Tab:
    """One page of the browser and what went wrong on it."""

    page: Page
    address: str
    context: BrowserContext
    scripted: bool
    errors: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    def goto(self, path: str) -> Page:
        """Open a page of the site and wait until its scripts are done."""
        self.collect()
        self.page.goto(self.address + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait for charts to be drawn."""
        self.page.wait_for_load_state("load")
        if self.scripted and self.page.locator("[data-chart]").count():
            self.page.wait_for_selector("[data-drawn], .failed")

    def collect(self) -> None:
        """Take over the policy reports of the page that is about to be left."""
        if self.scripted:
            self.reports += self.page.evaluate("window.policyReports || []")


Open = Callable[..., Tab]


@pytest.fixture
def tab(site: str, chromium: Browser) -> Iterator[Open]:
    """Return a function that opens a tab for a person; afterwards no tab may have a report or an error."""
    tabs: list[Tab] = []

    def open_tab(user: Any = None, *, width: int = 1440, scheme: str = "light", javascript: bool = True) -> Tab:
        context = chromium.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme=scheme,
            java_script_enabled=javascript,
            locale="en-GB",
            reduced_motion="reduce",  # a colour half way through its change has no contrast to speak of
        )
        if user is not None:
            context.add_cookies([{"name": "rtms_session", "value": session_of(user), "url": site}])
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(WATCH)
        opened = Tab(context.new_page(), site, context, javascript)
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("console", lambda message: note(opened, message.type, message.text))
        tabs.append(opened)
        return opened

    yield open_tab
    for opened in tabs:
        opened.collect()
        opened.context.close()
    assert [opened.reports for opened in tabs if opened.reports] == []
    assert [opened.errors for opened in tabs if opened.errors] == []


# What some tests ask for: a page that answered 400 or 404.
EXPECTED = "the server responded with a status of"
# How htmx says that a request was given up. Leaving a page says nothing of the kind.
GIVEN_UP = ["htmx:afterRequest", "htmx:sendAbort"]


def note(opened: Tab, kind: str, text: str) -> None:
    """Keep what the console says went wrong, and forget a question that was given up for the next one."""
    if kind == "error" and EXPECTED not in text:
        opened.errors.append(text)
    elif text == ASKED_ANEW and [error.split(",")[0] for error in opened.errors[-2:]] == GIVEN_UP:
        del opened.errors[-2:]


def session_of(user: Any) -> str:
    """Return the session key of a signed-in person."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client.cookies["rtms_session"].value


@pytest.fixture
def diary(enrolment: Any, trial: Any, setup_actor: Any) -> Any:
    """Give P-0001 an allocation, a second pain, 30 diary days with a gap, and endpoints; return the enrolment."""
    from registry.models import Allocation, Endpoint, EnrolmentPain, Trial
    from registry.services.auditing import audited
    from tests.trials import ENROLLED_ON, make_diary

    anchor = ENROLLED_ON + timedelta(days=7)
    days = {day: "7" if day < 4 else "5" if day < 20 else "4" for day in range(-7, 30) if not 10 < day < 18}
    with audited(by=setup_actor, reason="test"):
        Trial.objects.update(synthetic=True)
        Allocation.objects.create(
            enrolment=enrolment,
            treatment=trial.treatments.get(code="m1"),
            analysis_site=enrolment.site,
            kit_code="K-3127",
            allocated_on=anchor,
        )
        EnrolmentPain.objects.create(enrolment=enrolment, diagnosis=enrolment.pains.get().diagnosis, rank=2, body_region="arm")
    make_diary(enrolment, days, by=setup_actor, anchor=anchor)
    for point, sums in zip(trial.plans.get().time_points.all(), ((28, 7), (0, 0)), strict=True):
        Endpoint.objects.create(
            enrolment=enrolment,
            time_point=point,
            anchor_on=anchor,
            baseline_sum_units=49_000_000,
            baseline_n=7,
            value_sum_units=sums[0] * 1_000_000,
            value_n=sums[1],
        )
    return enrolment


@pytest.fixture
def due(enrolment: Any, setup_actor: Any) -> Any:
    """Return P-0001, with session 1 planned for today."""
    make_due(enrolment, setup_actor)
    return enrolment


@pytest.fixture
def opened(tab: Open, due: Any) -> Callable[..., Page]:
    """Return a function that opens the form of session 1 for a person."""

    def open_form(user: Any, **more: Any) -> Page:
        return to_session_1(tab(user, **more))

    return open_form


def to_session_1(found: Tab) -> Page:
    """Go to the form of session 1 as a person does."""
    page = found.goto(PATIENT)
    # Where somebody has begun it already there is a link to that.
    resume = page.get_by_role("link", name="Resume session 1", exact=True)
    page.get_by_role("button", name="Log session 1", exact=True).or_(resume).click()
    page.get_by_role("heading", name="P-0001, session 1 of 10").wait_for()
    return page


class SlowPart:
    """The first part of a page that htmx asks for is held until it is let go; later ones are answered at once."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.begun: list[str] = []
        self.done: list[str] = []

    def answer(self, get_response: Callable[[Any], Any], request: Any) -> Any:
        """Answer one request, the first one later."""
        if "HX-Request" not in request.headers:
            return get_response(request)
        self.begun.append(request.path)
        if len(self.begun) == 1:
            self.release.wait(PATIENCE_MS / 1000)
        try:
            return get_response(request)
        finally:
            self.done.append(request.path)

    def await_begun(self, count: int) -> None:
        """Wait until so many requests arrived."""
        wait_until(lambda: len(self.begun) >= count, within_s=PATIENCE_MS / 1000)

    def await_done(self, count: int) -> None:
        """Wait until so many requests were answered."""
        wait_until(lambda: len(self.done) >= count, within_s=PATIENCE_MS / 1000)


@pytest.fixture
def slow_part(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowPart]:
    """Make the first part that htmx asks for slow."""
    slow, answer = SlowPart(), RequestManners.__call__
    monkeypatch.setattr(RequestManners, "__call__", lambda self, request: slow.answer(lambda asked: answer(self, asked), request))
    yield slow
    slow.release.set()
