"""Trial folders for tests."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import pytest

from tests.conftest import REQUIRED, SHARED

Row = dict[str, str]

TRIAL = """[trial]
slug = "calm-m1"
name = "Calm M1"
conduct = "retrospective"
time_zone = "Europe/Berlin"

[[sites]]
code = "N"
[[sites]]
code = "S"

[[treatments]]
code = "m1"
label = "M1, 10 Hz"

[[visit_types]]
code = "BL"
[[visit_types]]
code = "W4"

[[scales]]
code = "nrs"
maximum = 10

[plan]
comparator = "sham"

[plan.baseline]
visit = "BL"

[[plan.time_points]]
code = "W4"
visit = "W4"

[[plan.contrasts]]
arm = "active"
"""

ARMS = [{"arm": "active", "part": "active"}, {"arm": "sham", "part": "sham"}]
PATIENTS = [{"patient": "P-01", "site": "N"}, {"patient": "P-02", "site": "S"}]
ALLOCATIONS = [{"patient": "P-01", "arm": "sham"}, {"patient": "P-02", "arm": "active"}]
SCORES = [
    {"patient": "P-01", "visit": "BL", "value": "7"},
    {"patient": "P-01", "visit": "W4", "value": "3,5"},
    {"patient": "P-02", "visit": "BL", "value": "6"},
]


def write_folder(folder: Path, trial: str = TRIAL, **tables: list[Row]) -> Path:
    """Write a folder anew and return it; a table without rows is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / "trial.toml").write_text(trial)
    for name, rows in tables.items():
        if rows:
            write_table(folder / f"{name}.csv", rows)
    return folder


def write_table(path: Path, rows: list[Row], **options: str) -> None:
    """Write rows under the columns of the first one."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n", **options)  # type: ignore[arg-type]
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[Row]:
    """Return the rows of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def published(name: str, target: Path) -> Path:
    """Make the trial folder of a published data set as docs/how-to/examples does; skip where the data are not there."""
    if not (SHARED / "data").is_dir():
        if "shared" in REQUIRED:
            pytest.fail(f"reference data are required but {SHARED} has none: set RTMS_SHARED")
        pytest.skip(f"needs the reference data of ../shared ({SHARED} has none)")
    examples = Path(__file__).parents[2] / "docs" / "how-to" / "examples"
    sys.path.insert(0, os.fspath(examples))
    try:
        from published_trials import make_folder
    finally:
        sys.path.remove(os.fspath(examples))
    return Path(make_folder(name, SHARED / "data", target))
