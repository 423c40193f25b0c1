"""Prescribed beside delivered: every difference is one deviation, equal values never are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.rules.stimulation import (
    Block,
    Delivery,
    Deviation,
    NewSession,
    Pattern,
    deviation_problems,
    explained_by,
    session_deviations,
)
from registry.vocabulary import (
    DeviationKind,
    DeviationReason,
    Hemisphere,
    IntensityReference,
    SessionReason,
    SessionStatus,
    StimulationTarget,
)
from tests.rules.stimulation.patterns import patterns

D = Decimal
TEN_HERTZ = Block(StimulationTarget.M1_HAND, Hemisphere.LEFT, Pattern(D(10), 100, 30, D(20)), D(80))
THETA = Block(StimulationTarget.DLPFC, Hemisphere.LEFT, Pattern(D(5), 10, 20, D(8), 3, D(50)), D(80), IntensityReference.AMT)
ONE = Delivery((TEN_HERTZ,), (TEN_HERTZ,))
TWO = Delivery((THETA, TEN_HERTZ), (THETA, TEN_HERTZ))


def changed(block: Block, **parts: Any) -> Block:
    """Return a block with parts of its pattern changed."""
    return replace(block, pattern=replace(block.pattern, **parts))


def kinds(delivery: Delivery) -> list[tuple[DeviationKind, int | None]]:
    """Return kind and block of each deviation."""
    return [(one.kind, one.block) for one in session_deviations(delivery)]


@given(patterns())
def test_what_was_given_as_planned_has_no_deviation(pattern: Pattern) -> None:
    block = replace(TEN_HERTZ, pattern=pattern)
    assert session_deviations(Delivery((block,), (block,), pulse_counter=pattern.pulses, hearing_protection=True)) == []


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (changed(TEN_HERTZ, frequency_hz=D("9.9")), [Deviation(DeviationKind.FREQUENCY, 1, "10 Hz", "9.9 Hz")]),
        (changed(TEN_HERTZ, frequency_hz=D("10.0")), []),
        (changed(TEN_HERTZ, bursts_per_train=99), [Deviation(DeviationKind.PULSES_PER_TRAIN, 1, "100", "99")]),
        (changed(TEN_HERTZ, trains=31), [Deviation(DeviationKind.TRAINS, 1, "30", "31")]),
        (changed(TEN_HERTZ, gap_s=D("19.5")), [Deviation(DeviationKind.GAP, 1, "20 s", "19.5 s")]),
        (changed(TEN_HERTZ, trains=1, gap_s=D(0)), [Deviation(DeviationKind.TRAINS, 1, "30", "1")]),
        (
            changed(TEN_HERTZ, bursts_per_train=50, pulses_per_burst=2, intra_burst_hz=D(100)),
            [Deviation(DeviationKind.BURST, 1, "single pulses", "2 pulses at 100 Hz")],
        ),
        (replace(TEN_HERTZ, intensity_percent=D("80.00")), []),
        (replace(TEN_HERTZ, intensity_percent=D(75)), [Deviation(DeviationKind.INTENSITY, 1, "80 % RMT", "75 % RMT")]),
        (
            replace(TEN_HERTZ, intensity_reference=IntensityReference.AMT),
            [Deviation(DeviationKind.INTENSITY, 1, "80 % RMT", "80 % AMT")],
        ),
        (replace(TEN_HERTZ, target=StimulationTarget.M1_LEG), [Deviation(DeviationKind.TARGET, 1, "M1, hand area", "M1, leg area")]),
        (
            replace(TEN_HERTZ, target=StimulationTarget.OTHER, target_text="Frontal pole"),
            [Deviation(DeviationKind.TARGET, 1, "M1, hand area", "Other target: Frontal pole")],
        ),
        (replace(TEN_HERTZ, hemisphere=Hemisphere.RIGHT), [Deviation(DeviationKind.HEMISPHERE, 1, "Left", "Right")]),
    ],
    ids=str,
)
def test_each_difference_of_a_block_is_one_deviation(block: Block, expected: list[Deviation]) -> None:
    assert session_deviations(replace(ONE, given=(block,))) == expected


def test_several_differences_are_several_deviations() -> None:
    block = replace(changed(TEN_HERTZ, frequency_hz=D(5), trains=20), intensity_percent=D(70))
    assert kinds(replace(ONE, given=(block,))) == [
        (DeviationKind.FREQUENCY, 1),
        (DeviationKind.TRAINS, 1),
        (DeviationKind.INTENSITY, 1),
    ]


def test_blocks_are_compared_in_their_order() -> None:
    assert kinds(TWO) == []
    swapped = kinds(replace(TWO, given=(TEN_HERTZ, THETA)))
    assert (DeviationKind.FREQUENCY, 1) in swapped
    assert (DeviationKind.FREQUENCY, 2) in swapped
    assert kinds(replace(TWO, given=(THETA,))) == [(DeviationKind.BLOCKS, None)]
    assert session_deviations(replace(ONE, given=(TEN_HERTZ, THETA))) == [Deviation(DeviationKind.BLOCKS, None, "1", "2")]


def test_without_a_prescription_nothing_is_compared() -> None:
    assert kinds(Delivery((), (TEN_HERTZ,))) == []


STOPPED = replace(ONE, given=(changed(TEN_HERTZ, trains=12),), stopped_early=True)


def test_stopped_early_is_one_deviation_however_short() -> None:
    expected = [Deviation(DeviationKind.NOT_COMPLETED, None, "3\u2009000 pulses", "1\u2009200 pulses")]
    assert session_deviations(STOPPED) == expected
    assert kinds(replace(TWO, given=(THETA,), stopped_early=True)) == [(DeviationKind.NOT_COMPLETED, None)]
    slow = replace(TEN_HERTZ, pattern=Pattern(D(1), 1200, 1, D(0)))
    assert kinds(Delivery((slow,), (changed(slow, bursts_per_train=600),), stopped_early=True)) == [(DeviationKind.NOT_COMPLETED, None)]


def test_a_train_broken_off_is_part_of_the_stop() -> None:
    whole, broken = changed(TEN_HERTZ, trains=15), changed(TEN_HERTZ, trains=1, gap_s=D(0), bursts_per_train=40)
    stopped = replace(ONE, given=(whole, broken), stopped_early=True)
    assert session_deviations(stopped) == [Deviation(DeviationKind.NOT_COMPLETED, None, "3\u2009000 pulses", "1\u2009540 pulses")]
    other_target = replace(broken, target=StimulationTarget.S1)
    assert (DeviationKind.BLOCKS, None) in kinds(replace(stopped, given=(whole, other_target)))


def test_a_stopped_session_still_shows_what_else_differed() -> None:
    weaker = replace(STOPPED.given[0], intensity_percent=D(70))
    assert kinds(replace(STOPPED, given=(weaker,))) == [(DeviationKind.INTENSITY, 1), (DeviationKind.NOT_COMPLETED, None)]
    longer = changed(TEN_HERTZ, trains=31)
    assert kinds(replace(STOPPED, given=(longer,))) == [(DeviationKind.TRAINS, 1)]


STOPPED_AT_12 = Deviation(DeviationKind.NOT_COMPLETED, None, "3\u2009000 pulses", "1\u2009200 pulses")


def lasting(seconds: float, second: int = 3) -> dict[str, Any]:
    """Return times so many seconds apart."""
    started = datetime(2026, 11, 19, 8, 5, second, tzinfo=UTC)
    return {"started_at": started, "ended_at": started + timedelta(seconds=seconds)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kit_expected": "K-1", "kit_given": "K-1"}, []),
        ({"kit_expected": "K-1", "kit_given": "K-2"}, [Deviation(DeviationKind.KIT, None, "K-1", "K-2")]),
        ({"kit_given": "K-2"}, []),
        ({"coil_matches_threshold": False}, [Deviation(DeviationKind.COIL_MODEL, None, "coil of the threshold", "another model")]),
        ({"hearing_protection": False}, [Deviation(DeviationKind.HEARING_PROTECTION, None, "on", "off")]),
        ({"pulse_counter": 3000}, []),
        ({"pulse_counter": 2999}, [Deviation(DeviationKind.PULSE_COUNTER, None, "3\u2009000 pulses", "2\u2009999 pulses")]),
        ({"threshold_age_days": 7, "threshold_limit_days": 7}, []),
        ({"threshold_age_days": 8, "threshold_limit_days": 7}, [Deviation(DeviationKind.THRESHOLD, None, "at most 7 days", "8 days")]),
        ({"threshold_age_days": 800}, []),
        # 29 trains from onset to onset and 99 intervals: 879.9 s from the first pulse to the last.
        (lasting(879.9), []),
        (lasting(879.8), [Deviation(DeviationKind.DURATION, None, "14 min 40 s", "14 min 39 s")]),
        (lasting(2), [Deviation(DeviationKind.DURATION, None, "14 min 40 s", "2 s")]),
        # A clock read to the minute may be off by one.
        (lasting(14 * 60, second=0), []),
        (lasting(13 * 60, second=0), [Deviation(DeviationKind.DURATION, None, "14 min 40 s", "13 min")]),
        ({**lasting(2), "ended_at": None}, []),
        ({**lasting(2), "started_at": None}, []),
        ({**lasting(2), "given": ()}, []),
        ({**lasting(480), "given": (changed(TEN_HERTZ, trains=12),), "stopped_early": True}, [STOPPED_AT_12]),
    ],
    ids=str,
)
def test_differences_of_the_session(change: dict[str, Any], expected: list[Deviation]) -> None:
    assert session_deviations(replace(ONE, **change)) == expected


def test_blocks_follow_one_another() -> None:
    # 189.88 s of theta burst, then 879.9 s.
    assert kinds(replace(TWO, **lasting(1000))) == [(DeviationKind.DURATION, None)]
    assert kinds(replace(TWO, **lasting(1075))) == []


GIVEN = NewSession(patient="P-0101", status=SessionStatus.GIVEN)
STOP = NewSession(patient="P-0101", status=SessionStatus.PARTIAL, reason=SessionReason.COIL_OVERHEATED)
WEAKER = Deviation(DeviationKind.INTENSITY, 1, "80 % RMT", "75 % RMT")
SHORT = Deviation(DeviationKind.NOT_COMPLETED, None, "3000 pulses", "1200 pulses")


def asked(deviations: list[Deviation], row: NewSession, *, complete: bool = True) -> list[tuple[str, str]]:
    """Return field and code of what is missing."""
    return [(problem.field, problem.code) for problem in deviation_problems(deviations, row, complete=complete)]


def test_a_deviation_needs_a_reason_whoever_sends_it() -> None:
    assert asked([], GIVEN) == []
    assert asked([WEAKER], GIVEN) == asked([WEAKER], GIVEN, complete=False) == [("deviation_reason", "required")]
    assert asked([WEAKER], replace(GIVEN, deviation_reason=DeviationReason.TOLERABILITY)) == []
    assert asked([WEAKER], replace(GIVEN, deviation_reason=DeviationReason.OTHER)) == [("deviation_text", "required")]
    assert asked([WEAKER], replace(GIVEN, deviation_reason=DeviationReason.OTHER, deviation_text="New coil")) == []


def test_not_recorded_is_for_data_from_elsewhere() -> None:
    row = replace(GIVEN, deviation_reason=DeviationReason.NOT_RECORDED)
    assert asked([WEAKER], row) == [("deviation_reason", "required")]
    assert asked([WEAKER], row, complete=False) == []


def test_the_reason_for_stopping_explains_the_stop_alone() -> None:
    assert asked([SHORT], STOP) == []
    assert explained_by(SHORT, STOP) == (DeviationReason.TECHNICAL, "")
    assert asked([WEAKER, SHORT], STOP) == [("deviation_reason", "required")]
    row = replace(STOP, deviation_reason=DeviationReason.TOLERABILITY, deviation_text="Too strong", reason_text="After train 12")
    assert explained_by(WEAKER, row) == (DeviationReason.TOLERABILITY, "Too strong")
    assert explained_by(SHORT, row) == (DeviationReason.TECHNICAL, "After train 12")


@given(st.sampled_from(list(SessionReason)))
def test_every_reason_for_stopping_has_words_for_the_deviation(reason: SessionReason) -> None:
    assert isinstance(explained_by(SHORT, replace(STOP, reason=reason))[0], DeviationReason)
