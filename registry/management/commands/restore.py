"""Restore a backup to an empty registry: `manage.py restore DIR`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.migrations.loader import MigrationLoader

from registry.embedded import credentials
from registry.embedded.place import Place
from registry.management.commands.backup import owned_database
from registry.operations import restore as restoring
from registry.operations.programs import ProgramFailed


class Command(BaseCommand):
    help = "Restore a backup to an empty database, compare every table with the backup, bring it up to this release, check its history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="what 'backup' wrote")
        parser.add_argument("--keys", type=Path, help="where the keys are (default: DIRECTORY with .keys behind it)")
        parser.add_argument("--without-keys", action="store_true", help="restore without keys: identities cannot be read then")

    def handle(self, *args: Any, directory: Path, keys: Path | None, without_keys: bool, **options: Any) -> None:
        keys = None if without_keys else keys or directory.with_name(directory.name + ".keys")
        try:
            self._restore(directory, keys)
        except restoring.CannotRestore as error:
            raise CommandError(str(error)) from error
        except ProgramFailed as error:
            raise CommandError(f"Nothing was restored ({error}): mend that and start again.") from error

    def _restore(self, directory: Path, keys: Path | None) -> None:
        known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
        manifest = restoring.read_backup(directory, keys, known)
        database = owned_database()
        restoring.check_empty(database)
        if keys is not None:
            take_over(restoring.read_secrets(keys))
        restoring.restore(database, directory, keys, manifest)
        restoring.unpack_files(directory, Path(settings.DATA))
        self.stdout.write(f"Restored {len(manifest['tables'])} tables of {manifest['made_at']}; each has the checksum of the backup.")
        call_command("migrate", interactive=False, verbosity=0)
        with database.connect() as owner:
            owner.execute("ANALYZE")
        self._check_history(without_keys=keys is None)

    def _check_history(self, *, without_keys: bool) -> None:
        """Check the history; keys that were left out are missing rows to it, and the only ones that may be."""
        try:
            call_command("verify_audit", stdout=self.stdout, stderr=self.stderr)
        except SystemExit:
            if not without_keys:
                raise
            self.stdout.write("The keys were left out: the rows of registry_patientkey that are named above are theirs.")


def take_over(secrets: dict[str, str]) -> None:
    """Let the keys of the backup be those of this registry: the embedded mode's are written, given ones must be the same already."""
    if settings.EMBEDDED_DATABASE:
        place = Place(Path(settings.DATA))
        place.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        credentials.write(place.secrets, {**credentials.read(place.secrets), **secrets})
    elif secrets["identity_key"] != settings.IDENTITY_KEY:
        raise restoring.CannotRestore("IDENTITY_KEY is not the one of the backup: set it to identity_key of the keys' secrets.json first.")
