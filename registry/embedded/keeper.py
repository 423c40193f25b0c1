"""The keeper: parent of the private PostgreSQL for as long as anybody holds a share; `python -m registry.embedded.keeper DATA`.

It belongs to no client: any of them may be killed. It starts a server that died again and stops it when the last share is gone.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

from registry.embedded import cluster, credentials, locks
from registry.embedded.place import Place
from registry.embedded.processes import LINUX, end, kill, left_behind, own, server_account, spawn
from registry.embedded.programs import locate
from registry.embedded.refusals import Refused, refusal

# One command often follows another.
LINGER_S = 1.0
LINGER_THROWN_AWAY_S = 0.1
POLL_S = 0.25
# A server that ends sooner than this did not start at all.
LIVED_S = 5.0
QUICK_ENDS_BEFORE_GIVING_UP = 3
# A clean shutdown writes what is in memory; killing it costs a recovery, no data.
SHUTDOWN_S = 30


class CannotServe(Exception):
    """PostgreSQL does not start; its log says why."""


class Keeper:
    """Keeps one cluster served."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.account = server_account()
        self.programs = locate(self.account)
        self.alone = locks.open_lock(place.lock("keeper"))
        self.use = locks.open_lock(place.lock("use"))
        self.gate = locks.open_lock(place.lock("gate"))
        self.server: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.quick_ends = 0
        self.served = False
        self.told_to_stop = False

    def keep(self) -> None:
        """Serve until the last share is gone or a signal says so; return at once where another keeper is at work."""
        # A keeper that just stopped frees its lock within moments.
        if not locks.wait_for_lock(self.alone, locks.EXCLUSIVE, patience_s=2):
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        own(self.place.sockets, self.account)
        cluster.make(self.place, self.programs, self.account, credentials.read(self.place.secrets)["database_bootstrap"])
        try:
            while not self.told_to_stop and not self._is_unused():
                self._revive()
                time.sleep(POLL_S)
        finally:
            self._end_server()
            locks.unlock(self.alone)

    def _stop(self, _number: int, _frame: object) -> None:
        self.told_to_stop = True

    def _revive(self) -> None:
        """Start the server if it is not running."""
        if self.server is not None and self.server.poll() is None:
            self.served = self.served or time.monotonic() - self.started_at > LIVED_S
            return
        if self.server is not None:
            self._wait_before_another()
        self._clear_away()
        command, handed = cluster.command(self.place, self.programs, self.account)
        self.started_at = time.monotonic()
        self.server = spawn(
            command,
            log=self.place.log("postgresql"),
            account=self.account,
            descriptors=handed.descriptors,
            death_signal=signal.SIGINT,  # PostgreSQL's fast shutdown
        )
        handed.close()

    def _wait_before_another(self) -> None:
        """Wait the longer the more often the server ended at once; give up if it never served."""
        quick = time.monotonic() - self.started_at < LIVED_S
        self.quick_ends = self.quick_ends + 1 if quick else 0
        if self.quick_ends >= QUICK_ENDS_BEFORE_GIVING_UP and not self.served:
            raise CannotServe
        if quick:
            time.sleep(min(5.0, 0.1 * 2**self.quick_ends))

    def _clear_away(self) -> None:
        """End what a killed keeper or postmaster left, then remove its lock files.

        PostgreSQL believes a lock file whose number is in use, and that may be a process nobody has buried yet, or another program's.
        """
        kill_at = time.monotonic() + SHUTDOWN_S
        while remaining := left_behind(self.place.postgresql, "postgres", self.account):
            for pid in remaining:
                kill(pid, signal.SIGKILL if time.monotonic() > kill_at else signal.SIGINT)
            time.sleep(0.2)
        (self.place.sockets / f"{cluster.SOCKET}.lock").unlink(missing_ok=True)
        if LINUX:  # elsewhere a killed postmaster's own children cannot be seen, and this file keeps a second server out
            (self.place.postgresql / "postmaster.pid").unlink(missing_ok=True)

    def _is_unused(self) -> bool:
        """Return whether the last share is gone; from then on this process holds the gate, so that a newcomer waits."""
        if not locks.try_lock(self.use, locks.EXCLUSIVE):
            return False
        locks.unlock(self.use)
        time.sleep(LINGER_THROWN_AWAY_S if self.place.without_fsync.exists() else LINGER_S)
        if locks.try_lock(self.gate, locks.EXCLUSIVE):
            if locks.try_lock(self.use, locks.EXCLUSIVE):
                return True
            locks.unlock(self.gate)
        return False

    def _end_server(self) -> None:
        if self.server is not None:
            end(self.server, signal.SIGINT, patience_s=SHUTDOWN_S)


def main(data: str) -> int:
    """Keep the data directory's cluster; the last line on stderr says why that failed."""
    place = Place(Path(data))
    try:
        Keeper(place).keep()
    except Refused as problem:
        print(problem, file=sys.stderr)
    except OSError as error:
        print(refusal(error, place.data), file=sys.stderr)
    except cluster.InitialisationFailed as problem:
        print(f"initdb failed: {problem}", file=sys.stderr)
    except CannotServe:
        print(f"PostgreSQL does not start: see {place.log('postgresql')}.", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
