"""What is looked at before anything is started: room, rights, the port, another start."""

import errno
import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from registry.embedded import locks
from registry.embedded.place import Place
from registry.embedded.processes import holders, kill
from registry.embedded.refusals import Refused, refusal

MEGABYTE = 1024 * 1024
ROOM_NEEDED = 200 * MEGABYTE
LEFTOVERS_END_WITHIN_S = 20


def check_room(directory: Path) -> None:
    """Refuse where the disk has no room for a database that starts."""
    free = shutil.disk_usage(directory).free
    if free < ROOM_NEEDED:
        raise Refused(
            f"The disk of {directory} has {free // MEGABYTE} MB free and {ROOM_NEEDED // MEGABYTE} MB are needed: "
            "free some space, or name a directory on another disk with --data."
        )


def check_port(host: str, port: int) -> None:
    """Refuse where the address cannot be listened on."""
    if not 1 <= port <= 65535:
        raise Refused(f"There is no port {port}: choose one from 1024 to 65535 with --port.")
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise Refused(f"{host} is not an address: give --bind one of this machine's, such as 127.0.0.1.") from error
    except OSError as error:
        raise port_refusal(error, host, port) from error


def port_refusal(error: OSError, host: str, port: int) -> Refused:
    """Return the sentence for a port that cannot be had."""
    if error.errno == errno.EADDRINUSE:
        return Refused(f"Port {port} is taken by another program: stop that one, or choose another port, as in --port {port % 65535 + 1}.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused(f"Port {port} is reserved for the system: choose one from 1024 up, as in --port 8000.")
    if error.errno == errno.EADDRNOTAVAIL:
        return Refused(f"{host} is not an address of this machine: give --bind one that is, such as 127.0.0.1.")
    return Refused(f"{host}:{port} cannot be listened on ({error.strerror}): choose others with --bind and --port.")


def only_once(place: Place) -> int:
    """Take the lock of a running registry, or refuse; returns its descriptor."""
    descriptor = _open(place, "up")
    if locks.try_lock(descriptor, locks.EXCLUSIVE):
        return descriptor
    os.close(descriptor)
    raise Refused(f"A registry is already running on {place.data}: use that one, stop it first, or name another directory with --data.")


def after_the_last(place: Place, between: Callable[[], None]) -> int:
    """Return a lock for the programs to carry, once those of a killed run have ended; `between` is called while waiting.

    They end by themselves, and are killed where one does not: nobody but this registry's programs carries the lock.
    """
    descriptor = _open(place, "children")
    for _ in range(2):
        if locks.wait_for_lock(descriptor, locks.EXCLUSIVE, patience_s=LEFTOVERS_END_WITHIN_S, between=between):
            return descriptor
        for pid in holders(place.lock("children")):
            kill(pid, signal.SIGKILL)
    os.close(descriptor)
    raise Refused(f"Programs of an earlier run on {place.data} do not end: end them, or restart the machine, and start again.")


def _open(place: Place, name: str) -> int:
    try:
        return locks.open_lock(place.lock(name))
    except OSError as error:
        raise refusal(error, place.data) from error
