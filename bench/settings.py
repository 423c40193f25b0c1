"""The product's settings for the process that measures: the peer's tables beside."""

from registry.settings import *  # noqa: F403
from registry.settings import _database

INSTALLED_APPS = [*INSTALLED_APPS, "simple_history", "bench.peer"]  # noqa: F405
DATABASES["peer"] = _database("owner", pool=False)  # noqa: F405
DATABASE_ROUTERS = ["bench.peer.router.PeerRouter", *DATABASE_ROUTERS]  # noqa: F405
