"""Sessions sent to the nested peer all at once, in a process of its own: `python -m bench.peer_nested.many ROWS` prints seconds for one."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from bench.peer_nested.prepare import PATIENTS, code_of, threshold_of

# In the folders that are imported beside, about one session in six has a side effect.
ROWS_TO_A_SIDE_EFFECT = 6
EFFECT = {"term": "headache", "severity": "mild", "relation": "possible"}


def sessions(count: int) -> list[dict[str, object]]:
    """Return sessions as a script would send them."""
    return [session(number) for number in range(count)]


def session(number: int) -> dict[str, object]:
    """Return one session, given as planned."""
    patient = 1 + number % PATIENTS
    start = datetime(2026, 3, 2, 9, 20, tzinfo=UTC) + timedelta(hours=number)
    return {
        "trial": "bench", "patient": code_of(patient), "number": 1 + number % 30, "status": "given", "as_planned": True,
        "started_at": start.isoformat(), "ended_at": (start + timedelta(minutes=15)).isoformat(),
        "threshold": str(threshold_of(patient)), "stimulator": "ST-N", "hearing_protection": True, "coil_matches_threshold": True,
        "pulse_counter": 3000, "new_since_last": [], "pain_before": 6, "pain_after": 4,
        "side_effects": [] if number % ROWS_TO_A_SIDE_EFFECT else [EFFECT],
    }  # fmt: skip


def write(count: int) -> float:
    """Check and write so many in one transaction; return the seconds."""
    from django.db import transaction

    from bench.peer_nested.views import SessionSerializer

    rows = sessions(count)
    start = time.perf_counter()
    with transaction.atomic():
        serializer = SessionSerializer(data=rows, many=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
    return time.perf_counter() - start


def main() -> None:
    """Write a few to warm up, then as many as asked for."""
    import django

    django.setup()
    write(10)
    count = int(sys.argv[1])
    print(write(count) / count)


if __name__ == "__main__":
    main()
