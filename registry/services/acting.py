"""Whom a command acts as: every write has an author, on the command line too."""

from __future__ import annotations

from registry.exceptions import NotFound
from registry.models import User


def acting_user(email: str) -> User:
    """Return the account of an address; without one, the only real account there is. Raises NotFound with the remedy."""
    accounts = User.objects.filter(is_system=False, is_active=True)
    if email:
        found = accounts.filter(email=email.strip().lower()).first()
        if found is None:
            raise NotFound(f"There is no account {email}. Name an existing one with --as.")
        return found
    real = list(accounts.filter(is_demonstration=False)[:2])
    if len(real) == 1:
        return real[0]
    raise NotFound(
        "Say who you are: --as name@hospital.org." if real else "There is no account yet. Start the registry once with 'run.py up'."
    )
