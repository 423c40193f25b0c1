"""A session line by line, and what a correction changes in it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from registry.rules.stimulation import Block, Pattern
from registry.rules.stimulation.session_content import (
    ChangedLine,
    DeviationContent,
    EffectContent,
    SessionContent,
    block_text,
    changed_lines,
    session_lines,
)
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationKind,
    DeviationReason,
    Hemisphere,
    IntensityReference,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
    StimulationTarget,
)

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")
TEN_HERTZ = Block(StimulationTarget.M1_HAND, Hemisphere.RIGHT, Pattern(D(10), 100, 30, D(20)), D(80))
THETA = Block(
    StimulationTarget.OTHER, Hemisphere.LEFT, Pattern(D(5), 200, 1, D(0), 3, D(50)), D("80.5"), IntensityReference.AMT, "Frontal pole"
)
SESSION = SessionContent(
    number=13,
    period=1,
    status=SessionStatus.GIVEN,
    reason=None,
    reason_text="",
    for_date=date(2026, 11, 19),
    started_at=datetime(2026, 11, 19, 8, 5, tzinfo=UTC),
    ended_at=None,
    visit="",
    protocol="1.0",
    as_planned=True,
    blocks=(TEN_HERTZ,),
    settings=(43,),
    threshold=None,
    threshold_percent_mso=54,
    threshold_factor=None,
    stimulator="S1",
    coil="",
    kit_code="K-3127",
    hearing_protection=True,
    coil_matches_threshold=None,
    pulse_counter=3000,
    pain_before=D("6.000000"),
    pain_before_no_answer=None,
    pain_before_at=None,
    pain_after=None,
    pain_after_no_answer=NoAnswer.ASLEEP,
    pain_after_at=None,
    anything_new=frozenset(),
    anything_new_text="",
    side_effects=(),
    deviations=(),
    note="",
    row_id="",
)


def lines(content: SessionContent) -> dict[str, str]:
    """Return the value of each line by its field."""
    return {line.field: line.value for line in session_lines(content, BERLIN)}


def test_a_block_reads_as_one_line() -> None:
    assert block_text(TEN_HERTZ) == "10 Hz, 30 trains of 100 pulses, pause 20 s, 80 % RMT, M1, hand area, right"
    assert block_text(THETA) == "5 Hz, bursts of 3 at 50 Hz, 1 train of 600 pulses, 80.5 % AMT, Other target: Frontal pole, left"


def test_a_session_reads_line_by_line() -> None:
    found = lines(SESSION)
    assert found["started_at"] == "2026-11-19 09:05:00"
    assert (found["pulses"], found["length"], found["blocks[0].setting"]) == ("3\u2009000", "14 min 40 s", "43 % MSO")
    assert (found["pain_before"], found["pain_after"]) == ("6", "No answer: asleep")
    assert (found["anything_new"], found["side_effects"], found["deviations"]) == ("Nothing new", "None", "None")
    assert (found["ended_at"], found["visit"], found["coil"], found["reason"], found["note"]) == ("–",) * 5
    assert (found["hearing_protection"], found["coil_matches_threshold"]) == ("Yes", "–")


def test_what_was_not_asked_is_said_so() -> None:
    found = lines(replace(SESSION, anything_new=None, side_effects=None, pain_after_no_answer=None))
    assert (found["anything_new"], found["side_effects"], found["pain_after"]) == ("Not asked", "Not asked", "–")


def test_without_a_dose_nothing_is_zero() -> None:
    found = lines(replace(SESSION, blocks=(), settings=(), status=SessionStatus.MISSED, reason=SessionReason.OTHER, reason_text="Snow"))
    assert (found["pulses"], found["length"], found["reason"]) == ("–", "–", "Other: Snow")


def test_details_are_spelt_out() -> None:
    found = lines(
        replace(
            SESSION,
            blocks=(THETA, TEN_HERTZ),
            settings=(None, 43),
            threshold_factor=D("1.0500"),
            anything_new=frozenset({NewSinceLast.OTHER, NewSinceLast.MEDICINE}),
            anything_new_text="Glasses",
            side_effects=(EffectContent(AdverseEventTerm.OTHER, 2, Relatedness.POSSIBLE, "Itching"),),
            deviations=(DeviationContent(DeviationKind.BLOCKS, None, "1", "2", DeviationReason.OTHER, "As asked"),),
        )
    )
    assert (found["blocks[0].setting"], found["blocks[1].setting"]) == ("–", "43 % MSO")
    assert found["threshold"] == "54 % MSO, carried over by 1.05"
    assert found["anything_new"] == "Medicine new or changed, Other: Glasses"
    assert found["side_effects"] == "Other: Itching, grade 2, possible"
    assert found["deviations"] == "Number or order of blocks: 1 planned, 2 given; Other: As asked"


def test_a_correction_shows_what_changes_and_what_follows_from_it() -> None:
    weaker = replace(TEN_HERTZ, intensity_percent=D(70))
    assert changed_lines(SESSION, SESSION, BERLIN) == []
    assert changed_lines(SESSION, replace(SESSION, blocks=(weaker,), settings=(38,), note="Late"), BERLIN) == [
        ChangedLine("blocks[0]", "Dose", block_text(TEN_HERTZ), block_text(weaker)),
        ChangedLine("blocks[0].setting", "Dose: setting", "43 % MSO", "38 % MSO"),
        ChangedLine("note", "Note", "–", "Late"),
    ]


def test_a_block_added_or_gone_is_a_change() -> None:
    two = replace(SESSION, blocks=(TEN_HERTZ, THETA), settings=(43, None))
    gone = {line.field: (line.old, line.new) for line in changed_lines(two, SESSION, BERLIN)}
    assert gone["blocks[1]"] == (block_text(THETA), "–")
    assert {line.field for line in changed_lines(SESSION, two, BERLIN)} == {"blocks[1]", "pulses", "length"}
