"""Personal API tokens: made once, kept as a hash, ended by day, by hand, or with the rights of their person."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from knox.crypto import create_token_string, hash_token

from registry.exceptions import Conflict, InvalidInput, NotFound, Problem, RegistryError
from registry.models import ApiToken, ApiTokenUse, Membership, Trial, User
from registry.services.accounts import may_sign_in
from registry.services.acts import log_act
from registry.services.auditing import audited
from registry.services.bearers import token_of
from registry.vocabulary import Act, TokenScope

LONGEST_DAYS = 366
MOST_TOKENS = 20
NAME_LENGTH = 80


class TokenRefused(RegistryError):
    """A token that opens nothing: unknown, past its day, revoked, or its person has no rights left where it reaches."""

    code = "token_refused"


@dataclass(frozen=True)
class NewToken:
    """What a person asks for; `record` makes a second press harmless."""

    name: str
    scope: TokenScope
    expires_on: date
    record: uuid.UUID
    trial: Trial | None = None


@dataclass(frozen=True)
class MadeToken:
    """A token with its secret, which exists nowhere else and is shown once."""

    token: ApiToken
    secret: str


def make_token(wanted: NewToken, *, by: User, now: datetime) -> MadeToken:
    """Make a token and return it with its secret; raise InvalidInput for a bad wish, Conflict where it was made already."""
    _check(wanted, by, now)
    if ApiToken.objects.filter(uuid=wanted.record).exists():
        raise Conflict("This token was made already, and its text is shown only once. Revoke it and make another if you did not keep it.")
    secret = create_token_string()
    with audited(by=by, reason="API token made"):
        token = ApiToken.objects.create(
            uuid=wanted.record, user=by, trial=wanted.trial, name=wanted.name.strip(), scope=wanted.scope, digest=hash_token(secret),
            created_at=now, expires_at=end_of(wanted.expires_on),
        )  # fmt: skip
        log_act(Act.TOKEN_MADE, by=by, trial=wanted.trial, target=str(token.uuid), scope=str(wanted.scope), until=str(wanted.expires_on))
    return MadeToken(token, secret)


def end_of(day: date) -> datetime:
    """Return the instant a UTC day is over."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _check(wanted: NewToken, by: User, now: datetime) -> None:
    """Raise InvalidInput naming each field that is wrong."""
    problems = []
    if not 0 < len(wanted.name.strip()) <= NAME_LENGTH:
        problems.append(Problem("name", f"Name what the token is for, in at most {NAME_LENGTH} characters.", "required"))
    if not now.date() <= wanted.expires_on <= now.date() + timedelta(days=LONGEST_DAYS):
        problems.append(Problem("expires_on", f"Choose a last day from today to {LONGEST_DAYS} days from now.", "out_of_range"))
    if wanted.trial is not None and not memberships_within(by, wanted.trial):
        problems.append(Problem("trial", "Choose a trial you are a member of.", "unknown"))
    if standing_tokens(by, now) >= MOST_TOKENS:
        problems.append(Problem("name", f"You have {MOST_TOKENS} tokens. Revoke one you no longer need.", "too_many"))
    if problems:
        raise InvalidInput(problems)


def standing_tokens(user: User, now: datetime) -> int:
    """Return how many tokens of a person are neither revoked nor past their day."""
    return ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now).count()


def revoke_token(record: uuid.UUID, *, by: User, now: datetime) -> ApiToken:
    """End one of the person's own tokens at once and return it; again changes nothing. Raises NotFound for any other."""
    token = ApiToken.objects.filter(user=by, uuid=record).select_related("trial").first()
    if token is None:
        raise NotFound("There is no such token among yours.")
    if token.revoked_at is None:
        with audited(by=by, reason="API token revoked"):
            token.revoked_at = now
            token.save(update_fields=["revoked_at"])
            log_act(Act.TOKEN_REVOKED, by=by, trial=token.trial, target=str(token.uuid))
    return token


def bearer_of(secret: str, *, now: datetime) -> tuple[User, ApiToken]:
    """Return who sent a token, with the memberships it reaches and no others; raise TokenRefused where it opens nothing."""
    token = token_of(hash_token(secret))
    if token is None or token.revoked_at is not None or token.expires_at <= now or not may_sign_in(token.user):
        raise TokenRefused("This token is unknown, past its day or revoked. Make a new one under Your account, API tokens.")
    held = memberships_within(token.user, token.trial)
    if not held:
        raise TokenRefused("The rights this token was made under have ended. Ask the coordinator of your trial.")
    token.user.narrow_to(held)
    _note_use(token, now.date())
    return token.user, token


def memberships_within(user: User, trial: Trial | None) -> list[Membership]:
    """Return the person's memberships in force as far as they reach into a trial; None is all of them as they are."""
    if trial is None:
        return user.current_memberships()
    reaching = [row for row in user.current_memberships() if row.trial_id in (None, trial.pk)]
    # A role in the whole registry becomes one in this trial; the row itself is not touched.
    return [row if row.trial_id else Membership(user=user, trial=trial, role=row.role, valid_from=row.valid_from) for row in reaching]


def _note_use(token: ApiToken, today: date) -> None:
    """Keep the day of use, with one write a day and none besides."""
    use: ApiTokenUse | None = getattr(token, "use", None)
    if use is None or use.last_used_on < today:
        ApiTokenUse.objects.bulk_create(
            [ApiTokenUse(token=token, last_used_on=today)],
            update_conflicts=True,
            unique_fields=["token"],
            update_fields=["last_used_on"],
        )
