"""An import that would change the primary pain of an allocated patient names the cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.interchange.folders import ALLOCATIONS, ARMS, PATIENTS, TRIAL, write_folder

PROSPECTIVE = TRIAL.replace('"retrospective"', '"prospective"')
DIAGNOSES = [{"patient": row["patient"], "condition": "crps_1"} for row in PATIENTS]
PAINS = [{"patient": row["patient"], "side": "left"} for row in PATIENTS]


def test_each_cell_that_differs_is_named(bring: Callable[..., Any], problems: Callable[..., list[str]], tmp_path: Path) -> None:
    allocations = [{**row, "allocated_on": "2026-03-01"} for row in ALLOCATIONS]
    whole = {"arms": ARMS, "patients": PATIENTS, "diagnoses": DIAGNOSES, "pains": PAINS, "allocations": allocations}
    assert bring(write_folder(tmp_path / "f", PROSPECTIVE, **whole)).imported
    changed = {
        "diagnoses": [DIAGNOSES[0], {**DIAGNOSES[1], "condition": "low_back"}],
        "pains": [{**PAINS[0], "side": "right"}, PAINS[1]],
    }
    assert problems(write_folder(tmp_path / "g", PROSPECTIVE, **changed), reason="second thoughts about both") == [
        "diagnoses.csv, line 3, condition: 'low_back' differs from the condition of the primary pain, crps_1, which is frozen at "
        "allocation. Keep crps_1; record what was found later as another diagnosis.",
        "pains.csv, line 2, side: 'right' differs from the side of the primary pain, left, which is frozen at allocation. "
        "Keep left; follow a pain found later under another rank.",
    ]
    again = bring(write_folder(tmp_path / "h", PROSPECTIVE, **whole))
    assert again.imported
    assert not any(table.tally.corrected for table in again.tables)
