"""A program of the registry that is started again whenever it ends."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from registry.embedded.processes import Account, end_group, spawn, wait_or_kill

LONGEST_PAUSE_S = 30.0
# A program that ran this long starts with a clean slate when it ends.
LIVED_S = 60.0
KEPT_LOG_BYTES = 20_000_000


@dataclass(frozen=True)
class Recipe:
    """How a program is started and ended."""

    name: str
    command: list[str]
    log: Path
    variables: dict[str, str] | None = None
    directory: Path = Path("/")
    account: Account | None = None
    descriptors: tuple[int, ...] = ()
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGTERM
    patience_s: float = 20


@dataclass
class Child:
    """One program, running or waiting to run again."""

    recipe: Recipe
    now: Callable[[], float] = time.monotonic
    process: subprocess.Popen[bytes] | None = None
    quick_ends: int = 0
    started_at: float = 0.0
    not_before: float = 0.0
    asked_to_stop: bool = False

    def revive(self) -> None:
        """Start the program if it is not running and its pause is over."""
        if self.process is not None and self.process.poll() is not None:
            self._note_end(self.process)
        if self.process is None and self.now() >= self.not_before:
            self._start()

    def _note_end(self, process: subprocess.Popen[bytes]) -> None:
        """Clear away what the program left and pause the longer the more often it ended soon."""
        end_group(process)
        self.process = None
        lived = self.now() - self.started_at
        self.quick_ends = 0 if lived > LIVED_S else self.quick_ends + 1
        self.not_before = self.now() + pause_s(self.quick_ends)

    def _start(self) -> None:
        recipe = self.recipe
        self.started_at = self.now()
        self.process = spawn(
            recipe.command,
            log=recipe.log,
            account=recipe.account,
            descriptors=recipe.descriptors,
            directory=recipe.directory,
            variables=recipe.variables,
            death_signal=recipe.death_signal,
        )

    def ask_to_stop(self) -> None:
        """Send the stop signal and do not wait."""
        if self.process is not None and self.process.poll() is None and not self.asked_to_stop:
            self.process.send_signal(self.recipe.stop_signal)
            self.asked_to_stop = True

    def stop(self) -> None:
        """End the program, by force once its time is over."""
        self.ask_to_stop()
        if self.process is not None:
            wait_or_kill(self.process, self.recipe.patience_s)
            self.process = None


def pause_s(quick_ends: int) -> float:
    """Return the pause before the next start: none after a first end, then doubling."""
    return 0.0 if quick_ends <= 1 else min(LONGEST_PAUSE_S, 0.25 * 2.0**quick_ends)


def shorten(log: Path) -> None:
    """Move the lines of a log that grew too long to a second file, which keeps one such part; its program writes on."""
    if log.stat().st_size > KEPT_LOG_BYTES:
        with suppress(OSError):  # a full disk is no reason to let the log grow
            shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)
