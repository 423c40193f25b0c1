"""Thresholds, sessions with their blocks, and adverse events as tables of a trial folder."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from registry.environment import ROOT
from registry.exceptions import NotAllowed
from registry.interchange.exporter import take_out
from registry.interchange.import_report import ImportReport
from registry.models import AdverseEvent, MotorThreshold, PainScore, StimulationSession, Trial, User
from registry.services import accounts
from registry.services.reasons import Reason
from registry.services.stimulation import void_session
from tests.interchange.folders import ARMS, TRIAL, Row, contents, read_table, write_folder

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


def test_a_session_shorter_than_its_pulses_comes_in_with_its_reason_alone(bring: Bring, tmp_path: Path) -> None:
    short = {"ended_at": "2026-03-02T09:33:00+01:00"}
    refused = bring(whole(tmp_path / "f", sessions=[session("P-01", 1, **short), *SESSIONS[1:]]))
    [problem] = refused.problems
    assert (problem.column, "Start and end closer than the pulses take" in problem.sentence) == ("deviation_reason", True)
    explained = session("P-01", 1, **short, deviation_reason="not_recorded")
    bring(whole(tmp_path / "g", sessions=[explained, *SESSIONS[1:]]))
    first = StimulationSession.objects.get(enrolment__patient_code="P-01", number=1)
    assert [(one.kind, one.delivered) for one in first.deviations.all()] == [("duration", "3 min")]


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


def test_a_dose_outlives_the_correction_of_its_threshold(bring: Bring, admin: Any, tmp_path: Path) -> None:
    """What was given under 52 % is not reckoned again from 60 %, here or where the folder is brought in afresh."""
    bring(whole(tmp_path / "f"))
    corrected = whole(tmp_path / "f", motor_thresholds=changed(THRESHOLDS, 0, percent_mso="60"))
    assert tallies(bring(corrected, reason="the threshold was misread"))["motor_thresholds"] == (0, 1, 1, 0)
    take_out("calm-m1", tmp_path / "one", by=User.objects.get(pk=admin.pk))
    given = {row["patient"]: row["threshold_percent_mso"] for row in read_table(tmp_path / "one" / "sessions.csv") if row["threshold"]}
    assert given == {"P-01": "52", "P-02": "47"}
    definition = tmp_path / "one" / "trial.toml"
    definition.write_text(definition.read_text().replace('"calm-m1"', '"again"'))
    assert bring(tmp_path / "one").problem_count == 0
    again = StimulationSession.objects.get(enrolment__trial__slug="again", enrolment__patient_code="P-01", number=1)
    assert again.threshold is not None
    assert (again.threshold.percent_mso, again.threshold_percent_mso, again.blocks.get().setting_percent_mso) == (60, 52, 42)


def test_another_threshold_brings_its_own_value(bring: Bring, tmp_path: Path) -> None:
    second = {**THRESHOLDS[0], "measured_at": "2026-03-02T09:10:00+01:00", "percent_mso": "58"}
    thresholds = [*THRESHOLDS, second]
    bring(whole(tmp_path / "f", motor_thresholds=thresholds))
    other = changed(SESSIONS, 0, threshold="2026-03-02T08:10:00Z")
    assert tallies(bring(whole(tmp_path / "f", motor_thresholds=thresholds, sessions=other), reason="wrong one named"))
    session = StimulationSession.objects.get(enrolment__patient_code="P-01", number=1, ended_at=None)
    assert (session.threshold_percent_mso, session.blocks.get().setting_percent_mso) == (58, 46)


def test_additional_sessions_other_periods_and_own_identifiers_come_back(bring: Bring, admin: Any, tmp_path: Path) -> None:
    thresholds = [{**THRESHOLDS[0], "row_id": "t, 1"}, {**THRESHOLDS[1], "row_id": ""}]
    added = {**session("P-01", 1, threshold="t, 1", started_at="2026-03-06T10:00:00+01:00"), "number": ""}
    numbered = {**session("P-01", 1, threshold="t, 1"), "period": "1", "row_id": "", "coil_matches_threshold": "no", "pain_after_at": ""}
    second = {**numbered, "period": "2", "started_at": "2026-04-01T10:00:00Z", "deviation_reason": "not_recorded"}
    own = {**added, "started_at": "2026-03-07T10:00:00Z", "row_id": 'a "b"', "pain_before": "", "pain_before_no_answer": "refused"}
    columns = dict.fromkeys([*numbered, *own], "")
    rows = [{**columns, "period": "1", **row} for row in ({**numbered, "deviation_reason": "not_recorded"}, second, added, own)]
    events = [{**EVENTS[0], "session": name} for name in ("1", "2.1", "2026-03-06T10:00:00+01:00", 'a "b"', "")]
    bring(whole(tmp_path / "f", motor_thresholds=thresholds, sessions=rows, session_blocks=[], adverse_events=events))
    assert StimulationSession.objects.count() == 4
    take_out("calm-m1", tmp_path / "one", by=User.objects.get(pk=admin.pk))
    assert [row["session"] for row in read_table(tmp_path / "one" / "adverse_events.csv")] == [
        "", "1", "2.1", "2026-03-06T09:00:00Z", 'a "b"',
    ]  # fmt: skip
    assert {row["threshold"] for row in read_table(tmp_path / "one" / "sessions.csv")} == {"t, 1"}
    report = bring(tmp_path / "one")
    assert [one for one in report.tables if one.tally.new or one.tally.corrected or one.tally.absent] == []


def problems_of(report: ImportReport) -> list[str]:
    assert not report.imported
    return [problem.sentence for problem in report.problems]


def changed(rows: list[Row], number: int, **cells: str) -> list[Row]:
    return [{**row, **cells} if place == number else row for place, row in enumerate(rows)]


def test_corrections_become_new_versions(bring: Bring, tmp_path: Path) -> None:
    bring(whole(tmp_path / "f"))
    corrected = {
        "motor_thresholds": changed(THRESHOLDS, 0, percent_mso="54"),
        "sessions": changed(SESSIONS, 0, pain_before="8"),
        "session_blocks": changed(BLOCKS, 0, trains="11"),
        "adverse_events": changed(EVENTS, 1, serious_criteria=""),
    }
    refused = bring(whole(tmp_path / "f", **corrected))
    assert "rows differ from what is on record" in problems_of(refused)[-1]
    report = bring(whole(tmp_path / "f", **corrected), reason="read again from the paper forms")
    assert tallies(report) == {
        "motor_thresholds": (0, 1, 1, 0),
        "sessions": (0, 2, 2, 0),
        "session_blocks": (0, 1, 1, 0),
        "adverse_events": (0, 1, 1, 0),
    }
    assert list(
        MotorThreshold.objects.filter(enrolment__patient_code="P-01").order_by("version").values_list("version", "percent_mso")
    ) == [
        (1, 52),
        (2, 54),
    ]
    first = StimulationSession.objects.get(enrolment__patient_code="P-01", number=1, ended_at=None)
    assert (first.version, PainScore.objects.get(record=first.pain_before_record, ended_at=None).value) == (2, Decimal(8))
    assert (first.kit_code, first.threshold_percent_mso) == ("K-1A", 52)
    assert StimulationSession.objects.get(number=3, ended_at=None).pulses_delivered == 1100
    assert not AdverseEvent.objects.get(term="syncope", ended_at=None).serious
    assert AdverseEvent.objects.filter(term="headache").count() == 1


def test_what_was_voided_stays_so_and_absent_rows_are_counted(bring: Bring, admin: Any, setup_actor: Any, now: Any, tmp_path: Path) -> None:
    bring(whole(tmp_path / "f"))
    session = StimulationSession.objects.get(enrolment__patient_code="P-02")
    by = User.objects.get(pk=admin.pk)
    void_session(session, reason=Reason("wrong_patient"), by=by, now=now)
    report = bring(whole(tmp_path / "f", motor_thresholds=THRESHOLDS[:1]))
    assert tallies(report)["motor_thresholds"] == (0, 1, 0, 1)
    assert tallies(report)["sessions"] == (0, 3, 0, 0)
    assert next(one.tally.voided for one in report.tables if one.file == "sessions.csv") == 1
    assert not StimulationSession.objects.filter(enrolment__patient_code="P-02", ended_at=None).exists()


@pytest.mark.parametrize(
    ("table", "row", "cells", "sentence"),
    [
        (
            "motor_thresholds", 0, {"percent_mso": "120"},
            "motor_thresholds.csv, line 2, percent_mso: '120' is out of range. Enter a whole number from 1 to 100.",
        ),
        (
            "motor_thresholds", 1, {"hemisphere": "both"},
            "motor_thresholds.csv, line 3, hemisphere: a threshold belongs to one hemisphere. Choose left or right.",
        ),
        (
            "motor_thresholds", 0, {"coil": "C-9"},
            "motor_thresholds.csv, line 2, coil: c-9 is no coil of this trial. Use one of: C-1.",
        ),
        (
            "sessions", 1, {"reason": "coil_overheated"},
            "sessions.csv, line 3, reason: coil overheated is no reason here. Choose one of those for this status.",
        ),
        (
            "sessions", 0, {"threshold": "2026-03-05"},
            "sessions.csv, line 2, threshold: '2026-03-05' is no single threshold of this patient. Name it by its row_id, or by kind,"
            " hemisphere, time or day, and coil, as motor_thresholds.csv has them.",
        ),
        (
            "sessions", 0, {"new_since_last": "none medicine"},
            "sessions.csv, line 2, new_since_last: 'none medicine' holds 'none', which is no allowed word. Perhaps you mean"
            " 'none'; use one of: medicine,",
        ),
        (
            "sessions", 3, {"deviation_reason": ""},
            "sessions.csv, line 5, deviation_reason: is empty. Choose why the session differs from its prescription (Intensity).",
        ),
        (
            "sessions", 2, {"patient": "P-09"},
            "sessions.csv, line 4, patient: 'P-09' is no patient you can see in this trial. Check the study number, or add it to"
            " patients.csv.",
        ),
        (
            "session_blocks", 0, {"frequency_hz": "0,01"},
            "session_blocks.csv, line 2, frequency_hz: '0.01' is not possible. Enter a value from 0.1 to 100 Hz.",
        ),
        (
            "session_blocks", 1, {"intensity_percent": "151"},
            "session_blocks.csv, line 3, intensity_percent: '151' is not possible. Enter a value from 0 to 150 %.",
        ),
        (
            "session_blocks", 1, {"session": "7"},
            "session_blocks.csv, line 3, session: '7' is no session in sessions.csv. Name a session of that patient by its number in"
            " sessions.csv.",
        ),
        (
            "adverse_events", 0, {"session": "7"},
            "adverse_events.csv, line 2, session: '7' is no session of this patient. Use its number in sessions.csv, or leave it empty for"
            " an event of no session.",
        ),
        (
            "adverse_events", 1, {"grade": "5"},
            "adverse_events.csv, line 3, grade: ",
        ),
    ],
)  # fmt: skip
def test_each_bad_cell_is_named(bring: Bring, tmp_path: Path, table: str, row: int, cells: Row, sentence: str) -> None:
    found = problems_of(bring(whole(tmp_path / "f", **{table: changed(RECORDS[table], row, **cells)})))
    assert any(one.startswith(sentence) for one in found), found
    assert len(found) == 1 or "is no session in sessions.csv" in found[-1]
    assert not StimulationSession.objects.exists()


def test_a_row_that_stands_twice_is_refused(bring: Bring, tmp_path: Path) -> None:
    found = problems_of(bring(whole(tmp_path / "f", sessions=[*SESSIONS, SESSIONS[0]])))
    assert found[0].startswith("sessions.csv, line 6, row_id: is a row that stands above already. Keep one of them")


def test_the_example_of_the_guide_can_be_imported(bring: Bring, tmp_path: Path) -> None:
    guide = (ROOT / "docs/how-to/import-stimulation.md").read_text()
    blocks = [textwrap.dedent(block).strip() + "\n" for block in re.findall(r"```\w*\n(.*?)```", guide, re.DOTALL)]
    protocol, thresholds, sessions, parts, events = (block.removeprefix("toml\n") for block in blocks)
    coil = '[[coils]]\ncode = "C-1"\nmodel = "Eight"\nshape = "figure_8"\n'
    folder = write_folder(
        tmp_path / "f", TRIAL.replace("[plan]\n", f"{coil}{protocol}[plan]\n"), patients=PATIENTS, diagnoses=DIAGNOSES, pains=PAINS
    )
    for name, text in zip(RECORDS, (thresholds, sessions, parts, events), strict=True):
        (folder / f"{name}.csv").write_text(text)
    assert tallies(bring(folder)) == {
        "motor_thresholds": (1, 0, 0, 0),
        "sessions": (3, 0, 0, 0),
        "session_blocks": (1, 0, 0, 0),
        "adverse_events": (1, 0, 0, 0),
    }


class TestRights:
    """Who may bring and take what."""

    @pytest.fixture
    def imported(self, bring: Bring, tmp_path: Path) -> Trial:
        bring(whole(tmp_path / "f", sessions=SESSIONS[::-1]))
        return Trial.objects.get()

    @pytest.fixture
    def person(self, imported: Trial, setup_actor: Any) -> Callable[..., Any]:
        def make(role: str, site: str = "") -> Any:
            user = accounts.create_user(email=f"{role}@example.org", name=role, password="correct horse battery", by=setup_actor)
            at = imported.sites.get(code=site) if site else None
            accounts.add_membership(user=user, role=role, trial=imported, site=at, by=setup_actor, valid_from=date(2026, 1, 1))
            return user

        return make

    def mine(self, folder: Path, **tables: list[Row]) -> Path:
        """Write what a masked person may bring: no arms, and no kit codes unless given."""
        sessions = [{name: text for name, text in row.items() if name != "kit_code"} for row in SESSIONS]
        return write_folder(folder, STIMULATED, **{**RECORDS, "sessions": sessions, **tables})

    def test_a_masked_export_has_no_kit_and_no_guess(self, person: Callable[..., Any], tmp_path: Path) -> None:
        take_out("calm-m1", tmp_path / "out", by=person("data_manager"))
        [row, *_] = read_table(tmp_path / "out" / "sessions.csv")
        assert not {"kit_code", "guess", "guess_certainty"} & set(row)
        assert row["pain_before"] == "7"
        assert b"K-1A" not in b"".join(contents(tmp_path / "out").values())

    def test_a_masked_export_is_the_same_whoever_got_what(self, person: Callable[..., Any], tmp_path: Path, owner_connection: Any) -> None:
        manager = person("data_manager")
        take_out("calm-m1", tmp_path / "one", by=manager)
        owner_connection.execute("ALTER TABLE closed.allocation DISABLE TRIGGER USER")
        owner_connection.execute("UPDATE closed.allocation c SET arm_id = (SELECT a.id FROM closed.arm a WHERE a.id <> c.arm_id)")
        take_out("calm-m1", tmp_path / "two", by=manager)
        assert contents(tmp_path / "one") == contents(tmp_path / "two")

    def test_a_researcher_takes_sessions_without_pains(self, person: Callable[..., Any], tmp_path: Path) -> None:
        take_out("calm-m1", tmp_path / "out", by=person("researcher"))
        rows = read_table(tmp_path / "out" / "sessions.csv")
        assert {(row["pain_before"], row["pain_after"], row["pain_before_at"]) for row in rows} == {("", "", "")}

    def test_kit_codes_need_the_right_to_allocations(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        manager = person("data_manager")
        found = problems_of(bring(self.mine(tmp_path / "g", sessions=SESSIONS), by=manager))
        assert found[0] == ("sessions.csv, line 2, kit_code: 'K-1A' needs the right 'allocation.manage' to bring in. Leave the column out.")
        report = bring(self.mine(tmp_path / "g"), by=manager)
        assert tallies(report)["sessions"] == (0, 4, 0, 0)

    def test_a_correction_without_the_column_keeps_the_kit(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        folder = self.mine(tmp_path / "g")
        rows = read_table(folder / "sessions.csv")
        report = bring(
            self.mine(folder, sessions=changed(rows, 0, pain_after="5")), by=person("data_manager"), reason="read again on paper"
        )
        assert tallies(report)["sessions"] == (0, 3, 1, 0)
        assert StimulationSession.objects.get(version=2).kit_code == "K-1A"

    def test_a_site_brings_and_takes_its_own(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        manager = person("data_manager", site="N")
        take_out("calm-m1", tmp_path / "out", by=manager)
        for name in RECORDS:
            assert {row["patient"] for row in read_table(tmp_path / "out" / f"{name}.csv")} == {"P-01"}
        assert all(one.tally.new == one.tally.corrected == 0 for one in bring(tmp_path / "out", by=manager).tables)
        found = problems_of(bring(self.mine(tmp_path / "g"), by=manager))
        assert len(found) == 3
        assert all("'P-02' is no patient you can see" in one for one in found)

    def test_numbers_handed_out_follow_study_numbers_and_not_the_file(self, imported: Trial) -> None:
        """A file may be sorted by arm; numbers that grow with each row would tell its order to everybody."""
        found = StimulationSession.objects.order_by("pk").values_list("enrolment__patient_code", "number")
        assert list(found) == sorted(found)

    def test_sessions_need_the_right_to_record_them(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        with pytest.raises(NotAllowed, match=r"session\.record"):
            bring(self.mine(tmp_path / "g"), by=person("unmasked_statistician"))
