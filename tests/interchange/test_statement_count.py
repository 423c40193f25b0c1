"""The number of statements of an import and an export does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from registry.interchange.exporter import take_out
from registry.interchange.import_report import ImportReport
from registry.models import User
from registry.services import row_adding
from tests.interchange.folders import ARMS, TRIAL, write_folder


def folder_of(folder: Path, slug: str, patients: int, value: str = "5") -> Path:
    """Write a folder with so many patients in every table, and ten scores each."""
    codes = [f"P-{number}" for number in range(patients)]
    return write_folder(
        folder,
        TRIAL.replace("calm-m1", slug),
        arms=ARMS,
        patients=[{"patient": code, "site": "N", "birth_year": "1961"} for code in codes],
        diagnoses=[{"patient": code, "condition": "low_back"} for code in codes],
        pains=[{"patient": code} for code in codes],
        allocations=[{"patient": code, "arm": "sham"} for code in codes],
        dispositions=[{"patient": code, "kind": "completion"} for code in codes],
        pain_scores=[
            {"patient": code, "for_date": f"2026-01-{day:02}", "value": value, "recorded_at": f"2026-01-{day:02}T20:00Z", "pain": "1"}
            for code in codes
            for day in range(1, 11)
        ],
        motor_thresholds=[
            {"patient": code, "measured_on": "2026-01-02", "hemisphere": "left", "percent_mso": str(40 + int(value))} for code in codes
        ],
        sessions=[
            {"patient": code, "number": "1", "status": "given", "for_date": "2026-01-02", "threshold": "2026-01-02", "pain_before": value}
            for code in codes
        ],
        session_blocks=[
            {"patient": code, "session": "1", "target": "m1_hand", "hemisphere": "left", "frequency_hz": "10", "train_s": "10"}
            | {"trains": "30", "gap_s": "20", "intensity_percent": str(70 + int(value))}
            for code in codes
        ],
        adverse_events=[
            {"patient": code, "term": "headache", "onset_on": "2026-01-02", "grade": "1" if value == "5" else "2", "session": "1"}
            for code in codes
        ],
    )


def tallies(report: ImportReport, what: str) -> list[int]:
    """Return one count for each of the last five tables: scores, thresholds, sessions, blocks, events."""
    assert report.problem_count == 0, [problem.sentence for problem in report.problems]
    assert all(table.tally.absent == 0 for table in report.tables)
    return [getattr(table.tally, what) for table in report.tables[-5:]]


@pytest.fixture
def count(committed_db: None) -> Callable[[Callable[[], Any]], int]:
    def run(action: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connections["default"]) as open_side, CaptureQueriesContext(connections["closed"]) as closed_side:
            action()
        return len(open_side) + len(closed_side)

    return run


def test_statements_are_as_many_for_ten_rows_as_for_a_thousand(
    bring: Callable[..., ImportReport],
    count: Callable[[Callable[[], Any]], int],
    tmp_path: Path,
    admin: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_adding, "COPIED_FROM", 1)  # a COPY is one statement more than an INSERT
    counts = {}
    for patients in (1, 100):
        folder, slug = tmp_path / f"f{patients}", f"of-{patients}"

        def first(folder: Path = folder, slug: str = slug, patients: int = patients) -> None:
            assert tallies(bring(folder_of(folder, slug, patients)), "new") == [10 * patients, *[patients] * 4]

        def again(folder: Path = folder, slug: str = slug, patients: int = patients) -> None:
            assert tallies(bring(folder_of(folder, slug, patients)), "unchanged") == [10 * patients, *[patients] * 4]

        def corrected(folder: Path = folder, slug: str = slug, patients: int = patients) -> None:
            report = bring(folder_of(folder, slug, patients, value="4"), reason="all values were wrong")
            assert tallies(report, "corrected") == [10 * patients, *[patients] * 4]

        def out(folder: Path = folder, slug: str = slug, patients: int = patients) -> None:
            files = take_out(slug, folder.with_name(slug), by=User.objects.get(pk=admin.pk))
            assert [file.rows for file in files[-5:]] == [10 * patients, *[patients] * 4]

        counts[patients] = [count(action) for action in (first, again, corrected, out)]
    assert counts[1] == counts[100]
    assert max(counts[1]) < 350
