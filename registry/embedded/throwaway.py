"""A private PostgreSQL and Valkey that nobody will miss: for tests and checks."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from registry import environment
from registry.embedded import broker, recipes, sharing
from registry.embedded.children import Child
from registry.embedded.place import Place
from registry.embedded.refusals import Refused

MARK = "RTMS_THROW_AWAY"
SERVERS = ("DATABASE_URL", "DATABASE_URL_FILE", "BROKER_URL", "BROKER_URL_FILE")
BROKER_ANSWERS_WITHIN_S = 20


@contextmanager
def throwaway_services(*, flushing: bool = False) -> Iterator[Place]:
    """Run both servers in a temporary directory, without fsync unless `flushing`, and point the settings at them.

    Enter it before the settings are loaded. Inside another one, in this process or in a parent of it, that one's servers are used: all
    workers of a test run share one PostgreSQL, with a database each (RTMS_DB_NAME, `provisioning.create_database`).
    """
    if environment.is_set(MARK):
        yield Place(environment.data_directory())
        return
    with ExitStack() as stack:
        place = Place(Path(tempfile.mkdtemp(prefix="rtms-throw-away-")).resolve())
        stack.callback(remove, place)
        stack.enter_context(pointing_at(place))
        if not flushing:
            place.without_fsync.touch()
        stack.callback(sharing.release, place, sharing.share(place))
        start_broker(place, stack)
        yield place


@contextmanager
def pointing_at(place: Place) -> Iterator[None]:
    """Let the environment name the place and no other server, and put it back afterwards."""
    earlier = environment.for_child()
    environment.withdraw(*SERVERS)
    environment.export(RTMS_DATA=str(place.data), **{MARK: "1"})
    try:
        yield
    finally:
        environment.withdraw("RTMS_DATA", MARK)
        environment.export(**{name: earlier[name] for name in ("RTMS_DATA", *SERVERS) if name in earlier})


def start_broker(place: Place, stack: ExitStack) -> None:
    """Start Valkey until the stack is unwound."""
    recipe, handed = recipes.valkey(place, ())
    stack.callback(handed.close)
    child = Child(recipe)
    stack.callback(child.stop)
    child.revive()
    give_up_at = time.monotonic() + BROKER_ANSWERS_WITHIN_S
    while not broker.answers(place):
        if time.monotonic() > give_up_at:
            raise Refused(f"Valkey does not start: {sharing.last_lines(recipe.log, 1)}")
        time.sleep(0.02)


def remove(place: Place) -> None:
    """Remove the place and its sockets."""
    shutil.rmtree(place.data, ignore_errors=True)
    shutil.rmtree(place.sockets, ignore_errors=True)
