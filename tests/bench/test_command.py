"""python -m bench at a tiny size: every case runs, what noise cannot move holds, and another seed changes nothing of that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import cluster

pytestmark = pytest.mark.slow_services

# What holds at any size on any machine; the other goals are set for 100,000 patients.
CERTAIN = {"B3", "C3", "D4"}


def bench(folder: Path, *options: str) -> tuple[str, dict]:
    """Run the command and return what it printed and kept."""
    kept = folder / "bench.json"
    # Its own environment: what this run exported names databases and settings of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST") and name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "bench", "--repeats", "1", "--seconds", "0.3", "--json", str(kept), *options]
    done = subprocess.run(command, cwd=cluster.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads(kept.read_text())


# A case at two sizes where growth is measured, at one elsewhere, and each with another seed.
RUNS = {
    42: (("40", "80"), {"outcomes", "dashboard"}, {"B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4"}),
    2027: (("50",), {"pages", "sessions", "imports", "exports"}, {"A2", "A6", "A7", "D1", "D2", "D3", "D4"}),
}


@pytest.mark.parametrize("seed", sorted(RUNS))
def test_every_case_prints_both_sides_and_keeps_them(tmp_path, seed):
    sizes, cases, goals = RUNS[seed]
    printed, kept = bench(tmp_path, "--patients", *sizes, "--seed", str(seed), "--only", *sorted(cases))
    assert {row["case"] for row in kept["results"]} == cases
    assert {row["goal"]["code"] for row in kept["results"] if row["goal"]} == goals
    for row in kept["results"]:
        assert row["what"] in printed
        assert not row["against"] or len(row["own"]) == len(row["yardstick"]) == len(row["values"]) >= 1
    certain = {row["what"]: row["median"] for row in kept["results"] if row["goal"] and row["goal"]["code"] in CERTAIN}
    assert {value for what, value in certain.items() if "p95" not in what} == {0}, certain
    assert (kept["seed"], kept["versions"]["django"][:1], kept["database"]["server_version"][:2].isdigit()) == (seed, "5", True)
