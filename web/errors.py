"""Error pages in plain words with a reference number; they ask neither the database nor the session for anything."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound, RegistryError
from registry.services.versions import CHANGED_MEANWHILE, is_refused_by_rule

AWAY_FOR_S = 2
STATUS_OF: tuple[tuple[type[RegistryError], HTTPStatus], ...] = (
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (InvalidInput, HTTPStatus.BAD_REQUEST),
)


def error_page(request: HttpRequest, status: HTTPStatus, *, template: str = "", sentence: str = "") -> HttpResponse:
    """Render an error page without any context processor: those would need the very things that may have failed."""
    context = {"reference": getattr(request, "request_id", ""), "sentence": sentence, "error_page": True}
    return HttpResponse(render_to_string(template or f"{status.value}.html", context), status=status.value)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that cannot be read."""
    return error_page(request, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an act the person has no right to."""
    return error_page(request, HTTPStatus.FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose sign-in or cookie is gone; nothing was saved."""
    return error_page(request, HTTPStatus.FORBIDDEN, template="403_csrf.html")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere, or to a record the person may not know of: the two look the same."""
    return error_page(request, HTTPStatus.NOT_FOUND)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Answer too many tries within a minute."""
    response = error_page(request, HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours, or a database that is away: Django asks here from where it caught the error, wherever that was raised."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return away(request)
    return error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def away(request: HttpRequest) -> HttpResponse:
    """Answer a request for which the database is not there."""
    response = error_page(request, HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = str(AWAY_FOR_S)
    return response


def registry_error_page(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    """Return the page for a registry error that no view answered, or a refusal by the database's own rules, None for any other."""
    if is_refused_by_rule(exception):
        return error_page(request, HTTPStatus.CONFLICT, sentence=CHANGED_MEANWHILE)
    for kind, status in STATUS_OF:
        if isinstance(exception, kind):
            # The sentence of a record not found could name it; the page for an unknown address must look the same.
            return error_page(request, status, sentence="" if kind is NotFound else exception.sentence)
    return None
