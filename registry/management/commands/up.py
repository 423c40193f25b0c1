"""Start the registry and keep it running until Ctrl-C."""

import hashlib
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management.base import BaseCommand
from django.utils import timezone

from registry import environment
from registry.embedded import certificate, preflight
from registry.embedded.certificate import Tls
from registry.embedded.place import Place
from registry.embedded.refusals import Refused, refusal
from registry.embedded.supervisor import EVERYWHERE, Supervisor, Wishes, is_for_others


class Command(BaseCommand):
    help = "Start the registry (database, broker, web server, worker, schedule) and keep it running until Ctrl-C."
    requires_system_checks = []  # 'migrate' runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", metavar="DIR", help="the data directory (default: var beside run.py); any command takes this option")
        parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: 8000)")
        parser.add_argument("--bind", metavar="HOST", default="127.0.0.1", help="the address to listen on (default: this machine only)")
        parser.add_argument(
            "--host", metavar="NAME", action="append", default=[], help="a name or address other machines call it by; may be given again"
        )
        parser.add_argument("--https", action="store_true", help="serve HTTPS with a certificate made here (kept in the data directory)")
        parser.add_argument("--certificate", type=Path, metavar="FILE", help="serve HTTPS with the site's certificate (PEM, whole chain)")
        parser.add_argument("--key", type=Path, metavar="FILE", help="the key of --certificate (PEM, without passphrase)")
        parser.add_argument(
            "--plain-http", action="store_true", help="let other machines in without HTTPS, as behind a proxy that speaks it"
        )
        parser.add_argument("--without-demonstration", action="store_true", help="load no synthetic trial; later starts load none either")

    def handle(self, *args: Any, **options: Any) -> None:
        place = Place(settings.DATA)
        alone = preflight.only_once(place)
        preflight.check_room(place.data)
        preflight.check_port(options["bind"], options["port"])
        digest = static_digest()
        accounts = ("--without-demonstration",) if options["without_demonstration"] else ()
        self.names = answered_names(options["bind"], options["host"])
        tls = encryption(place, self.names, options)
        wishes = Wishes(options["bind"], options["port"], probe_name(), collect_command(place, digest), accounts, tls)
        self.place, self.wishes, self.digest = place, wishes, digest
        environment.export(ALLOWED_HOSTS=",".join(self.names), **https_settings(tls))
        if not settings.CSRF_TRUSTED_ORIGINS:
            environment.export_default(RTMS_PUBLIC_URL=public_url(wishes, options["host"]))
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
            self.say(f"  Names           {', '.join(self.names)} (other machines call it by one of these: add more with --host)")
        if self.wishes.tls:
            whose = (
                "made here: each browser asks once whether to trust it" if self.wishes.tls.self_made else str(self.wishes.tls.certificate)
            )
            self.say(f"  Certificate     {whose}\n  Fingerprint     {self.wishes.tls.fingerprint}")
        self.say("".join(f"  {line}\n" for line in accounts.splitlines()) + "Ctrl-C stops it.")


def public_url(wishes: Wishes, names: list[str]) -> str:
    """Return what links in mails begin with: the first name others call it by, else where it listens."""
    if not names:
        return wishes.address
    name = f"[{names[0]}]" if ":" in names[0] and not names[0].startswith("[") else names[0]
    return f"{'https' if wishes.tls else 'http'}://{name}:{wishes.port}/"


def answered_names(host: str, others: list[str] | None = None) -> list[str]:
    """Return the names the registry answers to: those of the settings, the address it was told to listen on, and those asked for."""
    extra = [*([] if host in EVERYWHERE else [host]), *(others or [])]
    shown = [f"[{name}]" if ":" in name and not name.startswith("[") else name for name in extra]
    return list(dict.fromkeys([*settings.ALLOWED_HOSTS, *shown]))


def encryption(place: Place, names: list[str], options: dict[str, Any]) -> Tls | None:
    """Return what HTTPS is served with; refuse to let other machines in without it, unless that was said in as many words."""
    if options["certificate"] or options["key"]:
        return certificate.given(options["certificate"], options["key"], timezone.now())
    if options["https"]:
        return certificate.self_made(place, [name.lstrip(".") for name in names if name != "*"], timezone.now())
    if is_for_others(options["bind"]) and not (options["plain_http"] or settings.SECURE_PROXY_SSL_HEADER):
        raise Refused(
            f"--bind {options['bind']} lets other machines in, and passwords would travel in the clear: add --https, or --certificate "
            "and --key, or --plain-http where a proxy in front speaks HTTPS."
        )
    return None


def https_settings(tls: Tls | None) -> dict[str, str]:
    """Return the variables that make cookies secure; a self-made certificate must not lock out who has not trusted it yet."""
    if tls is None:
        return {}
    return {"RTMS_HTTPS": "1", **({"RTMS_HSTS_SECONDS": "0"} if tls.self_made else {})}


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
