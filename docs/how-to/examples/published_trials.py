"""Turn three published data sets into trial folders: python published_trials.py SOURCE TARGET [NAME ...].

SOURCE holds a folder per data set with participants.csv and scores.csv; TARGET gets a trial folder for each.
The data belong to their sources under their own licences and are no part of this project.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

Row = dict[str, str]


class Example(NamedTuple):
    """How one published data set is laid out, and what its trial.toml says."""

    trial: str
    arms: tuple[str, ...]
    # What patients.csv tells of a patient beside the study number.
    patient: Callable[[Row], Row]
    diagnosis: Callable[[Row], Row] | None = None


def read(path: Path) -> list[Row]:
    """Return the rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows that share their columns as CSV."""
    rows = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_folder(name: str, source: Path, target: Path) -> Path:
    """Write one trial folder and return it."""
    example = EXAMPLES[name]
    people, scores = read(source / name / "participants.csv"), read(source / name / "scores.csv")
    folder = target / name
    folder.mkdir(parents=True)

    def code(row: Row) -> str:
        return row["subject_id"]

    (folder / "trial.toml").write_text(example.trial)
    write(folder / "arms.csv", [{"arm": arm, "part": arm} for arm in example.arms])
    write(folder / "patients.csv", [{"patient": code(row), **example.patient(row)} for row in people])
    write(folder / "allocations.csv", [{"patient": code(row), "arm": row["arm"]} for row in people])
    write(folder / "pain_scores.csv", [{"patient": code(row), "visit": row["visit"], "value": row["score"]} for row in scores])
    if example.diagnosis is not None:
        write(folder / "diagnoses.csv", [{"patient": code(row), **example.diagnosis(row)} for row in people])
        write(folder / "pains.csv", [{"patient": code(row), "body_region": "head"} for row in people])
    return folder


def sex(row: Row) -> str:
    """Return a published F or M as the word of the trial folder."""
    return {"F": "female", "M": "male"}[row["sex"]]


def headache(row: Row) -> Row:
    """Return the diagnosis of a patient with chronic headache; the list of conditions has none for it."""
    return {"condition": "other", "condition_text": row["diagnosis"].replace("tension-type", "tension-type headache")}


SITES = "\n".join(f'[[sites]]\ncode = "S{number:02}"\n' for number in range(1, 13))

VICKERS = f"""[trial]
slug = "vickers2004"
name = "Acupuncture for headache"
title = "Acupuncture for chronic headache in primary care (Vickers and others, BMJ 2004)"
conduct = "retrospective"
masked = false

{SITES}
[[treatments]]
code = "care"
label = "Care for headache"

[[visit_types]]
code = "BL"
label = "Baseline"

[[visit_types]]
code = "M3"
label = "3 months"

[[visit_types]]
code = "M12"
label = "12 months"

[[scales]]
code = "headache"
label = "Weekly headache score"
maximum = 100

[plan]
scale = "headache"
thresholds = [30, 35, 50]
comparator = "control"

[plan.baseline]
visit = "BL"

[[plan.time_points]]
code = "M3"
visit = "M3"

[[plan.time_points]]
code = "M12"
visit = "M12"

[[plan.contrasts]]
arm = "acupuncture"
"""

SUDMEX = """[trial]
slug = "sudmex"
name = "rTMS for craving"
title = "5 Hz rTMS of the left DLPFC against sham in cocaine use disorder (Garza-Villarreal and others, 2021)"
conduct = "retrospective"
masked = true

[[sites]]
code = "MEX"
name = "Mexico City"

[[treatments]]
code = "dlpfc"
label = "Left DLPFC, 5 Hz"

[[visit_types]]
code = "T0"
label = "Baseline"

[[visit_types]]
code = "T1"
label = "2 weeks"

[[scales]]
code = "craving"
label = "Craving, visual analogue scale 0 to 10"
maximum = 10

[plan]
scale = "craving"
thresholds = [30, 50]
comparator = "SHAM"

[plan.baseline]
visit = "T0"

[[plan.time_points]]
code = "T1"
visit = "T1"

[[plan.contrasts]]
arm = "ACTIVE"
"""

CHOW = """[trial]
slug = "chow2006"
name = "Laser for neck pain"
title = "Low-level laser against sham for chronic neck pain (Chow and others, Pain 2006)"
conduct = "retrospective"
masked = true

[[sites]]
code = "SYD"
name = "Sydney"

[[treatments]]
code = "laser"
label = "Laser"

[[visit_types]]
code = "BL"
label = "Baseline"

[[visit_types]]
code = "W7"
label = "Week 7"

[[visit_types]]
code = "W12"
label = "Week 12"

[[scales]]
code = "vas"
label = "Pain, visual analogue scale 0 to 10"
maximum = 10

[plan]
scale = "vas"
thresholds = [30, 50]
comparator = "sham"

[plan.baseline]
visit = "BL"

[[plan.time_points]]
code = "W7"
visit = "W7"

[[plan.time_points]]
code = "W12"
visit = "W12"

[[plan.contrasts]]
arm = "active"
"""

EXAMPLES = {
    "vickers2004_headache": Example(
        VICKERS, ("acupuncture", "control"), lambda row: {"site": row["site"], "sex": sex(row)}, diagnosis=headache
    ),
    "sudmex_rtms_craving": Example(SUDMEX, ("ACTIVE", "SHAM"), lambda row: {"sex": sex(row)}),
    "chow2006_neck_pain": Example(CHOW, ("active", "sham"), lambda row: {}),
}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for name in sys.argv[3:] or EXAMPLES:
        print(make_folder(name, Path(sys.argv[1]), Path(sys.argv[2])))
