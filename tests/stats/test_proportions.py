"""Wilson's interval against printed values, its edges and its symmetry."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.stats.proportions import Interval, proportion, wilson

# Newcombe RG. Two-sided confidence intervals for the single proportion. Stat Med 1998;17:857-872, table I, method 3.
NEWCOMBE_TABLE_1 = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
# 36/154 and 12/77: SAS PROC FREQ, printed by the CAMIS project (PSIAIMS/CAMIS, ci_for_prop).
SAS = [(36, 154, 0.1739, 0.3066), (12, 77, 0.0915, 0.2529)]
# Responders of published rTMS series: Quesada 2020 17/36, Thomas 2024 81/193, Pommier 2018 43/71 and 54/71.
RTMS_SERIES = [(17, 36, 0.320, 0.630), (81, 193, 0.352, 0.490), (43, 71, 0.489, 0.711), (54, 71, 0.650, 0.845)]

counts = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("x", "n", "low", "high"), NEWCOMBE_TABLE_1 + SAS)
def test_wilson_gives_the_printed_limits(x: int, n: int, low: float, high: float) -> None:
    limits = wilson(x, n)
    assert (round(limits.low, 4), round(limits.high, 4)) == (low, high)


@pytest.mark.parametrize(("x", "n", "low", "high"), RTMS_SERIES)
def test_wilson_of_published_rtms_series(x: int, n: int, low: float, high: float) -> None:
    limits = wilson(x, n)
    assert (round(limits.low, 3), round(limits.high, 3)) == (low, high)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 49, 401, 10**6, 10**12])
def test_wilson_is_exact_at_the_ends(n: int) -> None:
    assert wilson(0, n).low == 0.0
    assert wilson(n, n).high == 1.0


def test_wilson_never_calls_nothing_seen_impossible() -> None:
    # 0 adverse events in 49 patients may still be 7 %.
    assert round(wilson(0, 49).high, 4) == 0.0727


@given(counts)
def test_wilson_encloses_the_estimate(count: tuple[int, int]) -> None:
    x, n = count
    limits = wilson(x, n)
    assert 0 <= limits.low <= x / n <= limits.high <= 1


@given(counts)
def test_wilson_mirrors_when_events_and_others_change_places(count: tuple[int, int]) -> None:
    x, n = count
    limits, mirrored = wilson(x, n), wilson(n - x, n)
    assert math.isclose(limits.low, 1 - mirrored.high, abs_tol=1e-15)
    assert math.isclose(limits.high, 1 - mirrored.low, abs_tol=1e-15)


@given(counts, st.floats(0.5, 0.98))
def test_more_confidence_is_a_wider_interval(count: tuple[int, int], confidence: float) -> None:
    narrow, wide = wilson(*count, confidence), wilson(*count, confidence + 0.01)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@pytest.mark.parametrize(("x", "n"), [(0, 0), (-1, 5), (6, 5), (1, -1), (1.0, 5), (True, 5)])
def test_wilson_refuses_what_is_no_count(x: int, n: int) -> None:
    with pytest.raises(ValueError, match="must"):
        wilson(x, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -0.5])
def test_wilson_refuses_what_is_no_confidence(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 5, confidence)


def test_proportion_keeps_what_it_was_made_of() -> None:
    found = proportion(19, 27)
    assert (found.x, found.n, found.estimate) == (19, 27, 19 / 27)
    # Malavera 2016, phantom limb pain, 10 Hz over M1: 70.4 % (51.5 to 84.1).
    assert (round(found.interval.low, 3), round(found.interval.high, 3)) == (0.515, 0.841)


def test_interval_includes_its_limits() -> None:
    assert all(value in Interval(-0.5, 0.5) for value in (-0.5, 0, 0.5))
    assert 0.51 not in Interval(-0.5, 0.5)
