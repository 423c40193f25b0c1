"""A person at a browser walks from the first administrator to the first patient, over the proxy's HTTPS and a name of its own.

The same steps as in tests/browser, where the application is served from a thread; here everything between browser and tables is real.
"""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import test_first_trial as steps
from tests.browser.conftest import ARGUMENTS, PATIENCE_MS
from tests.deploy.servers import HOST, Deployment

ADDRESS = f"https://{HOST}"
# Machines under load are slow; what is tried here is not how fast they are.
PATIENCE = 6 * PATIENCE_MS


def walk(at: Deployment, program: str, email: str, password: str) -> None:
    """Walk in a thread of its own: Playwright keeps one event loop a thread, and this one may have another browser."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_walk, at, program, email, password).result()


def _walk(at: Deployment, program: str, email: str, password: str) -> None:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*ARGUMENTS, *finding(at)])
        try:
            page = tab(browser)
            steps.sign_in(page, email, password)
            steps.make_trial(page)
            steps.add_parts(page, ADDRESS)
            steps.write_protocol(page, ADDRESS)
            steps.write_plan(page, ADDRESS)
            first_password = steps.add_coordinator(page, ADDRESS)
            theirs = tab(browser)
            steps.sign_in(theirs, "alice@hospital.org", first_password)
            steps.add_patient(theirs)
            assert theirs.evaluate("window.isSecureContext") is True
        finally:
            browser.close()


def tab(browser: Browser) -> Page:
    """Open the registry's address in a window of its own."""
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{ADDRESS}/t/")
    return page


def finding(at: Deployment) -> list[str]:
    """Return the options that let the browser find the proxy by its name and trust its certificate, and no other."""
    certificate = x509.load_pem_x509_certificate((at.secrets / "tls_certificate").read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    trusted = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return [f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{at.ports['https']}", f"--ignore-certificate-errors-spki-list={trusted}"]
