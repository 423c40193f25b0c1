"""The programs that make up the registry beside PostgreSQL: Valkey, web server, worker and schedule."""

import signal
import sys

from registry import environment
from registry.embedded import broker
from registry.embedded.children import Recipe
from registry.embedded.place import Place
from registry.embedded.processes import HandedOver, server_account
from registry.embedded.programs import locate

# When the supervisor is killed the broker ends too, and Celery would try to reach it for ever. A job cut off is done again.
AT_ONCE = signal.SIGKILL
CELERY = ["celery", "--quiet", "--skip-checks", "--app", "registry.celery"]


def valkey(place: Place, held: tuple[int, ...]) -> tuple[Recipe, HandedOver]:
    """Return the broker's recipe, and the directory to close once it is not started any more."""
    account = server_account()
    command, handed = broker.command(place, locate(account), account)
    descriptors = (*held, *handed.descriptors)
    return Recipe("valkey", command, place.log("valkey"), account=account, descriptors=descriptors), handed


def web(place: Place, held: tuple[int, ...], bind: str) -> Recipe:
    """Return the web server's recipe."""
    return _python(place, held, "web", "web", ["gunicorn", "--config", "python:registry.web_server", "--bind", bind])


def worker(place: Place, held: tuple[int, ...]) -> Recipe:
    """Return the worker's recipe."""
    arguments = ["worker", "--concurrency=2", "--without-gossip", "--without-mingle", "--loglevel=INFO"]
    return _python(place, held, "worker", "worker", [*CELERY, *arguments], death_signal=AT_ONCE)


def beat(place: Place, held: tuple[int, ...]) -> Recipe:
    """Return the schedule's recipe."""
    arguments = ["beat", "--pidfile=", f"--schedule={place.data / 'schedule'}", "--loglevel=INFO"]
    return _python(place, held, "beat", "worker", [*CELERY, *arguments], death_signal=AT_ONCE)


def _python(place: Place, held: tuple[int, ...], name: str, role: str, module: list[str], death_signal: int = signal.SIGTERM) -> Recipe:
    """Return the recipe of a Python program that signs in to the database under a role."""
    return Recipe(
        name,
        [sys.executable, "-m", *module],
        place.log(name),
        variables=environment.for_child(RTMS_DB_ROLE=role, PYTHONUNBUFFERED="1"),
        directory=environment.ROOT,
        descriptors=held,
        death_signal=death_signal,
    )
