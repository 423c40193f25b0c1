"""File locks. The kernel frees them whatever happens to the holder, so nothing goes stale."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX


def open_lock(path: Path) -> int:
    """Return a descriptor of the lock file; nothing is locked yet."""
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the lock if that is possible at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give the lock back and keep the descriptor."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def wait_for_lock(descriptor: int, kind: int, *, patience_s: float, between: Callable[[], None] = lambda: None) -> bool:
    """Take the lock within so many seconds, or return False; `between` is called while waiting and may raise."""
    give_up_at = time.monotonic() + patience_s
    while not try_lock(descriptor, kind):
        if time.monotonic() > give_up_at:
            return False
        between()
        time.sleep(0.05)
    return True


@contextmanager
def holding(path: Path, between: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the file's lock alone, however long it takes to get it."""
    descriptor = open_lock(path)
    try:
        wait_for_lock(descriptor, EXCLUSIVE, patience_s=float("inf"), between=between)
        yield
    finally:
        os.close(descriptor)
