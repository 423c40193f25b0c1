"""Every row of the table of published protocols: train length, pulses, length of the schedule, duty cycle."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from registry.rules.stimulation import PRESETS, SOURCE_MARKS, Pattern, pattern_problems, preset, rounded_text
from registry.vocabulary import IntensityReference

# code: Hz, percent, pulses of a train x trains, gap, then as the table prints them: T in s, P, D' in min, duty cycle
TABLE: dict[str, tuple[str, str, int, int, str | None, str | None, int, str | None, str | None]] = {
    "attal_2021": ("10", "80", 100, 30, "20", "10", 3000, "15", "0.33"),
    "hosomi_2013": ("5", "90", 50, 10, "50", "10", 500, "10", "0.17"),
    "hosomi_2020": ("5", "90", 50, 10, "50", "10", 500, "10", "0.17"),
    "khedr_2005": ("20", "80", 200, 10, "50", "10", 2000, "10", "0.17"),
    "ahmed_2011": ("20", "80", 200, 10, "50", "10", 2000, "10", "0.17"),
    "malavera_2016": ("10", "90", 60, 20, "54", "6", 1200, "20", "0.1"),
    "picarelli_2010": ("10", "100", 100, 25, "60", "10", 2500, "29.2", "0.14"),
    "crps_rehabilitation": ("10", "80", 100, 20, "30", "10", 2000, "13.3", "0.25"),
    "passard_2007": ("10", "80", 80, 25, "52", "8", 2000, "25", "0.13"),
    "mhalla_2011": ("10", "80", 100, 15, "50", "10", 1500, "15", "0.17"),
    "quesada_2020": ("20", "80", 80, 20, "84", "4", 1600, "29.3", "0.05"),
    "ohn_2012": ("10", "90", 50, 20, "55", "5", 1000, "20", "0.08"),
    "kim_2020": ("5", "80", 30, 20, "8", "2", 600, "3.3", "0.2"),
    "shimizu_2017": ("5", "90", 50, 10, "50", "10", 500, "10", "0.17"),
    "onesti_2013": ("20", "100", 50, 30, "30", "2.5", 1500, "16.3", "0.08"),
    "de_oliveira_2014": ("10", "120", 50, 25, "25", "5", 1250, "12.5", "0.17"),
    "depression_reference": ("10", "120", 40, 75, "26", "4", 3000, "37.5", "0.13"),
}
OPEN = {"zhao_2021": 2000, "tanwar_2020": 1200}


def as_printed(value: Fraction, places: str) -> Decimal:
    """Round as the table does, by Python's own decimal arithmetic."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(places), ROUND_HALF_UP)


@pytest.mark.parametrize("code", TABLE)
def test_row_of_the_table(code: str) -> None:
    hertz, percent, per_train, trains, gap, train_s, pulses, minutes, duty = TABLE[code]
    found = preset(code)
    assert found is not None
    pattern = found.pattern
    assert pattern is not None
    assert not pattern_problems(pattern)
    assert (pattern.frequency_hz, found.intensity_percent) == (Decimal(hertz), Decimal(percent))
    assert (pattern.pulses_per_train, pattern.trains, pattern.gap_s) == (per_train, trains, Decimal(str(gap)))
    assert pattern.train_s == Fraction(str(train_s))
    assert pattern.pulses == found.pulses == pulses
    assert as_printed(pattern.cycle_s / 60, "0.1") == Decimal(str(minutes))
    assert as_printed(pattern.duty_cycle, "0.01") == Decimal(str(duty))
    assert rounded_text(pattern.duty_cycle, 2) == duty


@pytest.mark.parametrize("code", OPEN)
def test_what_a_source_leaves_open_stays_open(code: str) -> None:
    found = preset(code)
    assert found is not None
    assert found.pattern is None
    assert found.gap_s is None
    assert found.pulses == OPEN[code]


def test_tanwar_states_its_trains_but_not_their_pause() -> None:
    found = preset("tanwar_2020")
    assert found is not None
    assert (found.bursts_per_train, found.trains) == (150, 8)
    assert Pattern(found.frequency_hz, 150, 8, Decimal(0)).train_s == 150


def test_every_row_is_there_once_and_every_mark_is_explained() -> None:
    assert {one.code for one in PRESETS} == {*TABLE, *OPEN}
    assert len(PRESETS) == len(TABLE) + len(OPEN)
    for one in PRESETS:
        marks = one.marks
        assert {marks.frequency, marks.intensity, marks.train, marks.gap, marks.pulses, marks.sessions} <= SOURCE_MARKS.keys()
        assert one.pattern is None or marks.gap
    assert preset("kim_2020").intensity_reference is IntensityReference.AMT  # type: ignore[union-attr]
    assert preset("nowhere_1999") is None
