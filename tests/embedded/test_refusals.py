"""Each thing that can stand in the way of a start is one sentence with what to do."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from registry.embedded import preflight, sharing
from registry.embedded.place import Place
from registry.embedded.refusals import Refused, refusal
from registry.embedded.services import hold_services
from registry.environment import ROOT
from tests.embedded.running import manage

UNPRIVILEGED = 65534
OLD_PYTHONS = ("python2.7", "python3.6", "python3.7", "python3.8", "python3.9", "python3.10")


def sentence_of(action: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        action()
    return str(caught.value)


def sentence_without_rights(action: Callable[[], object]) -> str:
    """Return the sentence that an account without rights gets; root becomes one in a child."""
    if os.geteuid() != 0:
        return sentence_of(action)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(UNPRIVILEGED)
        os.setuid(UNPRIVILEGED)
        try:
            action()
            os.write(writing, b"nothing was refused")
        except Refused as refused:
            os.write(writing, str(refused).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading) as answer:
        return answer.read()


def test_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert sentence_of(lambda: preflight.check_port("127.0.0.1", port)) == (
            f"Port {port} is taken by another program: stop that one, or choose another port, as in --port {port + 1}."
        )


def test_port_just_left_is_free() -> None:
    """A registry that was stopped leaves connections in their last wait; the next start must not trip over them."""
    with socket.create_server(("127.0.0.1", 0)) as earlier:
        port = earlier.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = earlier.accept()
            accepted.close()
    preflight.check_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", 0, "There is no port 0: choose one from 1024 to 65535 with --port."),
        ("127.0.0.1", 70000, "There is no port 70000: choose one from 1024 to 65535 with --port."),
        ("no-such-host.invalid", 8000, "no-such-host.invalid is not an address: give --bind one of this machine's, such as 127.0.0.1."),
        ("192.0.2.1", 8000, "192.0.2.1 is not an address of this machine: give --bind one that is, such as 127.0.0.1."),
    ],
)
def test_address_that_cannot_be_listened_on(host: str, port: int, said: str) -> None:
    assert sentence_of(lambda: preflight.check_port(host, port)) == said


def test_port_of_the_system() -> None:
    error = OSError(errno.EACCES, "Permission denied")
    assert str(preflight.port_refusal(error, "127.0.0.1", 80)) == (
        "Port 80 is reserved for the system: choose one from 1024 up, as in --port 8000."
    )


def test_started_twice(tmp_path: Path) -> None:
    place = Place(tmp_path)
    first = preflight.only_once(place)
    assert sentence_of(lambda: preflight.only_once(place)) == (
        f"A registry is already running on {tmp_path}: use that one, stop it first, or name another directory with --data."
    )
    os.close(first)
    os.close(preflight.only_once(place))


def test_programs_of_an_earlier_run_that_cannot_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "LEFTOVERS_END_WITHIN_S", 0.1)
    place = Place(tmp_path)
    left = preflight.after_the_last(place, lambda: None)  # this process carries it and is spared
    assert "do not end: end them, or restart the machine" in sentence_of(lambda: preflight.after_the_last(place, lambda: None))
    os.close(left)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell who has a file open")
def test_program_of_an_earlier_run_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "LEFTOVERS_END_WITHIN_S", 0.2)
    place = Place(tmp_path)
    left = preflight.after_the_last(place, lambda: None)
    deaf = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=(left,))
    os.close(left)
    os.close(preflight.after_the_last(place, lambda: None))
    assert deaf.wait(5) == -9


def test_disk_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=120 * preflight.MEGABYTE))
    assert sentence_of(lambda: preflight.check_room(tmp_path)) == (
        f"The disk of {tmp_path} has 120 MB free and 200 MB are needed: free some space, or name a directory on another disk with --data."
    )


def test_disk_that_fills_up_while_the_database_starts(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    place.log("keeper").write_text("PostgreSQL does not start: see its log.\n")
    place.log("postgresql").write_text('PANIC:  could not write to file "pg_wal/xlogtemp.8": No space left on device\n')
    assert str(sharing.why_not(place)) == (
        f"The disk of {tmp_path} is full: free some space, or name a directory on another disk with --data."
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_disk_full_as_the_system_says_it(tmp_path: Path, number: int) -> None:
    assert "is full: free some space" in str(refusal(OSError(number, os.strerror(number)), tmp_path))


def test_no_right_to_make_the_directory(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o111)
    said = sentence_without_rights(Place(locked / "data").prepare)
    assert said == f"{locked / 'data'} cannot be written by this account: name a directory of your own with --data, or change its owner."


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two accounts")
def test_directory_of_another_account(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    place.prepare()
    tmp_path.chmod(0o755)
    said = sentence_without_rights(Place(tmp_path / "data").prepare)
    assert "cannot be written by this account: name a directory of your own with --data" in said


def test_file_where_the_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is a file and not a directory: name another directory with --data" in sentence_of(Place(tmp_path / "file").prepare)
    assert "lies below a file: name another directory with --data" in sentence_of(Place(tmp_path / "file" / "data").prepare)


def test_data_option_without_a_directory() -> None:
    assert sentence_of(lambda: hold_services(["up", "--data"]).__enter__()) == "--data needs a directory: write --data DIR."


def test_refusal_on_the_command_line_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = manage("up", "--data", str(tmp_path / "file"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"{tmp_path / 'file'} is a file and not a directory: name another directory with --data.\n"


def test_setting_that_cannot_be_read_is_one_line_too(tmp_path: Path) -> None:
    done = manage("help", RTMS_DATA=str(tmp_path), EMAIL_PORT="many")
    assert (done.returncode, done.stderr) == (1, "EMAIL_PORT is 'many'. Set it to a whole number.\n")


def old_pythons() -> list[str]:
    """Return old interpreters that work here, on PATH or where pyenv keeps them."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names = [*OLD_PYTHONS, *(str(path) for version in ("2.7", "3.6", "3.10") for path in kept.glob(f"{version}.*/bin/python"))]
    return [name for name in names if shutil.which(name) and _works(name)]


def _works(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def test_old_python() -> None:
    for python in old_pythons():
        done = subprocess.run([python, str(ROOT / "run.py"), "up"], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("This is Python ")
        assert done.stderr.endswith("3.11 or newer is needed: install one and start with it, as in 'python3.12 run.py up'.\n")
        assert done.stderr.count("\n") == 1


def test_old_python_where_none_is_installed() -> None:
    program = "import sys; sys.version_info = (3, 6, 15); exec(open(sys.argv[1]).read())"
    done = subprocess.run([sys.executable, "-c", program, str(ROOT / "run.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "This is Python 3.6, and 3.11 or newer is needed: install one and start with it, as in 'python3.12 run.py up'.\n"


@pytest.mark.parametrize("command", ["backup", "export_trial", "outcomes", "report", "verify_audit"])
def test_a_command_about_what_is_there_makes_no_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    data = tmp_path / "elsewhere"
    monkeypatch.setenv("RTMS_DATA", str(data))
    said = sentence_of(lambda: hold_services([command, "x", "--data", str(data)]).__enter__())
    assert said == f"There is no registry in {data}. Name its data directory with --data DIR, or start one there with up."
    assert not data.exists()
