"""Every interval that R computed for the reference trials, row by row."""

from itertools import chain
from pathlib import Path

import pytest

from registry.stats.differences import newcombe, number_needed_to_treat
from registry.stats.proportions import wilson
from tests.stats.reference_rows import rows_of

# The files print ten significant digits.
NEAR = {"rel": 1e-9, "abs": 1e-10}


def test_wilson_equals_r_on_every_row(shared: Path) -> None:
    folder = shared / "data"
    responders = chain.from_iterable(rows_of(path) for path in sorted(folder.glob("*/oracle_responders.csv")))
    rates = rows_of(folder / "licorice_sore_throat" / "oracle_event_rates.csv")
    grid = rows_of(folder / "interval_anchors" / "grid_one_proportion.csv")
    rows = [(row["responders"], row) for row in responders] + [(row["x"], row) for row in (*rates, *grid)]
    assert len(rows) > 190
    for x, row in rows:
        limits = wilson(int(x), int(row["n"]))
        assert limits.low == pytest.approx(float(row["wilson_lo"]), **NEAR), row
        assert limits.high == pytest.approx(float(row["wilson_hi"]), **NEAR), row


def test_newcombe_and_number_needed_equal_r_on_every_row(shared: Path) -> None:
    rows = [row for path in sorted(shared.glob("data/*/oracle_comparisons.csv")) for row in rows_of(path)]
    assert len(rows) > 45
    for row in rows:
        difference = newcombe(int(row["x1"]), int(row["n1"]), int(row["x2"]), int(row["n2"]))
        needed = number_needed_to_treat(difference)
        assert difference.estimate == pytest.approx(float(row["rd"]), **NEAR), row
        assert difference.interval.low == pytest.approx(float(row["newcombe_lo"]), **NEAR), row
        assert difference.interval.high == pytest.approx(float(row["newcombe_hi"]), **NEAR), row
        assert needed.estimate == pytest.approx(float(row["nnt"]), rel=1e-9), row
        assert needed.text == row["nnt_text"], row


def test_published_anchors_to_every_printed_digit(shared: Path) -> None:
    rows = rows_of(shared / "data" / "interval_anchors" / "published_intervals.csv")
    chosen = [row for row in rows if row["method"] in ("wilson", "newcombe")]
    assert len(chosen) == 3
    for row in chosen:
        first, second = (int(row["x1"]), int(row["n1"])), (row["x2"], row["n2"])
        limits = newcombe(*first, int(second[0]), int(second[1])).interval if row["method"] == "newcombe" else wilson(*first)
        assert (limits.low, limits.high) == pytest.approx((float(row["r_lo"]), float(row["r_hi"])), **NEAR), row
        assert (round(limits.low, 4), round(limits.high, 4)) == (float(row["published_lo"]), float(row["published_hi"])), row
