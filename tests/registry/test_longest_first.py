"""The order of a whole run: nothing is lost, the long tests come first, and whatever shares a scene stays together."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest

from tests.cluster import ROOT
from tests.longest_first import SCENE, SECONDS, dealt, sizes


@dataclass(frozen=True)
class Item:
    nodeid: str
    fixturenames: tuple[str, ...] = ()


@pytest.mark.parametrize("workers", [2, 3])
def test_each_worker_begins_with_long_tests_and_none_is_lost(workers):
    long = [Item(name) for name in SECONDS if "blinding" not in name]
    of_scene = [Item(f"tests/contracts/test_permissions.py::test_{number}", (SCENE,)) for number in range(300)]
    items = [*long, *of_scene, *(Item(f"tests/rules/test_rules.py::test_{number}") for number in range(1001))]
    random.Random(7).shuffle(items)
    ordered = dealt(items, workers)  # type: ignore[arg-type, type-var]
    assert Counter(ordered) == Counter(items)
    parts, at = [], 0
    for size in sizes(len(items), workers):
        parts.append(ordered[at : at + size])
        at += size
    assert all(part[0] in long or part[0] in of_scene for part in parts)
    assert [len(set(part) & set(of_scene)) for part in parts].count(0) == workers - 1
    assert sum(any(item in part for item in long) for part in parts) == workers
    for part in parts:
        known = [item in long or item in of_scene for item in part]
        assert known == sorted(known, reverse=True)


def test_few_tests_are_dealt_too():
    items = [Item("tests/bench/test_command.py::test_x"), Item("a"), Item("b", (SCENE,))]
    assert Counter(dealt(items, 5)) == Counter(items)  # type: ignore[arg-type, type-var]


@pytest.mark.parametrize("start", SECONDS)
def test_what_is_known_to_be_long_is_there(start):
    path, function = start.split("::")
    assert f"def {function or 'test_'}" in (ROOT / path).read_text()
