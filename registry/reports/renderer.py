"""Which code laid a report out: a digest of what draws it, and the version of the typesetter."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

_SOURCES = ("reports", "selectors/figures")


@cache
def renderer() -> str:
    """Return digest and typesetter; the same snapshot under the same renderer gives the same bytes."""
    registry = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(path for room in _SOURCES for path in (registry / room).glob("*.*")):
        digest.update(path.relative_to(registry).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{digest.hexdigest()[:16]}, typst {version('typst')}"
