"""Refusals: a start that cannot go on says so in one sentence, with what to do."""

import errno
import shutil
from pathlib import Path

FULL_BYTES = 5_000_000
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)


class Refused(Exception):
    """The start is refused; the text is one sentence that says what to do."""


def refusal(error: OSError, directory: Path) -> Refused:
    """Return the sentence for an error of the operating system below a directory."""
    if error.errno in NO_SPACE:
        return disk_full(directory)
    if error.errno in NO_RIGHT:
        where = error.filename or directory
        return Refused(f"{where} cannot be written by this account: name a directory of your own with --data, or change its owner.")
    return Refused(f"{directory} cannot be used ({error.strerror or error}): mend that, or name another directory with --data.")


def disk_full(directory: Path) -> Refused:
    """Return the sentence for a full disk."""
    return Refused(f"The disk of {directory} is full: free some space, or name a directory on another disk with --data.")


def failed_for_room(directory: Path, said: str) -> bool:
    """Return whether a program failed for want of room: by what it said, or because it could not even say it."""
    return "No space left on device" in said or "Disk quota exceeded" in said or shutil.disk_usage(directory).free < FULL_BYTES
