"""Export a trial as a folder: `manage.py export_trial SLUG DIR`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.exceptions import RegistryError
from registry.interchange.exporter import take_out
from registry.services.acting import acting_user


class Command(BaseCommand):
    help = "Write what you may see of a trial into a new directory, in the canonical form of docs/reference/trial-folder.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the trial")
        parser.add_argument("directory", type=Path, help="a directory that does not exist yet, or is empty")
        parser.add_argument("--as", dest="email", default="", metavar="EMAIL", help="the account that exports; by default the only one")

    def handle(self, *args: Any, slug: str, directory: Path, email: str, **options: Any) -> None:
        """Export and print the files."""
        try:
            files = take_out(slug, directory, by=acting_user(email))
        except RegistryError as error:
            raise CommandError(error.sentence) from error
        except OSError as error:
            raise CommandError(f"{directory} cannot be written: {error.strerror}. Name a directory you may write to.") from error
        for file in files:
            self.stdout.write(f"{file.name:20}{file.rows:>9} rows" if file.rows else file.name)
