"""The deployment on servers from end to end: real PostgreSQL, Valkey, web, worker, beat and proxy, started from the compose file."""

from __future__ import annotations

import re
import shutil
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import REQUIRED
from tests.deploy.servers import HOST, Deployment, deployed, until
from tests.deploy.walk import walk
from tests.interchange.folders import PATIENTS, SCORES, write_folder
from tests.interchange.folders import TRIAL as FOLDER

pytestmark = pytest.mark.slow_services
ADMINISTRATOR = "admin@example.org"
METRICS_TOKEN = "a-token-of-the-monitoring-of-this-test"


def browser(at: Deployment) -> httpx.Client:
    """Return a browser that trusts the site's certificate and nobody else's, and finds the host's name on this machine."""
    trusted = ssl.create_default_context(cafile=str(at.secrets / "tls_certificate"))
    client = httpx.Client(
        verify=trusted, base_url=f"https://127.0.0.1:{at.ports['https']}", headers={"Host": HOST}, timeout=30, trust_env=False
    )
    client.event_hooks["request"].append(lambda request: request.extensions.update(sni_hostname=HOST))
    return client


@pytest.fixture
def at() -> Iterator[Deployment]:
    with deployed(METRICS_TOKEN=METRICS_TOKEN) as deployment:
        yield deployment
        # Shown where the test failed; each service says why in its own log.
        sys.stdout.write(deployment.said())


def test_a_trial_from_import_to_outcomes(at: Deployment, tmp_path: Path) -> None:
    """One story, for each start of everything takes seconds."""
    with browser(at) as client:
        until(lambda: is_ready(client))
        every_service_is_well(at)
        nothing_is_left_to_warn_of(at)
        plain_http_leads_to_https(at)
        password = add_account(at, ADMINISTRATOR, "administrator", "--name", "Ada Admin")
        a_trial_is_read_after_its_import(at, client, tmp_path)
        signing_in_is_only_for_https(client)
        somebody_on_duty_sees_that_it_is_well(at, client)
        no_login_opens_what_is_not_its_own(at)
        no_secret_shows_in_the_list_of_processes(at)
        a_person_walks_to_the_first_patient(at, password)


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def every_service_is_well(at: Deployment) -> None:
    for service in ("web", "worker", "beat"):
        done = at.health(service)
        assert done.returncode == 0, (service, done.stdout, done.stderr)
    assert at.psql("rtms_bootstrap", "SELECT 1").returncode == 0


def nothing_is_left_to_warn_of(at: Deployment) -> None:
    done = at.manage("check", "--deploy", "--fail-level", "WARNING", service="web")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout


def plain_http_leads_to_https(at: Deployment) -> None:
    answer = httpx.get(f"http://127.0.0.1:{at.ports['http']}/t/?q=1", headers={"Host": HOST}, trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOST}/t/?q=1")


def a_trial_is_read_after_its_import(at: Deployment, client: httpx.Client, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "calm", FOLDER.replace("calm-m1", "calm-import"), patients=PATIENTS, pain_scores=SCORES)
    imported = at.manage("import_trial", str(folder), "--as", ADMINISTRATOR)
    assert imported.returncode == 0, imported.stdout + imported.stderr
    password = add_account(at, "rita@example.org", "researcher", "--name", "Rita Reader", "--trial", "calm-import")
    sign_in(client, "rita@example.org", password)
    until(lambda: "W4" in client.get("/t/calm-import/outcomes/").text)
    page = client.get("/t/calm-import/outcomes/")
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    until(lambda: at.psql("rtms_worker", "SELECT count(*) FROM registry_snapshot").stdout.strip() == "1")
    assert client.get("/t/calm-import/outcomes/closed/").status_code == 403


def add_account(at: Deployment, email: str, *arguments: str) -> str:
    done = at.manage("add_account", email, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[0].split()[1]


def sign_in(client: httpx.Client, email: str, password: str) -> None:
    page = client.get("/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"login": email, "password": password, "csrfmiddlewaretoken": token[1]}
    answer = client.post("/login/", data=form, headers={"Referer": f"https://{HOST}/login/", "Origin": f"https://{HOST}"})
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/t/"), answer.text


def somebody_on_duty_sees_that_it_is_well(at: Deployment, client: httpx.Client) -> None:
    """The page and the metrics tell what is true of these servers: who lives, what was done, that a backup was made."""
    backed_up = at.manage("backup", str(at.directory / "backup"), service="migrate")
    assert backed_up.returncode == 0, backed_up.stderr
    metrics = httpx.get(
        f"http://{at.web}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}", "X-Forwarded-Proto": "https", "Host": HOST}
    )
    assert metrics.status_code == 200, metrics.text
    told = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in metrics.text.splitlines() if line[0] != "#")}
    assert 0 <= told["rtms_worker_heartbeat_age_seconds"] <= 90
    assert 0 <= told["rtms_sweep_age_seconds"] <= 90
    assert 0 <= told["rtms_backup_age_seconds"] <= 90
    assert (told["rtms_unresolved_failed_jobs"], told['rtms_jobs{state="done"}'] >= 1) == (0, True)
    assert told["rtms_disk_size_bytes"] > told["rtms_disk_free_bytes"] > 0
    assert client.get("/metrics").status_code == 403
    assert client.get("/status/").status_code == 403


def signing_in_is_only_for_https(client: httpx.Client) -> None:
    cookies = {cookie.name: cookie for cookie in client.cookies.jar}
    assert cookies["rtms_session"].secure
    assert cookies["rtms_csrf"].secure


def no_login_opens_what_is_not_its_own(at: Deployment) -> None:
    assert at.psql("rtms_unmasked", "SELECT count(*) FROM closed.arm").returncode == 0
    for login in ("rtms_web", "rtms_worker"):
        assert "permission denied for schema closed" in at.psql(login, "SELECT count(*) FROM closed.arm").stderr
    assert "permission denied" in at.psql("rtms_web", "CREATE TABLE mine (n int)").stderr


def no_secret_shows_in_the_list_of_processes(at: Deployment) -> None:
    secrets = [path.read_text().strip() for path in at.secrets.iterdir() if not path.name.startswith("tls")]
    shown = [word for process in psutil.process_iter(["cmdline"]) for word in process.info["cmdline"] or ()]
    assert not [word for word in shown for secret in secrets if secret in word]


def a_person_walks_to_the_first_patient(at: Deployment, password: str) -> None:
    """Last, since a machine without a browser can do everything before."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        if "chromium" in REQUIRED:
            pytest.fail("Chromium is required but not installed")
        pytest.skip("all but the browser's part was done: that needs Chromium, which is not installed")
    walk(at, program, ADMINISTRATOR, password)
    assert at.psql("rtms_worker", "SELECT count(*) FROM registry_enrolment WHERE patient_code = 'P-0001'").stdout.strip() == "1"
