"""Reading outcomes: always the stored snapshot, never a rate worked out on the way. Loads nothing heavy."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import cast

from registry.closed_room import open_closed_room
from registry.models import Snapshot, Trial, User, outcome_state
from registry.postgresql.prepared import prepared_cursor
from registry.roles import Permission
from registry.rules.charter import CharterState
from registry.selectors.charter import charter_state
from registry.selectors.outcome_payload import FORMAT, Payload, canonical, digest
from registry.selectors.outcome_withholding import without_efficacy

# Open snapshots a process keeps parsed: the current ones of so many trials.
KEPT_PARSED = 16
_STATE = ", ".join(tell("%(trial)s::bigint") for tell in (outcome_state.checked_at, outcome_state.is_waiting, outcome_state.failure))
_LATEST = f"""
SELECT id, number, made_at, sha256, {_STATE} FROM registry_snapshot WHERE trial_id = %(trial)s::bigint ORDER BY number DESC LIMIT 1
"""


@dataclass(frozen=True)
class StoredOutcomes:
    """A stored snapshot: the payload, its exact text, and where it came from.

    Nobody writes into a payload: readers of a process share it. `checked_at` is when a refresh last found nothing to change or
    made this one; `is_waiting` tells that changes are on record which it does not hold yet; `failure` says why the last refresh
    did not come about.
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
    """Return the open outcomes as last computed, None before the first time; one statement once this process has parsed them."""
    with prepared_cursor() as cursor:
        cursor.execute(_LATEST, {"trial": trial.pk})
        row = cursor.fetchone()
    if row is None:
        return None
    pk, number, made_at, sha256, *state = row
    text, payload = _parsed(pk, sha256)
    return as_shown_now(StoredOutcomes(number, made_at, sha256, text, payload, *state), trial)


def as_shown_now(stored: StoredOutcomes, trial: Trial) -> StoredOutcomes:
    """Return open outcomes as anybody may see them at present: a setting withdrawn after they were computed counts at once.

    What is withheld so has a text and a hash of its own.
    """
    return stored if trial.shows_efficacy else _withheld(stored)


def _withheld(stored: StoredOutcomes) -> StoredOutcomes:
    if stored.payload["efficacy"] == "withheld":
        return stored
    payload = without_efficacy(stored.payload)
    text = canonical(payload)
    return replace(stored, payload=payload, text=text, sha256=digest(text))


@lru_cache(maxsize=KEPT_PARSED)
def _parsed(pk: int, sha256: str) -> tuple[str, Payload]:
    """Return an open snapshot's text and payload. A snapshot never changes; its hash tells it from one of another database."""
    text = Snapshot.objects.values_list("payload", flat=True).get(pk=pk, sha256=sha256)
    return text, cast("Payload", json.loads(text))


def latest_closed(trial: Trial, *, by: User) -> StoredOutcomes | None:
    """Return the closed outcomes as last computed, None before the first time; raise NotAllowed without the right to them.

    While dates of the charter are in force there is no efficacy by arm in them, whatever they were computed with: it is in the
    reports of the looks.
    """
    with open_closed_room(by=by, permission=Permission.OUTCOMES_CLOSED, trial=trial) as closed, closed.cursor() as cursor:
        cursor.execute(
            "SELECT number, made_at, sha256, payload FROM closed.snapshot WHERE trial_id = %s ORDER BY number DESC LIMIT 1", [trial.pk]
        )
        row = cursor.fetchone()
    if row is None:
        return None
    number, made_at, sha256, text = row
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT {_STATE}", {"trial": trial.pk})
        state = cursor.fetchone()
    stored = StoredOutcomes(number, made_at, sha256, text, cast("Payload", json.loads(text)), *state)
    return _withheld(stored) if charter_state(trial) == CharterState.IN_FORCE else stored


def is_up_to_date(trial: Trial) -> bool:
    """Tell whether a snapshot of the present format exists that nothing on record has overtaken."""
    found = latest_open(trial)
    return found is not None and found.is_present_format and not found.is_waiting
