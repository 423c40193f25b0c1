"""A synthetic trial out of a seed: plausible diaries for people who do not exist. Nothing in it was measured on anybody."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

SEED = 20261119
PATIENTS = 48
WEEKS_OF_RECRUITMENT = 26
FOLLOW_UP_DAYS = 84
SITES = (("N", "Northfield"), ("S", "Southgate"))

# condition, body region, side, certainty, mechanism, ICD-10
CONDITIONS = (
    ("post_stroke_central", "arm", "left", "probable", "neuropathic", ""),
    ("crps_1", "hand", "right", "definite", "nociplastic", "G90.5"),
    ("phantom_limb", "leg", "left", "definite", "neuropathic", "G54.6"),
    ("fibromyalgia", "widespread", "both", "definite", "nociplastic", "M79.7"),
)
STOP_REASONS = ("lack_of_effect", "adverse_event", "patient_wish", "logistics")

Row = dict[str, str]


@dataclass
class DemonstrationTables:
    """The rows of a trial folder, by table."""

    patients: list[Row] = field(default_factory=list)
    diagnoses: list[Row] = field(default_factory=list)
    pains: list[Row] = field(default_factory=list)
    allocations: list[Row] = field(default_factory=list)
    dispositions: list[Row] = field(default_factory=list)
    pain_scores: list[Row] = field(default_factory=list)


def make_tables(today: date, seed: int = SEED) -> DemonstrationTables:
    """Return the same people for the same seed and day; the last ones are still in treatment on that day."""
    chance = random.Random(seed)  # noqa: S311  # a drawing of synthetic people, no secret
    tables = DemonstrationTables()
    arms = _balanced_arms(chance)
    for index in range(PATIENTS):
        _add_patient(tables, chance, index, arms[index], today)
    return tables


def _balanced_arms(chance: random.Random) -> list[str]:
    """Return arms in shuffled blocks of four."""
    arms: list[str] = []
    while len(arms) < PATIENTS:
        block = ["active", "active", "sham", "sham"]
        chance.shuffle(block)
        arms += block
    return arms


def _add_patient(tables: DemonstrationTables, chance: random.Random, index: int, arm: str, today: date) -> None:
    """Draw one person: who they are, when they were allocated, how their pain went."""
    code = f"P-{index + 1:04d}"
    site = chance.choice(SITES)[0]
    allocated_on = today - timedelta(days=WEEKS_OF_RECRUITMENT * 7 - index * (WEEKS_OF_RECRUITMENT * 7 - 5) // PATIENTS)
    tables.patients.append(
        {
            "patient": code,
            "site": site,
            "birth_year": str(chance.randint(1946, 1998)),
            "sex": chance.choice(("female", "male")),
            "handedness": chance.choices(("right", "left"), (9, 1))[0],
            "enrolled_on": (allocated_on - timedelta(days=9)).isoformat(),
        }
    )
    _add_pain(tables, chance, code)
    tables.allocations.append(
        {"patient": code, "arm": arm, "allocated_on": allocated_on.isoformat(), "stratum": f"site={site}", "kit_code": _kit(chance)}
    )
    last_day = _add_disposition(tables, chance, code, allocated_on, today)
    _add_diary(tables, chance, code, arm, allocated_on, min((today - allocated_on).days - 1, last_day))


def _kit(chance: random.Random) -> str:
    return "K-" + "".join(chance.choice("ACDEFGHJKLMNPQRTUVWXY3479") for _ in range(5))


def _add_pain(tables: DemonstrationTables, chance: random.Random, code: str) -> None:
    condition, region, side, certainty, mechanism, icd10 = chance.choice(CONDITIONS)
    tables.diagnoses.append(
        {
            "patient": code,
            "diagnosis": "D1",
            "condition": condition,
            "certainty": certainty,
            "mechanism": mechanism,
            "onset": str(chance.randint(2012, 2024)),
            "icd10": icd10,
        }
    )
    tables.pains.append({"patient": code, "diagnosis": "D1", "rank": "1", "body_region": region, "side": side})


def _add_disposition(tables: DemonstrationTables, chance: random.Random, code: str, allocated_on: date, today: date) -> int:
    """Draw how the way through the trial ends; return the last study day on which a diary may exist."""
    draw = chance.random()
    day = chance.randint(10, 60)
    happened_on = allocated_on + timedelta(days=day)
    if happened_on < today and draw < 0.08:
        _note(tables, code, "stop_of_stimulation", happened_on, chance.choice(STOP_REASONS))
    elif happened_on < today and draw < 0.12:
        _note(tables, code, "withdrawal_of_consent", happened_on, "patient_wish")
        return day - 1
    elif happened_on < today and draw < 0.15:
        _note(tables, code, "lost", happened_on, "no_contact")
        return day - 1
    end = allocated_on + timedelta(days=FOLLOW_UP_DAYS + 3)
    if end < today:
        _note(tables, code, "completion", end, "protocol_end")
    return FOLLOW_UP_DAYS


def _note(tables: DemonstrationTables, code: str, kind: str, happened_on: date, reason: str) -> None:
    tables.dispositions.append({"patient": code, "kind": kind, "happened_on": happened_on.isoformat(), "reason": reason})


def _add_diary(tables: DemonstrationTables, chance: random.Random, code: str, arm: str, allocated_on: date, last_day: int) -> None:
    """Draw a diary value a day, 0 to 10, with gaps; relief sets in over the first weeks and partly wears off."""
    baseline = chance.uniform(5.4, 8.4)
    relief = max(-0.15, chance.gauss(0.34 if arm == "active" else 0.15, 0.2))
    for day in range(-7, last_day + 1):
        if chance.random() < 0.12:
            continue
        onset = min(max(day, 0) / 21, 1) * (1 - 0.25 * max(day - 42, 0) / 42)
        value = min(10, max(0, round(baseline * (1 - relief * onset) + chance.gauss(0, 0.8))))
        for_date = allocated_on + timedelta(days=day)
        tables.pain_scores.append(
            {
                "patient": code,
                "value": str(value),
                "for_date": for_date.isoformat(),
                "recorded_at": f"{for_date.isoformat()}T{chance.randint(17, 21):02d}:{chance.randint(0, 59):02d}:00+00:00",
                "context": "diary",
                "source": "diary",
            }
        )
