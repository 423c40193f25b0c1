"""Who works in a trial: the memberships that are, were or will be in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from registry.exceptions import NotFound
from registry.models import Membership, Trial
from registry.roles import ROLES


@dataclass(frozen=True)
class MemberRow:
    """One membership as a list shows it."""

    number: int
    name: str
    email: str
    role: str
    site: str
    masked: bool
    valid_from: date
    valid_until: date | None
    state: str


def members_of(trial: Trial, today: date) -> list[MemberRow]:
    """Return the trial's memberships by name, those in force first."""
    rows = Membership.objects.filter(trial=trial, user__is_system=False).select_related("user", "site")
    found = [member_row(row, today) for row in rows.order_by("user__name", "user__email", "pk")]
    return sorted(found, key=lambda row: ("now", "later", "ended").index(row.state))


def member_row(row: Membership, today: date) -> MemberRow:
    """Return one membership in words."""
    role = ROLES[row.role]
    ended = row.valid_until is not None and row.valid_until < today
    return MemberRow(
        number=row.pk,
        name=row.user.name,
        email=row.user.email,
        role=role.label,
        site=row.site.name if row.site else "",
        masked=role.masked,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        state="ended" if ended else "now" if row.in_force(today) else "later",
    )


def membership_in(trial: Trial, number: int) -> Membership:
    """Return one membership of the trial; raise NotFound for another's."""
    row = Membership.objects.filter(trial=trial, pk=number, user__is_system=False).select_related("user", "site", "trial").first()
    if row is None:
        raise NotFound("There is no such membership in this trial.")
    return row
