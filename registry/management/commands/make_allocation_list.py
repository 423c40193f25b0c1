"""Prepare a trial's allocation in the closed room: its arms, then a list from a file or drawn in permuted blocks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.exceptions import RegistryError
from registry.management.commands.allocate import person
from registry.models import Trial, User
from registry.selectors.patients import trial_visible_to
from registry.services import allocation
from registry.services.allocation import NewArm, PreparedList


class Command(BaseCommand):
    help = "Prepare a trial's allocation list: --file takes a prepared one, --strata and --ratio draw one. Nothing of it is printed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("trial", help="slug of the trial")
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the trial's unmasked statistician")
        parser.add_argument("--arms", type=Path, metavar="CSV", help="columns code, label, treatment, part; needed once")
        parser.add_argument("--file", type=Path, metavar="CSV", help="a prepared list: columns stratum, arm, perhaps kit_code")
        parser.add_argument("--strata", nargs="+", default=[""], metavar="STRATUM", help="e.g. site=N site=S")
        parser.add_argument("--ratio", nargs="+", default=[], metavar="ARM=SHARE", help="e.g. m1-active=1 m1-sham=1")
        parser.add_argument("--block-sizes", nargs="+", type=int, default=[4, 6], metavar="N")
        parser.add_argument("--length", type=int, default=100, metavar="N", help="places for each stratum, at least")
        parser.add_argument("--seed", default="", help="16 characters or more; drawn and recorded without it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            by = person(options["by"])
            trial = trial_visible_to(by, options["trial"])
            if options["arms"]:
                allocation.define_arms(trial=trial, arms=read_arms(options["arms"]), by=by)
            made = prepared(trial, by, options)
        except RegistryError as error:
            raise CommandError(error.sentence) from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read: {error.strerror}.") from error
        self.stdout.write(f"{made.slots} places stored. SHA-256 of the list: {made.sha256}")


def prepared(trial: Trial, by: User, options: dict[str, Any]) -> PreparedList:
    """Import or draw the list."""
    if options["file"]:
        return allocation.import_list(trial=trial, content=options["file"].read_bytes(), by=by)
    return allocation.generate_list(
        trial=trial,
        strata=options["strata"],
        ratio=[share(word) for word in options["ratio"]],
        block_sizes=options["block_sizes"],
        length=options["length"],
        seed=options["seed"],
        by=by,
    )


def share(word: str) -> tuple[str, int]:
    """Return arm and share of ARM=SHARE."""
    arm, _, number = word.rpartition("=")
    if not arm or not number.isdigit():
        raise CommandError(f"'{word}' is no share. Write an arm and a whole number, e.g. m1-active=1.")
    return arm, int(number)


def read_arms(path: Path) -> list[NewArm]:
    """Return the arms of a CSV file; raise CommandError when it has other columns."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if any(set(row) != {"code", "label", "treatment", "part"} for row in rows):
        raise CommandError(f"{path.name} must have the columns code, label, treatment, part.")
    return [NewArm(**row) for row in rows]
