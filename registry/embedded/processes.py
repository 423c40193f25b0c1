"""Start server programs so that they end with whoever started them, and find those that did not."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import environment
from registry.embedded.refusals import Refused

PR_SET_PDEATHSIG = 1
LINUX = sys.platform == "linux"
# Loaded once: nothing may be imported between fork and exec.
_libc = ctypes.CDLL(None) if LINUX else None


def die_with_parent(death_signal: int = signal.SIGKILL) -> None:
    """Ask the kernel for a signal when the parent of this process ends; without effect where there is no such service."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))


@dataclass(frozen=True)
class Account:
    """The account that server programs run as when root starts them: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the account for server programs, or None where an ordinary user starts them as himself."""
    if os.geteuid() != 0:
        return None
    if not LINUX:
        raise Refused("PostgreSQL does not run as root: start as an ordinary user.")
    name = environment.text("RTMS_SERVER_ACCOUNT", "nobody")
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise Refused(f"There is no account '{name}' to run PostgreSQL as: set RTMS_SERVER_ACCOUNT to an unprivileged one.") from error
    if entry.pw_uid == 0:
        raise Refused("PostgreSQL does not run as root: set RTMS_SERVER_ACCOUNT to an unprivileged account.")
    return Account(name, entry.pw_uid, entry.pw_gid)


def identity(account: Account | None) -> dict[str, Any]:  # keyword arguments of subprocess
    """Return the arguments that make subprocess run a program as the account."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


@dataclass(frozen=True)
class HandedOver:
    """A directory as a server program names it, and the descriptors that have to be passed on for that."""

    path: str
    descriptors: tuple[int, ...]

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)


def hand_over(directory: Path, account: Account | None) -> HandedOver:
    """Name a directory so that the account can use it even where it may not pass the directories above.

    Root may keep the data below a private home. Opening that up would be wrong, so the open directory itself is handed over: the
    kernel follows /proc/self/fd without asking for rights on the way.
    """
    if account is None:
        return HandedOver(str(directory), ())
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return HandedOver(f"/proc/self/fd/{descriptor}", (descriptor,))


def own(directory: Path, account: Account | None) -> None:
    """Make a directory that nobody but the server programs' account (and root) can enter."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.lstat()
    wanted = account.uid if account else os.geteuid()
    # The sockets lie in a public place: a directory that somebody else put there first is a trap.
    if directory.is_symlink() or status.st_uid not in (wanted, os.geteuid()):
        raise Refused(f"{directory} belongs to another account: remove it, or name another directory with --data.")
    if account is not None and status.st_uid != wanted:
        os.chown(directory, account.uid, account.gid)
    directory.chmod(0o700)


def before_program(death_signal: int) -> Callable[[], None]:
    """Return what the new process does before it becomes the program."""
    parent = os.getpid()

    def prepare() -> None:
        die_with_parent(death_signal)
        if os.getppid() != parent:  # the parent ended before the kernel was asked
            os._exit(1)

    return prepare


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    account: Account | None = None,
    descriptors: tuple[int, ...] = (),
    directory: Path = Path("/"),
    variables: dict[str, str] | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output appended to the log; it gets the signal when this process ends."""
    with open(log, "ab") as output, warnings.catch_warnings():
        # Python warns of what runs between fork and exec in a process with threads: what runs here takes no lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            [str(part) for part in leashed(command, death_signal)],
            cwd=directory,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=descriptors,
            preexec_fn=before_program(death_signal),
            **identity(account),
        )


def leashed(command: Sequence[str | Path], death_signal: int) -> list[str | Path]:
    """Put the leash in front of the command where the kernel does not tell children of their parent's end."""
    if LINUX:
        return list(command)
    leash = Path(__file__).with_name("leash.py")
    return [sys.executable, leash, str(os.getpid()), str(int(death_signal)), *command]


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a program's session, such as the workers of a killed master."""
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS answers 'not permitted' for a zombie
        os.killpg(process.pid, signal.SIGKILL)


def end(process: subprocess.Popen[bytes], first: int, patience_s: float) -> None:
    """Ask a program to end, wait, then kill it and what it left."""
    if process.poll() is None:
        process.send_signal(first)
    wait_or_kill(process, patience_s)


def wait_or_kill(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Wait for a program that was asked to end, then kill it and what it left."""
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    end_group(process)


def kill(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def holders(path: Path) -> set[int]:
    """Return the other processes that have a file open, where the system tells."""
    wanted = path.stat()
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # ended meanwhile, or another account's
            status = link.stat()
            if (status.st_dev, status.st_ino) == (wanted.st_dev, wanted.st_ino):
                found.add(int(link.parts[2]))
    return found - {os.getpid()}


# Asked as the servers' account: without extra rights root may not look at another account's processes, as in a container.
_WHO_IS_IN = 'for process in /proc/[0-9]*; do if [ "$process/cwd" -ef "$1" ]; then echo "${process#/proc/}"; fi; done'


def left_behind(directory: Path, program: str, account: Account | None) -> list[int]:
    """Return the live processes of a program that work in a server's directory; a zombie has no directory."""
    if not LINUX:
        return list(_by_pid_file(directory, program))
    handed = hand_over(directory, account)
    command = ["/bin/sh", "-c", _WHO_IS_IN, "sh", handed.path]
    answer = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, pass_fds=handed.descriptors, **identity(account))
    handed.close()
    return [int(line) for line in answer.stdout.split() if _name_of(int(line)) == program]


def _name_of(pid: int) -> str:
    """Return a process's program name, or nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _by_pid_file(directory: Path, program: str) -> Iterator[int]:
    """Yield the process that postmaster.pid names if it is a live one of that program."""
    try:
        pid = int((directory / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    answer = subprocess.run(["/bin/ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    if answer.endswith(program) and not answer.startswith("Z"):
        yield pid
