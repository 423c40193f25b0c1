"""Which code made a snapshot: the release, and a digest of the sources that decide its numbers.

No package does: what is computed in floating point is Python's own arithmetic, and the rest is exact or PostgreSQL's integers.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings

# Rooms, and of other rooms the modules that count, choose what is counted, or say what is shown.
_ROOMS = ("stats", "rules", "outcomes", "vocabulary")
_MODULES = (
    *("selectors/charter.py", "selectors/outcome_payload.py", "selectors/report_payload.py"),
    *(f"reports/{name}.py" for name in ("charter", "conduct", "looking_back", "received", "serious", "snapshot")),
)
REGISTRY = Path(__file__).resolve().parent.parent


def sources() -> list[Path]:
    """Return the files that decide a number of a snapshot or a report."""
    of_rooms = [path for room in _ROOMS for path in (REGISTRY / room).rglob("*.py")]
    return sorted([*of_rooms, *(path for name in _MODULES if (path := REGISTRY / name).exists())])


@cache
def code_version() -> str:
    """Return release and digest; any change to a file that decides a number changes it."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(REGISTRY).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{settings.VERSION}+{digest.hexdigest()[:16]}"
