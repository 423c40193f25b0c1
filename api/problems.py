"""Errors as application/problem+json (RFC 9457): one documented type for each kind, every field named by a pointer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from rest_framework import exceptions as drf
from rest_framework.response import Response

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound, Problem, RegistryError
from registry.services.idempotency import KeyInUse, KeyReused
from registry.services.versions import is_refused_by_rule

MEDIA_TYPE = "application/problem+json"
AWAY_FOR_S = 2
# The word for a value that another record has.
TAKEN = "taken"
ADDRESS = "/api/v1/problems/{code}/"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Kind:
    """One kind of problem: its code in the type's address, its status, and what to do about it."""

    code: str
    status: HTTPStatus
    title: str
    remedy: str


def _kind(code: str, status: int, title: str, remedy: str) -> Kind:
    return Kind(code, HTTPStatus(status), title, remedy)


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        _kind("malformed", 400, "The request cannot be read", "Send one JSON document in UTF-8 that names no key twice."),
        _kind("invalid-query", 400, "A part of the address's query is wrong", "Each wrong parameter is named in `errors`."),
        _kind("invalid-cursor", 400, "The cursor is not of this list", "Follow the `next` link as it is, or begin again without a cursor."),
        _kind("not-authenticated", 401, "Nobody is signed in", "Send `Authorization: Bearer TOKEN` with a token that still holds."),
        _kind("not-allowed", 403, "You may not do this", "`detail` names the right and who holds it."),
        _kind("not-found", 404, "There is no such record among yours", "Records of other sites and trials look the same as none."),
        _kind("method-not-allowed", 405, "This address does not take that method", "The header Allow names those it takes."),
        _kind("not-acceptable", 406, "Only JSON is to be had", "Accept application/json."),
        _kind("conflict", 409, "The record stands otherwise than you think", "Read it again, then decide."),
        _kind("key-in-progress", 409, "A request with this key is being worked on", "Send the same request again in a second."),
        _kind("precondition-failed", 412, "The record changed since you read it", "Read it again and send its new ETag in If-Match."),
        _kind("too-large", 413, "The body is too large", "Send fewer rows at once."),
        _kind("unsupported-media-type", 415, "Only JSON is taken", "Send Content-Type: application/json."),
        _kind("invalid-input", 422, "A value breaks a rule", "Each value is named in `errors`. Nothing was written."),
        _kind("key-reused", 422, "The key belongs to another request", "Use a new Idempotency-Key for each new request."),
        _kind("precondition-required", 428, "A change must name what it changes", "Send the ETag of the record you read in If-Match."),
        _kind("too-many-requests", 429, "Too many requests", "Wait as many seconds as Retry-After says."),
        _kind("server-error", 500, "A fault of ours", "Tell the administrator the `request_id`."),
        _kind("unavailable", 503, "The database is away for a moment", "Send the same request again, with the same Idempotency-Key."),
    )
}


class InvalidQuery(drf.APIException):
    """A part of the query is wrong."""

    def __init__(self, detail: Any) -> None:
        super().__init__()
        self.detail = detail


class InvalidRows(InvalidInput):
    """Values of a list of rows that break a rule, each named with its row."""


class ConflictOfRows(Conflict):
    """Rows of a list that are in the way of what is on record, or of one another, each named."""

    def __init__(self, sentence: str, problems: list[Problem]) -> None:
        super().__init__(sentence)
        self.problems = problems


class InvalidCursor(Exception):
    """A cursor that was not given out for this list and this person."""


class PreconditionFailed(Exception):
    """The record is not the one the client read."""


class PreconditionRequired(Exception):
    """A change without If-Match."""


# The first class that fits an error names its kind.
KIND_OF: tuple[tuple[type[Exception], str], ...] = (
    (InvalidCursor, "invalid-cursor"),
    (InvalidQuery, "invalid-query"),
    (PreconditionFailed, "precondition-failed"),
    (PreconditionRequired, "precondition-required"),
    (KeyInUse, "key-in-progress"),
    (KeyReused, "key-reused"),
    (InvalidInput, "invalid-input"),
    (NotAllowed, "not-allowed"),
    (NotFound, "not-found"),
    (Conflict, "conflict"),
    (IntegrityError, "conflict"),
    (drf.ValidationError, "invalid-input"),
    (drf.ParseError, "malformed"),
    (drf.NotAuthenticated, "not-authenticated"),
    (drf.AuthenticationFailed, "not-authenticated"),
    (drf.PermissionDenied, "not-allowed"),
    (PermissionDenied, "not-allowed"),
    (drf.NotFound, "not-found"),
    (Http404, "not-found"),
    (drf.MethodNotAllowed, "method-not-allowed"),
    (drf.NotAcceptable, "not-acceptable"),
    (RequestDataTooBig, "too-large"),
    (drf.UnsupportedMediaType, "unsupported-media-type"),
    (drf.Throttled, "too-many-requests"),
    (OperationalError, "unavailable"),
    (InterfaceError, "unavailable"),
)
# Fields that services name otherwise than the bodies of requests do.
NAME_IN_BODY = {
    "pain_rank": "pain",
    "protocol_version": "protocol",
    "anything_new": "new_since_last",
    "anything_new_text": "new_since_last_text",
}
# What Django or the database say of these may quote a record, or tell that one exists.
TITLE_SAYS_ALL = ("not-found", "unavailable", "server-error")


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return the answer to an error; what nobody foresaw is logged and answered 500."""
    code = "conflict" if is_refused_by_rule(error) else next((code for kind, code in KIND_OF if isinstance(error, kind)), "server-error")
    if code in ("server-error", "unavailable"):
        log.error(code.replace("-", "_"), exc_info=error)
    request: HttpRequest = context["request"]._request
    return Response(problem(code, error, request), status=KINDS[code].status, content_type=MEDIA_TYPE, headers=headers_of(code, error))


def problem(code: str, error: Exception, request: HttpRequest) -> dict[str, Any]:
    """Return the body."""
    kind = KINDS[code]
    return {
        "type": ADDRESS.format(code=code),
        "title": kind.title,
        "status": kind.status.value,
        "detail": kind.remedy if code in TITLE_SAYS_ALL else sentence_of(error) or kind.remedy,
        "instance": request.path,
        "errors": list(errors_of(code, error)),
        "request_id": getattr(request, "request_id", ""),
    }


def headers_of(code: str, error: Exception) -> dict[str, str]:
    """Return the headers that belong to a kind."""
    if code == "not-authenticated":
        return {"WWW-Authenticate": "Bearer"}
    if code == "unavailable":
        return {"Retry-After": str(AWAY_FOR_S)}
    if isinstance(error, drf.Throttled):
        return {"Retry-After": str(int(getattr(error, "wait", None) or 1))}
    return {}


def sentence_of(error: Exception) -> str:
    """Return what an error says to people; nothing where it lists fields or speaks of tables."""
    if isinstance(error, RegistryError):
        return error.sentence
    detail = getattr(error, "detail", None)
    return str(detail) if isinstance(detail, str) else ""


def errors_of(code: str, error: Exception) -> Iterator[dict[str, str]]:
    """Yield each wrong value: where it stands, a word for what is wrong, and the sentence."""
    if isinstance(error, InvalidInput):
        for one in error.problems:
            yield {"pointer": pointer(one.field, keep_row=isinstance(error, InvalidRows)), "code": one.code, "detail": one.message}
    elif isinstance(error, ConflictOfRows):
        for one in error.problems:
            yield {"pointer": pointer(one.field, keep_row=True), "code": one.code, "detail": one.message}
    elif isinstance(error, Conflict) and error.field:
        yield {"pointer": pointer(error.field), "code": TAKEN, "detail": error.sentence}
    elif isinstance(error, drf.ValidationError | InvalidQuery):
        yield from leaves(error.detail, "?" if code == "invalid-query" else "")


def pointer(field: str, *, keep_row: bool = False) -> str:
    """Return the JSON pointer of a field as services name it: 'blocks[0].trains' is '/blocks/0/trains'."""
    inside = field if keep_row else re.sub(r"^rows\[0\]\.?", "", field)
    return "".join(f"/{NAME_IN_BODY.get(part, part)}" for part in re.split(r"[.\[\]]+", inside) if part)


def leaves(detail: Any, place: str) -> Iterator[dict[str, str]]:
    """Yield the messages of DRF's nested errors, each with its place."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            below = place if name == "non_field_errors" else f"{place}{name}" if place == "?" else f"{place}/{name}"
            yield from leaves(inner, below)
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            yield from leaves(inner, place if isinstance(inner, str) else f"{place}/{number}")
    else:
        yield {"pointer": place, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}
