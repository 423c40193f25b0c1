"""Start the registry and keep it running until Ctrl-C."""

import hashlib
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management.base import BaseCommand

from registry import environment
from registry.embedded import preflight
from registry.embedded.place import Place
from registry.embedded.refusals import refusal
from registry.embedded.supervisor import EVERYWHERE, Supervisor, Wishes


class Command(BaseCommand):
    help = "Start the registry (database, broker, web server, worker, schedule) and keep it running until Ctrl-C."
    requires_system_checks = []  # 'migrate' runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", metavar="DIR", help="the data directory (default: var beside run.py); any command takes this option")
        parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: 8000)")
        parser.add_argument("--bind", metavar="HOST", default="127.0.0.1", help="the address to listen on (default: this machine only)")
        parser.add_argument("--without-demonstration", action="store_true", help="load no synthetic trial; later starts load none either")

    def handle(self, *args: Any, **options: Any) -> None:
        place = Place(settings.DATA)
        alone = preflight.only_once(place)
        preflight.check_room(place.data)
        preflight.check_port(options["bind"], options["port"])
        digest = static_digest()
        accounts = ("--without-demonstration",) if options["without_demonstration"] else ()
        wishes = Wishes(options["bind"], options["port"], probe_name(), collect_command(place, digest), accounts)
        self.place, self.wishes, self.digest = place, wishes, digest
        environment.export(ALLOWED_HOSTS=",".join(answered_names(options["bind"])))
        try:
            Supervisor(place, wishes, self.say, self.announce).run()
        except OSError as error:
            raise refusal(error, place.data) from error
        finally:
            os.close(alone)

    def say(self, text: str) -> None:
        """Print a line; a terminal that is gone does not matter."""
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:
            pass

    def announce(self, accounts: str) -> None:
        """Print where everything is."""
        stamp_file(self.place).write_text(self.digest)
        mail = f"{settings.EMAIL_HOST} sends it" if settings.EMAIL_HOST else settings.EMAIL_FILE_PATH
        self.say(f"The registry is running.\n  Address         {self.wishes.address}\n  Data directory  {self.place.data}")
        self.say(f"  Logs            {self.place.logs}\n  Mail            {mail}")
        if self.wishes.is_for_others:
            names = ", ".join(answered_names(self.wishes.host))
            self.say(f"  Names           {names} (other machines call it by one of these: set ALLOWED_HOSTS)")
        self.say("".join(f"  {line}\n" for line in accounts.splitlines()) + "Ctrl-C stops it.")


def answered_names(host: str) -> list[str]:
    """Return the names the registry answers to: those of the settings, and the address it was told to listen on."""
    shown = f"[{host}]" if ":" in host else host
    extra = [] if host in EVERYWHERE or shown in settings.ALLOWED_HOSTS else [shown]
    return [*settings.ALLOWED_HOSTS, *extra]


def probe_name() -> str:
    """Return a host name that ALLOWED_HOSTS accepts."""
    names = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]
    return names[0] if names else "localhost"


def stamp_file(place: Place) -> Path:
    """Return where it is written which static files were collected."""
    return place.data / "static.sha256"


def collect_command(place: Place, digest: str) -> list[str] | None:
    """Return the command that collects the static files, or None where that was done for exactly these."""
    stamp = stamp_file(place)
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.exists() and stamp.exists() and stamp.read_text() == digest:
        return None
    return ["collectstatic", "--clear", "--no-input", "--verbosity=0"]


def static_digest() -> str:
    """Return a digest of name, size and time of all static files: reading 20 MB at each start would take longer than the start."""
    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            found.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return found.hexdigest()
