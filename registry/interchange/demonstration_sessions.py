"""The stimulation of synthetic people: thresholds, sessions as planned and otherwise, and what came of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from registry.interchange.demonstration_tables import DemonstrationTables, Person, Row, on_scale

# As in demonstration.toml.
SESSION_DAYS = (0, 1, 2, 3, 4, 7, 14, 21, 28, 42, 56, 70)
THRESHOLD_MAX_AGE = 7
PULSES_PER_TRAIN, TRAINS, GAP_S, INTENSITY = 100, 30, 20, 80

# What becomes of a planned session: given, stopped early, not given, missed.
STATUSES, STATUS_SIZES = ("given", "partial", "not_given", "missed"), (918, 22, 15, 45)
REASONS = {
    "partial": ("pain_too_strong", "technical", "patient_wish", "coil_overheated"),
    "not_given": ("ill", "safety_check", "technical", "staff"),
    "missed": ("no_show", "ill", "logistics"),
}
# Solicited side effects: how often after the first session, and how much more often under active stimulation.
SIDE_EFFECTS = (
    ("headache", 0.14, 1.4),
    ("scalp_pain", 0.1, 1.3),
    ("sleepiness", 0.08, 1.0),
    ("neck_pain", 0.04, 1.0),
    ("twitching", 0.02, 3.0),
)
GRADES, GRADE_SIZES = ("1", "2", "3"), (86, 13, 1)
RELATIONS = {"1": "not_assessed", "2": "probable", "3": "possible"}


@dataclass
class Course:
    """One person's stimulation under way."""

    tables: DemonstrationTables
    chance: random.Random
    person: Person
    threshold: int
    measured_on: date | None = None
    measured_at: str = ""


def add_course(tables: DemonstrationTables, chance: random.Random, person: Person, today: date) -> None:
    """Draw the sessions planned before today; those of today are still to come."""
    course = Course(tables, chance, person, round(min(75, max(34, chance.gauss(52, 8)))))
    for number, day in enumerate(SESSION_DAYS, start=1):
        if day > person.stimulated_until or person.allocated_on + timedelta(days=day) >= today:
            break
        _add_session(course, number, day)


def _add_session(course: Course, number: int, day: int) -> None:
    chance, person = course.chance, course.person
    on = person.allocated_on + timedelta(days=day)
    status = chance.choices(STATUSES, STATUS_SIZES)[0]
    row = dict.fromkeys(COLUMNS, "") | {"patient": person.code, "number": str(number), "status": status, "for_date": on.isoformat()}
    row |= {"as_planned": "no", "side_effects_asked": "no"}
    if status in REASONS:
        row["reason"] = chance.choice(REASONS[status])
    if status != "missed":
        _ask(course, row, day)
    if status in ("given", "partial"):
        _stimulate(course, row, on, day, number)
        _add_side_effects(course, row, number)
    course.tables.sessions.append(row)


def _ask(course: Course, row: Row, day: int) -> None:
    """Ask what a patient who came is asked before stimulation."""
    chance = course.chance
    row["pain_before"] = str(on_scale(course.person.pain(day) + chance.gauss(0, 0.8)))
    row["new_since_last"] = chance.choices(("none", "medicine", "short_sleep"), (95, 3, 2))[0]
    row["side_effects_asked"] = "yes"


def _stimulate(course: Course, row: Row, on: date, day: int, number: int) -> None:
    chance, person = course.chance, course.person
    hour, minute = chance.randint(8, 15), chance.choice((0, 10, 20, 30, 40))
    _measure(course, on, hour, number)
    row |= {
        "started_at": _instant(on, hour, minute + 5),
        "ended_at": _instant(on, hour, minute + 19),
        "threshold": course.measured_at,
        "stimulator": f"ST-{person.site}",
        "kit_code": person.kit,
        "hearing_protection": "yes" if chance.random() < 0.99 else "no",
        "coil_matches_threshold": "yes",
        "pain_after": str(on_scale(person.pain(day) - (0.7 if person.arm == "active" else 0.4) + chance.gauss(0, 0.7))),
        "as_planned": "yes",
    }
    if row["hearing_protection"] == "no":
        row["deviation_reason"] = "operator_error"
    if course.measured_on is not None and (on - course.measured_on).days > THRESHOLD_MAX_AGE:
        row["deviation_reason"] = "operator_error"
    _deliver(course, row)
    if number == len(SESSION_DAYS):
        likely = (5, 3, 4) if person.arm == "active" else (3, 4, 5)
        row["guess"] = chance.choices(("real", "sham", "do_not_know"), likely)[0]
        row["guess_certainty"] = str(chance.randint(0, 10))


def _measure(course: Course, on: date, hour: int, number: int) -> None:
    """Measure a threshold where the last one is too old, but for a few that are forgotten."""
    chance, person = course.chance, course.person
    known = course.measured_on is not None
    if known and course.measured_on is not None and ((on - course.measured_on).days <= THRESHOLD_MAX_AGE or chance.random() < 0.01):
        return
    course.threshold = min(80, max(30, course.threshold + (chance.choice((-2, -1, 0, 0, 1, 2)) if known else 0)))
    course.measured_on, course.measured_at = on, _instant(on, hour - 1, 30)
    course.tables.motor_thresholds.append(
        {
            "patient": person.code,
            "measured_at": course.measured_at,
            "hemisphere": "right" if person.side == "left" else "left",
            "percent_mso": str(course.threshold),
            "coil": f"C-{person.site}",
            "stimulator": f"ST-{person.site}",
            "waveform": "biphasic",
            "muscle": "first dorsal interosseous",
            "method": "emg",
            "criterion_uv": "50",
        }
    )


def _deliver(course: Course, row: Row) -> None:
    """Say what was given where it was not as planned: fewer trains, less intensity; and what the stimulator counted."""
    chance = course.chance
    trains = chance.randint(6, 26) if row["status"] == "partial" else TRAINS
    lowered = row["status"] == "given" and chance.random() < 0.02
    if row["status"] == "partial" or lowered:
        row["as_planned"] = "no"
        course.tables.session_blocks.append(
            {
                "patient": row["patient"],
                "session": row["number"],
                "frequency_hz": "10",
                "pulses_per_train": str(PULSES_PER_TRAIN),
                "trains": str(trains),
                "gap_s": str(GAP_S),
                "intensity_percent": str(chance.choice((70, 75)) if lowered else INTENSITY),
            }
        )
    if lowered:
        row["deviation_reason"] = "tolerability"
    if chance.random() < 0.7:
        row["pulse_counter"] = str(trains * PULSES_PER_TRAIN)


def _add_side_effects(course: Course, row: Row, number: int) -> None:
    """Draw side effects: fewer with each session, and rarely a faint."""
    chance, active = course.chance, course.person.arm == "active"
    found = [term for term, share, factor in SIDE_EFFECTS if chance.random() < share * (factor if active else 1) * 0.8 ** (number - 1)]
    if chance.random() < 0.001:
        found.append("syncope")
    for term in found:
        grade = "2" if term == "syncope" else chance.choices(GRADES, GRADE_SIZES)[0]
        course.tables.adverse_events.append(
            {
                "patient": row["patient"],
                "term": term,
                "term_text": "",
                "onset_on": row["for_date"],
                "session": row["number"],
                "solicited": "yes",
                "grade": grade,
                "serious_criteria": "",
                "relatedness": RELATIONS[grade],
                "outcome": "recovered",
                "needs_report": "yes" if grade == "3" or term == "syncope" else "no",
            }
        )


def _instant(on: date, hour: int, minute: int) -> str:
    """Return a time of the clinic; that summer has another offset does not matter here."""
    return f"{on.isoformat()}T{hour:02d}:{minute:02d}:00+01:00"


COLUMNS = (
    *("patient", "number", "status", "reason", "for_date", "started_at", "ended_at", "as_planned", "threshold", "stimulator", "kit_code"),
    *("hearing_protection", "coil_matches_threshold", "pulse_counter", "pain_before", "pain_after", "new_since_last"),
    *("side_effects_asked", "guess", "guess_certainty", "deviation_reason"),
)
