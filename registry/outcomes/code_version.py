"""Which code made a snapshot: the release, and a digest of the sources that decide its numbers."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings

_SOURCES = ("stats", "rules", "outcomes")


@cache
def code_version() -> str:
    """Return release and digest; any change to stats, rules or outcomes changes it."""
    registry = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(path for room in _SOURCES for path in (registry / room).rglob("*.py")):
        digest.update(path.relative_to(registry).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{settings.VERSION}+{digest.hexdigest()[:16]}"
