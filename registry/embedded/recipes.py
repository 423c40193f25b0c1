"""The programs that make up the registry beside PostgreSQL: Valkey, web server, worker and schedule."""

import signal
import sys

from registry import environment
from registry.embedded import broker
from registry.embedded.certificate import Tls
from registry.embedded.children import Recipe
from registry.embedded.place import Place
from registry.embedded.processes import HandedOver, server_account
from registry.embedded.programs import locate

# When the supervisor is killed the broker ends too, and Celery would try to reach it for ever. A job cut off is done again.
AT_ONCE = signal.SIGKILL
# It would take BROKER_URL from the environment by itself, without a password that was given apart; the settings know both.
CELERY = ["celery", "--broker=", "--quiet", "--skip-checks", "--app", "registry.celery"]


def valkey(place: Place, held: tuple[int, ...]) -> tuple[Recipe, HandedOver]:
    """Return the broker's recipe, and the directory to close once it is not started any more."""
    account = server_account()
    command, handed = broker.command(place, locate(account), account)
    descriptors = (*held, *handed.descriptors)
    return Recipe("valkey", command, place.log("valkey"), account=account, descriptors=descriptors), handed


def web(place: Place, held: tuple[int, ...], bind: str, tls: Tls | None = None) -> Recipe:
    """Return the web server's recipe."""
    return _python(place, held, "web", "web", web_module(bind, tls))


def worker(place: Place, held: tuple[int, ...]) -> Recipe:
    """Return the worker's recipe."""
    return _python(place, held, "worker", "worker", worker_module(), death_signal=AT_ONCE)


def beat(place: Place, held: tuple[int, ...]) -> Recipe:
    """Return the schedule's recipe."""
    return _python(place, held, "beat", "worker", beat_module(place), death_signal=AT_ONCE)


def web_module(bind: str, tls: Tls | None = None) -> list[str]:
    """Return the module that serves the pages, with its arguments; `up` and `serve` start the same three."""
    files = ["--certfile", str(tls.certificate), "--keyfile", str(tls.key)] if tls else []
    return ["gunicorn", "--config", "python:registry.web_server", "--bind", bind, *files]


def worker_module() -> list[str]:
    """Return the module that does the jobs."""
    processes = environment.whole_number("WORKER_PROCESSES", 2)
    name = environment.text("WORKER_NAME", "worker")
    own = [f"--hostname={name}@%h", f"--concurrency={processes}"]
    return [*CELERY, "worker", *own, "--without-gossip", "--without-mingle", "--loglevel=INFO"]


def beat_module(place: Place) -> list[str]:
    """Return the module that keeps the schedule."""
    return [*CELERY, "beat", "--pidfile=", f"--schedule={place.data / 'schedule'}", "--loglevel=INFO"]


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
