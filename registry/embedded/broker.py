"""The private Valkey: Celery's broker and the cache, on a Unix socket."""

import socket
from pathlib import Path

from registry.embedded.place import Place
from registry.embedded.processes import Account, HandedOver, hand_over, own
from registry.embedded.programs import Programs

SOCKET = "valkey.sock"


def command(place: Place, programs: Programs, account: Account | None) -> tuple[list[str], HandedOver]:
    """Return the command that serves the broker, and the directory handed over to it."""
    own(place.sockets, account)
    own(place.valkey, account)
    handed = hand_over(place.valkey, account)
    options = {
        "port": "0",
        "unixsocket": str(place.sockets / SOCKET),
        "unixsocketperm": "700",
        "dir": handed.path,
        "appendonly": "no" if place.without_fsync.exists() else "yes",
        "save": "",
        # A full memory must show as an error: evicting would lose messages in silence.
        "maxmemory-policy": "noeviction",
    }
    return [str(programs.valkey), *(part for name, value in options.items() for part in (f"--{name}", value))], handed


def answers(place: Place) -> bool:
    """Return whether the broker takes commands; while it loads its file it does not."""
    return ping(place.sockets / SOCKET)


def ping(path: Path) -> bool:
    """Send one PING over the socket."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
