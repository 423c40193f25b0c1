"""Make .venv out of the pinned requirement files and hand over to manage.py in it; standard library only."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / "installation-unfinished"
FAST_INSTALLER = ROOT / "requirements-uv.txt"
RUN = ROOT / "requirements.txt"
TEST = ROOT / "requirements-test.txt"

USAGE = """python3 run.py up [--data DIR] [--port N] [--bind HOST]   start the registry; Ctrl-C stops it
              [--host NAME] [--https]                     let the ward's other machines in, by HTTPS
              [--without-demonstration]                   for a real registry: load no synthetic trial, now or later
python3 run.py test [pytest arguments]                    run every check and test
python3 run.py help                                       list the other commands"""


class CannotInstall(Exception):
    """The environment cannot be made; the sentence says what to do."""


def main(arguments: list[str]) -> NoReturn:
    """Install what is missing, then become `manage.py`."""
    if not arguments:
        sys.exit(USAGE)
    try:
        ensure_installed([RUN, TEST] if arguments[0] == "test" else [RUN])
    except CannotInstall as problem:
        sys.exit(str(problem))
    except PermissionError:
        sys.exit(f"{VENV} cannot be written by this account: copy {ROOT} to a directory of your own and start there.")
    except OSError as error:
        sys.exit(f"{VENV} cannot be made ({error.strerror}): mend that, or copy {ROOT} elsewhere, and repeat.")
    command = ["check_all", *arguments[1:]] if arguments[0] == "test" else arguments
    os.execv(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *command])


def ensure_installed(files: list[Path]) -> None:
    """Install the requirement files unless their stamp says that they are there; starts at the same time wait for one another."""
    if is_installed(files):
        return
    with one_at_a_time():
        if not is_installed(files):
            install(files)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock that the kernel frees whatever happens to the holder."""
    # This file serves as the lock: it is there, and reading rights suffice.
    descriptor = os.open(__file__, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def stamp(file: Path) -> tuple[Path, str]:
    """Return where the stamp of a requirement file lies and what it must say."""
    digest = hashlib.sha256(file.read_bytes() + sys.version.encode()).hexdigest()
    return VENV / f"{file.stem}.installed", digest


def is_installed(files: list[Path]) -> bool:
    """Return whether .venv holds exactly these pins for this Python; an installation that broke off counts as none."""
    if UNFINISHED.exists() or not os.access(PYTHON, os.X_OK):
        return False
    stamps = [stamp(file) for file in files]
    return all(path.is_file() and path.read_text() == digest for path, digest in stamps)


def install(files: list[Path]) -> None:
    """Bring .venv up to the requirement files and write their stamps."""
    print("Installing the pinned packages into .venv (once) ...", file=sys.stderr, flush=True)
    if UNFINISHED.exists() or not is_for_this_python():
        shutil.rmtree(VENV, ignore_errors=True)
    make_venv()
    UNFINISHED.touch()
    if not install_fast(files):
        install_plainly(files)
    for path, digest in map(stamp, files):
        path.write_text(digest)
    UNFINISHED.unlink()


def is_for_this_python() -> bool:
    """Return whether .venv works and has this Python's version."""
    if not os.access(PYTHON, os.X_OK):
        return False
    answer = subprocess.run([PYTHON, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == sys.version


def make_venv() -> None:
    """Make .venv without pip: a Python packaged apart from ensurepip can do that much."""
    if PYTHON.exists():
        return
    made = subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode:
        VENV.mkdir(exist_ok=True)  # raises the reason where the directory itself is the trouble
        raise CannotInstall(
            f"Python's venv module failed ({last_line(made)}): install it (Debian and Ubuntu: apt install python3-venv) and repeat."
        )


def pip() -> list[str]:
    """Return a pip command for .venv: its own by ensurepip, else this Python's pip pointed at it."""
    if importlib.util.find_spec("ensurepip") is not None:
        subprocess.run([PYTHON, "-m", "ensurepip", "--default-pip"], capture_output=True, check=False)
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [str(PYTHON), "-m", "pip"]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    raise CannotInstall("This Python has neither ensurepip nor pip: install one (Debian and Ubuntu: apt install python3-venv) and repeat.")


def requirement_arguments(files: list[Path]) -> list[str]:
    """Return the installer's arguments for hashed requirement files."""
    return ["--require-hashes", *(argument for file in files for argument in ("-r", str(file)))]


def install_fast(files: list[Path]) -> bool:
    """Install with a pinned uv; return False where that cannot be had, for pip does the same more slowly."""
    arguments = ["install", "--quiet", *requirement_arguments([FAST_INSTALLER])]
    if subprocess.run([*pip(), *arguments], capture_output=True, check=False).returncode:
        return False
    command = [str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON)]
    return subprocess.run([*command, *requirement_arguments(files)], capture_output=True, check=False).returncode == 0


def install_plainly(files: list[Path]) -> None:
    """Install with pip, or raise with its last line."""
    arguments = ["install", "--quiet", "--disable-pip-version-check", *requirement_arguments(files)]
    done = subprocess.run([*pip(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(
            f"The packages could not be installed ({last_line(done)}): check the network, the disk and pip's settings, and repeat."
        )


def last_line(process: subprocess.CompletedProcess[str]) -> str:
    """Return the last line a program said."""
    lines = (process.stderr or process.stdout or "no message").strip().splitlines()
    return lines[-1] if lines else "no message"
