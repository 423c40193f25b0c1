"""Which version of a record is meant: strong ETags, If-None-Match for reading, If-Match for every change."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from rest_framework.request import Request

from api.formats import JsonRenderer
from api.problems import PreconditionFailed, PreconditionRequired

TAG = re.compile(r'(?:W/)?"[^"]*"')


def etag_of(record: dict[str, Any]) -> str:
    """Return the tag of a record as this person sees it; every record carries its version, so none comes twice."""
    return f'"{hashlib.sha256(JsonRenderer().render(record)).hexdigest()[:32]}"'


def is_known(request: Request, etag: str) -> bool:
    """Tell whether the client has this version already."""
    given = request.headers.get("If-None-Match", "")
    return given.strip() == "*" or etag in [tag.removeprefix("W/") for tag in TAG.findall(given)]


def check_match(request: Request, etag: str) -> None:
    """Raise unless the change was made from this very version."""
    given = request.headers.get("If-Match", "").strip()
    if not given:
        raise PreconditionRequired
    if given != "*" and etag not in TAG.findall(given):
        raise PreconditionFailed
