"""Turn three published data files into trial folders.

    python docs/how-to/examples/published_trials.py DATA TARGET [NAME ...]

DATA holds one directory a trial with participants.csv and scores.csv (columns as in the how-to beside this file);
TARGET gets one trial folder for each. Standard library only.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

Row = dict[str, str]


@dataclass(frozen=True)
class Publication:
    """What the paper says and the data file does not."""

    directory: str
    trial: str
    visits: tuple[tuple[str, str], ...]
    scale: str
    thresholds: str
    arms: tuple[Row, ...]
    comparator: str
    conditions: dict[str, Row]
    sites: bool = False
    score_column: str = "score"


VICKERS = Publication(
    directory="vickers2004_headache",
    trial="""slug = "vickers2004"
name = "Acupuncture for chronic headache"
title = "Acupuncture or usual care for chronic headache, 401 patients (Vickers, BMJ 2004; data: Trials 2006;7:15)"
conduct = "retrospective"
time_zone = "Europe/London"
masked = false
""",
    visits=(("BL", "Baseline"), ("M3", "3 months"), ("M12", "12 months")),
    scale='code = "HEADACHE"\nlabel = "Weekly headache score, 0 to 100"\nmaximum = 100\n',
    thresholds="[30, 35, 50]",
    arms=(
        {"arm": "acupuncture", "label": "Acupuncture", "treatment": "acupuncture", "part": "acupuncture"},
        {"arm": "control", "label": "Usual care", "treatment": "usual-care", "part": "control"},
    ),
    comparator="control",
    conditions={
        "migraine": {"condition": "other", "condition_text": "Migraine"},
        "tension-type": {"condition": "other", "condition_text": "Tension-type headache"},
    },
    sites=True,
)
CHOW = Publication(
    directory="chow2006_neck_pain",
    trial="""slug = "chow2006"
name = "Laser for chronic neck pain"
title = "Laser or sham for chronic neck pain, 90 patients (Chow, Pain 2006)"
conduct = "retrospective"
time_zone = "Australia/Sydney"
masked = true
""",
    visits=(("BL", "Baseline"), ("W7", "Week 7"), ("W12", "Week 12")),
    scale='code = "VAS"\nlabel = "Pain, visual analogue scale, 0 to 10"\nmaximum = 10\n',
    thresholds="[30, 50]",
    arms=(
        {"arm": "active", "label": "Laser", "treatment": "laser", "part": "active"},
        {"arm": "sham", "label": "Sham laser", "treatment": "laser", "part": "sham"},
    ),
    comparator="sham",
    conditions={"": {"condition": "myofascial", "condition_text": "Chronic neck pain"}},
)
SUDMEX = Publication(
    directory="sudmex_rtms_craving",
    trial="""slug = "sudmex"
name = "5 Hz rTMS in cocaine use disorder"
title = "5 Hz rTMS or sham, 44 patients (Garza-Villarreal 2021); the scale is craving, not pain"
conduct = "retrospective"
time_zone = "America/Mexico_City"
masked = true
""",
    visits=(("T0", "Baseline"), ("T1", "2 weeks")),
    scale='code = "VAS"\nlabel = "Craving, visual analogue scale, 0 to 10"\nmaximum = 10\n',
    thresholds="[30, 50]",
    arms=(
        {"arm": "ACTIVE", "label": "Active rTMS", "treatment": "DLPFC", "part": "active"},
        {"arm": "SHAM", "label": "Sham rTMS", "treatment": "DLPFC", "part": "sham"},
    ),
    comparator="SHAM",
    conditions={"": {"condition": "other", "condition_text": "Cocaine use disorder"}},
)
PUBLICATIONS = {publication.directory: publication for publication in (VICKERS, CHOW, SUDMEX)}


def read(path: Path) -> list[Row]:
    """Return the rows of a CSV file."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> None:
    """Write rows as a table of a trial folder."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(columns), lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def trial_file(publication: Publication, sites: Iterable[str]) -> str:
    """Return trial.toml: who, where, how measured, how response is decided."""
    first, *later = publication.visits
    treatments = sorted({arm["treatment"] for arm in publication.arms})
    parts = [
        f"[trial]\n{publication.trial}",
        *(f'[[sites]]\ncode = "{site}"\n' for site in sites),
        *(f'[[treatments]]\ncode = "{code}"\n' for code in treatments),
        *(f'[[visit_types]]\ncode = "{code}"\nlabel = "{label}"\n' for code, label in publication.visits),
        f"[[scales]]\n{publication.scale}",
        # Published data: one value a visit, no dates; so the baseline and the time points are named visits.
        f'[plan]\nthresholds = {publication.thresholds}\ncontexts = ["visit"]\ncomparator = "{publication.comparator}"\n',
        f'[plan.baseline]\nvisit = "{first[0]}"\nmin_n = 1\n',
        *(f'[[plan.time_points]]\ncode = "{code}"\nvisit = "{code}"\nmin_n = 1\n' for code, _ in later),
    ]
    return "\n".join(parts)


def convert(publication: Publication, source: Path, target: Path) -> None:
    """Write one trial folder."""
    target.mkdir(parents=True, exist_ok=True)
    people, scores = read(source / "participants.csv"), read(source / "scores.csv")
    sites = sorted({person["site"] for person in people}) if publication.sites else ["ALL"]
    (target / "trial.toml").write_text(trial_file(publication, sites))
    write(target / "arms.csv", ("arm", "label", "treatment", "part"), publication.arms)
    sex = {"F": "female", "M": "male"}
    write(
        target / "patients.csv",
        ("patient", "site", "sex"),
        ({"patient": row["subject_id"], "site": row.get("site", "ALL"), "sex": sex.get(row.get("sex", ""), "unknown")} for row in people),
    )
    write(
        target / "diagnoses.csv",
        ("patient", "condition", "condition_text"),
        ({"patient": row["subject_id"], **publication.conditions[row.get("diagnosis", "")]} for row in people),
    )
    write(target / "pains.csv", ("patient", "rank"), ({"patient": row["subject_id"], "rank": "1"} for row in people))
    write(target / "allocations.csv", ("patient", "arm"), ({"patient": row["subject_id"], "arm": row["arm"]} for row in people))
    write(
        target / "pain_scores.csv",
        ("patient", "visit", "value"),
        ({"patient": row["subject_id"], "visit": row["visit"], "value": row[publication.score_column]} for row in scores),
    )


def main(arguments: list[str]) -> None:
    """Convert the named trials, or all."""
    data, target, *names = arguments
    for name in names or PUBLICATIONS:
        convert(PUBLICATIONS[name], Path(data) / name, Path(target) / name)


if __name__ == "__main__":
    main(sys.argv[1:])
