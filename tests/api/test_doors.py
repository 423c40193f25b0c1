"""Who gets in, as whom, how far: tokens, sessions with CSRF, scopes, limits, and what each role sees."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from django.utils import timezone
from django.utils.html import escape
from redis.exceptions import ConnectionError as AwayError

from registry.models import ApiToken, ApiTokenUse, User
from registry.services import accounts
from registry.services.tokens import revoke_token
from tests import cluster
from tests.api.conftest import Api, token_of
from tests.trials import make_diary

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
SNIPPET = Path(cluster.ROOT) / "docs/how-to/examples/use_the_api.py"


def person(name: str, role: str, trial: Any, by: Any, site: Any = None) -> User:
    user = accounts.create_user(email=f"{name}@example.org", name=name, password="correct horse battery", by=by)
    accounts.add_membership(user=user, role=role, trial=trial, site=site, by=by, valid_from=date(2026, 1, 1))
    return user


@pytest.mark.django_db
class TestTokens:
    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer x", "Bearer " + "0" * 32, "Token " + "0" * 32, "Basic eDp5", "Bearer a b"], ids=str
    )
    def test_without_a_token_that_holds_nobody_gets_in(self, trial, header):
        answer = Client().get("/api/v1/trials/", headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.json()["type"] == "/api/v1/problems/not-authenticated/"

    def test_a_token_is_32_hexadecimal_characters_kept_as_a_hash(self, alice):
        secret = token_of(alice)
        assert len(bytes.fromhex(secret)) == 16
        assert secret not in str(ApiToken.objects.values().get())

    def test_a_token_ends_on_its_day_and_when_revoked(self, alice):
        client = Api(token_of(alice, days=1))
        assert client.get("trials/").status_code == 200
        with mock.patch.object(timezone, "now", return_value=timezone.now() + timedelta(days=2)):
            assert client.get("trials/").status_code == 401
        revoke_token(ApiToken.objects.get().uuid, by=alice, now=timezone.now())
        assert client.get("trials/").status_code == 401

    def test_a_token_ends_with_the_membership_and_with_the_account(self, alice, admin, setup_actor):
        client = Api(token_of(alice))
        accounts.end_membership(alice.memberships.get(), by=admin, today=timezone.now().date() - timedelta(days=1))
        accounts.end_membership(alice.memberships.get(), by=admin, today=date(2026, 1, 2))
        assert client.get("trials/").status_code == 401

    def test_a_token_of_one_trial_reaches_no_other(self, alice, trial, other_trial, setup_actor, enrolment, new_score):
        accounts.add_membership(user=alice, role="coordinator", trial=other_trial, by=setup_actor, valid_from=date(2026, 1, 1))
        alice.__dict__.pop("_memberships", None)
        both, one = Api(token_of(alice)), Api(token_of(alice, trial=other_trial))
        assert [row["slug"] for row in both.rows("trials/")] == ["calm-m1", "other-1"]
        assert [row["slug"] for row in one.rows("trials/")] == ["other-1"]
        assert one.get("trials/calm-m1/").status_code == 404
        assert one.rows("patients/") == []
        assert one.post("scores/", new_score).status_code == 404

    def test_a_registry_wide_role_is_narrowed_to_the_tokens_trial(self, admin, trial, other_trial):
        client = Api(token_of(admin, trial=trial))
        assert [row["slug"] for row in client.rows("trials/")] == ["calm-m1"]
        assert len(client.rows("sites/")) == 2

    def test_a_token_for_reading_writes_nothing(self, alice, enrolment, new_score):
        client = Api(token_of(alice, scope="read"))
        answer = client.post("scores/", new_score)
        assert (answer.status_code, answer.json()["type"]) == (403, "/api/v1/problems/not-allowed/")
        assert "made for reading" in answer.json()["detail"]
        assert client.get("scores/").status_code == 200

    def test_the_day_of_use_is_kept_with_one_write_a_day(self, alice, django_assert_num_queries):
        client = Api(token_of(alice))
        client.get("trials/")
        assert ApiTokenUse.objects.get().last_used_on == timezone.now().date()
        with django_assert_num_queries(2):  # token with person and memberships, trials
            client.get("trials/")


@pytest.mark.django_db
class TestSessions:
    def test_a_signed_in_browser_reads_and_needs_its_csrf_token_to_write(self, alice, enrolment, new_score):
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice, backend=BACKEND)
        assert client.get("/api/v1/scores/").status_code == 200
        answer = client.post("/api/v1/scores/", new_score, content_type="application/json")
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")

    def test_answers_stay_out_of_caches(self, api, alice):
        assert api(alice).get("trials/")["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
class TestLimits:
    def test_too_many_requests_wait(self, api, alice):
        client = api(alice)
        with override_settings(API_REQUESTS_PER_MINUTE=3):
            answers = [client.get("trials/") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[-1]["Retry-After"]) <= 61
        assert answers[0]["RateLimit-Policy"] == '"person";q=3;w=60'

    def test_too_many_wrong_tokens_from_one_address_wait(self, api, alice):
        client = api(alice)
        with override_settings(API_REFUSALS_PER_MINUTE=3):
            assert [Api("0" * 32).get("trials/").status_code for _ in range(4)] == [401, 401, 401, 429]
            assert client.get("trials/").status_code == 429

    def test_without_valkey_nobody_is_refused(self, api, alice):
        with mock.patch("api.limits.cache.add", side_effect=AwayError):
            assert api(alice).get("trials/").status_code == 200

    def test_without_a_database_the_answer_is_to_come_again(self, api, alice):
        client = api(alice)
        with mock.patch("api.authentication.bearer_of", side_effect=OperationalError("gone")):
            answer = client.get("trials/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
        assert "gone" not in answer.content.decode()


@pytest.mark.django_db
class TestErrors:
    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            ("{", "application/json", 400), ('{"a": NaN}', "application/json", 400), ('{"a": 1, "a": 2}', "application/json", 400),
            (b"\xff", "application/json", 400), ("a=1", "application/x-www-form-urlencoded", 415), ("[]", "application/json", 422),
            ("null", "application/json", 422),
        ],
        ids=["half", "nan", "twice", "no utf-8", "form", "list", "null"],
    )  # fmt: skip
    def test_a_body_that_cannot_be_read_is_refused(self, alice, body, kind, status):
        headers = {"Authorization": f"Bearer {token_of(alice)}"}
        answer = Client().generic("POST", "/api/v1/scores/", body, content_type=kind, headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content

    def test_every_problem_has_its_page(self, client):
        from api.problems import ADDRESS, KINDS

        for code in KINDS:
            assert escape(KINDS[code].title) in client.get(ADDRESS.format(code=code)).content.decode()
        assert client.get(ADDRESS.format(code="none-such")).status_code == 404

    def test_an_address_that_leads_nowhere_is_a_problem_like_a_hidden_record(self, api, oscar, other_site_enrolment):
        nowhere, hidden = (api(oscar).get(path) for path in ("nowhere/", f"patients/{other_site_enrolment.uuid}/"))
        assert nowhere.status_code == hidden.status_code == 404
        told = ("type", "title", "detail", "status", "errors")
        assert [nowhere.json()[name] for name in told] == [hidden.json()[name] for name in told]
        assert api(oscar).get("patients/1/").status_code == 404

    def test_what_nobody_foresaw_tells_nothing_but_a_number(self, api, alice):
        with mock.patch("api.trial_setup.Trials.visible", side_effect=KeyError("Anna Muster")):
            answer = api(alice).get("trials/")
        assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
        assert "Anna" not in answer.content.decode()
        assert answer.json()["request_id"] == answer["X-Request-ID"]


@pytest.mark.django_db
class TestSight:
    def test_staff_of_a_site_see_their_site_alone(self, api, oscar, charlie, enrolment, other_site_enrolment, new_score):
        assert [row["patient"] for row in api(oscar).rows("patients/")] == ["P-0001"]
        assert [row["patient"] for row in api(charlie).rows("patients/")] == ["P-0002"]
        for name in ("enrolments", "diagnoses", "pains"):
            assert {row["patient"] for row in api(charlie).rows(f"{name}/")} == {"P-0002"}
        made = api(oscar).post("scores/", new_score)
        for method, path in (("GET", ""), ("PATCH", ""), ("POST", "void/"), ("POST", "restore/")):
            body = None if method == "GET" else {"value": 1, "change_reason": "typing_error"}
            assert api(charlie).ask(method, made["Location"] + path, body, If_Match="*").status_code == 404
        assert api(charlie).post("scores/", new_score).status_code == 404
        assert api(charlie).rows("scores/?patient=P-0001") == []
        assert api(charlie).rows("patients/?site=N") == []

    def test_researchers_read_no_free_text(self, api, alice, enrolment, trial, setup_actor):
        rita = person("rita", "researcher", trial, setup_actor)
        assert api(alice).rows("pains/")[0]["body_region"] == "hand"
        for client in (api(rita), Api(token_of(rita, trial=trial))):
            assert client.rows("pains/")[0]["body_region"] is None
            assert client.rows("diagnoses/")[0]["condition_text"] is None
            assert client.rows("diagnoses/")[0]["condition"] == "phantom_limb"

    def test_free_text_is_read_where_another_role_lets_one_read_it(self, api, enrolment, other_site_enrolment, trial, setup_actor):
        rita = person("rita", "researcher", trial, setup_actor)
        accounts.add_membership(
            user=rita, role="operator", trial=trial, site=trial.sites.get(code="S"), by=setup_actor, valid_from=date(2026, 1, 1)
        )
        assert {row["patient"]: row["body_region"] for row in api(rita).rows("pains/")} == {"P-0001": None, "P-0002": "hand"}
        assert {row["patient"]: row["condition_text"] for row in api(rita).rows("diagnoses/")} == {"P-0001": None, "P-0002": ""}

    def test_masked_roles_without_patients_see_no_score_after_allocation(self, api, enrolment, trial, setup_actor, new_score):
        from registry.models import Allocation
        from registry.services.auditing import audited
        from tests.trials import ENROLLED_ON

        make_diary(enrolment, dict.fromkeys(range(-3, 5), "5"), by=setup_actor)
        with audited(by=setup_actor, reason="allocated"):
            Allocation.objects.create(
                enrolment=enrolment, treatment=trial.treatments.get(code="m1"), analysis_site=enrolment.site, allocated_on=ENROLLED_ON
            )
        petra = person("petra", "principal_investigator", trial, setup_actor)
        rows = api(petra).rows("scores/")
        assert len(rows) == 3
        assert all(row["for_date"] < ENROLLED_ON.isoformat() for row in rows)
        assert api(petra).get("scores/?count=exact").json()["count"] == 3
        # What she writes she is shown as she sent it, and never again.
        made = api(petra).post("scores/", new_score)
        assert (made.status_code, made.json()["value"]) == (201, 4)
        assert api(petra).get(made["Location"]).status_code == 404


def test_the_lines_of_the_readme_run(site, alice, enrolment, setup_actor):
    make_diary(enrolment, dict.fromkeys(range(5), "5"), by=setup_actor)
    readme = (Path(cluster.ROOT) / "README.md").read_text()
    environment = {"RTMS_URL": site, "RTMS_TOKEN": token_of(alice), "PATH": os.environ["PATH"]}
    [python] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", python], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "5 scores, the last one 5\n", done.stderr
    [curl] = re.findall(r"^curl .*$", readme, re.MULTILINE)
    answer, complaint = sent_as(curl.replace("http://127.0.0.1:8000", site), environment)
    assert [row["patient"] for row in json.loads(answer)["results"]] == ["P-0001"], complaint


def sent_as(line: str, environment: dict[str, str]) -> tuple[str, str]:
    """Return the answer to a line of curl, and what curl said; where there is no curl, the same request is sent without it."""
    if shutil.which("curl"):
        done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=False, timeout=120)
        return done.stdout, done.stderr
    return request_of(line, environment).text, "(sent without curl)"


def request_of(line: str, environment: dict[str, str]) -> httpx.Response:
    """Send what a line of curl that has headers and an address would send; raise for any other line."""
    filled = re.sub(r"\$(\w+)", lambda found: environment[found[1]], line)
    program, *words = shlex.split(filled)
    headers = [words[number + 1] for number, word in enumerate(words) if word == "-H"]
    [address] = [word for word in words if word != "-H" and word not in headers]
    assert program == "curl"
    return httpx.get(address, headers=dict(header.split(": ", 1) for header in headers), timeout=120)


def test_the_line_of_the_readme_is_understood_without_curl(site, alice, enrolment):
    """Where curl is missing the line above is sent by this reading of it, so it is tried where curl is there too."""
    [line] = re.findall(r"^curl .*$", (Path(cluster.ROOT) / "README.md").read_text(), re.MULTILINE)
    answer = request_of(line.replace("http://127.0.0.1:8000", site), {"RTMS_TOKEN": token_of(alice)})
    assert (answer.status_code, [row["patient"] for row in answer.json()["results"]]) == (200, ["P-0001"])


def test_the_script_of_the_documentation_runs(site, alice, enrolment, setup_actor):
    make_diary(enrolment, dict.fromkeys(range(5), "5"), by=setup_actor)
    environment = {"RTMS_URL": site, "RTMS_TOKEN": token_of(alice), "PATH": ""}
    done = subprocess.run(
        [sys.executable, str(SNIPPET), "calm-m1", "P-0001"], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines() == ["5 scores of 1 patients", "recorded 4 as version 1", "corrected to 5 as version 2"], done.stderr
