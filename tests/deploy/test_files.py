"""docker-compose.yml, Dockerfile and the proxy's configuration: valid, and held to what the deployment promises."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import check_jsonschema
import jsonschema
import pytest

from registry.embedded.cluster import SETTINGS
from registry.environment import ROOT
from tests.deploy import recipe

SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
SERVICES = recipe.compose()["services"]
SECRET_WORD = re.compile(r"PASSWORD|SECRET|KEY")
GIVEN_BY_DEPLOYER = {"REGISTRY_HOST", "REGISTRY_HTTP_PORT", "REGISTRY_HTTPS_PORT"}


def problems_of_compose(changed: dict[str, object]) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(changed)]


def program(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


def test_compose_file_follows_the_compose_specification():
    assert problems_of_compose(recipe.compose()) == []


def test_the_specification_notices_a_misspelt_key():
    changed = recipe.compose()
    changed["services"]["db"]["healthcheck"]["intervall"] = "5s"
    assert any("intervall" in problem for problem in problems_of_compose(changed))


def test_dockerfile_passes_the_linter():
    done = program("hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_proxy_configuration_is_valid(tmp_path):
    subprocess.run([sys.executable, "deploy/make_secrets.py", str(tmp_path), "--host", "r.example.org"], cwd=ROOT, check=True)
    done = program(
        "caddy", "validate", "--config", "deploy/Caddyfile", "--adapter", "caddyfile",
        REGISTRY_HOST="r.example.org", SECRETS=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_services_are_those_that_are_promised():
    assert set(SERVICES) == {"db", "broker", "migrate", "web", "worker", "beat", "proxy"}


@pytest.mark.parametrize("name", SERVICES)
def test_service_runs_with_as_little_as_it_can(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    if name not in recipe.OURS:  # the user of our own image is in its Dockerfile
        assert service["user"].split(":")[0] not in ("root", "0")


def test_image_runs_as_a_numbered_account_without_rights():
    (user,) = [step.rest for step in recipe.steps() if step.word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "Kubernetes can only tell from a number that it is not root"


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_service_says_whether_it_is_well_and_comes_back(name):
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_migration_runs_once_and_before_everything_of_ours():
    assert SERVICES["migrate"]["restart"] == "no"
    for name in ("web", "worker", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_only_the_proxy_can_be_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert recipe.compose()["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if service["networks"] == ["inside"]} == {"db", "broker", "migrate", "beat"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_secret_is_a_file_that_the_service_is_given(name):
    service = SERVICES[name]
    for variable, value in service.get("environment", {}).items():
        if SECRET_WORD.search(variable):
            assert variable.endswith("_FILE"), f"{variable} would show in `docker inspect`"
            assert value.removeprefix("/run/secrets/") in service["secrets"]
        assert not re.search(r"://[^@/]*:[^@/]*@", str(value)), f"{variable} carries a password"
    assert set(service.get("secrets", ())) <= set(recipe.compose()["secrets"])


def test_no_service_is_given_a_login_that_is_not_its_own():
    logins = {
        name: {secret for secret in service.get("secrets", ()) if secret.startswith("database_")} for name, service in SERVICES.items()
    }
    assert {name: found for name, found in logins.items() if name in recipe.OURS} == {
        "migrate": {"database_owner", "database_unmasked"},
        "web": {"database_web", "database_unmasked"},
        "worker": {"database_worker", "database_unmasked"},
        "beat": {"database_worker", "database_unmasked"},
    }
    assert not logins["proxy"]


def test_without_a_host_name_compose_refuses_with_a_sentence():
    with pytest.raises(LookupError, match=r"set REGISTRY_HOST in \.env to the name people type"):
        recipe.environment_of("web", {})


def test_database_is_set_up_as_the_embedded_one():
    """The log settings keep what was typed out of the log; `listen_addresses` and the socket are the container's own."""
    command = SERVICES["db"]["command"]
    given = dict(setting.split("=", 1) for setting in command[2::2])
    own = {"listen_addresses", "unix_socket_permissions"}
    assert given == {name: value for name, value in SETTINGS.items() if name not in own}


def test_every_variable_is_explained_in_the_example():
    text = (ROOT / ".env.example").read_text()
    for name in recipe.OURS:
        for variable in SERVICES[name]["environment"]:
            assert f"{variable.removesuffix('_FILE')}" in text, variable
    for variable in GIVEN_BY_DEPLOYER | {found[0] for found in recipe.VARIABLE.findall(recipe.COMPOSE.read_text())}:
        assert variable in text, variable


def test_version_of_the_image_is_the_version_of_the_registry():
    from registry import settings

    assert {SERVICES[name]["image"] for name in recipe.OURS} == {f"rtms-pain-registry:{settings.VERSION}"}


def test_what_must_not_be_in_an_image_or_a_commit_is_left_out_of_both():
    for path in ("deploy/secrets/secret_key", ".env", "var/secrets.json", ".venv/bin/python", ".git/config", "tests/conftest.py"):
        assert recipe.is_left_out(Path(path)), path
    for path in ("deploy/health.py", "manage.py", "registry/settings.py", "requirements.txt", "templates/base.html"):
        assert not recipe.is_left_out(Path(path)), path
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/secrets/secret_key", ".env"], cwd=ROOT, check=False)
    assert ignored.returncode in (0, 128)  # 128: not a repository, as in an unpacked archive
