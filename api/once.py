"""Idempotency-Key at the door: the same request again gets the answer of the first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import cast

from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.formats import JsonRenderer
from registry.models import User
from registry.services.idempotency import Answer, once_only

HEADER = "Idempotency-Key"
LONGEST_KEY = 128


def answered_once(request: Request, work: Callable[[], Response], *, alone: bool = False) -> HttpResponseBase:
    """Do the work in one transaction, once for each key where the request names one; `alone` work has a transaction of its own."""
    key = request.headers.get(HEADER, "").strip()
    if not key:
        with nullcontext() if alone else transaction.atomic():
            return work()
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise ValidationError({HEADER: [f"Use 1 to {LONGEST_KEY} printable ASCII characters."]})
    with once_only(key, by=cast("User", request.user), fingerprint=fingerprint(request), now=timezone.now()) as once:
        if once.before is not None:
            return replay(once.before)
        response = work()
        once.answer = kept(response)
    return response


def fingerprint(request: Request) -> str:
    """Return a digest of what is asked: method, address and body."""
    asked = f"{request.method} {request.path}\n".encode()
    return hashlib.sha256(asked + request._request.body).hexdigest()


def kept(response: Response) -> Answer:
    """Return an answer as it can be given again."""
    headers = {name: response[name] for name in ("ETag", "Location") if name in response}
    return Answer(response.status_code, JsonRenderer().render(response.data).decode(), headers)


def replay(answer: Answer) -> HttpResponse:
    """Return the first answer again, and say so."""
    headers = {**answer.headers, "Idempotency-Replayed": "true"}
    return HttpResponse(answer.body, status=answer.status, content_type="application/json", headers=headers)
