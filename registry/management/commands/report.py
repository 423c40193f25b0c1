"""Make, print or check a trial's weekly report."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.exceptions import NotFound, RegistryError
from registry.management.commands.outcomes import find_trial
from registry.models import Trial, User, WeeklyReport
from registry.reports.again import differences
from registry.reports.making import make_report
from registry.reports.renderer import renderer
from registry.roles import Permission
from registry.rules.report_weeks import ReportWeek
from registry.selectors.reports import KeptDocument, closed_report, open_report
from registry.services.acting import acting_user
from registry.services.acts import log_act
from registry.services.reports import ask_for_report
from registry.vocabulary import Act, ReportState


class Command(BaseCommand):
    help = "Make the weekly report of a trial, or print, verify or recompute one that was issued."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("trial", help="the trial's short name (slug)")
        parser.add_argument("--week", default="", help="ISO year and week, for example 2026-W47; by default the present one")
        parser.add_argument("--number", type=int, default=0, help="an issued version, instead of making the next one")
        parser.add_argument("--closed", action="store_true", help="the closed document; needs the right to closed outcomes")
        parser.add_argument(
            "--as", dest="email", default="", metavar="EMAIL", help="the account whose rights count; by default the only one"
        )
        parser.add_argument("--reason", default="", help="why a week that has a report gets another one")
        parser.add_argument("--format", choices=["text", "json", "html", "pdf"], default="text")
        parser.add_argument("--output", type=Path, help="where the document is written; needed for pdf")
        parser.add_argument("--verify", action="store_true", help="check the kept bytes of both documents against their SHA-256")
        parser.add_argument("--recompute", action="store_true", help="compute an issued version anew from history and compare")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._do(options)
        except RegistryError as error:
            raise CommandError(error.sentence) from error

    def _do(self, options: dict[str, Any]) -> None:
        user = acting_user(options["email"])
        trial = find_trial(options["trial"], user)
        if options["verify"] and not options["week"]:
            self._verify(list(WeeklyReport.objects.filter(trial=trial, state=ReportState.MADE).order_by("week", "version")), trial, user)
            return
        week = ReportWeek.read(options["week"]) if options["week"] else ReportWeek.of(timezone.now(), trial.zone)
        if options["number"]:
            report = WeeklyReport.objects.filter(trial=trial, week=str(week), version=options["number"]).first()
        else:
            report = self._make(trial, week, user, options)
        if report is None:
            raise NotFound(f"{trial.slug} has no version {options['number']} of {week}. Leave out --number to make one.")
        if options["verify"]:
            self._verify([report], trial, user)
        elif options["recompute"]:
            self._recompute(report, kept(report, trial, user, closed=options["closed"]))
        else:
            self._print(kept(report, trial, user, closed=options["closed"]), options)

    def _make(self, trial: Trial, week: ReportWeek, user: User, options: dict[str, Any]) -> WeeklyReport | None:
        """Return the last version if it is only to be checked, else the next one, made here and now."""
        if options["verify"] or options["recompute"]:
            return WeeklyReport.objects.filter(trial=trial, week=str(week), state=ReportState.MADE).order_by("-version").first()
        now = timezone.now()
        report = ask_for_report(trial=trial, week=week, reason=options["reason"], by=user, now=now)
        if cause := make_report(report, now=now):
            raise CommandError(cause)
        return report

    def _print(self, found: KeptDocument, options: dict[str, Any]) -> None:
        if options["format"] == "text":
            self.stdout.write(f"{found.week} version {found.version}, {found.document}, made {found.made_at.isoformat()}")
            for name in ("payload", "html", "pdf"):
                self.stdout.write(f"{name:8} SHA-256 {getattr(found, f'{name}_sha256')}")
            return
        content = found.pdf if options["format"] == "pdf" else _text(found, options["format"]).encode()
        if options["output"]:
            options["output"].write_bytes(content)
            self.stdout.write(f"wrote {options['output']}")
        elif options["format"] == "pdf":
            raise CommandError("A PDF is not for the screen: name a file with --output.")
        else:
            self.stdout.write(content.decode())

    def _verify(self, rows: list[WeeklyReport], trial: Trial, user: User) -> None:
        """Check every document the person may see; at the end a damaged one is an error (1), and one that was withheld another (2)."""
        damaged, withheld = [], []
        halves = (False, True) if may_see_closed(user, trial) else (False,)
        for row, closed in product(rows, halves):
            name = f"{row} {'closed' if closed else 'open'}"
            try:
                found = kept(row, trial, user, closed=closed)
            except NotFound as refused:
                withheld.append(name)
                self.stdout.write(f"{name}: not checked. {refused.sentence}")
                continue
            damaged += [f"{name}: {part}" for part in found.damaged]
            self.stdout.write(f"{name}: {'DAMAGED' if found.damaged else 'as issued'}")
        if damaged:
            raise CommandError(f"Not the bytes that were issued: {', '.join(damaged)}. Restore them from a backup.")
        if withheld:
            raise CommandError(
                f"All others are as issued, but these are withheld and were not checked: {', '.join(withheld)}.", returncode=2
            )

    def _recompute(self, report: WeeklyReport, found: KeptDocument) -> None:
        different = differences(report, found, now=timezone.now())
        if different and set(different) <= {"html", "pdf"} and found.renderer != renderer():
            self.stdout.write(f"{report} {found.document}: computed anew every number is the same.")
            self.stdout.write(f"Page and PDF were laid out by another version of the program: {found.renderer}, now {renderer()}.")
        elif different:
            raise CommandError(f"{report} {found.document} differs when computed anew, in: {', '.join(different)}.")
        else:
            self.stdout.write(f"{report} {found.document}: computed anew it is the same, byte for byte.")


def may_see_closed(user: User, trial: Trial) -> bool:
    """Tell whether the person may see closed documents."""
    return user.can(Permission.OUTCOMES_CLOSED, trial=trial)


def kept(report: WeeklyReport, trial: Trial, user: User, *, closed: bool) -> KeptDocument:
    """Return a document as issued, and note that it was read."""
    read = closed_report if closed else open_report
    found = read(trial, report.week, report.version, by=user)
    log_act(Act.CLOSED_REPORT_READ if closed else Act.REPORT_READ, by=user, trial=trial, target=str(report))
    return found


def _text(found: KeptDocument, form: str) -> str:
    if form == "html":
        return found.html
    return json.dumps(json.loads(found.payload), sort_keys=True, indent=1, ensure_ascii=False)
