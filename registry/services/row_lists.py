"""What holds for every list of records sent at once, whatever they are: each patient is one of yours, no record stands in it twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from registry.exceptions import InvalidInput, Problem
from registry.models import Trial, User
from registry.services.patient_codes import known_patients


def check_list(*, trial: Trial, patients: Sequence[str], records: Sequence[UUID], by: User) -> None:
    """Raise InvalidInput naming each row whose patient the person cannot see, or whose record an earlier row has."""
    problems = [*_unknown_patients(trial, patients, by), *_repeated(records)]
    if problems:
        raise InvalidInput(problems)


def _unknown_patients(trial: Trial, patients: Sequence[str], by: User) -> Iterator[Problem]:
    known = known_patients(trial, by, set(patients))
    for number, code in enumerate(patients):
        if code not in known:
            yield Problem(f"rows[{number}].patient", f"There is no patient {code} among those you can see in this trial.", "unknown")


def _repeated(records: Sequence[UUID]) -> Iterator[Problem]:
    seen: set[UUID] = set()
    for number, record in enumerate(records):
        if record in seen:
            yield Problem(f"rows[{number}].id", "An earlier row has this id. Give each row its own, or none.", "twice")
        seen.add(record)
