"""Trial folders of synthetic people, written for imports: diaries alone, or everything of the demonstration many times over."""

from __future__ import annotations

import csv
import random
from dataclasses import fields
from datetime import date, datetime, timedelta
from pathlib import Path

SCORES_EACH = 40
FIRST_DAY = date(2025, 1, 1)
TRIAL = """[trial]
slug = "{slug}"
name = "Bench"
conduct = "retrospective"
synthetic = true
[[sites]]
code = "S1"
[[sites]]
code = "S2"
[[treatments]]
code = "m1"
[[scales]]
code = "nrs"
maximum = 10
step = 1
[plan]
recall = "average_24h"
comparator = "sham"
[[plan.time_points]]
code = "W4"
target_day = 28
"""
HEADS = {
    "patients": "patient,site,birth_year",
    "diagnoses": "patient,condition",
    "pains": "patient,side",
    "allocations": "patient,arm,allocated_on",
    "pain_scores": "patient,for_date,value",
}
CONDITIONS = ("fibromyalgia", "crps_1", "phantom_limb", "low_back")


def write_diaries(folder: Path, slug: str, patients: int, seed: int) -> int:
    """Write a folder with a diagnosis, a pain, an allocation and 40 diary scores for each patient; return how many scores."""
    folder.mkdir()
    chance = random.Random(seed)
    (folder / "trial.toml").write_text(TRIAL.format(slug=slug))
    (folder / "arms.csv").write_text("arm\nactive\nsham\n")
    files = {name: (folder / f"{name}.csv").open("w") for name in HEADS}
    for name, head in HEADS.items():
        files[name].write(head + "\n")
    for number in range(patients):
        code, day0 = f"P-{number:06}", FIRST_DAY + timedelta(days=number % 200)
        files["patients"].write(f"{code},S{1 + number % 2},{1940 + number % 50}\n")
        files["diagnoses"].write(f"{code},{CONDITIONS[number % 4]}\n")
        files["pains"].write(f"{code},left\n")
        files["allocations"].write(f"{code},{chance.choice(('active', 'sham'))},{day0}\n")
        for offset in range(-7, SCORES_EACH - 7):
            files["pain_scores"].write(f"{code},{day0 + timedelta(days=offset)},{chance.randint(0, 10)}\n")
    for file in files.values():
        file.close()
    return patients * SCORES_EACH


def write_sessions(folder: Path, slug: str, sessions: int, seed: int, now: datetime, *, diaries: bool = True) -> int:
    """Write the demonstration's kind of people until there are so many sessions or a few more; return how many."""
    from registry.interchange import demonstration, demonstration_data
    from registry.interchange.demonstration_tables import DemonstrationTables, Row

    folder.mkdir()
    toml = demonstration.TRIAL_FILE.read_text().replace('slug = "demonstration"', f'slug = "{slug}"')
    (folder / "trial.toml").write_text(toml)
    whole: dict[str, list[Row]] = {table.name: [] for table in fields(DemonstrationTables)}
    crowd = 0
    while len(whole["sessions"]) < sessions:
        tables = demonstration_data.make_tables(now.date(), seed + crowd)
        for name, rows in whole.items():
            rows += [{**row, "patient": f"{row['patient']}-{crowd}"} for row in getattr(tables, name)]
        crowd += 1
    kept = {row["patient"] for row in whole["sessions"][:sessions]}
    if not diaries:
        del whole["pain_scores"]
    for name, rows in {"arms": demonstration.ARMS, **whole}.items():
        write_table(folder / f"{name}.csv", [row for row in rows if row.get("patient", "") in kept or name == "arms"])
    return sum(row["patient"] in kept for row in whole["sessions"])


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows with every column that one of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
