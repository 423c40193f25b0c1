"""Thresholds, sessions with their blocks, and adverse events as tables of a trial folder."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from registry.interchange.exporter import take_out
from registry.interchange.import_report import ImportReport
from registry.models import AdverseEvent, MotorThreshold, PainScore, StimulationSession, User
from tests.interchange.folders import ARMS, TRIAL, Row, contents, write_folder

Bring = Callable[..., ImportReport]

STIMULATED = TRIAL.replace('conduct = "retrospective"', 'conduct = "prospective"').replace(
    "[plan]\n",
    """[[stimulators]]
code = "ST"
model = "Super"
[[coils]]
code = "C-1"
model = "Eight"
shape = "figure_8"
[protocol]
version = "1"
[[protocol.prescriptions]]
session_days = [0, 1, 2, 3]
[[protocol.blocks]]
target = "m1_hand"
hemisphere = "contralateral"
frequency_hz = 10
pulses_per_train = 100
trains = 30
gap_s = 20
intensity_percent = 80
[plan]
""",
)
PATIENTS = [{"patient": "P-01", "site": "N", "enrolled_on": "2026-03-01"}, {"patient": "P-02", "site": "S", "enrolled_on": "2026-03-01"}]
DIAGNOSES = [{"patient": code, "condition": "crps_1"} for code in ("P-01", "P-02")]
PAINS = [{"patient": "P-01", "side": "left"}, {"patient": "P-02", "side": "right"}]
ALLOCATIONS = [
    {"patient": "P-01", "arm": "sham", "kit_code": "K-1A", "allocated_on": "2026-03-02"},
    {"patient": "P-02", "arm": "active", "kit_code": "K-2B", "allocated_on": "2026-03-02"},
]
THRESHOLDS = [
    {"patient": "P-01", "measured_at": "2026-03-02T09:00:00+01:00", "hemisphere": "right", "percent_mso": "52", "coil": "C-1"},
    {"patient": "P-02", "measured_at": "2026-03-02T10:00:00+01:00", "hemisphere": "left", "percent_mso": "47", "coil": "C-1"},
]


def session(patient: str, number: int, **cells: str) -> Row:
    """Return a session given as planned, but for what is said otherwise."""
    hour = 9 if patient == "P-01" else 10
    return {
        "patient": patient,
        "number": str(number),
        "status": "given",
        "reason": "",
        "for_date": "",
        "started_at": f"2026-03-0{number + 1}T{hour:02}:30:00+01:00",
        "as_planned": "yes",
        "threshold": f"2026-03-02T{hour - 1:02}:00:00Z",
        "stimulator": "ST",
        "kit_code": "K-1A" if patient == "P-01" else "K-2B",
        "hearing_protection": "yes",
        "pain_before": "7",
        "pain_after": "6",
        "new_since_last": "none",
        "side_effects_asked": "yes",
        "deviation_reason": "",
    } | cells


NOTHING = ("started_at", "threshold", "kit_code", "hearing_protection", "pain_before", "pain_after", "new_since_last")
MISSED = {
    **dict.fromkeys(NOTHING, ""),
    **{"status": "missed", "reason": "ill", "for_date": "2026-03-03", "as_planned": "no", "side_effects_asked": "no"},
}
SESSIONS = [
    session("P-01", 1),
    session("P-01", 2, **MISSED),
    session("P-01", 3, status="partial", reason="pain_too_strong", as_planned="no", new_since_last="medicine"),
    session("P-02", 1, status="given", as_planned="no", deviation_reason="tolerability"),
]
PATTERN = {"frequency_hz": "10", "pulses_per_train": "100", "gap_s": "20"}
BLOCKS = [
    {"patient": "P-01", "session": "3", **PATTERN, "trains": "12", "intensity_percent": "80"},
    {"patient": "P-02", "session": "1", **PATTERN, "trains": "30", "intensity_percent": "75"},
]
HEADACHE = {"term": "headache", "onset_on": "2026-03-02", "grade": "1", "serious_criteria": ""}
SYNCOPE = {"term": "syncope", "onset_on": "2026-03-03", "grade": "3", "serious_criteria": "hospital"}
EVENTS = [
    {"patient": "P-01", "session": "1", "solicited": "yes", **HEADACHE},
    {"patient": "P-02", "session": "", "solicited": "no", **SYNCOPE},
]
RECORDS: dict[str, list[Row]] = {
    "motor_thresholds": THRESHOLDS,
    "sessions": SESSIONS,
    "session_blocks": BLOCKS,
    "adverse_events": EVENTS,
}
WHOLE: dict[str, list[Row]] = {
    "arms": ARMS, "patients": PATIENTS, "diagnoses": DIAGNOSES, "pains": PAINS, "allocations": ALLOCATIONS, **RECORDS,
}  # fmt: skip


def whole(folder: Path, **tables: list[Row]) -> Path:
    return write_folder(folder, STIMULATED, **{**WHOLE, **tables})


def tallies(report: ImportReport) -> dict[str, tuple[int, int, int, int]]:
    assert report.problem_count == 0, [problem.sentence for problem in report.problems]
    found = {one.file.removesuffix(".csv"): one.tally for one in report.tables}
    return {name: (one.new, one.unchanged, one.corrected, one.absent) for name, one in found.items() if name in RECORDS}


def test_a_session_comes_in_with_its_dose_pains_and_deviations(bring: Bring, tmp_path: Path) -> None:
    assert tallies(bring(whole(tmp_path / "f"))) == {
        "motor_thresholds": (2, 0, 0, 0), "sessions": (4, 0, 0, 0), "session_blocks": (2, 0, 0, 0), "adverse_events": (2, 0, 0, 0),
    }  # fmt: skip
    first = StimulationSession.objects.get(enrolment__patient_code="P-01", number=1)
    [block] = first.blocks.all()
    assert (first.pulses_delivered, first.pulses_planned, block.hemisphere, block.setting_percent_mso) == (3000, 3000, "right", 42)
    assert PainScore.objects.get(record=first.pain_before_record).value == Decimal(7)
    assert (first.kit_matches, first.side_effects_asked, first.new_since_last, first.operator) == (True, True, [], None)
    partial = StimulationSession.objects.get(enrolment__patient_code="P-01", number=3)
    assert (partial.pulses_delivered, [one.kind for one in partial.deviations.all()]) == (1200, ["not_completed"])
    changed = StimulationSession.objects.get(enrolment__patient_code="P-02")
    assert [(one.kind, one.reason) for one in changed.deviations.all()] == [("intensity", "tolerability")]
    assert AdverseEvent.objects.get(term="headache").session_record == first.record
    assert AdverseEvent.objects.get(term="syncope").serious


def test_the_same_folder_again_touches_nothing(bring: Bring, tmp_path: Path) -> None:
    bring(whole(tmp_path / "f"))
    before = [set(model.objects.values_list("pk", flat=True)) for model in (MotorThreshold, StimulationSession, AdverseEvent, PainScore)]
    assert tallies(bring(whole(tmp_path / "f"))) == {
        "motor_thresholds": (0, 2, 0, 0), "sessions": (0, 4, 0, 0), "session_blocks": (0, 2, 0, 0), "adverse_events": (0, 2, 0, 0),
    }  # fmt: skip
    assert before == [
        set(model.objects.values_list("pk", flat=True)) for model in (MotorThreshold, StimulationSession, AdverseEvent, PainScore)
    ]


def test_an_export_comes_back_byte_for_byte(bring: Bring, admin: Any, tmp_path: Path) -> None:
    bring(whole(tmp_path / "f"))
    take_out("calm-m1", tmp_path / "one", by=User.objects.get(pk=admin.pk))
    first = contents(tmp_path / "one")
    assert {"motor_thresholds.csv", "sessions.csv", "session_blocks.csv", "adverse_events.csv"} <= set(first)
    assert all(one.tally.new == one.tally.corrected == one.tally.absent == 0 for one in bring(tmp_path / "one").tables)
    (tmp_path / "two").mkdir()
    for name, content in first.items():
        (tmp_path / "two" / name).write_bytes(content.replace(b'"calm-m1"', b'"again"') if name == "trial.toml" else content)
    report = bring(tmp_path / "two")
    assert report.problem_count == 0, [problem.sentence for problem in report.problems]
    take_out("again", tmp_path / "three", by=User.objects.get(pk=admin.pk))
    assert {**contents(tmp_path / "three"), "trial.toml": b""} == {**first, "trial.toml": b""}
