"""A real Chromium against a real server: every page opened here must finish without a policy report or a script error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import REQUIRED

# A loaded machine may take long over a page; none of this is a measure of speed.
PATIENCE_MS = 60_000
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
# What the page's own policy refused, told by the browser itself.
WATCH = """
    window.policyReports = [];
    document.addEventListener("securitypolicyviolation", event =>
        window.policyReports.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


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
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    cache.clear()
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()
    connections["default"].close()
    connections["default"].close_pool()
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


# What some tests ask for: a page that answered 400 or 404, and a request given up because its page was left. A request that
# failed says so by names of its own (sendError, responseError).
EXPECTED = ("the server responded with a status of", "htmx:sendAbort", "htmx:afterRequest")


def note(opened: Tab, kind: str, text: str) -> None:
    """Keep what the console says went wrong."""
    if kind == "error" and not any(one in text for one in EXPECTED):
        opened.errors.append(text)


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
