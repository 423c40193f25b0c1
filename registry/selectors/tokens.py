"""A person's API tokens, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from registry.exceptions import NotFound
from registry.models import ApiToken, ApiTokenUse, User


@dataclass(frozen=True)
class TokenRow:
    """One token as its person sees it; the text of it is nowhere. `state` is holds, ended or revoked."""

    uuid: UUID
    name: str
    scope: str
    trial: str
    made_on: date
    last_day: date
    last_used_on: date | None
    state: str


def tokens_of(user: User, *, now: datetime) -> list[TokenRow]:
    """Return all tokens the person ever made."""
    rows = ApiToken.objects.filter(user=user).select_related("trial", "use").order_by("-created_at", "-pk")
    return [_row(token, now) for token in rows]


def token_of(user: User, record: UUID, *, now: datetime) -> TokenRow:
    """Return one of the person's tokens; raise NotFound for any other."""
    token = ApiToken.objects.filter(user=user, uuid=record).select_related("trial", "use").first()
    if token is None:
        raise NotFound("There is no such token among yours.")
    return _row(token, now)


def _row(token: ApiToken, now: datetime) -> TokenRow:
    use: ApiTokenUse | None = getattr(token, "use", None)
    return TokenRow(
        uuid=token.uuid,
        name=token.name,
        scope=token.get_scope_display(),
        trial=str(token.trial) if token.trial else "",
        made_on=token.created_at.date(),
        last_day=token.last_day,
        last_used_on=use.last_used_on if use else None,
        state="revoked" if token.revoked_at else "ended" if token.expires_at <= now else "holds",
    )
