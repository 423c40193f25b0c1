"""Shapes of bodies, made once for each thread: making one with its forty fields takes longer than checking a body by it."""

from __future__ import annotations

import threading
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

Shape = type[serializers.BaseSerializer[Any]]


class _Kept(threading.local):
    """The shapes of one thread. Checking leaves nothing in a shape that it would be asked for later."""

    def __init__(self) -> None:
        self.shapes: dict[Shape, serializers.BaseSerializer[Any]] = {}


_kept = _Kept()


def checked_body(shape: Shape, data: Any) -> dict[str, Any]:
    """Return the body's fields; raise ValidationError naming each that is wrong."""
    kept = _kept.shapes.get(shape)
    if kept is None:
        kept = _kept.shapes[shape] = shape()
    try:
        return dict(kept.run_validation(data))
    except ValidationError:
        # DRF lays its errors out only for a body of its own.
        serializer = shape(data=data)
        serializer.is_valid(raise_exception=True)
        raise
