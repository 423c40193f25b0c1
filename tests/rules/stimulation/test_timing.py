"""The worked numbers of published patterns, and what must hold for every pattern."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.rules.stimulation import IntervalCounts, Pattern
from tests.rules.stimulation.patterns import patterns

D = Decimal
ITBS = Pattern(D(5), 10, 20, D(8), pulses_per_burst=3, intra_burst_hz=D(50))
CTBS = Pattern(D(5), 200, 1, D(0), pulses_per_burst=3, intra_burst_hz=D(50))
PROLONGED_CTBS = Pattern(D(5), 400, 1, D(0), pulses_per_burst=3, intra_burst_hz=D(50))
QPS = Pattern(D("0.2"), 360, 1, D(0), pulses_per_burst=4, intra_burst_hz=D(200))
SLOW = Pattern(D(1), 1200, 1, D(0))
MALAVERA = Pattern(D(10), 60, 20, D(54))
KHEDR = Pattern(D(20), 200, 10, D(50))
DEPRESSION = Pattern(D(10), 40, 75, D(26))


def test_intermittent_theta_burst_has_two_lengths() -> None:
    assert (ITBS.pulses, ITBS.pulses_per_train, ITBS.train_s) == (600, 30, 2)
    assert ITBS.nominal_s == 192
    assert ITBS.last_pulse_s == Fraction("191.84")
    assert ITBS.cycle_s == 200
    assert ITBS.train_onset_interval_s == 10
    assert ITBS.duty_cycle == Fraction(1, 5)


def test_continuous_theta_burst() -> None:
    assert (CTBS.pulses, CTBS.nominal_s, CTBS.last_pulse_s) == (600, 40, Fraction("39.84"))
    assert (PROLONGED_CTBS.pulses, PROLONGED_CTBS.nominal_s) == (1200, 80)


def test_quadripulse() -> None:
    assert (QPS.pulses, QPS.nominal_s, QPS.inter_pulse_s) == (1440, 1800, Fraction(5, 1000))
    assert QPS.last_pulse_s == 359 * 5 + Fraction(15, 1000)


def test_one_hertz_without_pause() -> None:
    assert (SLOW.pulses, SLOW.nominal_s, SLOW.cycle_s, SLOW.last_pulse_s) == (1200, 1200, 1200, 1199)
    assert (SLOW.duty_cycle, SLOW.mean_hz) == (1, 1)


def test_malavera_takes_the_published_twenty_minutes() -> None:
    assert (MALAVERA.pulses, MALAVERA.train_s, MALAVERA.cycle_s) == (1200, 6, 1200)


def test_khedr_follows_from_ten_minutes_and_two_thousand_pulses() -> None:
    assert (KHEDR.pulses, KHEDR.train_s, KHEDR.cycle_s, KHEDR.train_onset_interval_s) == (2000, 10, 600, 60)


def test_machine_numbers_equal_the_examples_of_nibs_bids() -> None:
    assert ITBS.intervals == IntervalCounts(Fraction("0.02"), 3, Fraction("0.2"), 10, Fraction(10), 20)
    assert CTBS.intervals == IntervalCounts(Fraction("0.02"), 3, Fraction("0.2"), 200, Fraction(0), 1)
    assert QPS.intervals == IntervalCounts(Fraction("0.005"), 4, Fraction(5), 360, Fraction(0), 1)
    assert DEPRESSION.intervals == IntervalCounts(Fraction("0.1"), 40, Fraction(30), 75, Fraction(0), 1)
    assert Pattern(D(1), 600, 1, D(0)).intervals == IntervalCounts(Fraction(1), 600, Fraction(0), 1, Fraction(0), 1)


def test_stopped_early_leaves_whole_trains() -> None:
    assert MALAVERA.shortened(12) == Pattern(D(10), 60, 12, D(54))
    assert MALAVERA.shortened(1) == Pattern(D(10), 60, 1, D(0))


def moments(pattern: Pattern) -> list[Fraction]:
    """Return when each pulse falls, one after the other, as a stimulator would count."""
    intra = Fraction(0) if pattern.intra_burst_hz is None else 1 / Fraction(pattern.intra_burst_hz)
    found, train_start = [], Fraction(0)
    for _ in range(pattern.trains):
        for burst in range(pattern.bursts_per_train):
            found += [train_start + burst / Fraction(pattern.frequency_hz) + pulse * intra for pulse in range(pattern.pulses_per_burst)]
        train_start += pattern.bursts_per_train / Fraction(pattern.frequency_hz) + Fraction(pattern.gap_s)
    return found


@settings(deadline=None)
@given(patterns(most_bursts=12, most_trains=6))
def test_derived_values_are_those_of_the_pulses_themselves(pattern: Pattern) -> None:
    found = moments(pattern)
    assert pattern.pulses == len(found)
    assert pattern.last_pulse_s == found[-1]
    assert found == sorted(set(found))


@given(patterns())
def test_lengths_hang_together(pattern: Pattern) -> None:
    assert pattern.pulses == pattern.pulses_per_burst * pattern.bursts_per_train * pattern.trains
    assert pattern.cycle_s - pattern.nominal_s == Fraction(pattern.gap_s)
    assert pattern.last_pulse_s < pattern.nominal_s <= pattern.cycle_s
    assert 0 < pattern.duty_cycle <= 1
    assert pattern.duty_cycle * pattern.train_onset_interval_s == pattern.train_s
    assert pattern.mean_hz * pattern.nominal_s == pattern.pulses


@given(patterns(), st.data())
def test_machine_numbers_say_the_same_pulses(pattern: Pattern, data: st.DataObject) -> None:
    numbers = pattern.intervals
    assert numbers.pulses_in_burst * numbers.bursts_in_train * numbers.trains_in_protocol == pattern.pulses
    last = (
        (numbers.pulses_in_burst - 1) * numbers.inter_pulse_interval
        + (numbers.bursts_in_train - 1) * numbers.inter_burst_interval
        + (numbers.trains_in_protocol - 1) * numbers.inter_train_interval
    )
    assert last == pattern.last_pulse_s
    whole = data.draw(st.integers(1, pattern.trains))
    assert pattern.shortened(whole).pulses * pattern.trains == pattern.pulses * whole
