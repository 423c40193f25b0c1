"""A log line says what happened and to which request, and never to whom."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from logging.config import dictConfig
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch
from django.utils.log import log_response

from registry.logs import RequestContextMiddleware, logging_configuration

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return what the product's handler writes, line by line."""
    written = io.StringIO()
    configuration = logging_configuration("INFO")
    configuration["handlers"]["stderr"]["stream"] = written
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    dictConfig(configuration)
    structlog.contextvars.clear_contextvars()
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = kept
    root.setLevel(level)


def request_to(path: str, **headers: str) -> HttpRequest:
    request = RequestFactory().get(path, headers=headers)
    request.resolver_match = ResolverMatch(lambda _: None, (), {}, url_name="patient", route="patients/<str:code>/")
    return request


def answering(status: int) -> Callable[[HttpRequest], HttpResponse]:
    return lambda _request: HttpResponse(status=status)


def test_identifying_keys_are_dropped_and_addresses_blanked(lines: Lines) -> None:
    structlog.get_logger("registry.test").info(
        "sent to eve@example.org from 10.1.2.3 by /patients/?name=Eve",
        patient_code="N-001",
        email="eve@example.org",
        rows=3,
        detail={"name": "Eve", "count": 2},
    )
    (line,) = lines()
    assert line["event"] == "sent to [e-mail] from [ip] by /patients/?..."
    assert (line["rows"], line["detail"]) == (3, {"count": 2})
    assert {"patient_code", "email"}.isdisjoint(line)
    assert (line["level"], line["logger"]) == ("info", "registry.test")


def test_a_request_is_one_line_with_its_route_and_never_its_path(lines: Lines) -> None:
    request = request_to("/patients/N-001/?q=Eve")
    response = RequestContextMiddleware(answering(200))(request)
    (line,) = lines()
    assert (line["event"], line["method"], line["route"], line["status"]) == ("request", "GET", "patient", 200)
    assert line["request_id"] == response["X-Request-ID"] == getattr(request, "request_id", None)
    assert "N-001" not in json.dumps(line)
    assert "Eve" not in json.dumps(line)


@pytest.mark.parametrize(
    ("given", "is_kept"), [("client-request-0001", True), ("short", False), ("with spaces in it", False), ("x" * 65, False)]
)
def test_request_id_of_the_caller_is_kept_where_it_is_a_plain_word(lines: Lines, given: str, is_kept: bool) -> None:
    response = RequestContextMiddleware(answering(200))(request_to("/", **{"X-Request-ID": given}))
    assert (response["X-Request-ID"] == given) is is_kept


def test_lines_during_a_request_carry_its_id(lines: Lines) -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        logging.getLogger("some.library").warning("half way")
        return HttpResponse()

    response = RequestContextMiddleware(view)(request_to("/"))
    assert [line["request_id"] for line in lines()] == [response["X-Request-ID"]] * 2


def test_django_names_the_route_of_a_failed_request(lines: Lines) -> None:
    request = request_to("/patients/N-001/?q=Eve")
    log_response("%s: %s", "Not Found", request.path, response=HttpResponse(status=404), request=request)
    (line,) = lines()
    assert line["event"] == "Not Found: patient"


def test_an_exception_is_its_type_and_frames_without_its_text(lines: Lines) -> None:
    try:
        raise ValueError("patient N-001 has no score")
    except ValueError:
        logging.getLogger("registry.test").exception("failed")
        structlog.get_logger("registry.test").exception("failed")
    for line in lines():
        assert line["exception"]["type"] == "builtins.ValueError"
        assert "test_an_exception_is" in line["exception"]["frames"][0]
        assert "N-001" not in json.dumps(line)


def test_an_exception_of_the_program_keeps_its_text(lines: Lines) -> None:
    try:
        raise AttributeError("'NoneType' object has no attribute 'pk'")
    except AttributeError:
        logging.getLogger("registry.test").exception("failed")
    (line,) = lines()
    assert line["exception"]["text"] == "'NoneType' object has no attribute 'pk'"


def test_celery_names_the_failed_job_without_its_text(lines: Lines) -> None:
    context = {"id": "7", "name": "registry.sweep", "exc": "ValueError('N-001')", "traceback": "N-001", "args": "['N-001']", "kwargs": "{}"}
    logging.getLogger("celery.app.trace").error("Task %(name)s[%(id)s] raised unexpected: %(exc)s\n%(traceback)s", context)
    (line,) = lines()
    assert line["event"] == "Task registry.sweep[7] raised unexpected: -\n-"
