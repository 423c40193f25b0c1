"""Reading outcomes: always the stored snapshot, never a rate worked out on the way. Loads nothing heavy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from registry.closed_room import open_closed_room
from registry.models import Job, Snapshot, StaleMark, Trial, User
from registry.roles import Permission
from registry.selectors.outcome_payload import FORMAT, Payload
from registry.vocabulary import JobKind, JobState


@dataclass(frozen=True)
class StoredOutcomes:
    """A stored snapshot: the payload, its exact text, and where it came from.

    `checked_at` is when a refresh last found nothing to change or made this one; `is_waiting` tells that changes are on record
    which it does not hold yet; `failure` says why the last refresh did not come about.
    """

    number: int
    made_at: datetime
    sha256: str
    text: str
    payload: Payload
    checked_at: datetime | None
    is_waiting: bool
    failure: str

    @property
    def is_present_format(self) -> bool:
        """Tell whether this was computed since the payload last changed its shape; the sweep sees that it is made again."""
        return self.payload["format"] == FORMAT


def latest_open(trial: Trial) -> StoredOutcomes | None:
    """Return the open outcomes as last computed, None before the first time."""
    row = Snapshot.objects.filter(trial=trial).order_by("-number").first()
    return _stored(trial, row.number, row.made_at, row.sha256, row.payload) if row else None


def latest_closed(trial: Trial, *, by: User) -> StoredOutcomes | None:
    """Return the closed outcomes as last computed, None before the first time; raise NotAllowed without the right to them."""
    with open_closed_room(by=by, permission=Permission.OUTCOMES_CLOSED, trial=trial) as closed, closed.cursor() as cursor:
        cursor.execute(
            "SELECT number, made_at, sha256, payload FROM closed.snapshot WHERE trial_id = %s ORDER BY number DESC LIMIT 1", [trial.pk]
        )
        row = cursor.fetchone()
    return _stored(trial, *row) if row else None


def is_up_to_date(trial: Trial) -> bool:
    """Tell whether a snapshot of the present format exists that nothing on record has overtaken."""
    found = latest_open(trial)
    return found is not None and found.is_present_format and not found.is_waiting


def _is_waiting(trial: Trial) -> bool:
    return StaleMark.objects.filter(trial=trial).exists()


def _stored(trial: Trial, number: int, made_at: datetime, sha256: str, text: str) -> StoredOutcomes:
    jobs = Job.objects.filter(trial=trial, kind=JobKind.REFRESH).order_by("-pk")
    done, last = jobs.filter(state=JobState.DONE).first(), jobs.exclude(state=JobState.QUEUED).first()
    return StoredOutcomes(
        number=number,
        made_at=made_at,
        sha256=sha256,
        text=text,
        payload=cast("Payload", json.loads(text)),
        checked_at=done.finished_at if done else None,
        is_waiting=_is_waiting(trial),
        failure=last.failure if last and last.state == JobState.FAILED else "",
    )
