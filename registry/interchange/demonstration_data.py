"""A synthetic trial out of a seed: people who do not exist, and how their pain went. Nothing in it was measured on anybody."""

from __future__ import annotations

import random
from datetime import date, timedelta

from registry.interchange.demonstration_sessions import add_course
from registry.interchange.demonstration_tables import DemonstrationTables, Person, on_scale

SEED = 20261119
PATIENTS = 240
# The last ones are enrolled and wait for their allocation.
WAITING = 4
DAYS_OF_RECRUITMENT = 330
# Above 1: more patients a week towards the end.
RECRUITMENT_PICKS_UP = 1.35
FOLLOW_UP_DAYS = 84
SITES, SITE_SIZES = ("N", "S", "E"), (9, 7, 4)

# condition, body region, certainty, mechanism, ICD-10
CONDITIONS = (
    ("post_stroke_central", "arm", "probable", "neuropathic", ""),
    ("crps_1", "hand", "definite", "nociplastic", "G90.5"),
    ("phantom_limb", "leg", "definite", "neuropathic", "G54.6"),
    ("brachial_plexus_avulsion", "arm", "definite", "neuropathic", ""),
)
CONDITION_SIZES = (8, 6, 3, 3)
STOP_REASONS = ("lack_of_effect", "adverse_event", "patient_wish", "logistics")
# How the way through the trial may end early, and up to which share of the draws.
ENDINGS = ((0.07, "stop_of_stimulation"), (0.11, "withdrawal_of_consent"), (0.15, "lost"))
ENDING_REASONS = {"withdrawal_of_consent": "patient_wish", "lost": "no_contact"}
# One person dies of a heart attack, unrelated to stimulation.
DIES, DIES_ON = 101, 37


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
    """Draw one person: who they are, when they were allocated, how it went."""
    person = _person(chance, index, arm, today)
    tables.patients.append(
        {
            "patient": person.code,
            "site": person.site,
            "protocol": "1.0",
            "birth_year": str(chance.randint(1946, 1998)),
            "sex": chance.choice(("female", "male")),
            "handedness": chance.choices(("right", "left"), (9, 1))[0],
            "enrolled_on": (person.allocated_on - timedelta(days=9)).isoformat(),
        }
    )
    _add_pain(tables, chance, person)
    if index >= PATIENTS - WAITING:
        person.diary_until = -1
        _add_diary(tables, chance, person, today)
        return
    allocated = {"allocated_on": person.allocated_on.isoformat(), "stratum": f"site={person.site}", "kit_code": person.kit}
    tables.allocations.append({"patient": person.code, "arm": person.arm, **allocated})
    _add_ending(tables, chance, index, person, today)
    _add_diary(tables, chance, person, today)
    add_course(tables, chance, person, today)


def _person(chance: random.Random, index: int, arm: str, today: date) -> Person:
    """Draw a person; who waits for allocation has it planned for the days to come."""
    waiting = index - (PATIENTS - WAITING)
    days_ago = -1 - waiting if waiting >= 0 else round(DAYS_OF_RECRUITMENT * (-waiting / (PATIENTS - WAITING)) ** RECRUITMENT_PICKS_UP)
    return Person(
        code=f"P-{index + 1:04d}",
        site=chance.choices(SITES, SITE_SIZES)[0],
        arm=arm,
        kit="K-" + "".join(chance.choices("ACDEFGHJKLMNPQRTUVWXY3479", k=5)),
        side=chance.choice(("left", "right")),
        allocated_on=today - timedelta(days=days_ago),
        baseline=chance.uniform(5.4, 8.4),
        relief=max(-0.15, chance.gauss(0.34 if arm == "active" else 0.22, 0.24)),
        diary_until=FOLLOW_UP_DAYS,
        stimulated_until=FOLLOW_UP_DAYS,
    )


def _add_pain(tables: DemonstrationTables, chance: random.Random, person: Person) -> None:
    condition, region, certainty, mechanism, icd10 = chance.choices(CONDITIONS, CONDITION_SIZES)[0]
    tables.diagnoses.append(
        {
            "patient": person.code,
            "diagnosis": "D1",
            "condition": condition,
            "certainty": certainty,
            "mechanism": mechanism,
            "onset": str(chance.randint(2012, 2024)),
            "icd10": icd10,
        }
    )
    tables.pains.append({"patient": person.code, "diagnosis": "D1", "rank": "1", "body_region": region, "side": person.side})


def _add_ending(tables: DemonstrationTables, chance: random.Random, index: int, person: Person, today: date) -> None:
    """Draw how the way through the trial ends, and until when diaries are kept and stimulation is given."""
    draw, day, reason = chance.random(), chance.randint(10, 60), chance.choice(STOP_REASONS)
    if index == DIES:
        draw, day = 1.0, DIES_ON
        _note(tables, person, "death", day, "unrelated_death")
        _add_death(tables, person, day)
        person.diary_until = person.stimulated_until = day - 1
    kind = next((kind for share, kind in ENDINGS if draw < share), "")
    if kind and person.allocated_on + timedelta(days=day) < today:
        _note(tables, person, kind, day, ENDING_REASONS.get(kind, reason))
        person.stimulated_until = day - 1
        if kind != "stop_of_stimulation":
            person.diary_until = day - 1
    end = FOLLOW_UP_DAYS + 3
    if person.diary_until == FOLLOW_UP_DAYS and person.allocated_on + timedelta(days=end) < today:
        _note(tables, person, "completion", end, "protocol_end")


def _note(tables: DemonstrationTables, person: Person, kind: str, day: int, reason: str) -> None:
    happened_on = person.allocated_on + timedelta(days=day)
    tables.dispositions.append({"patient": person.code, "kind": kind, "happened_on": happened_on.isoformat(), "reason": reason})


def _add_death(tables: DemonstrationTables, person: Person, day: int) -> None:
    tables.adverse_events.append(
        {
            "patient": person.code,
            "term": "other",
            "term_text": "Myocardial infarction",
            "onset_on": (person.allocated_on + timedelta(days=day)).isoformat(),
            "session": "",
            "solicited": "no",
            "grade": "3",
            "serious_criteria": "death",
            "relatedness": "unrelated",
            "outcome": "fatal",
            "needs_report": "no",
        }
    )


def _add_diary(tables: DemonstrationTables, chance: random.Random, person: Person, today: date) -> None:
    """Draw a diary value a day, 0 to 10, with gaps, up to yesterday."""
    for day in range(-7, min((today - person.allocated_on).days - 1, person.diary_until) + 1):
        if chance.random() < 0.12:
            continue
        for_date = (person.allocated_on + timedelta(days=day)).isoformat()
        tables.pain_scores.append(
            {
                "patient": person.code,
                "value": str(on_scale(person.pain(day) + chance.gauss(0, 0.8))),
                "for_date": for_date,
                "recorded_at": f"{for_date}T{chance.randint(17, 21):02d}:{chance.randint(0, 59):02d}:00+00:00",
                "context": "diary",
                "source": "diary",
            }
        )
