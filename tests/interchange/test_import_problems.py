"""Folders that cannot be imported: every bad cell with file, line, column, value, what is wrong and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.interchange import table_reader
from registry.interchange.import_report import ImportReport
from tests.interchange.folders import ARMS, PATIENTS, SCORES, TRIAL, write_folder

Problems = Callable[..., list[str]]


def test_bad_cells_of_all_tables_are_named_at_once(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "f",
        arms=ARMS,
        patients=[*PATIENTS, {"patient": "p-03", "site": "N"}, {"patient": "P-04", "site": "Q"}],
        diagnoses=[{"patient": "P-01", "condition": "fibromialgia"}, {"patient": "P-02", "condition": "other"}],
        pains=[{"patient": "P-01", "rank": "1"}, {"patient": "P-02", "rank": "0"}],
        allocations=[{"patient": "P-01", "arm": "placebo"}, {"patient": "P-02", "arm": "sham"}],
        dispositions=[
            {"patient": "P-02", "kind": "lost", "happened_on": "1.3.2026", "reason": ""},
            {"patient": "P-02", "kind": "death", "happened_on": "", "reason": "rescue"},
        ],
        pain_scores=[
            *SCORES,
            {"patient": "P-02", "visit": "W4", "value": "11"},
            {"patient": "P-02", "visit": "W9", "value": "abc"},
            {"patient": "P-99", "visit": "BL", "value": "1"},
        ],
    )
    assert problems(folder) == [
        "patients.csv, line 4, patient: 'p-03' has small letters. Write it with capitals: P-03.",
        "patients.csv, line 5, site: 'Q' is no site of the trial. Use one of: N, S.",
        "diagnoses.csv, line 2, condition: 'fibromialgia' is no allowed word. Perhaps you mean 'fibromyalgia'; use one of:"
        " post_stroke_central, post_stroke_shoulder, post_stroke_other, crps_1, crps_2, phantom_limb, fibromyalgia, spinal_cord_injury,"
        " trigeminal_neuralgia, brachial_plexus_avulsion, diabetic_neuropathy, post_herpetic_neuralgia, ....",
        "diagnoses.csv, line 3, condition_text: is empty although the condition is 'other'. Name the condition.",
        "pains.csv, line 3, rank: '0' is out of range. Enter a whole number from 1 to 99.",
        "pains.csv, line 2, diagnosis: 'D1' is no diagnosis of this patient. Add the diagnosis to diagnoses.csv first.",
        "allocations.csv, line 2, arm: 'placebo' is no arm of the trial. Use one of: active, sham.",
        "dispositions.csv, line 2, happened_on: '1.3.2026' is no date. Write it as YYYY-MM-DD, like 2026-03-01.",
        "dispositions.csv, line 3, reason: 'rescue' is no reason for death."
        " Use one of: related_death, unrelated_death, other, not_recorded.",
        "pain_scores.csv, line 5, value: '11' does not fit scale nrs. Enter a value from 0 to 10.",
        "pain_scores.csv, line 6, visit: 'W9' is no visit of the trial. Use one of: BL, W4.",
        "pain_scores.csv, line 6, value: 'abc' is no number. Use digits with a decimal point or comma, like 7.5;"
        " leave out units and thousands marks.",
        "pain_scores.csv, line 7, patient: 'P-99' is no patient you can see in this trial."
        " Check the study number, or add it to patients.csv.",
    ]


def test_rows_about_a_patient_whose_own_row_is_bad_are_no_further_news(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "f",
        patients=[{"patient": "P-01", "site": "N", "birth_year": "61"}, {"patient": "P-02", "site": "Q", "birth_year": ""}],
        diagnoses=[{"patient": "P-01", "condition": "low_back"}, {"patient": "P-02", "condition": "low_back"}],
        pain_scores=SCORES,
    )
    assert problems(folder) == [
        "patients.csv, line 2, birth_year: '61' is out of range. Enter a whole number from 1890 to 2100.",
        "patients.csv, line 3, site: 'Q' is no site of the trial. Use one of: N, S.",
    ]


def test_repeated_rows(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "f",
        patients=[*PATIENTS, PATIENTS[0]],
        pain_scores=[
            *({**score, "row_id": ""} for score in SCORES),
            {**SCORES[0], "value": "9", "row_id": ""},
            {**SCORES[0], "row_id": "a"},
            {**SCORES[1], "row_id": "a"},
        ],
    )
    assert problems(folder) == [
        "patients.csv, line 4, patient: 'P-01' stands in an earlier row already. Keep one row for each patient.",
        "pain_scores.csv, line 5, patient: 'P-01' is the score of line 2 again."
        " Keep one of them, or give each its own row_id if both were answered.",
        "pain_scores.csv, line 7, row_id: 'a' is the score of line 6 again. Give each its own row_id.",
    ]


def test_days_and_times(problems: Problems, tmp_path: Path) -> None:
    rows = [
        {"patient": "P-01", "for_date": "2027-01-01", "visit": "", "recorded_at": "", "context": ""},
        {"patient": "P-01", "for_date": "", "visit": "", "recorded_at": "", "context": ""},
        {"patient": "P-01", "for_date": "", "visit": "BL", "recorded_at": "", "context": "diary"},
        {"patient": "P-01", "for_date": "2026-01-01", "visit": "", "recorded_at": "2026-01-01T20:00", "context": ""},
        {"patient": "P-01", "for_date": "2026-01-01", "visit": "", "recorded_at": "2026-12-24T20:00Z", "context": ""},
        {"patient": "P-01", "for_date": "", "visit": "", "recorded_at": "", "context": "visit"},
    ]
    folder = write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=[{**row, "value": "1"} for row in rows])
    remedy = "Enter the day the score is about, or the visit it belongs to."
    assert problems(folder) == [
        "pain_scores.csv, line 2, for_date: '2027-01-01' is in the future. Enter the day the pain was felt.",
        f"pain_scores.csv, line 3, for_date: a diary value needs its day. {remedy}",
        f"pain_scores.csv, line 4, for_date: a diary value needs its day. {remedy}",
        "pain_scores.csv, line 5, recorded_at: '2026-01-01T20:00' has no offset."
        " Add the offset of the place and season, as in 2026-01-01T20:00+01:00, or Z for UTC.",
        "pain_scores.csv, line 6, recorded_at: '2026-12-24T20:00Z' is in the future. Check the day, and the offset.",
        f"pain_scores.csv, line 7, for_date: there is neither a day nor a visit. {remedy}",
    ]


def test_a_scale_must_be_named_where_there_are_two(problems: Problems, tmp_path: Path) -> None:
    trial = TRIAL.partition("[plan]")[0] + '[[scales]]\ncode = "vas"\nmaximum = 100\n'
    folder = write_folder(
        tmp_path / "f",
        trial,
        patients=PATIENTS,
        pain_scores=[{**score, "scale": scale} for score, scale in zip(SCORES, ("vas", "", "nps"), strict=True)],
    )
    assert problems(folder) == [
        "pain_scores.csv, line 3, scale: names no single scale of the trial. Use one of: nrs (version 1), vas (version 1).",
        "pain_scores.csv, line 4, scale: 'nps' names no single scale of the trial. Use one of: nrs (version 1), vas (version 1).",
    ]  # fmt: skip


def test_a_score_about_a_pain_nobody_described(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=[{**SCORES[0], "pain": "2"}, {**SCORES[1], "pain": "overall"}])
    assert problems(folder) == ["pain_scores.csv, line 2, pain: '2' is no pain of this patient. Add it to pains.csv, or write overall."]


def test_a_pain_needs_a_primary_one_beside_it(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "f",
        patients=PATIENTS,
        diagnoses=[{"patient": "P-01", "condition": "low_back"}],
        pains=[{"patient": "P-01", "rank": "2"}],
    )
    assert problems(folder) == [
        "pains.csv, line 2, rank: '2' is there, but the patient has no primary pain. Give one of the patient's pains rank 1."
    ]  # fmt: skip


def test_headers(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", patients=[{"patient": "P-01", "sit": "N"}], diagnoses=[{"patient": "P-01", "onset": ""}])
    (folder / "pain_scores.csv").write_text("patient,value,value,\n")
    assert problems(folder) == [
        "patients.csv, line 1, sit: is no column of this table. Perhaps you mean 'site'; use one of: patient, site, cohort, enrolled_on,"
        " protocol, birth_year, sex, handedness, time_zone.",
        "diagnoses.csv, line 1, condition: is missing from the header. Add the column.",
        "pain_scores.csv, line 1, value: stands twice in the header. Delete one of the two columns.",
        "pain_scores.csv, line 1: column 4 of the header has no name. Name the column, or delete it.",
    ]


def test_rows_of_another_width_and_broken_quotes(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", patients=PATIENTS)
    (folder / "pain_scores.csv").write_text('patient,visit,value\nP-01,BL,7,5\n\nP-01,W4\nP-02,"BL,6\n')
    assert problems(folder) == [
        "pain_scores.csv, line 2: the row has 4 cells. Write 3 cells, as in the header; put quotes around a cell that holds a comma.",
        "pain_scores.csv, line 4: the row has 2 cells. Write 3 cells, as in the header; put quotes around a cell that holds a comma.",
        "pain_scores.csv, line 5: cannot be read: unexpected end of data. Close the quotes of each cell, and double a quote inside one.",
    ]


def test_a_file_of_another_encoding(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", patients=PATIENTS)
    (folder / "dispositions.csv").write_bytes("patient,kind,note\nP-01,lost,verzogen nach Köln\n".encode("latin-1"))
    assert problems(folder) == [
        "dispositions.csv, line 2, note: 'verzogen nach K?ln' holds bytes that are no readable text. Save the file as UTF-8."
    ]


def test_files_that_are_missing_or_misnamed(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", patients=PATIENTS)
    (folder / "pain_score.csv").write_text("patient,value\n")
    (folder / "README.md").write_text("notes are welcome")
    (folder / "trial.toml").unlink()
    assert problems(folder) == [
        "trial.toml: is missing. Write it as docs/reference/trial-folder.md shows.",
        "pain_score.csv: is no file of a trial folder. Perhaps you mean 'pain_scores.csv'; use one of: trial.toml, arms.csv, patients.csv,"
        " diagnoses.csv, pains.csv, allocations.csv, dispositions.csv, pain_scores.csv,"
        " motor_thresholds.csv, sessions.csv, session_blocks.csv, adverse_events.csv.",
    ]


def test_cells_are_read_even_where_the_trial_cannot_be(problems: Problems, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", TRIAL.replace("Calm M1", ""), patients=[{"patient": "p-1", "site": "N"}])
    assert problems(folder) == [
        "trial.toml, line 3, trial.name: is empty. Enter a text.",
        "patients.csv, line 2, patient: 'p-1' has small letters. Write it with capitals: P-1.",
    ]


def test_many_problems_are_counted_and_the_first_ones_shown(bring: Callable[..., ImportReport], tmp_path: Path) -> None:
    rows = [{"patient": "P-01", "visit": "BL", "value": "x", "row_id": str(number)} for number in range(3000)]
    report = bring(write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=rows))
    assert report.problem_count == 3000
    assert len(report.problems) == 1000
    assert list(report.lines())[-1] == "... and 2950 more problems."


@pytest.mark.parametrize(
    ("limit", "most", "sentence"),
    [
        ("MOST_ROWS", 2, "patients.csv, line 4: is past the 2 rows that a table may have. Split the tables by patient and"),
        ("LARGEST_TABLE", 20, "patients.csv: has 0 MB, and at most 0 are read. Split the tables by patient and"),
    ],
)
def test_a_table_that_is_too_large_is_the_only_problem(
    problems: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, sentence: str
) -> None:
    monkeypatch.setattr(table_reader, limit, most)
    patients = [{"patient": f"P-{number}", "site": "N"} for number in range(1, 4)]
    folder = write_folder(tmp_path / "f", patients=patients, diagnoses=[{"patient": "P-3", "condition": "low_back"}])
    [found] = problems(folder)
    assert found.startswith(sentence)
    (folder / "trial.toml").unlink()
    assert any(found.startswith(sentence) for found in problems(folder))


def test_a_table_with_very_many_bad_cells_is_read_no_further(problems: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_reader, "MOST_PROBLEMS", 2)
    patients = [{"patient": f"P-{number}", "site": "N", "birth_year": "x"} for number in range(1, 6)]
    found = problems(write_folder(tmp_path / "f", patients=patients))
    assert len(found) == 3
    assert found[-1] == "patients.csv, line 4: was not read: 2 cells above it are wrong. Mend those first."


def test_scores_are_streamed_however_many_there_are(bring: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_reader, "MOST_ROWS", 2)
    monkeypatch.setattr(table_reader, "LARGEST_TABLE", 60)
    scores = [{"patient": "P-1", "for_date": f"2026-01-0{day}", "value": "5"} for day in range(1, 6)]
    report = bring(write_folder(tmp_path / "f", patients=[{"patient": "P-1", "site": "N"}], pain_scores=scores))
    assert report.imported
    assert report.tables[-1].rows == 5
