"""The description is valid, and an outsider's fuzzer finds no operation that breaks its word; the seed is fixed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.conftest import token_of

SECONDS = 600
HOW = (
    *("--checks", "all", "--seed", "1", "--max-examples", "3", "--generation-database", "none", "--workers", "2"),
    *("--request-timeout", "60", "--suppress-health-check", "all", "--phases", "examples,coverage,fuzzing"),
)


def test_the_description_is_valid_openapi(client):
    answer = client.get("/api/v1/schema/")
    described = answer.json()
    assert described["openapi"] == "3.1.1"
    assert list(OpenAPIV31SpecValidator(described).iter_errors()) == []


def test_every_operation_has_a_short_name_a_summary_and_every_status(client):
    described = client.get("/api/v1/schema/").json()
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) > 40
    assert all(name.islower() and len(name) < 30 for name in names)
    for operation in operations:
        assert operation["summary"]
        assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])


@pytest.mark.slow_services
def test_a_fuzzer_finds_nothing(site, trial, enrolment, coordinator_with_everything, tmp_path):
    secret = token_of(coordinator_with_everything)
    program, config = Path(sys.executable).with_name("schemathesis"), Path(__file__).with_name("schemathesis.toml")
    command = [str(program), "--config-file", str(config), "--no-color", "run", f"{site}/api/v1/schema/", *HOW]
    command += ["--header", f"Authorization: Bearer {secret}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]


@pytest.fixture
def coordinator_with_everything(alice: Any, threshold_of_patient: Any) -> Any:
    return alice


@pytest.fixture
def threshold_of_patient(trial: Any, enrolment: Any, setup_actor: Any) -> Any:
    from tests.registry.services.stimulation_scene import allocate, measure, prescribe

    prescribe(trial, setup_actor)
    allocate(enrolment, setup_actor)
    return measure(enrolment, setup_actor)
