"""Load the demonstration: a trial folder of synthetic people, brought in as any other, and an account for each role."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from registry.exceptions import ImportRefused
from registry.interchange.demonstration_data import DAYS_OF_RECRUITMENT, make_tables
from registry.interchange.demonstration_tables import DemonstrationTables, Row
from registry.interchange.importer import bring_in
from registry.models import Site, Trial, User, system_actor
from registry.services import accounts

SLUG = "demonstration"
# That of the trial.
ZONE = ZoneInfo("Europe/Berlin")
# What the demonstration plans to recruit: it is somewhat behind.
PLANNED, RECRUITED_SINCE, RECRUITING_UNTIL = 360, timedelta(days=DAYS_OF_RECRUITMENT), timedelta(days=120)
TRIAL_FILE = Path(__file__).with_name("demonstration.toml")
ARMS = [{"arm": "active", "label": "Active rTMS", "part": "active"}, {"arm": "sham", "label": "Sham rTMS", "part": "sham"}]


@dataclass(frozen=True)
class DemonstrationAccount:
    """One account of the demonstration; `site` empty means all sites."""

    email: str
    name: str
    role: str
    site: str = ""


ACCOUNTS = (
    DemonstrationAccount("operator@demonstration.example", "Tomi Okafor", "operator", "N"),
    DemonstrationAccount("assessor@demonstration.example", "Ada Nowak", "assessor", "N"),
    DemonstrationAccount("coordinator@demonstration.example", "Ana Rivera", "coordinator"),
    DemonstrationAccount("manager@demonstration.example", "Dana Meyer", "data_manager"),
    DemonstrationAccount("monitor@demonstration.example", "Mara Lindqvist", "monitor"),
    DemonstrationAccount("investigator@demonstration.example", "Pia Castellanos", "principal_investigator"),
    DemonstrationAccount("researcher@demonstration.example", "Rei Tanaka", "researcher"),
    DemonstrationAccount("statistician@demonstration.example", "Uma Desai", "unmasked_statistician"),
    DemonstrationAccount("board@demonstration.example", "Bo Halvorsen", "safety_board"),
    DemonstrationAccount("setup@demonstration.example", "Sam Keller", "setup_person"),
)


def load_demonstration(*, passwords: dict[str, str], now: datetime) -> None:
    """Load the demonstration trial and its accounts once; a start after a crash in between adds what is missing."""
    setup = system_actor("setup")
    if not Trial.objects.filter(slug=SLUG).exists():
        with tempfile.TemporaryDirectory(prefix="rtms-demonstration-") as folder:
            write_folder(Path(folder), now)
            report = bring_in(Path(folder), by=setup, now=now, reason="demonstration loaded on the first start")
        if report.problem_count:
            raise ImportRefused("The demonstration could not be loaded: " + " ".join(report.lines()))
    trial = Trial.objects.get(slug=SLUG)
    for account in ACCOUNTS:
        ensure_account(account, trial, passwords, by=setup, now=now)


def ensure_account(account: DemonstrationAccount, trial: Trial, passwords: dict[str, str], *, by: User, now: datetime) -> None:
    """Make one account and its membership unless they are there."""
    user = User.objects.filter(email=account.email).first()
    if user is None:
        user = accounts.create_user(email=account.email, name=account.name, password=passwords[account.email], by=by, is_demonstration=True)
    site = Site.objects.get(trial=trial, code=account.site) if account.site else None
    accounts.add_membership(user=user, role=account.role, trial=trial, site=site, by=by, valid_from=now.date())


def write_folder(folder: Path, now: datetime) -> None:
    """Write the demonstration as a trial folder."""
    today = now.astimezone(ZONE).date()
    (folder / "trial.toml").write_text(TRIAL_FILE.read_text().replace("[trial]\n", f"[trial]\n{planned_recruitment(today)}", 1))
    write_table(folder / "arms.csv", ARMS)
    tables = make_tables(today)
    for table in fields(DemonstrationTables):
        write_table(folder / f"{table.name}.csv", getattr(tables, table.name))


def planned_recruitment(today: date) -> str:
    """Return the plan as lines of trial.toml: its days count from today, as all days of the demonstration do."""
    starts_on, ends_on = today - RECRUITED_SINCE, today + RECRUITING_UNTIL
    return f"planned_participants = {PLANNED}\nrecruitment_starts_on = {starts_on}\nrecruitment_ends_on = {ends_on}\n"


def write_table(path: Path, rows: list[Row]) -> None:
    """Write rows that share their columns."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
