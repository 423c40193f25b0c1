"""JSON lines on stderr, with request and job id and without anything that tells who a person is."""

import logging
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]

# A key of a log line that would tell who somebody is, or that carries text a person typed.
IDENTIFYING_KEYS = (
    frozenset(("email", "e_mail", "name", "first_name", "last_name", "given_name", "family_name", "full_name", "username"))
    | frozenset(("phone", "address", "date_of_birth", "birth_date", "ip", "ip_address", "remote_addr", "client"))
    | frozenset(("patient", "patient_code", "code", "record_number", "identity", "enrolment"))
    | frozenset(("path", "full_path", "url", "referer", "query", "query_string", "body", "data", "form"))
    | frozenset(("cookies", "headers", "password", "token", "key"))
)
E_MAIL = re.compile(r"[^\s<>\"'=:,;()\[\]]+@[^\s<>\"'=:,;()\[\]]+")
IP_ADDRESS = re.compile(r"\b(?!127\.0\.0\.1|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b")
QUERY_STRING = re.compile(r"\?[^\s\"']+")
# The texts of these come from the program; any other text may quote a record.
TEXT_IS_SAFE = (AttributeError, ImportError, NameError, TypeError)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
JOB_TEXT = frozenset({"exc", "traceback", "args", "kwargs", "return_value"})


def logging_configuration(level: str) -> dict[str, Any]:
    """Return the configuration for `dictConfig` and make structlog's own loggers feed the same handler."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    to_root: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"without_texts": {"()": WithoutTexts}},
        "formatters": {"json": {"()": json_formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["without_texts"]},
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **dict.fromkeys(("django", "django.server", "gunicorn.error", "celery"), to_root),
            # Its lines carry paths and addresses; the middleware's line replaces them.
            "gunicorn.access": {"handlers": [], "propagate": False},
        },
    }


def shared_processors() -> list[Processor]:
    """Return what every line passes, wherever it comes from."""
    return [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def json_formatter() -> logging.Formatter:
    """Return the formatter that drops identifiers last, so that nothing can slip in behind it."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared_processors(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            describe_exception,
            without_identifiers,
            structlog.processors.JSONRenderer(),
        ],
    )


class WithoutTexts(logging.Filter):
    """Replace, in lines of Django and Celery, the path of a request and the text of a failed job."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            record.args = tuple(route_of(request) if is_path(argument, request) else argument for argument in record.args)
        if isinstance(record.args, Mapping):
            record.args = {key: "-" if key in JOB_TEXT else value for key, value in record.args.items()}
        return True


def is_path(argument: object, request: HttpRequest) -> bool:
    """Return whether the argument is the request's path, with or without its query."""
    return isinstance(argument, str) and argument.split("?")[0] == request.path


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and its frames; its text may quote a record and is kept only where it cannot."""
    information = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if information is True:
        information = sys.exc_info()
    if isinstance(information, BaseException):
        information = (type(information), information, information.__traceback__)
    if isinstance(information, tuple) and information[0] is not None:
        event["exception"] = exception_summary(information)
    return event


def exception_summary(information: ExceptionInfo) -> dict[str, Any]:
    """Return type, frames, the database's error code and constraint, and the text where it is safe."""
    kind, error, trace = information
    summary: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    if isinstance(error, TEXT_IS_SAFE):
        summary["text"] = str(error)
    cause = error.__cause__ or error
    if sqlstate := getattr(cause, "sqlstate", None):
        summary["sqlstate"] = sqlstate
        summary["constraint"] = getattr(getattr(cause, "diag", None), "constraint_name", None)
    summary["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
    return summary


def without_identifiers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop identifying keys and blank e-mail addresses, IP addresses and query strings in what stays."""
    return {key: blanked(value) for key, value in event.items() if key not in IDENTIFYING_KEYS}


def blanked(value: Any) -> Any:  # a log line holds anything
    """Return the value with the identifying parts of its texts blanked."""
    if isinstance(value, str):
        # Most texts hold none of the three signs, and looking for a sign costs less than looking for what it belongs to.
        value = E_MAIL.sub("[e-mail]", value) if "@" in value else value
        value = IP_ADDRESS.sub("[ip]", value) if "." in value else value
        return QUERY_STRING.sub("?...", value) if "?" in value else value
    if isinstance(value, Mapping):
        return {key: blanked(part) for key, part in value.items() if key not in IDENTIFYING_KEYS}
    if isinstance(value, list | tuple):
        return [blanked(part) for part in value]
    return value


def route_of(request: HttpRequest) -> str:
    """Return the route's name or pattern, never the path: a path carries codes."""
    match = request.resolver_match
    return (match.view_name or match.route) if match else "unmatched"


def request_id_of(request: HttpRequest) -> str:
    """Return the caller's X-Request-ID where it is a plain word, else a new one."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


class RequestContextMiddleware:
    """Give each request an id, bind it to every line logged meanwhile, and log one line when it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.log = structlog.get_logger("registry.request")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = request_id_of(request)
        setattr(request, "request_id", request_id)  # noqa: B010  (HttpRequest declares no such attribute)
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        self.log.info(
            "request",
            method=request.method,
            route=route_of(request),
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1000, 1),
            user_id=user_id_of(request),
        )
        return response


def user_id_of(request: HttpRequest) -> int | None:
    """Return the signed-in user's number where the request asked for it; never cause a query just to log."""
    return getattr(getattr(request, "_cached_user", None), "pk", None)
