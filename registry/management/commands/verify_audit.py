"""Check the change history: every seal, the chain of seals, every live row against its history."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from registry.closed_room import CLOSED_ALIAS
from registry.selectors.audit_check import AuditReport, check_audit

_SHOWN = 20
_OUTSIDE = """  That is by a login of the database and not by an account: the owner's, when the registry was set up or upgraded, or that of
  somebody at the database itself. They are in the history and sealed like all others, but no name and no reason stands with them.
  Compare times and roles with your notes of set-up, upgrades and repairs; look into one that is in none of them."""


class Command(BaseCommand):
    help = "Check every seal over the change history and every live row against its history; exit 1 where something was tampered with."

    def handle(self, *args: Any, **options: Any) -> None:
        # No arm is shown: what comes out of the closed room are numbers of rows and seals.
        report = check_audit(connections[CLOSED_ALIAS])
        self._print(report)
        if report.problems:
            sys.exit(1)

    def _print(self, report: AuditReport) -> None:
        self.stdout.write(f"{report.seals} seals over {report.sealed_changes} changes, {report.closed_seals} closed seals.")
        if report.unsealed_changes:
            self.stdout.write(f"{report.unsealed_changes} changes wait for the next seal.")
        if report.outside:
            self.stdout.write(f"{len(report.outside)} changes came from outside the application:")
            self.stdout.write(_OUTSIDE)
            for change in report.outside[-_SHOWN:]:
                self.stdout.write(f"  {change.at.isoformat()}  database role {change.database_role}  change {change.pk}")
        for problem in report.problems:
            self.stderr.write(problem)
        if not report.problems:
            self.stdout.write("Nothing was tampered with: all seals fit, and every row is what its history says.")
