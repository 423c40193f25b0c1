"""What a session must be: by status, by field, and what the form asks beyond that."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from registry.rules.stimulation import NewBlock, NewSession, NewSideEffect, Pattern, coil_problem, session_problems, time_problems
from registry.vocabulary import (
    SESSION_REASONS,
    AdverseEventTerm,
    IntensityReference,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SessionReason,
    SessionStatus,
    Severity,
    TreatmentGuess,
)

D = Decimal
STARTED = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
BLOCK = NewBlock(Pattern(D(10), 100, 30, D(20)), D(80))
GIVEN = NewSession(
    patient="P-0101",
    status=SessionStatus.GIVEN,
    number=13,
    as_planned=True,
    started_at=STARTED,
    ended_at=STARTED + timedelta(minutes=20),
    threshold=UUID(int=54),
    hearing_protection=True,
    coil_matches_threshold=True,
    pain_before=D(6),
    pain_after=D(4),
    anything_new=frozenset(),
    side_effects=(),
)
PARTIAL = replace(GIVEN, status=SessionStatus.PARTIAL, reason=SessionReason.TECHNICAL, as_planned=False, blocks=(BLOCK,))
NOT_GIVEN = NewSession(
    patient="P-0101",
    status=SessionStatus.NOT_GIVEN,
    reason=SessionReason.ILL,
    number=13,
    started_at=STARTED,
    pain_before=D(6),
    anything_new=frozenset(),
    side_effects=(),
)
MISSED = NewSession(patient="P-0101", status=SessionStatus.MISSED, reason=SessionReason.NO_SHOW, number=13, for_date=date(2026, 11, 19))


def found(row: NewSession, *, complete: bool = True) -> list[tuple[str, str]]:
    """Return field and code of what is wrong."""
    return [(problem.field, problem.code) for problem in session_problems(row, complete=complete)]


@pytest.mark.parametrize("row", [GIVEN, PARTIAL, NOT_GIVEN, MISSED], ids=lambda row: str(row.status))
def test_a_whole_session_of_each_status_is_accepted(row: NewSession) -> None:
    assert found(row) == found(row, complete=False) == []


@pytest.mark.parametrize(
    ("row", "change", "expected"),
    [
        (GIVEN, {"reason": SessionReason.ILL}, ("reason", "not_applicable")),
        (PARTIAL, {"reason": None}, ("reason", "required")),
        (PARTIAL, {"reason": SessionReason.NO_SHOW}, ("reason", "unknown")),
        (MISSED, {"reason": SessionReason.OTHER}, ("reason_text", "required")),
        (PARTIAL, {"as_planned": True, "blocks": ()}, ("as_planned", "contradiction")),
        (GIVEN, {"blocks": (BLOCK,)}, ("blocks", "contradiction")),
        (GIVEN, {"as_planned": False}, ("blocks", "required")),
        (GIVEN, {"as_planned": False, "blocks": (BLOCK,) * 21}, ("blocks", "out_of_range")),
        (NOT_GIVEN, {"as_planned": True}, ("blocks", "contradiction")),
        (MISSED, {"blocks": (BLOCK,)}, ("blocks", "contradiction")),
        (NOT_GIVEN, {"pulse_counter": 12}, ("pulse_counter", "contradiction")),
        (GIVEN, {"pain_before_no_answer": NoAnswer.ASLEEP}, ("pain_before", "contradiction")),
        (MISSED, {"pain_after": D(4)}, ("pain_after", "contradiction")),
        (MISSED, {"side_effects": ()}, ("side_effects", "contradiction")),
        (MISSED, {"started_at": STARTED}, ("started_at", "contradiction")),
        (GIVEN, {"number": 0}, ("number", "out_of_range")),
        (GIVEN, {"guess": TreatmentGuess.REAL, "guess_certainty": 11}, ("guess_certainty", "out_of_range")),
        (GIVEN, {"guess_certainty": 5}, ("guess", "required")),
        (GIVEN, {"threshold": UUID(int=1), "threshold_percent_mso": 101}, ("threshold_percent_mso", "out_of_range")),
        (MISSED, {"threshold_percent_mso": 52}, ("threshold", "required")),
        (GIVEN, {"pulse_counter": -1}, ("pulse_counter", "out_of_range")),
        (GIVEN, {"note": "x" * 501}, ("note", "too_long")),
        (GIVEN, {"kit_code": "K" * 21}, ("kit_code", "too_long")),
        (GIVEN, {"period": 0}, ("period", "out_of_range")),
        (MISSED, {"for_date": None}, ("for_date", "required")),
    ],
    ids=str,
)
def test_contradictions_and_ranges_are_refused_from_everybody(row: NewSession, change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found(replace(row, **change)) == found(replace(row, **change), complete=False) == [expected]


@pytest.mark.parametrize(
    ("row", "change", "field"),
    [
        (GIVEN, {"number": None}, "number"),
        (GIVEN, {"started_at": None, "ended_at": None, "for_date": date(2026, 11, 19)}, "started_at"),
        (GIVEN, {"pain_before": None}, "pain_before"),
        (GIVEN, {"anything_new": None}, "anything_new"),
        (GIVEN, {"anything_new": frozenset({NewSinceLast.OTHER})}, "anything_new_text"),
        (GIVEN, {"threshold": None}, "threshold"),
        (GIVEN, {"hearing_protection": None}, "hearing_protection"),
        (GIVEN, {"coil_matches_threshold": None}, "coil_matches_threshold"),
        (GIVEN, {"pain_after": None}, "pain_after"),
        (GIVEN, {"side_effects": None}, "side_effects"),
        (PARTIAL, {"reason": SessionReason.NOT_RECORDED}, "reason"),
        (
            GIVEN,
            {"side_effects": (NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MODERATE),)},
            "side_effects[0].relation",
        ),
    ],
    ids=str,
)
def test_open_questions_of_the_form_are_no_matter_to_an_import(row: NewSession, change: dict[str, Any], field: str) -> None:
    assert found(replace(row, **change)) == [(field, "required")]
    assert found(replace(row, **change), complete=False) == []


def test_a_reason_for_no_answer_is_an_answer() -> None:
    row = replace(GIVEN, pain_before=None, pain_before_no_answer=NoAnswer.LANGUAGE, pain_after=None, pain_after_no_answer=NoAnswer.ASLEEP)
    assert found(row) == []


def test_pain_afterwards_is_not_asked_where_nothing_was_given() -> None:
    assert NOT_GIVEN.pain_after is None
    assert found(NOT_GIVEN) == []


def test_percent_of_output_needs_no_threshold() -> None:
    block = replace(BLOCK, intensity_percent=D(50), intensity_reference=IntensityReference.MSO)
    assert found(replace(GIVEN, as_planned=False, blocks=(block,), threshold=None, coil_matches_threshold=None)) == []


def test_a_record_says_which_session_it_was() -> None:
    bare = NewSession(patient="P-0101", status=SessionStatus.GIVEN, number=1, visit="week_1", as_planned=True)
    assert found(bare, complete=False) == [("for_date", "required")]
    for change in ({"for_date": date(2026, 11, 19)}, {"started_at": STARTED}):
        assert found(replace(bare, **change), complete=False) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"intensity_percent": D("150.1")}, "blocks[1].intensity_percent"),
        ({"intensity_percent": D("80.25")}, "blocks[1].intensity_percent"),
        ({"target_text": "x" * 121}, "blocks[1].target_text"),
        ({"intensity_percent": D(101), "intensity_reference": IntensityReference.MSO}, "blocks[1].intensity_percent"),
        ({"pattern": Pattern(D(0), 100, 30, D(20))}, "blocks[1].frequency_hz"),
        ({"pattern": Pattern(D(10), 100, 1, D(20))}, "blocks[1].gap_s"),
    ],
    ids=str,
)
def test_a_wrong_block_is_named_by_its_place(change: dict[str, Any], field: str) -> None:
    row = replace(GIVEN, as_planned=False, blocks=(BLOCK, replace(BLOCK, **change)))
    assert [name for name, _ in found(row, complete=False)] == [field]


def test_side_effects_are_named_once_and_other_ones_described() -> None:
    mild = NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MILD)
    other = NewSideEffect(AdverseEventTerm.OTHER, Severity.MILD)
    row = replace(GIVEN, side_effects=(mild, mild, other, replace(other, text="Itching")))
    assert found(row) == [("side_effects[1].term", "twice"), ("side_effects[2].text", "required")]
    related = NewSideEffect(AdverseEventTerm.HEADACHE, Severity.SEVERE, Relatedness.POSSIBLE)
    assert found(replace(GIVEN, side_effects=(related,))) == []


def test_every_status_but_given_offers_reasons_and_a_way_out() -> None:
    for status, reasons in SESSION_REASONS.items():
        assert (status is SessionStatus.GIVEN) == (not reasons)
        assert status is SessionStatus.GIVEN or {SessionReason.OTHER, SessionReason.NOT_RECORDED} <= set(reasons)


BERLIN, NOW = ZoneInfo("Europe/Berlin"), datetime(2026, 11, 19, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"started_at": NOW + timedelta(seconds=1), "ended_at": None}, [("started_at", "future")]),
        ({"ended_at": NOW + timedelta(minutes=1)}, [("ended_at", "future")]),
        ({"pain_after_at": NOW + timedelta(minutes=1)}, [("pain_after_at", "future")]),
        ({"ended_at": STARTED - timedelta(seconds=1)}, [("ended_at", "out_of_order")]),
        ({"started_at": None}, [("started_at", "required")]),
        ({"for_date": date(2026, 11, 19)}, []),
        ({"for_date": date(2026, 11, 18)}, [("for_date", "mismatch")]),
        # It is the 20th in Berlin already, so that day is today and only the mismatch is wrong.
        ({"for_date": date(2026, 11, 20)}, [("for_date", "mismatch")]),
        ({"for_date": date(2026, 11, 21), "started_at": None, "ended_at": None}, [("for_date", "future")]),
    ],
    ids=str,
)
def test_times_are_judged_where_the_patient_is(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    problems = time_problems(replace(GIVEN, **change), now=NOW, zone=BERLIN)
    assert [(problem.field, problem.code) for problem in problems] == expected


def test_a_session_after_midnight_belongs_to_the_new_day() -> None:
    row = replace(GIVEN, started_at=datetime(2026, 11, 18, 23, 10, tzinfo=UTC), ended_at=None, for_date=date(2026, 11, 19))
    assert time_problems(row, now=NOW, zone=BERLIN) == []


@pytest.mark.parametrize(
    ("row", "masked", "offered", "complete", "code"),
    [
        (GIVEN, False, ["C1"], True, "required"),
        (PARTIAL, False, ["C1"], True, "required"),
        (replace(GIVEN, coil="C1"), False, ["C1"], True, None),
        (GIVEN, False, ["C1"], False, None),
        (GIVEN, False, [], True, None),
        (NOT_GIVEN, False, ["C1"], True, None),
        (GIVEN, True, ["C1"], True, None),
        (replace(GIVEN, coil="C1"), True, ["C1"], True, "masked"),
        (replace(GIVEN, coil="C1"), True, [], False, "masked"),
    ],
)
def test_coil_is_asked_where_nothing_is_concealed(
    row: NewSession, masked: bool, offered: list[str], complete: bool, code: str | None
) -> None:
    problem = coil_problem(row, masked=masked, offered=offered, complete=complete)
    assert (problem.code if problem else None) == code
