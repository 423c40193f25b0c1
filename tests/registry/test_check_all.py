"""The checks beside the tests: each is run whatever the others say, and those that fail are named with what they said."""

from __future__ import annotations

import os
import sys

from registry.management.commands.check_all import Check, checks, failing, workers


def saying(words: str, code: int) -> list[str]:
    return [sys.executable, "-c", f"print({words!r}); raise SystemExit({code})"]


def test_each_check_is_run_and_those_that_fail_are_named_with_what_they_said(capfd):
    some = [Check("spelling", saying("lettter", 1)), Check("weight", saying("light", 0)), Check("height", saying("low", 2))]
    assert sorted(failing(some)) == ["height", "spelling"]
    said = capfd.readouterr().out
    assert [said.count(words) for words in ("FAILED  spelling", "FAILED  height", "passed  weight", "lettter\n", "light")] == [
        1,
        1,
        1,
        1,
        0,
    ]


def test_checks_are_what_contributing_says():
    assert [check.name for check in checks()] == ["format", "lint", "import contracts", "missing migrations", "types"]


def test_more_processes_run_tests_than_there_are_processors():
    assert workers() == (os.cpu_count() or 1) + 1
