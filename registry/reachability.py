"""How long a machine that has gone silent is waited for: both ends of each connection between machines find out by themselves.

Without this a worker whose cable was pulled keeps its locks for the two hours that TCP allows, and its job waits as long.
"""

from __future__ import annotations

import socket

PROBES = 3
CONNECTS_WITHIN_S = 10
# TCP as far as this system lets it be told; what it has no word for it decides by itself.
_IDLE = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
_INTERVAL = getattr(socket, "TCP_KEEPINTVL", None)
_COUNT = getattr(socket, "TCP_KEEPCNT", None)
_UNANSWERED_MS = getattr(socket, "TCP_USER_TIMEOUT", None)


def probe_times(lost_after_s: int) -> tuple[int, int]:
    """Return after how much silence a connection is probed and how far apart, in seconds: three probes fit into the time."""
    interval = max(1, lost_after_s // (2 * PROBES))
    return max(1, lost_after_s - PROBES * interval), interval


def database_options(host: str, lost_after_s: int) -> dict[str, str | int]:
    """Return libpq's options for a connection to another machine; a socket of this one needs none, nor does a time of 0.

    The first half is for this end. The second asks the server to do the same, also while it works for us: whoever waits for a lock
    or computes does not read, and would not notice.
    """
    if not lost_after_s or not host or host.startswith("/"):
        return {}
    idle, interval = probe_times(lost_after_s)
    server = {
        "tcp_keepalives_idle": idle,
        "tcp_keepalives_interval": interval,
        "tcp_keepalives_count": PROBES,
        "tcp_user_timeout": lost_after_s * 1000,
        "client_connection_check_interval": interval * 1000,
    }
    return {
        "connect_timeout": CONNECTS_WITHIN_S,
        "keepalives_idle": idle,
        "keepalives_interval": interval,
        "keepalives_count": PROBES,
        "tcp_user_timeout": lost_after_s * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
    }


def broker_options(lost_after_s: int) -> dict[str, object]:
    """Return the transport's options for a broker on another machine; a broker behind a socket passes over them."""
    if not lost_after_s:
        return {}
    idle, interval = probe_times(lost_after_s)
    wanted = {_IDLE: idle, _INTERVAL: interval, _COUNT: PROBES, _UNANSWERED_MS: lost_after_s * 1000}
    told = {option: value for option, value in wanted.items() if option is not None}
    return {"socket_keepalive": True, "socket_keepalive_options": told, "health_check_interval": lost_after_s}
