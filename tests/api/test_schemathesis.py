"""The description is valid, and an outsider's fuzzer finds no operation that breaks its word; the seed is fixed."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.schema import description
from tests.api.conftest import token_of

SECONDS = 1800
CONFIG = Path(__file__).with_name("schemathesis.toml")
HOW = (
    # One worker: with two, Python 3.11 now and then fails inside the fuzzer ("AST constructor recursion depth mismatch").
    *("--checks", "all", "--seed", "1", "--max-examples", "3", "--generation-database", "none", "--workers", "1"),
    *("--request-timeout", "60", "--suppress-health-check", "all", "--phases", "examples,coverage,fuzzing,stateful"),
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


def test_what_the_fuzzer_leaves_out_is_described_as_something_it_does_not(client):
    """The reasons written in schemathesis.toml: every operation left out of coverage has its like among the others."""
    described = client.get("/api/v1/schema/").json()
    operations = {one["operationId"]: one for methods in described["paths"].values() for one in methods.values()}
    left_out = {name for part in tomllib.loads(CONFIG.read_text())["operations"] for name in part["include-operation-id"]}
    assert left_out < operations.keys()
    for name in left_out - {"add_thresholds", "add_adverse_events", "add_sessions"}:
        likes = [other for key, other in operations.items() if key not in left_out and key.split("_")[0] == name.split("_")[0]]
        assert any(shape(operations[name]) <= shape(other) for other in likes), name
    for name in ("thresholds", "adverse_events", "sessions"):
        assert shape(operations[f"add_{name}"]) == shape(operations["add_scores"])


def shape(operation: dict[str, Any]) -> set[str]:
    """Return what an operation takes: each parameter, and the body of those that name one of all."""
    parameters = {json.dumps(one, sort_keys=True) for one in operation.get("parameters", ()) if one["in"] != "path"}
    body = json.dumps(operation.get("requestBody", {}), sort_keys=True)
    return parameters | ({body} if "ReasonRequest" in body else set())


@pytest.mark.slow_services
def test_a_fuzzer_finds_nothing(site, trial, enrolment, coordinator_with_everything, tmp_path):
    secret = token_of(coordinator_with_everything)
    description()  # made in this process, which serves it: the fuzzer waits ten seconds for it, and a loaded machine takes longer
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "--config-file", str(CONFIG), "--no-color", "run", f"{site}/api/v1/schema/", *HOW]
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
