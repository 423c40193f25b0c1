"""Passwords and keys of the embedded mode: minted once, before there is anything they could open."""

import base64
import json
import os
import secrets
from pathlib import Path

from registry.embedded.place import Place
from registry.embedded.refusals import Refused

KEYS = (
    "database_bootstrap",
    "database_owner",
    "database_web",
    "database_worker",
    "database_unmasked",
    "secret_key",
    "identity_key",
)
# In bytes, where it is not 32: Django's own check wants a signing key of 50 characters. One on file stays as it is, for another
# would sign everybody out.
LENGTHS = {"secret_key": 48}


def mint(place: Place) -> dict[str, str]:
    """Return the secrets of the data directory, made on the first start; the caller holds the gate.

    Where a database is there and its secrets are not, new ones would open nothing: the identities were encrypted under the old ones.
    """
    held = read(place.secrets)
    if not held and (place.postgresql / "PG_VERSION").exists():
        raise Refused(f"{place.secrets} is missing beside its database: put it back from a backup, or name a new directory with --data.")
    complete = {**{key: new_secret(LENGTHS.get(key, 32)) for key in KEYS}, **held}
    if complete != held:
        write(place.secrets, complete)
    return complete


def new_secret(length: int = 32) -> str:
    """Return random bytes in base64: 32 of them are a password as well as an AES key."""
    return base64.urlsafe_b64encode(secrets.token_bytes(length)).decode()


def read(path: Path) -> dict[str, str]:
    """Return the secrets on file, or nothing before the first start."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Refused(f"{path} is damaged: put it back from a backup.") from error


def write(path: Path, values: dict[str, str]) -> None:
    """Write the secrets so that a crash leaves all of them or none."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    flush_directory(path.parent)


def flush_directory(directory: Path) -> None:
    """Make a rename in the directory last through a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
