"""JSON in and out: numbers as written, times in UTC, nothing that JSON does not have."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer


class JsonRenderer(JSONRenderer):
    """DRF's renderer; answers are JSON whatever else a client would rather have."""

    charset = None


class JsonParser(BaseParser):
    """JSON whose numbers keep every digit that was sent."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the body; raise ParseError where it is no JSON or names a key twice."""
        try:
            text = codecs.getreader("utf-8")(stream).read()
            return json.loads(text, parse_float=Decimal, parse_constant=refuse_constant, object_pairs_hook=without_repeats)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is no JSON: {error}") from error


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and the infinities, which JSON has not."""
    raise ValueError(f"{name} is no number")


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raise ValueError for one that names a key twice, of which one value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a key twice")
    return found


def number(value: Decimal | None) -> int | float | None:
    """Return a stored number for JSON; twelve digits pass through a binary float unharmed."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
