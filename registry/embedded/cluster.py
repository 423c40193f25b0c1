"""The files of the private PostgreSQL: made once, checked on every start, and the command that serves them."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from registry.embedded import older
from registry.embedded.credentials import flush_directory
from registry.embedded.place import Place
from registry.embedded.processes import Account, HandedOver, before_program, hand_over, identity, own
from registry.embedded.programs import Programs
from registry.embedded.refusals import Refused

BOOTSTRAP = "rtms_bootstrap"
SOCKET = ".s.PGSQL.5432"
UNFINISHED = "postgresql.unfinished-"

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused statement carries what was typed: its text, its detail and its COPY line stay out of the log, which the application keeps.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
# For a database nobody will miss.
THROW_AWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def make(place: Place, programs: Programs, account: Account | None, password: str) -> None:
    """Make the cluster unless it is there; a crash on the way leaves a directory that the next start throws away."""
    if (place.postgresql / "PG_VERSION").exists():
        check_version(place, programs)
        return
    if place.postgresql.exists():
        refuse_foreign(place.postgresql)
    elif (place.data / older.UNFINISHED).exists():
        raise Refused(f"An upgrade of {place.data} broke off: run 'python3 run.py upgrade_database --data {place.data}' again.")
    for broken_off in place.data.glob(UNFINISHED + "*"):
        shutil.rmtree(broken_off, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(dir=place.data, prefix=UNFINISHED))
    own(unfinished, account)
    initialise(unfinished, place, programs, account, password)
    unfinished.rename(place.postgresql)
    flush_directory(place.data)


def refuse_foreign(directory: Path) -> None:
    """Remove an empty directory where the cluster belongs; refuse any other."""
    if any(directory.iterdir()):
        raise Refused(f"{directory} is not a PostgreSQL directory: move it away, or name another directory with --data.")
    directory.rmdir()


def initialise(directory: Path, place: Place, programs: Programs, account: Account | None, password: str) -> None:
    """Run initdb; the same collation on every system, checksums on (PostgreSQL's default)."""
    handed = hand_over(directory, account)
    password_file = write_password(place.sockets, account, password)
    command = [str(programs.postgresql / "initdb"), "-D", handed.path, "-U", BOOTSTRAP, "--pwfile", str(password_file)]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    if place.without_fsync.exists():
        command.append("--no-sync")
    try:
        done = subprocess.run(
            command,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            pass_fds=handed.descriptors,
            preexec_fn=before_program(signal.SIGKILL),
            **identity(account),
        )
    finally:
        password_file.unlink()
        handed.close()
    if done.returncode:
        raise InitialisationFailed(done.stderr.strip())


class InitialisationFailed(Exception):
    """initdb failed; the text is what it said."""


def write_password(scratch: Path, account: Account | None, password: str) -> Path:
    """Write the superuser's password where initdb can read it for a moment."""
    path = scratch / "password"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w") as file:
        file.write(password)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    return path


def check_version(place: Place, programs: Programs) -> None:
    """Refuse a data directory of another major version: PostgreSQL cannot read it."""
    made_by, brought = older.made_by(place.postgresql), older.major_of(programs.postgresql)
    if brought and made_by != brought:
        raise Refused(
            f"{place.postgresql} was made by PostgreSQL {made_by} and this release brings {brought}: "
            f"run 'python3 run.py upgrade_database --data {place.data}' once. Nothing was touched."
        )


def command(place: Place, programs: Programs, account: Account | None) -> tuple[list[str], HandedOver]:
    """Return the command that serves the cluster, and the directory handed over to it."""
    handed = hand_over(place.postgresql, account)
    settings = {**SETTINGS, "unix_socket_directories": str(place.sockets)}
    if place.without_fsync.exists():
        settings |= THROW_AWAY_SETTINGS
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(programs.postgresql / "postgres"), "-D", handed.path, *options], handed
