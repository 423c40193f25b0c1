"""Move the embedded database to the PostgreSQL of this release: `manage.py upgrade_database`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from registry.embedded import preflight
from registry.embedded.place import Place
from registry.operations.programs import ProgramFailed
from registry.operations.restore import CannotRestore
from registry.operations.upgrade import upgrade


class Command(BaseCommand):
    requires_system_checks = []  # 'migrate' runs them
    help = "Move the embedded database to this release's PostgreSQL after a release with a new major version of it; the old files stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--programs", type=Path, metavar="DIR", help="where the programs of the older PostgreSQL are (default: looked for)"
        )

    def handle(self, *args: Any, programs: Path | None, **options: Any) -> None:
        if not settings.EMBEDDED_DATABASE:
            raise CommandError("DATABASE_URL names a server of yours: upgrade that one as its own documentation says.")
        place = Place(Path(settings.DATA))
        alone = preflight.only_once(place)
        try:
            done = upgrade(place, programs=programs, release=settings.VERSION, now=timezone.now())
        except (ProgramFailed, CannotRestore) as error:
            raise CommandError(f"The database was not upgraded and is as it was ({error}): mend that and start again.") from error
        finally:
            os.close(alone)
        if done is None:
            self.stdout.write("Nothing to do: the database is of this release's PostgreSQL.")
            return
        self.stdout.write(f"Moved {done.tables} tables with {done.rows} rows from PostgreSQL {done.major}; each has the checksum it had.")
        self.stdout.write(f"The files of before are in {done.kept}: remove them once you have looked at the registry.")
