"""Back the registry up: `manage.py backup DIR`, while it runs or not."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from registry import environment
from registry.embedded.programs import locate
from registry.operations.backup import back_up
from registry.operations.programs import Database, ProgramFailed
from registry.selectors.status import LAST_BACKUP


class Command(BaseCommand):
    help = "Write a backup (database, files, checksums) into a new directory, and the keys that open identities into another one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="a new directory")
        parser.add_argument("--keys", type=Path, help="another new directory, for the keys (default: DIRECTORY with .keys behind it)")

    def handle(self, *args: Any, directory: Path, keys: Path | None, **options: Any) -> None:
        keys = keys or directory.with_name(directory.name + ".keys")
        secrets = {"secret_key": settings.SECRET_KEY, "identity_key": settings.IDENTITY_KEY}
        try:
            manifest = back_up(
                owned_database(),
                to=directory,
                keys=keys,
                data=Path(settings.DATA),
                secrets=secrets,
                release=settings.VERSION,
                now=timezone.now(),
            )
        except FileExistsError as error:
            raise CommandError(f"{error.filename} is there already: name a new directory, for a backup is never written over.") from error
        except OSError as error:
            raise CommandError(
                f"{error.filename or directory} cannot be written ({error.strerror}): free some space, or name another."
            ) from error
        except ProgramFailed as error:
            raise CommandError(f"The database could not be dumped ({error}): mend that and start again with a new directory.") from error
        note(Path(settings.DATA))
        rows = sum(int(table["rows"]) for table in manifest["tables"].values())
        self.stdout.write(f"Backed up {len(manifest['tables'])} tables with {rows} rows to {directory}.")
        self.stdout.write(f"The keys are in {keys}: keep them apart from the rest. Without them identities cannot be read.")


def owned_database() -> Database:
    """Return the database as its owner reaches it, with the programs that are installed beside this one."""
    return Database(settings.DATABASES["default"], locate(None).postgresql, environment.for_child())


def note(data: Path) -> None:
    """Leave a note for the status page; the backup itself may be carried away at once."""
    data.mkdir(parents=True, exist_ok=True)
    new = data / f"{LAST_BACKUP}.new"
    new.write_text(json.dumps({"finished_at": timezone.now().isoformat()}))
    new.chmod(0o644)
    new.rename(data / LAST_BACKUP)
