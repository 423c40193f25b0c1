"""Accounts and memberships: who may sign in, and with which role where."""

from __future__ import annotations

import secrets
from datetime import date, datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.models import Membership, Site, Trial, User, system_actor
from registry.roles import ROLES, Permission
from registry.services.acts import log_act
from registry.services.auditing import audited
from registry.vocabulary import Act

FIRST_ADMINISTRATOR_EMAIL = "admin@example.org"


def new_password() -> str:
    """Return a random password of about 95 bits that can be read aloud: five groups of four."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(5))


def create_user(*, email: str, name: str, password: str, by: User, is_demonstration: bool = False) -> User:
    """Create an account; raise InvalidInput for a bad address or weak password, Conflict for a taken address."""
    email = email.strip().lower()
    check_account(email=email, name=name, password=password)
    if User.objects.filter(email=email).exists():
        raise Conflict(f"An account with the address {email} exists already. Add a membership to it instead.")
    with audited(by=by, reason="account created"):
        return User.objects.create(email=email, name=name, password=make_password(password), is_demonstration=is_demonstration)


def check_account(*, email: str, name: str, password: str) -> None:
    """Raise InvalidInput naming each field that is wrong."""
    problems = []
    if not name.strip():
        problems.append(Problem("name", "Enter the person's name.", "required"))
    try:
        validate_email(email)
    except ValidationError:
        problems.append(Problem("email", f"'{email}' is not an e-mail address. Write it like name@hospital.org."))
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        problems += [Problem("password", sentence) for sentence in error.messages]
    if problems:
        raise InvalidInput(problems)


def change_password(user: User, password: str, *, by: User) -> None:
    """Store a new password's hash; the history has no password column, the act log notes that it changed."""
    with audited(by=by, reason="password changed"):
        user.password = make_password(password)
        user.save(update_fields=["password"])
        log_act(Act.PASSWORD_CHANGED, by=by)


def choose_theme(user: User, theme: str) -> None:
    """Store the person's choice of light, dark or as the device."""
    if theme not in ("", "light", "dark"):
        raise InvalidInput([Problem("theme", "Choose light, dark or as the device.")])
    with audited(by=user, reason="theme chosen"):
        user.theme = theme
        user.save(update_fields=["theme"])


def add_membership(
    *,
    user: User,
    role: str,
    by: User,
    valid_from: date,
    trial: Trial | None = None,
    site: Site | None = None,
    valid_until: date | None = None,
) -> Membership:
    """Give a person a role in a trial and site, or all of them, and return it; the same again returns what stands."""
    if role not in ROLES:
        raise InvalidInput([Problem("role", f"'{role}' is no role. Choose one of: {', '.join(ROLES)}.")])
    if site is not None and (trial is None or site.trial_id != trial.pk):
        raise InvalidInput([Problem("site", "Choose a site of the trial.")])
    if not by.is_system:
        by.check_can(Permission.MEMBERS_MANAGE, trial=trial)
    with audited(by=by, reason=f"{ROLES[role].label} added"):
        row, _ = Membership.objects.get_or_create(
            user=user, trial=trial, site=site, role=role, valid_until=valid_until, defaults={"valid_from": valid_from}
        )
    return row


def end_membership(membership: Membership, *, by: User, today: date, reason: str = "") -> None:
    """End a membership with today as its last day."""
    by.check_can(Permission.MEMBERS_MANAGE, trial=membership.trial)
    with audited(by=by, reason=reason or "membership ended"):
        membership.valid_until = max(today, membership.valid_from)
        membership.save(update_fields=["valid_until"])


def ensure_first_administrator(*, password: str, now: datetime) -> User | None:
    """Create the first administrator on an empty registry and return it; return None when there are people already."""
    if User.objects.filter(is_system=False, is_demonstration=False).exists():
        return None
    setup = system_actor("setup")
    user = create_user(email=FIRST_ADMINISTRATOR_EMAIL, name="First Administrator", password=password, by=setup)
    add_membership(user=user, role="administrator", by=setup, valid_from=now.date())
    return user


def may_sign_in(user: User) -> bool:
    """Tell whether the account may sign in: demonstration accounts may not once a real trial exists."""
    if user.is_system or not user.is_active:
        return False
    return not (user.is_demonstration and Trial.objects.filter(synthetic=False).exists())
