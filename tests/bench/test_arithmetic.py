"""Ratios, goals and lines of the bench."""

from __future__ import annotations

import io

from bench.goals import Goal
from bench.load import Request
from bench.results import Result, Run, line, ratio
from bench.sandwich import sandwiches


def taking(values):
    rest = iter(values)
    return lambda: next(rest)


def test_each_candidate_is_divided_by_the_mean_of_the_yardsticks_around_it():
    # Warm-up: 9 | 9 9 | 4; then candidates between yardsticks 4, 6 and 2.
    yardstick, first, second = taking([9, 9, 4, 6, 2]), taking([9, 10]), taking([9, 12])
    found = sandwiches(yardstick, {"first": first, "second": second}, 1)
    assert found["first"].ratios == (10 / 5,)
    assert found["second"].ratios == (12 / 4,)
    assert (found["second"].own, found["second"].yardstick) == ((12,), (4,))


def test_goal_holds_from_either_side_and_with_slack():
    at_most, at_least = Goal("X", 3), Goal("Y", 2, at_least=True)
    assert [at_most.holds(value) for value in (3, 3.1)] == [True, False]
    assert [at_least.holds(value) for value in (2, 1.9)] == [True, False]
    assert at_most.holds(5.9, 2)
    assert at_least.holds(1.1, 2)
    assert not at_least.holds(0.9, 2)


def test_line_says_ratio_both_sides_and_goal():
    found = sandwiches(taking([1, 2, 2, 2, 2]), {"mine": taking([9, 6, 8])}, 2)["mine"]
    text = line("case", ratio("mine", "theirs", 1000, found, unit="ms", goal=Goal("Z1", 3)))
    assert " ".join(text.split()) == "case 1000 mine / theirs 3.5 (3 to 4) 7 against 2 ms Z1 <= 3: MISSED"


def test_run_names_what_is_missed_by_more_than_the_slack():
    run = Run(io.StringIO(), seed=1, repeats=1)
    run.note(Result("near", 10, (4.0,), goal=Goal("A", 3)))
    run.note(Result("far", 10, (9.0,), goal=Goal("A", 3)))
    run.note(Result("without a goal", 10, (9.0,)))
    assert [one.split(": ")[1] for one in run.missed(2)] == ["far"]
    assert len(run.missed(1)) == 2


def test_request_is_sent_with_its_length():
    sent = Request("/x", "POST", {"A": "b"}, "{}").encoded("h").decode()
    assert sent == "POST /x HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
