"""People of a trial: give somebody a role in it, with an account if they have none, and end a membership."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from registry.exceptions import InvalidInput, Problem
from registry.models import Membership, Site, Trial, User
from registry.roles import ROLES, UNMASKING_PERMISSIONS, WHOLE_TRIAL_PERMISSIONS, Permission, Role
from registry.services.accounts import add_membership, create_user, new_password
from registry.services.auditing import audited
from registry.vocabulary import Conduct

# Roles over the whole registry are given by add_account, not inside a trial.
ROLES_OF_A_TRIAL = tuple(role for role in ROLES.values() if Permission.TRIAL_CREATE not in role.permissions)


@dataclass(frozen=True)
class NewMember:
    """Somebody to add: the name is needed where the address has no account yet."""

    email: str
    role: str
    name: str = ""
    site: str = ""
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class AddedMember:
    """What came of it; `password` is the first one of a new account and is kept nowhere."""

    membership: Membership
    password: str = ""


def add_member(*, trial: Trial, member: NewMember, by: User, today: date) -> AddedMember:
    """Give a person a role in the trial, and an account if the address has none; raise InvalidInput for what cannot be.

    Nobody gives themself a role that shows treatments: masking must not hang on one person's resolve.
    """
    by.check_can(Permission.MEMBERS_MANAGE, trial=trial)
    site = _check(trial, member, by, today)
    email = member.email.strip().lower()
    with audited(by=by, reason=f"{ROLES[member.role].label} added"):
        user = User.objects.filter(email=email, is_system=False).first()
        password = "" if user else new_password()
        if user is None:
            user = create_user(email=email, name=member.name.strip(), password=password, by=by)
        membership = _give_role(user, trial, site, member, member.valid_from or today, by)
    return AddedMember(membership, password)


def _give_role(user: User, trial: Trial, site: Site | None, member: NewMember, first: date, by: User) -> Membership:
    """Return the membership: a new one, or the one of the same first day with its end as it is wanted now."""
    row = Membership.objects.filter(user=user, trial=trial, site=site, role=member.role, valid_from=first).first()
    if row is None:
        return add_membership(user=user, role=member.role, by=by, trial=trial, site=site, valid_from=first, valid_until=member.valid_until)
    row.valid_until = member.valid_until
    row.save(update_fields=["valid_until"])
    return row


def _check(trial: Trial, member: NewMember, by: User, today: date) -> Site | None:
    """Return the site meant; raise InvalidInput naming each field that is wrong."""
    problems = []
    role = next((one for one in ROLES_OF_A_TRIAL if one.code == member.role), None)
    if role is None:
        problems.append(Problem("role", "Choose a role."))
    site = Site.objects.filter(trial=trial, code=member.site).first() if member.site else None
    if member.site and site is None:
        problems.append(Problem("site", "Choose a site of the trial."))
    if site is not None and role is not None and not role.permissions - WHOLE_TRIAL_PERMISSIONS - {Permission.TRIAL_VIEW}:
        problems.append(Problem("site", f"The {role.label.lower()} works for the whole trial. Choose all sites."))
    problems += _person_problems(trial, member, role, today) if role is not None else []
    if role is not None and by.email == member.email.strip().lower() and _unmasks(trial, role.permissions):
        problems.append(Problem("role", "Nobody gives themself a role that shows treatments. Ask another person who manages members."))
    if member.valid_until is not None and member.valid_until < (member.valid_from or today):
        problems.append(Problem("valid_until", "This lies before the first day. Swap them, or leave it empty."))
    if problems:
        raise InvalidInput(problems)
    return site


def _person_problems(trial: Trial, member: NewMember, role: Role, today: date) -> list[Problem]:
    """Return why this person cannot have this role here."""
    user = User.objects.filter(email=member.email.strip().lower(), is_system=False).first()
    if user is None:
        return []
    if user.is_demonstration and not trial.synthetic:
        return [
            Problem("email", "This is a demonstration account, which cannot sign in beside a real trial. Give the person's own address.")
        ]
    rows = [row for row in Membership.objects.filter(user=user, trial=trial) if row.valid_until is None or row.valid_until >= today]
    held = [ROLES[row.role] for row in rows]
    unmasked, caring = ([one for one in [role, *held] if test(one)] for test in (_shows_treatments, _cares))
    if unmasked and caring and _conceals(trial):
        words = f"{caring[0].label} and {unmasked[0].label.lower()}"
        return [Problem("role", f"One person cannot be {words} of a masked trial. End the other membership first.")]
    return []


def _shows_treatments(role: Role) -> bool:
    return bool(role.permissions & UNMASKING_PERMISSIONS)


def _cares(role: Role) -> bool:
    return role.cares_for_patients


def _unmasks(trial: Trial, held: frozenset[Permission]) -> bool:
    """Tell whether these rights show what this trial conceals."""
    return _conceals(trial) and bool(held & UNMASKING_PERMISSIONS)


def _conceals(trial: Trial) -> bool:
    return trial.masked and trial.conduct == Conduct.PROSPECTIVE
