"""Read the environment once, loudly: a wrong or missing value says what to set. Imported by settings and embedded only."""

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent

ROLES = ("owner", "web", "worker", "unmasked")
SHORTEST_SECRET = 32
TO_MAKE_ONE = 'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(48)).decode())"'
TO_MAKE_A_KEY = TO_MAKE_ONE.replace("48", "32")


class SettingMissing(Exception):
    """A setting is missing or cannot be read; the sentence says what to set."""


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or the contents of the file named by NAME_FILE, or the default."""
    if file_name := os.environ.get(f"{name}_FILE"):
        return read_secret_file(name, Path(file_name))
    value = os.environ.get(name, default)
    if value is None:
        raise SettingMissing(f"{name} is not set. Set {name}, or {name}_FILE to a file that holds it (see .env.example).")
    return value


def read_secret_file(name: str, path: Path) -> str:
    """Return the file's text without the line end."""
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SettingMissing(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error


def secret(name: str) -> str:
    """Return a secret that was given; one that could be guessed is refused, and there is no default to forget."""
    value = text(name)
    if len(value) < SHORTEST_SECRET:
        raise SettingMissing(f"{name} has fewer than {SHORTEST_SECRET} characters: make one with {TO_MAKE_ONE}.")
    return value


def key(name: str) -> str:
    """Return a key of 32 bytes in base64."""
    value = text(name)
    try:
        if len(base64.urlsafe_b64decode(value)) == 32:
            return value
    except (binascii.Error, ValueError):
        pass
    raise SettingMissing(f"{name} is not 32 bytes in base64: make one with {TO_MAKE_A_KEY}.")


def flag(name: str, default: bool) -> bool:
    """Return a yes/no variable; anything but the accepted words is refused."""
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() not in words:
        raise SettingMissing(f"{name} is '{value}'. Set it to 1 or 0.")
    return words[value.lower()]


def whole_number(name: str, default: int) -> int:
    """Return an integer variable."""
    value = os.environ.get(name, str(default))
    if not value.lstrip("-").isdigit():
        raise SettingMissing(f"{name} is '{value}'. Set it to a whole number.")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """Return a comma-separated variable as a list."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


@dataclass(frozen=True)
class Address:
    """Where a PostgreSQL database is and who signs in to it."""

    host: str
    port: str
    name: str
    user: str
    password: str
    options: dict[str, str]


def address(name: str, url: str, password: str = "") -> Address:
    """Take a postgresql:// URL apart; refuse another engine, for there is no other behind the same code.

    A password that was given apart serves where the URL carries none, so that only the password need be kept secret.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise SettingMissing(f"{name} must look like postgresql://user:password@host:5432/database.")
    query = dict(parse_qsl(parts.query))
    return Address(
        host=query.pop("host", "") or parts.hostname or "",
        port=str(parts.port or ""),
        name=parts.path.strip("/"),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or "") or password,
        options=query,
    )


def broker_url(url: str, password: str) -> str:
    """Return the broker's address with a password that was given apart, unless the address carries one."""
    parts = urlsplit(url)
    if not password or parts.password:
        return url
    return parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}").geturl()


def data_directory() -> Path:
    """Return the data directory: RTMS_DATA, else var/ beside run.py."""
    return Path(os.environ.get("RTMS_DATA", ROOT / "var")).expanduser().resolve()


def embedded_secrets() -> dict[str, str]:
    """Return what the embedded mode minted on its first start, or an empty dict before that."""
    path = data_directory() / "secrets.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise SettingMissing(f"{path} cannot be read by this account. Use the account that ran 'run.py up', or set RTMS_DATA.") from error


def socket_directory(data: Path) -> Path:
    """Return where the embedded servers' sockets lie: short (a socket path ends at 107 bytes) and one per data directory and account."""
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:10]
    # Not TMPDIR: a command in another shell must find the servers that 'up' started.
    return Path("/tmp") / f"rtms-{os.geteuid()}-{digest}"  # noqa: S108  (made private, and refused where somebody else made it)


def is_set(name: str) -> bool:
    """Return whether NAME or NAME_FILE is given."""
    return name in os.environ or f"{name}_FILE" in os.environ


def export(**values: str) -> None:
    """Set variables for the settings of this process and for the processes it starts."""
    os.environ.update(values)


def export_default(**values: str) -> None:
    """Set the variables that nobody set before."""
    for name, value in values.items():
        os.environ.setdefault(name, value)


def withdraw(*names: str) -> None:
    """Unset variables."""
    for name in names:
        os.environ.pop(name, None)


def for_child(**values: str) -> dict[str, str]:
    """Return the environment of a process to be started: this one's, with the values on top."""
    return {**os.environ, **values}
