"""Single cells: what is read, what it becomes, and what a bad one is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.rules.tables.cells import canonical_decimal, canonical_instant, read_cell, value_of
from registry.rules.tables.columns import Column, Kind
from registry.rules.tables.definitions import PAIN_SCORES, PATIENTS, TABLES
from registry.rules.tables.problems import BadCell, FileProblem, name_remedy
from registry.vocabulary import Sex


def column(kind: Kind, **options: object) -> Column:
    return Column("x", kind, "", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "text", "canonical"),
    [
        (Kind.PATIENT, " P-0042 ", "P-0042"),
        (Kind.CODE, "S01", "S01"),
        (Kind.SLUG, "calm-m1", "calm-m1"),
        (Kind.TEXT, "  two\n lines ", "two lines"),
        (Kind.INTEGER, "+07", "7"),
        (Kind.INTEGER, "-0", "0"),
        (Kind.DECIMAL, "7,50", "7.5"),
        (Kind.DECIMAL, "10", "10"),
        (Kind.DECIMAL, "100", "100"),
        (Kind.DECIMAL, "-0.0", "0"),
        (Kind.DECIMAL, "70.666660", "70.66666"),
        (Kind.DATE, "2024-02-29", "2024-02-29"),
        (Kind.PARTIAL_DATE, "2020", "2020"),
        (Kind.PARTIAL_DATE, "2020-05", "2020-05"),
        (Kind.PARTIAL_DATE, "2020-05-31", "2020-05-31"),
        (Kind.INSTANT, "2026-03-01T20:15:00+01:00", "2026-03-01T19:15:00Z"),
        (Kind.INSTANT, "2026-03-01 20:15Z", "2026-03-01T20:15:00Z"),
        (Kind.INSTANT, "2026-03-01T20:15:00Z", "2026-03-01T20:15:00Z"),
        (Kind.INSTANT, "2026-03-01T00:15:00.250+0100", "2026-02-28T23:15:00.25Z"),
        (Kind.YES_NO, "no", "no"),
        (Kind.ZONE, "Europe/Berlin", "Europe/Berlin"),
        (Kind.ICD_10, "G54.6", "G54.6"),
        (Kind.ICD_11, "MG30.01", "MG30.01"),
        (Kind.PAIN, "overall", "overall"),
        (Kind.PAIN, "12", "12"),
        (Kind.KIT, "K-ABC", "K-ABC"),
    ],
)
def test_a_good_cell_becomes_its_canonical_text(kind: Kind, text: str, canonical: str) -> None:
    assert read_cell(column(kind), text) == canonical
    assert read_cell(column(kind), canonical) == canonical


@pytest.mark.parametrize(
    ("kind", "text", "wrong", "right"),
    [
        (Kind.PATIENT, "p-0042", "has small letters", "Write it with capitals: P-0042"),
        (Kind.PATIENT, "Müller", "is no patient code", "Use 1 to 20 capitals, digits or dashes, like P-0042"),
        (Kind.PATIENT, "P" * 21, "is no patient code", "Use 1 to 20 capitals, digits or dashes, like P-0042"),
        (Kind.CODE, "S 01", "is no code", "Use 1 to 40 letters, digits, dots, dashes or underscores"),
        (Kind.INTEGER, "7.5", "is no whole number", "Use digits only"),
        (Kind.INTEGER, "٧", "is no whole number", "Use digits only"),
        (Kind.DECIMAL, "1.234,5", "is no number", None),
        (Kind.DECIMAL, "7e1", "is no number", None),
        (Kind.DECIMAL, "NaN", "is no number", None),
        (Kind.DECIMAL, "NA", "is no number", None),
        (Kind.DECIMAL, "0.1234567", "has more than six decimals", "Round it to six decimals"),
        (Kind.DECIMAL, "1000000", "is out of range", "Enter a number below 1000000"),
        (Kind.DATE, "01.03.2026", "is no date", "Write it as YYYY-MM-DD, like 2026-03-01"),
        (Kind.DATE, "2026-02-29", "is no day of the calendar", "Check month and day; write it as YYYY-MM-DD"),
        (Kind.PARTIAL_DATE, "2020-13", "is no day of the calendar", "Check month and day; write it as YYYY-MM-DD"),
        (Kind.INSTANT, "2026-03-01T20:15:00", "has no offset", None),
        (Kind.INSTANT, "2026-03-01T25:15:00Z", "is no time of the calendar", "Check day, hour, minute and offset"),
        (Kind.INSTANT, "yesterday", "is no time", "Write it like 2026-03-01T20:15:00+01:00"),
        (Kind.YES_NO, "true", "is neither yes nor no", "Write yes or no"),
        (Kind.ZONE, "Europe/Berln", "is no time zone", "Perhaps you mean 'Europe/Berlin'"),
        (Kind.ICD_10, "54.6", "is no ICD-10 code", "Use like G54.6"),
        (Kind.PAIN, "left hand", "is no pain", "Use overall, or the rank of a pain in pains.csv, like 1"),
        (Kind.TEXT, "\x00", "holds bytes that are no readable text", "Save the file as UTF-8"),
        (Kind.TEXT, "M\udcfcller", "holds bytes that are no readable text", "Save the file as UTF-8"),
    ],
)
def test_a_bad_cell_says_what_is_wrong_and_what_would_be_right(kind: Kind, text: str, wrong: str, right: str | None) -> None:
    with pytest.raises(BadCell) as bad:
        read_cell(column(kind), text)
    assert bad.value.wrong == wrong
    assert right in (None, bad.value.right)


def test_an_offset_that_is_missing_is_shown_where_it_belongs() -> None:
    with pytest.raises(BadCell) as bad:
        read_cell(column(Kind.INSTANT), "2026-03-01 20:15")
    assert bad.value.right == "Add the offset of the place and season, as in 2026-03-01T20:15+01:00, or Z for UTC"


def test_a_word_that_is_nearly_right_is_named() -> None:
    sex = PATIENTS.column("sex")
    assert read_cell(sex, "") == "unknown"
    with pytest.raises(BadCell) as bad:
        read_cell(sex, "femal")
    assert bad.value.right == "Perhaps you mean 'female'; use one of: female, male, other, unknown"


def test_a_required_cell_may_not_be_empty() -> None:
    with pytest.raises(BadCell, match="is empty"):
        read_cell(PATIENTS.column("patient"), "  ")


def test_a_whole_number_keeps_to_its_range() -> None:
    with pytest.raises(BadCell) as bad:
        read_cell(PATIENTS.column("birth_year"), "1850")
    assert bad.value.right == "Enter a whole number from 1890 to 2100"


def test_a_text_keeps_to_its_length() -> None:
    with pytest.raises(BadCell, match="has 81 characters"):
        read_cell(column(Kind.TEXT, longest=80), "x" * 81)


def test_values_have_their_type() -> None:
    assert value_of(column(Kind.DECIMAL), "7.5") == Decimal("7.5")
    assert value_of(column(Kind.INTEGER), "") is None
    assert value_of(column(Kind.TEXT), "") == ""
    assert value_of(column(Kind.YES_NO), "no") is False
    assert value_of(column(Kind.WORD, words=Sex), "male") == Sex.MALE
    assert value_of(column(Kind.INSTANT), "2026-03-01T19:15:00Z") == datetime(2026, 3, 1, 19, 15, tzinfo=UTC)


@given(st.decimals(min_value=-999_999, max_value=999_999, places=6))
def test_a_number_survives_its_canonical_text(value: Decimal) -> None:
    text = canonical_decimal(value)
    assert Decimal(text) == value
    assert read_cell(column(Kind.DECIMAL), text.replace(".", ",")) == text


@given(
    st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_survives_its_canonical_text_whatever_its_offset(moment: datetime, minutes: int) -> None:
    given_time = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    canonical = read_cell(column(Kind.INSTANT), given_time.isoformat())
    assert canonical == canonical_instant(given_time)
    assert value_of(column(Kind.INSTANT), canonical) == given_time


def test_every_column_has_a_sentence_and_every_word_column_its_words() -> None:
    for table in TABLES:
        assert len(set(table.names)) == len(table.names)
        assert set(table.key) <= set(table.names)
        for one in table.columns:
            assert one.doc.endswith(".")
            assert (one.words is not None) == (one.kind in (Kind.WORD, Kind.WORDS))


def test_a_published_table_needs_three_columns() -> None:
    assert [one.name for one in PAIN_SCORES.columns if one.required] == ["patient"]


def test_a_sentence_shows_no_byte_that_a_terminal_would_act_on() -> None:
    problem = FileProblem("patients.csv", 3, "site", "a\x1b[31m" + "b" * 100, "is no site", "Use S01")
    assert problem.sentence == f"patients.csv, line 3, site: 'a?[31m{'b' * 54}...' is no site. Use S01."


def test_a_name_far_from_all_is_answered_with_the_list() -> None:
    assert name_remedy("zzz", ["N", "S"], "site") == "Use one of: N, S"
    assert name_remedy("x", [], "site") == "The trial has no site yet; add it to trial.toml"
