"""How numbers on either side of 0 are written: one rule for pages, reports and the command."""

from __future__ import annotations

import pytest

from registry.management.commands.outcomes import plain
from registry.selectors.figures.figure import points, rounded, score
from web.outcome_tables import _points, _score


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0004, "+0.04"),
        (-0.0004, "\u22120.04"),
        (0.00004, "+0.004"),
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (-1e-17, "0.0"),
        (0.000004, "0.0"),
        (0.0006, "+0.1"),
        (-0.123, "\u221212.3"),
        (1.0, "+100.0"),
    ],
)
def test_a_limit_near_zero_shows_its_side_and_a_zero_has_no_sign(value: float, written: str) -> None:
    assert points(value) == written
    found = _points(value)
    assert found is not None
    assert (found.shown, found.exact) == (written, repr(value))


def test_changes_on_the_scale_follow_the_same_rule() -> None:
    assert [score(value) for value in (-0.04, -0.0, 3.25, None)] == ["\u22120.04", "0.0", "3.2", "\u2013"]
    assert [found.shown for value in (-0.004, -0.0, 3.256) if (found := _score(value))] == ["\u22120.004", "0.00", "3.26"]
    assert rounded(-0.26) == "\u22120.3"


def test_the_command_writes_the_same_with_the_minus_of_a_keyboard() -> None:
    assert [plain(value, 1) for value in (-0.04, -0.0, -12.34)] == ["-0.04", "0.0", "-12.3"]
