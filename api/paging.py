"""Pages by key: the next one begins after the last row of this one, so the deepest page costs what the first does."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.db.models import Q, QuerySet

from api.problems import InvalidCursor

PAGE_SIZE = 100
LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Page:
    """Rows of one page and the cursor after them, empty where they are the last."""

    rows: list[tuple[Any, ...]]
    next_cursor: str


@cache
def _cipher() -> AESSIV:
    return AESSIV(hashlib.sha256(f"api cursor {settings.SECRET_KEY}".encode()).digest())


def cursor_after(key: Sequence[Any], scope: str) -> str:
    """Return the cursor behind a row: its key, encrypted, readable for this list of this person alone."""
    sealed = _cipher().encrypt(json.dumps(list(key)).encode(), [scope.encode()])
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def key_of(cursor: str, scope: str, order: Sequence[str]) -> list[Any]:
    """Return the key inside a cursor; raise InvalidCursor for one that was not given out for this list."""
    try:
        sealed = urlsafe_b64decode(cursor.encode("ascii", "replace") + b"=" * (-len(cursor) % 4))
        key: list[Any] = json.loads(_cipher().decrypt(sealed, [scope.encode()]))
    except (InvalidTag, NotBase64, ValueError) as error:
        raise InvalidCursor from error
    if len(key) != len(order):
        raise InvalidCursor
    return key


def behind(order: Sequence[str], key: Sequence[Any]) -> Q:
    """Return the condition for rows behind a key in a lexicographic order.

    The first column's own bound is implied by the rest; said apart, an index can begin there.
    """
    steps = []
    for number, name in enumerate(order):
        same = {earlier: key[place] for place, earlier in enumerate(order[:number])}
        steps.append(Q(**same, **{f"{name}__gt": key[number]}))
    return Q(**{f"{order[0]}__gte": key[0]}) & reduce(or_, steps)


def read_page(rows: QuerySet[Any], values: Sequence[Any], *, order: Sequence[str], cursor: str, size: int, scope: str) -> Page:
    """Return one page of these values of rows, one statement whatever the page."""
    if cursor:
        rows = rows.filter(behind(order, key_of(cursor, scope, order)))
    found = list(rows.order_by(*order).values_list(*order, *values)[: size + 1])
    page, more = found[:size], len(found) > size
    return Page([row[len(order) :] for row in page], cursor_after(page[-1][: len(order)], scope) if more else "")
