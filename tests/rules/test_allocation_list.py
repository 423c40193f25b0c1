"""Allocation lists as files: what is read, what is refused, what would give a part away."""

from __future__ import annotations

import pytest

from registry.exceptions import InvalidInput
from registry.rules.allocation_list import ListRow, read_list, stratum_problem, telling_codes, write_list

PARTS = {"a": "active", "s": "sham"}


def problems(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        read_list(content, PARTS)
    return [(problem.field, problem.message) for problem in caught.value.problems]


def test_rows_without_position_are_numbered_within_their_stratum():
    rows = read_list(b"stratum,arm\nn,a\ns,s\nn,s\n", PARTS)
    assert [(row.stratum, row.position, row.arm) for row in rows] == [("n", 1, "a"), ("s", 1, "s"), ("n", 2, "s")]


def test_written_list_reads_back_the_same():
    rows = [ListRow(2, "site=N, x", 1, "a", "K-1AB", 2), ListRow(3, "site=N, x", 2, "s", "K-2CD")]
    assert read_list(write_list(rows), PARTS) == rows


@pytest.mark.parametrize(
    ("content", "field", "sentence"),
    [
        (b"", "file", "first line must name columns"),
        (b"stratum,part\nn,active\n", "file", "first line must name columns"),
        (b"stratum,arm,arm\nn,a,a\n", "file", "first line must name columns"),
        (b"stratum,arm\n", "file", "has no rows"),
        (b"stratum,arm\nn,\xff\n", "file", "cannot be read as CSV in UTF-8"),
        (b"stratum,arm\nn,\0\n", "file", "zero bytes"),
        (b'stratum,arm\nn,"a\n', "file", "cannot be read"),
        (b"stratum,arm\nn,b\n", "line 2, column arm", "no arm of the trial. Use one of: a, s"),
        (b"stratum,arm,position\nn,a,0\n", "line 2, column position", "whole number from 1"),
        (b"stratum,arm,position\nn,a,1.5\n", "line 2, column position", "whole number from 1"),
        (b"stratum,arm,position\nn,a,1\nn,s,1\n", "line 3, column position", "on line 2 already"),
        (b"stratum,arm,kit_code\nn,a,K-1A\nn,s,K-1A\n", "line 3, column kit_code", "on line 2 already"),
        (b"stratum,arm,kit_code\nn,a,k 1\n", "line 2, column kit_code", "no kit code"),
        (b"stratum,arm,kit_code\nn,a,K-1A\nn,s,\n", "kit_code", "some have none"),
        (b"stratum,arm,coil_position\nn,a,10\n", "line 2, column coil_position", "from 1 to 9"),
    ],
)
def test_wrong_cell_is_named_with_line_column_and_remedy(content, field, sentence):
    found = problems(content)
    assert len(found) == 1
    assert found[0][0] == field
    assert sentence in found[0][1]


def test_every_wrong_cell_is_named_at_once():
    assert len(problems(b"stratum,arm,position,kit_code\nn,b,0,k\nn,c,x,K-1\n")) == 5


@pytest.mark.parametrize("code", ["SHAM-01", "X-SHAM", "K-ACTIVE"])
def test_code_that_names_its_part_is_refused(code):
    part = "active" if "ACTIVE" in code else "sham"
    assert "contains the word" in telling_codes([(code, part[0], part)])


def test_codes_that_sort_by_part_are_refused_once_there_are_enough():
    def codes(count):
        return [
            (f"K-{number:03d}", "a" if number < count // 2 else "s", "active" if number < count // 2 else "sham") for number in range(count)
        ]

    assert telling_codes(codes(10)) is None
    assert "sort by part" in telling_codes(codes(12))


def test_codes_in_mixed_order_pass():
    mixed = [(f"K-{number:03d}", "as"[number % 3 % 2], ("active", "sham")[number % 3 % 2]) for number in range(30)]
    assert telling_codes(mixed) is None


@pytest.mark.parametrize(
    ("stratum", "factor"),
    [
        ("", None),
        ("site=N", None),
        ("site=S", "site"),
        ("site = N ; diagnosis=low_back", None),
        ("diagnosis=crps_1", "diagnosis"),
        ("age=old", None),
    ],
)
def test_stratum_must_agree_with_site_and_diagnosis_on_record(stratum, factor):
    told = stratum_problem(stratum, site="N", condition="low_back")
    assert (told is None) if factor is None else (f"The stratum says {factor}" in told)
