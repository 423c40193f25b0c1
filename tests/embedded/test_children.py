"""Programs that are started again, and that end with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from registry.embedded import children, leash
from registry.embedded.children import Child, Recipe, pause_s
from registry.environment import ROOT
from tests.embedded.running import users_environment, wait_until


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def child_that(tmp_path: Path, program: str, clock: Clock) -> Child:
    return Child(Recipe("test", [sys.executable, "-c", program], tmp_path / "test.log"), now=clock)


def run_to_the_end(child: Child) -> None:
    child.revive()
    assert child.process is not None
    child.process.wait()


def test_pauses_double_and_stay_within_half_a_minute() -> None:
    assert [pause_s(ends) for ends in (0, 1, 2, 3, 4, 9, 40)] == [0.0, 0.0, 1.0, 2.0, 4.0, 30.0, 30.0]


def test_program_that_keeps_ending_is_started_again_after_longer_and_longer_pauses(tmp_path: Path) -> None:
    clock = Clock()
    child = child_that(tmp_path, "print('once')", clock)
    run_to_the_end(child)
    run_to_the_end(child)  # at once: the first end costs no pause
    child.revive()
    assert child.process is None
    clock.seconds += 0.9
    child.revive()
    assert child.process is None
    clock.seconds += 0.2
    run_to_the_end(child)
    assert (tmp_path / "test.log").read_text() == "once\n" * 3


def test_program_that_ran_long_starts_with_a_clean_slate(tmp_path: Path) -> None:
    clock = Clock()
    child = child_that(tmp_path, "", clock)
    for _ in range(2):
        run_to_the_end(child)
    clock.seconds += children.LIVED_S + 1
    child.revive()
    assert child.quick_ends == 0


def test_stop_kills_a_program_that_will_not_listen(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    recipe = Recipe("deaf", [sys.executable, "-c", program], tmp_path / "deaf.log", patience_s=0.2)
    child = Child(recipe)
    child.revive()
    wait_until(lambda: "deaf" in (tmp_path / "deaf.log").read_text(), within_s=10)
    child.stop()
    assert child.process is None


def test_long_log_is_put_aside_while_its_program_writes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "test.log"
    with open(log, "ab") as program:
        program.write(b"long\n")
        program.flush()
        children.shorten(log)
        assert log.read_text() == "long\n"
        monkeypatch.setattr(children, "KEPT_LOG_BYTES", 3)
        children.shorten(log)
        program.write(b"new\n")
    assert log.read_text() == "new\n"
    assert (tmp_path / "test.log.1").read_text() == "long\n"


def starter_of(command: list[str]) -> subprocess.Popen[str]:
    """Start a process that starts the command and prints its number."""
    program = f"import subprocess, time; print(subprocess.Popen({command!r}).pid, flush=True); time.sleep(60)"
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_leash_ends_the_program_when_its_starter_is_killed() -> None:
    """Stands in for PR_SET_PDEATHSIG on systems without it."""
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    inner = f"import os, sys; os.execv(sys.executable, [sys.executable, {leash.__file__!r}, str(os.getppid()), '15', *{program!r}])"
    starter = starter_of([sys.executable, "-c", inner])
    assert starter.stdout is not None
    on_leash = psutil.Process(int(starter.stdout.readline()))
    wait_until(lambda: len(on_leash.children()) == 1, within_s=10)
    kept = on_leash.children()[0]
    starter.kill()
    starter.wait()
    wait_until(lambda: not kept.is_running() or kept.status() == psutil.STATUS_ZOMBIE, within_s=10)


def test_leash_passes_signals_on_and_returns_the_exit_code() -> None:
    program = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(60)"

    command = [sys.executable, leash.__file__, str(os.getpid()), "15", sys.executable, "-c", program]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 7


@pytest.mark.slow_services
def test_throwaway_services_leave_nothing_behind() -> None:
    program = (
        "from registry.embedded import broker, throwaway_services\n"
        "with throwaway_services() as place, throwaway_services() as inner:\n"
        "    assert inner.data == place.data and broker.answers(place)\n"
        "    print(place.data, place.sockets)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=users_environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert not [path for path in done.stdout.split() if Path(path).exists()]
