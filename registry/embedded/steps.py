"""Management commands that `up` runs to their end, each as one of the database's roles."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from registry import environment
from registry.embedded.place import Place
from registry.embedded.processes import end, spawn
from registry.embedded.refusals import Refused, disk_full, failed_for_room


@dataclass(frozen=True)
class Step:
    """A management command under way."""

    place: Place
    name: str
    process: subprocess.Popen[bytes]

    def finish(self, between: Callable[[], None]) -> str:
        """Wait for the command and return what it printed; refuse with its last line if it failed."""
        try:
            while self.process.poll() is None:
                between()
                time.sleep(0.05)
        finally:
            end(self.process, signal.SIGTERM, patience_s=10)
        log = self.place.log(self.name)
        said = log.read_text(errors="replace").strip()
        if self.process.returncode:
            raise self._refusal(said)
        log.unlink()  # it may hold first passwords
        return said

    def _refusal(self, said: str) -> Refused:
        if failed_for_room(self.place.data, said):
            return disk_full(self.place.data)
        last = said.splitlines()[-1] if said else f"exit code {self.process.returncode}"
        return Refused(f"'{self.name}' failed ({last}): see {self.place.log(self.name)}, and start again once that is mended.")


def begin(place: Place, role: str, descriptors: tuple[int, ...], *arguments: str) -> Step:
    """Start a management command; its output goes to a log of its own, made anew each time."""
    log = place.log(arguments[0])
    log.unlink(missing_ok=True)
    process = spawn(
        [sys.executable, environment.ROOT / "manage.py", *arguments],
        log=log,
        directory=environment.ROOT,
        variables=environment.for_child(RTMS_DB_ROLE=role),
        descriptors=descriptors,
    )
    return Step(place, arguments[0], process)
