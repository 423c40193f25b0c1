"""What a management command needs running, and for how long."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry import environment
from registry.embedded import credentials, locks, sharing
from registry.embedded.place import Place
from registry.embedded.refusals import Refused, refusal
from registry.embedded.throwaway import throwaway_services

DATA_OPTION = "--data"
# These work on the files of the project alone.
WITHOUT_SERVICES = frozenset(
    ("help", "version", "--version", "check", "collectstatic", "findstatic", "makemigrations", "makemessages", "compilemessages")
)
# The tables belong to the owner; no other role may change their shape.
AS_OWNER = frozenset(("migrate", "optimizemigration", "sqlmigrate", "showmigrations", "backup", "restore"))
# These speak of what is there: an empty database would only mislead, and be left behind.
OF_WHAT_IS_THERE = frozenset(("allocate", "backup", "export_trial", "make_allocation_list", "outcomes", "report", "verify_audit"))
# What one service of a deployment on servers needs to be given; nothing of it has a default.
SERVERS = ("DATABASE_URL", "BROKER_URL")


@contextmanager
def hold_services(arguments: list[str]) -> Iterator[list[str]]:
    """Hold what the command needs while it runs; yields the arguments without `--data DIR`, which every command takes."""
    arguments = choose_data_directory(arguments)
    name = arguments[0] if arguments else "help"
    if name in WITHOUT_SERVICES or "--help" in arguments or "-h" in arguments:
        yield arguments
    elif name == "check_all":
        with throwaway_services():
            yield arguments
    elif name in ("up", "upgrade_database"):
        prepare(Place(environment.data_directory()))
        yield arguments
    elif name == "serve":
        join_servers("web" if "web" in arguments else "worker")
        yield arguments
    else:
        if name in OF_WHAT_IS_THERE:
            check_there_is_one(Place(environment.data_directory()))
        if name in AS_OWNER:
            environment.export_default(RTMS_DB_ROLE="owner")
        with database():
            yield arguments


def check_there_is_one(place: Place) -> None:
    """Refuse where the embedded mode would make a new database just to find it empty."""
    if not environment.is_set("DATABASE_URL") and not place.postgresql.exists():
        raise Refused(f"There is no registry in {place.data}. Name its data directory with --data DIR, or start one there with up.")


def choose_data_directory(arguments: list[str]) -> list[str]:
    """Take `--data DIR` out of the arguments and make it the data directory of this process and its children."""
    rest = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == DATA_OPTION:
            argument = f"{DATA_OPTION}={next(remaining, '')}"
        if argument.startswith(f"{DATA_OPTION}="):
            chosen = argument.removeprefix(f"{DATA_OPTION}=")
            if not chosen:
                raise Refused("--data needs a directory: write --data DIR.")
            environment.export(RTMS_DATA=str(Path(chosen).expanduser().resolve()))
        else:
            rest.append(argument)
    return rest


def join_servers(role: str) -> None:
    """Choose the login role of one service, or refuse where no servers are named that it could be a service of."""
    # Each role's own address names the database too; a container is given no other.
    needed = SERVERS if role == "web" else (f"DATABASE_URL_{role.upper()}", "BROKER_URL")
    missing = [name for name in needed if not environment.is_set(name)]
    if missing:
        raise Refused(f"{' and '.join(missing)} must be set for one service by itself; 'up' starts everything without (see .env.example).")
    environment.export_default(RTMS_DB_ROLE=role)


def prepare(place: Place) -> None:
    """Make the data directory and, where the database is embedded, the secrets: the settings read them."""
    place.prepare()
    if not environment.is_set("DATABASE_URL"):
        try:
            with locks.holding(place.lock("gate")):
                credentials.mint(place)
        except OSError as error:
            raise refusal(error, place.data) from error


@contextmanager
def database() -> Iterator[None]:
    """Hold a share of the private PostgreSQL; nothing where DATABASE_URL names another."""
    if environment.is_set("DATABASE_URL"):
        yield
        return
    place = Place(environment.data_directory())
    try:
        descriptor = sharing.share(place)
    except OSError as error:
        raise refusal(error, place.data) from error
    try:
        yield
    finally:
        os.close(descriptor)
