"""Whether a page drawn before still stands, and the note that it was read again: one statement of the database for both.

A page of the open outcomes is decided by the account, its memberships, the trial, the snapshot and its state. The facts are a digest of
all those rows as they are now, each whole and with the transaction that wrote it, so that a row changed and changed back is another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.models import outcome_state
from registry.postgresql.prepared import prepared_cursor
from registry.services.auditing import current_request_id
from registry.vocabulary import Act

# The note alone is not waited for until it is on disk (docs/decisions/0013): the setting ends with the statement.
_ASK = f"""
WITH sign_in AS MATERIALIZED (
    SELECT session_data FROM django_session WHERE session_key = %(session)s::varchar AND expire_date > %(now)s::timestamptz
), facts AS MATERIALIZED (
    SELECT person.id AS person, trial.id AS trial, snapshot.number, encode(sha256(convert_to(ROW(
        current_database(), person.xmin, person, trial.xmin, trial, snapshot.id, snapshot.sha256,
        (SELECT string_agg(ROW(member.xmin, member)::text, ',' ORDER BY member.id) FROM registry_membership member
         WHERE member.user_id = person.id),
        {outcome_state.is_waiting("trial.id")}, {outcome_state.failure("trial.id")}
    )::text, 'UTF8')), 'hex') AS digest
    FROM registry_user person, registry_trial trial, LATERAL (
        SELECT id, number, sha256 FROM registry_snapshot WHERE trial_id = trial.id ORDER BY number DESC LIMIT 1
    ) snapshot
    WHERE person.id = %(user)s::bigint AND trial.slug = %(slug)s::varchar
), noted AS (
    INSERT INTO registry_actlog (actor_id, act, trial_id, target, detail, request_id)
    SELECT person, %(act)s::varchar, trial, 'snapshot ' || number, '{{}}', %(request)s::varchar
    FROM facts, sign_in
    WHERE digest = %(expected)s::text AND session_data = %(seen)s::text AND set_config('synchronous_commit', 'off', true) = 'off'
    RETURNING id
)
SELECT nullif(session_data, %(seen)s::text), (SELECT digest FROM facts), EXISTS (SELECT FROM noted) FROM sign_in
"""


@dataclass(frozen=True)
class Asked:
    """Who asks for what: the key of a sign-in and its content as last seen, the account that content names, and a trial."""

    session_key: str
    seen: str
    user: int | None
    slug: str


@dataclass(frozen=True)
class Standing:
    """What the database says now: the sign-in's content where it is not as last seen, the facts, and whether a reading was noted."""

    newer_sign_in: str | None
    facts: str | None
    was_noted: bool


def note_reading_again(asked: Asked, act: Act, *, expected: str, now: datetime) -> Standing | None:
    """Return how things stand, None where the sign-in is over; the reading is noted where sign-in and facts are as they were.

    An empty `expected` notes nothing.
    """
    values = {
        "session": asked.session_key, "seen": asked.seen, "user": asked.user, "slug": asked.slug, "expected": expected, "now": now,
        "act": str(act), "request": current_request_id.get(),
    }  # fmt: skip
    with prepared_cursor() as cursor:
        cursor.execute(_ASK, values)
        row = cursor.fetchone()
    return None if row is None else Standing(*row)
