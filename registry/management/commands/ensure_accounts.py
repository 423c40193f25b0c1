"""Make the first administrator, and the demonstration trial with an account for each role; print who can sign in."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from registry.interchange.demonstration import ACCOUNTS, load_demonstration
from registry.models import Trial, User
from registry.roles import ROLES
from registry.services import accounts

FILE_NAME = "accounts.json"
CHECKED_NAME = "accounts-checked.json"


def kept_passwords(path: Path, emails: list[str]) -> dict[str, str]:
    """Return the first passwords, minted at first use and on disk before any account has it, so that no crash loses one.

    An account that is there already, as in a registry that was restored, keeps the password it has, and none is minted.
    """
    passwords: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    there = set(User.objects.filter(email__in=emails).values_list("email", flat=True))
    missing = [email for email in emails if email not in passwords and email not in there]
    if missing:
        passwords |= {email: accounts.new_password() for email in missing}
        write_private(path, passwords)
    return passwords


def write_private(path: Path, content: object) -> None:
    """Write a file for its owner alone, so that a crash leaves the old one or the new one."""
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with open(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


class FirstPasswords:
    """Which first passwords still stand. Trying one costs as much as signing in, so each stored hash is tried once and noted.

    The note holds a digest of the hash it was made of: a password that was changed, or changed back, is tried anew. It decides
    what is printed and nothing else; who signs in is checked against the hash itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.noted: dict[str, list[object]] = json.loads(path.read_text()) if path.exists() else {}

    def stands(self, user: User, password: str) -> bool:
        """Tell whether the account's password is still its first one."""
        digest = hashlib.sha256(user.password.encode()).hexdigest()
        if self.noted.get(user.email, [""])[0] != digest:
            self.noted[user.email] = [digest, user.check_password(password)]
        return self.noted[user.email][1] is True


def wants_demonstration(path: Path) -> bool:
    """Tell whether the first start was with the demonstration: then its accounts are on file, whatever the start got done after that.

    Where no file is, the registry is new, or was restored, and has the demonstration if it had it.
    """
    if path.exists():
        return any(account.email in json.loads(path.read_text()) for account in ACCOUNTS)
    people = User.objects.filter(is_system=False)
    return not people.exists() or people.filter(is_demonstration=True).exists()


def password_told(user: User, first: str | None, first_ones: FirstPasswords) -> str:
    """Return what is printed for an account's password."""
    if first is None:
        return "(the password it had when this registry was backed up)"
    return first if first_ones.stands(user, first) else "(password was changed)"


class Command(BaseCommand):
    help = "Make the first administrator and, unless the registry was started without it, the demonstration; print the accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--without-demonstration", action="store_true", help="load no synthetic trial")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        path = Path(settings.DATA) / FILE_NAME
        demonstration = not options["without_demonstration"] and wants_demonstration(path)
        emails = [account.email for account in ACCOUNTS] if demonstration else []
        emails.append(accounts.FIRST_ADMINISTRATOR_EMAIL)
        passwords = kept_passwords(path, emails)
        if accounts.FIRST_ADMINISTRATOR_EMAIL in passwords:
            accounts.ensure_first_administrator(password=passwords[accounts.FIRST_ADMINISTRATOR_EMAIL], now=now)
        if demonstration:
            self._demonstrate(passwords, now)
        self._print({*emails, *passwords}, passwords, FirstPasswords(path.with_name(CHECKED_NAME)))
        if not Trial.objects.exists():
            self.stdout.write("There is no trial yet: sign in as the administrator and choose 'New trial'.")
        if passwords:
            self.stdout.write(f"These first passwords are kept in {path}; change the administrator's after signing in.")

    def _demonstrate(self, passwords: dict[str, str], now: datetime) -> None:
        """Load the demonstration once; never beside a real trial."""
        if not Trial.objects.filter(synthetic=False).exists():
            load_demonstration(passwords=passwords, now=now)

    def _print(self, emails: set[str], passwords: dict[str, str], first_ones: FirstPasswords) -> None:
        """Print each account that may sign in with its first password, and what its role may do."""
        people = User.objects.filter(email__in=emails).order_by("is_demonstration", "pk").prefetch_related("memberships")
        for user in people:
            if not accounts.may_sign_in(user):
                continue
            self.stdout.write(f"  {user.email}  {password_told(user, passwords.get(user.email), first_ones)}")
            for membership in user.memberships.all():
                self.stdout.write(f"      {ROLES[membership.role].label}: {ROLES[membership.role].sentence}")
        write_private(first_ones.path, first_ones.noted)
