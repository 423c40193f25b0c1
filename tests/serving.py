"""The application served from threads of the test's own process, without the waits of a server made for looking at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connections
from django.test.testcases import LiveServerThread, QuietWSGIRequestHandler


class _Handler(QuietWSGIRequestHandler):
    # Status line and headers go out in two writes: the second one would wait 40 ms for the client's word that it has the first.
    disable_nagle_algorithm = True


class _Server(ThreadedWSGIServer):
    def serve_forever(self, poll_interval: float = 0.02) -> None:
        """Serve, and notice soon when told to stop: every test stops one."""
        super().serve_forever(poll_interval)


class _Thread(LiveServerThread):
    daemon = True

    def _create_server(self, connections_override: Any = None) -> _Server:
        return _Server((self.host, self.port), _Handler, allow_reuse_address=False, connections_override=connections_override)


@contextmanager
def served() -> Iterator[str]:
    """Serve the application with connections of its own; give its address."""
    server = _Thread("127.0.0.1", StaticFilesHandler)
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()
    connections["default"].close()
    connections["default"].close_pool()
