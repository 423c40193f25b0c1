"""What a pattern may be, and how one is read from what people type."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.exceptions import InvalidInput
from registry.rules.stimulation import Pattern, PatternInput, pattern_problems, read_pattern, train_bursts
from tests.rules.stimulation.patterns import patterns

D = Decimal
TEN_HERTZ = PatternInput(frequency_hz=D(10), trains=30, gap_s=D(20), train_s=D(10))
THETA = PatternInput(frequency_hz=D(5), trains=20, gap_s=D(8), bursts_per_train=10, pulses_per_burst=3, intra_burst_hz=D(50))


def refused(given_: PatternInput) -> list[tuple[str, str]]:
    """Return field and code of what is wrong."""
    with pytest.raises(InvalidInput) as caught:
        read_pattern(given_)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_seconds_pulses_and_bursts_say_the_same() -> None:
    assert read_pattern(TEN_HERTZ) == Pattern(D(10), 100, 30, D(20))
    assert read_pattern(replace(TEN_HERTZ, train_s=None, pulses_per_train=100)) == read_pattern(TEN_HERTZ)
    assert read_pattern(THETA) == Pattern(D(5), 10, 20, D(8), 3, D(50))
    assert read_pattern(replace(THETA, bursts_per_train=None, train_s=D(2))) == read_pattern(THETA)
    assert read_pattern(replace(THETA, bursts_per_train=None, pulses_per_train=30)) == read_pattern(THETA)


@pytest.mark.parametrize(
    ("hertz", "seconds", "remedy"),
    [
        ("10", "0.25", "Enter 0.2 s or 0.3 s, or the pulses of a train."),
        ("10", "0.05", "Enter 0.1 s, or the pulses of a train."),
        ("3", "0.5", "Enter the pulses of a train instead: 1 or 2."),
    ],
    ids=["tenths", "less-than-one", "thirds"],
)
def test_a_train_of_broken_pulses_names_the_nearest_whole_ones(hertz: str, seconds: str, remedy: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_pattern(replace(TEN_HERTZ, frequency_hz=D(hertz), train_s=D(seconds)))
    [problem] = caught.value.problems
    assert (problem.field, problem.code) == ("train_s", "broken_train")
    assert problem.message.endswith(remedy)


@given(st.integers(1, 600))
def test_whole_pulses_in_tenths_are_never_refused(tenths: int) -> None:
    # In binary floats 0.3 * 10 would already be a broken pulse.
    assert train_bursts(D(10), D(tenths) / 10) == tenths


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"frequency_hz": None}, "frequency_hz", "required"),
        ({"trains": None}, "trains", "required"),
        ({"gap_s": None}, "gap_s", "required"),
        ({"train_s": None}, "train_s", "required"),
        ({"pulses_per_train": 100}, "train_s", "twice"),
        ({"frequency_hz": D("0.09")}, "frequency_hz", "out_of_range"),
        ({"frequency_hz": D(101)}, "frequency_hz", "out_of_range"),
        ({"frequency_hz": D("NaN")}, "frequency_hz", "out_of_range"),
        ({"frequency_hz": D("10.0001"), "train_s": None, "pulses_per_train": 10}, "frequency_hz", "too_many_decimals"),
        ({"trains": 0}, "trains", "out_of_range"),
        ({"trains": 201}, "trains", "out_of_range"),
        ({"gap_s": D("120.1")}, "gap_s", "out_of_range"),
        ({"gap_s": D("-0.1")}, "gap_s", "out_of_range"),
        ({"trains": 1}, "gap_s", "not_applicable"),
        ({"train_s": D("60.1")}, "train_s", "out_of_range"),
        ({"train_s": D(0)}, "train_s", "out_of_range"),
        ({"train_s": D("Infinity")}, "train_s", "out_of_range"),
        ({"train_s": None, "pulses_per_train": 0}, "pulses_per_train", "out_of_range"),
        ({"train_s": D(60), "trains": 34}, "trains", "out_of_range"),
        ({"intra_burst_hz": D(50)}, "intra_burst_hz", "not_applicable"),
        ({"pulses_per_burst": 0}, "pulses_per_burst", "out_of_range"),
        ({"pulses_per_burst": 3}, "intra_burst_hz", "required"),
        ({"pulses_per_burst": 3, "intra_burst_hz": D(20)}, "pulses_per_burst", "overlap"),
        ({"pulses_per_burst": 3, "intra_burst_hz": D(50), "train_s": None, "pulses_per_train": 100}, "pulses_per_train", "broken_burst"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_at_its_field(change: dict[str, object], field: str, code: str) -> None:
    assert refused(replace(TEN_HERTZ, **change)) == [(field, code)]  # type: ignore[arg-type]


def test_all_that_is_missing_is_named_at_once() -> None:
    empty = PatternInput(frequency_hz=None, trains=None, gap_s=None)
    assert [field for field, _ in refused(empty)] == ["frequency_hz", "trains", "gap_s", "train_s"]


def test_slow_and_burst_trains_may_run_longer_than_a_minute() -> None:
    assert not pattern_problems(Pattern(D(1), 1800, 1, D(0)))
    assert not pattern_problems(Pattern(D(5), 400, 1, D(0), 3, D(50)))
    assert not pattern_problems(Pattern(D("0.2"), 360, 1, D(0), 4, D(200)))
    assert [problem.field for problem in pattern_problems(Pattern(D("1.1"), 67, 1, D(0)))] == ["train_s"]


@given(patterns())
def test_a_sound_pattern_reads_back_from_its_parts(pattern: Pattern) -> None:
    assert not pattern_problems(pattern)
    stated = PatternInput(
        frequency_hz=pattern.frequency_hz,
        trains=pattern.trains,
        gap_s=pattern.gap_s,
        pulses_per_train=pattern.pulses_per_train,
        pulses_per_burst=pattern.pulses_per_burst,
        intra_burst_hz=pattern.intra_burst_hz,
    )
    assert read_pattern(stated) == pattern
