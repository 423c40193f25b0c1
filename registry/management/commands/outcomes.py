"""Print the outcomes of a trial from its latest snapshot, bringing that up to date first."""

from __future__ import annotations

import csv
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.exceptions import NotFound, RegistryError
from registry.models import Trial, User
from registry.outcomes.refresh import refresh_trial
from registry.roles import Permission
from registry.selectors.figures.figure import MINUS, rounded
from registry.selectors.outcome_payload import Payload
from registry.selectors.outcome_rows import COLUMNS, Row, outcome_rows
from registry.selectors.outcomes import StoredOutcomes, is_up_to_date, latest_closed, latest_open
from registry.services.acting import acting_user
from registry.services.acts import log_act
from registry.services.jobs import mark_stale
from registry.vocabulary import Act


class Command(BaseCommand):
    help = "Print the outcomes of a trial from its latest snapshot, which is brought up to date first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("trial", help="the trial's short name (slug)")
        parser.add_argument(
            "--as", dest="email", default="", metavar="EMAIL", help="the account whose rights count; by default the only one"
        )
        parser.add_argument("--format", choices=["text", "json", "csv"], default="text")
        parser.add_argument("--closed", action="store_true", help="by arm; needs the right to closed outcomes")
        parser.add_argument("--recompute", action="store_true", help="make every endpoint again, not only stale ones")
        parser.add_argument("--no-refresh", action="store_true", help="print what is stored, however old")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._print(options)
        except RegistryError as error:
            raise CommandError(error.sentence) from error

    def _print(self, options: dict[str, Any]) -> None:
        user = acting_user(options["email"])
        trial = find_trial(options["trial"], user)
        permission = Permission.OUTCOMES_CLOSED if options["closed"] else Permission.OUTCOMES_OPEN
        user.check_can(permission, trial=trial)
        if options["recompute"]:
            mark_stale(trial, by=user)
        if not options["no_refresh"] and not is_up_to_date(trial):
            refresh_trial(trial.pk)
        found = latest_closed(trial, by=user) if options["closed"] else latest_open(trial)
        if found is None:
            raise CommandError(f"{trial.slug} has no outcomes yet: give it an analysis plan, or leave out --no-refresh.")
        if not found.is_present_format:
            raise CommandError("These outcomes were computed by an older version of the registry: leave out --no-refresh.")
        act = Act.CLOSED_OUTCOMES_READ if options["closed"] else Act.OUTCOMES_READ
        log_act(act, by=user, trial=trial, target=trial.slug, snapshot=found.number, format=options["format"])
        {"json": self._json, "csv": self._csv, "text": self._text}[options["format"]](found)

    def _json(self, found: StoredOutcomes) -> None:
        snapshot = {"number": found.number, "made_at": found.made_at.isoformat(), "sha256": found.sha256}
        document = {**found.payload, "snapshot": snapshot}
        self.stdout.write(json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False))

    def _csv(self, found: StoredOutcomes) -> None:
        writer = csv.DictWriter(self.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(outcome_rows(found.payload))

    def _text(self, found: StoredOutcomes) -> None:
        payload = found.payload
        self.stdout.write(f"{payload['trial']['name']}: {payload['document']} outcomes, snapshot {found.number}")
        self.stdout.write(f"Records before {payload['cutoff']}, plan {payload['plan']['version']}, code {payload['code_version']}")
        self.stdout.write(f"SHA-256 {found.sha256}")
        if payload["efficacy"] == "withheld":
            self.stdout.write("Efficacy is withheld from open outcomes while the trial is masked.")
        for note in payload["notes"]:
            self.stdout.write(note)
        self._tables(payload)
        for definition in payload["definitions"]:
            self.stdout.write(f"{definition['term']}: {definition['text']}")

    def _tables(self, payload: Payload) -> None:
        heading = ""
        for row in outcome_rows(payload):
            if row["kind"] in _TOO_LONG:
                continue
            place = f"{row['time_point']}  {row['group_label']}".strip() or "Recruitment"
            if place != heading:
                heading = place
                self.stdout.write(f"\n{place}")
            self.stdout.write(f"  {_line(row)}")
        self.stdout.write("")


def find_trial(slug: str, user: User) -> Trial:
    """Return a trial the person may see; raise NotFound for any other, whether it exists or not."""
    trial = Trial.objects.visible_to(user).filter(slug=slug).first()
    if trial is None:
        raise NotFound(f"{user.email} sees no trial '{slug}'.")
    return trial


# A hundred lines each: what people read are the thresholds and the totals; json and csv have all of it.
_TOO_LONG = ("curve", "recruitment_week", "recruitment_projection")


def _line(row: Row) -> str:
    """Return one cell in words; shares in percent with one decimal, everything else as it is stored."""
    arm = f"{row['arm']}  " if row["arm"] else ""
    match row["kind"]:
        case "suppressed":
            return "not printed: too few"
        case "count":
            return f"{arm}{row['measure']} {row['n']}"
        case "rate":
            return f"{arm}{row['rule']} >= {row['threshold_percent']} %: {row['responders']}/{row['n']}{_share(row)}"
        case "mean":
            limits = f"({_rounded(row['low'])} to {_rounded(row['high'])})"
            return f"{arm}{row['rule']} {row['measure']}: mean {_rounded(row['estimate'])} {limits}, SD {_rounded(row['sd'])}, n {row['n']}"
        case "completeness":
            return f"{arm}complete {row['responders']}/{row['n']}{_share(row)}"
        case "recruitment":
            until = f" by {row['on']}" if row["on"] else ""
            return f"{row['measure']} {row['n']}{until}"
        case "recruitment_rate":
            limits = f"({_rounded(row['low'])} to {_rounded(row['high'])})"
            return f"{row['measure']} in the last twelve weeks {row['n']}, {_rounded(row['estimate'])} a week {limits}"
    counts = f"{row['responders']}/{row['n']} v {row['versus_responders']}/{row['versus_n']}"
    title = f"{row['arm']} minus {row['versus']}  {row['rule']} >= {row['threshold_percent']} %"
    return f"{title}: {counts}{_share(row)}, {row['nnt_text']}"


def _share(row: Row) -> str:
    if row["estimate"] == "":
        return ""
    estimate, low, high = (plain(100 * float(str(row[name])), 1) if row[name] != "" else "" for name in ("estimate", "low", "high"))
    return f" = {estimate} % ({low} to {high})" if low else f" = {estimate} %"


def _rounded(number: object) -> str:
    return plain(float(str(number)), 3) if number != "" else "none"


def plain(number: float, decimals: int) -> str:
    """Write a number as pages do, but with the minus of a keyboard."""
    return rounded(number, decimals).replace(MINUS, "-")
