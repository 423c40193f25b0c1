"""Import a trial folder: `manage.py import_trial DIR`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from registry.exceptions import RegistryError
from registry.interchange.import_report import ImportReport
from registry.interchange.importer import bring_in
from registry.services.acting import acting_user


class Command(BaseCommand):
    help = "Import a trial folder (a directory or a zip, see docs/reference/trial-folder.md): all of it, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="directory or zip that holds trial.toml and its tables")
        parser.add_argument("--as", dest="email", default="", metavar="EMAIL", help="the account that imports; by default the only one")
        parser.add_argument("--dry-run", action="store_true", help="read, check and count everything, write nothing")
        parser.add_argument("--reason", default="", help="why rows on record change; needed only where they do")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, folder: Path, email: str, dry_run: bool, reason: str, **options: Any) -> None:
        """Import and print the report; exit with 1 when nothing was imported because of a problem."""
        try:
            report = bring_in(folder, by=acting_user(email), now=timezone.now(), reason=reason, dry_run=dry_run)
        except IntegrityError as error:
            raise CommandError("Somebody changed the same records while the import ran. Nothing was written; run it again.") from error
        except RegistryError as error:
            raise CommandError(error.sentence) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            for line in (*report.lines(), conclusion(report)):
                self.stdout.write(line)
        if report.problem_count:
            sys.exit(1)


def conclusion(report: ImportReport) -> str:
    """Return what happened, and what to do next."""
    if report.problem_count:
        return f"Nothing was imported: {report.problem_count} problems. Correct them and run the command again."
    if report.dry_run:
        needs_reason = ' Rows on record would change; give --reason "..." then.' if report.corrected else ""
        return f"Dry run: nothing was written. The folder can be imported.{needs_reason}"
    return (
        f"Imported trial {report.trial}. The worker of 'run.py up' computes its outcomes; "
        f"see them on its outcomes page or with: manage.py outcomes {report.trial}"
    )
