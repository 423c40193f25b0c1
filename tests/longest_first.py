"""Which worker of a run does what first: the longest tests at once and apart from each other, so that none is left alone at the end.

Tests that share something slow to make go to one worker. The rest stay in their random order and are whoever's has time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import pytest

# Seconds on a quiet machine of two cores, of what takes more than half a minute: a test, or all that begin so.
SECONDS = {
    "tests/api/test_schemathesis.py::test_a_fuzzer_finds_nothing": 130,
    "tests/bench/test_command.py::": 65,
    "tests/browser/test_every_page.py::test_no_page_of_a_coordinator_has_a_fault": 45,
    "tests/browser/test_every_page.py::test_no_page_of_an_unmasked_role_has_a_fault": 45,
    "tests/browser/test_session.py::test_pages_around_sessions_have_no_fault": 70,
    "tests/browser/test_session.py::test_two_tablets": 40,
    "tests/browser/test_settings_pages.py::test_no_refused_settings_form_has_a_fault": 35,
    "tests/contracts/test_blinding.py::test_every_answer_to_a_masked_person": 250,
    "tests/contracts/test_blinding.py::test_every_answer_is_equal_when_active": 31,
    "tests/deploy/test_hosts.py::": 65,
    "tests/deploy/test_how_tos.py::test_lines_for_a_machine_do_what_the_pages_say": 115,
    "tests/deploy/test_schedulers.py::": 90,
    "tests/deploy/test_servers.py::": 95,
    "tests/embedded/test_restore_drill.py::": 130,
    "tests/embedded/test_sessions_survive.py::": 80,
    "tests/embedded/test_up.py::test_a_registry_from_its_first_start_to_its_third": 80,
    "tests/embedded/test_up.py::test_ward_is_let_in_by_https": 35,
    "tests/embedded/test_upgrade.py::test_up_says_which_command_moves_the_database": 50,
}
# The scene of the contract tests and its permuted copies take as long to make as many tests of them.
SCENE = "bare_scene"
SECONDS_OF_SCENE = 0.6
SECONDS_OF_OTHERS = 0.25


def seconds(item: pytest.Item) -> float:
    """Return about how long a test takes."""
    known = next((cost for start, cost in SECONDS.items() if item.nodeid.startswith(start)), None)
    return known or (SECONDS_OF_SCENE if SCENE in fixtures_of(item) else SECONDS_OF_OTHERS)


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests in the order in which `--dist worksteal` hands them out, the same in every process."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = dealt(items, workers)


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return the tests one worker after the other, in parts of equal length: its long ones, then as many of the short ones as fit."""
    of_scene = [item for item in items if SCENE in fixtures_of(item)]
    long = [[item] for item in items if SCENE not in fixtures_of(item) and seconds(item) > SECONDS_OF_OTHERS]
    taken = {id(item) for group in (of_scene, *long) for item in group}
    short = iter([item for item in items if id(item) not in taken])
    parts: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for group in sorted((of_scene, *long), key=lambda group: -sum(map(seconds, group))):
        min(parts, key=lambda part: sum(map(seconds, part))).extend(group)
    for part, size in zip(parts, sizes(len(items), workers), strict=True):
        part += islice(short, max(0, size - len(part)))
    return [item for part in parts for item in part] + [*short]


def sizes(count: int, workers: int) -> list[int]:
    """Return how many tests each worker is handed at the beginning."""
    left, found = count, []
    for others in range(workers, 0, -1):
        found.append(left // others)
        left -= found[-1]
    return found
