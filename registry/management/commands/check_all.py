"""Run every check of the project, the tests among them; `python3 run.py test` comes here."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from django.core.management.base import BaseCommand

from registry.environment import ROOT


@dataclass(frozen=True)
class Check:
    """One check: a name and a command."""

    name: str
    command: list[str]


def module(*arguments: str) -> list[str]:
    """Return the command that runs a module of this environment."""
    return [sys.executable, "-m", *arguments]


def checks() -> list[Check]:
    """Return what is checked beside the tests."""
    return [
        Check("format", module("ruff", "format", "--check")),
        Check("lint", module("ruff", "check")),
        Check("import contracts", [str(Path(sys.executable).with_name("lint-imports"))]),
        Check("missing migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
        Check("types", module("mypy")),
    ]


class Command(BaseCommand):
    help = "Run format, lint, import contracts, missing migrations, types and the tests; further arguments go to pytest."

    def run_from_argv(self, argv: list[str]) -> None:
        """Take the arguments as they are: they are pytest's."""
        sys.exit(run_all(argv[2:]))


def run_all(pytest_arguments: list[str]) -> int:
    """Run all checks whatever fails, the tests after the others, and return an exit code."""
    failed = list(failing(checks()))
    tests = Check("tests", module("pytest", "-n", str(workers()), "--dist", "worksteal", *pytest_arguments))
    if not passes(tests, show_output=True):
        failed.append(tests.name)
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.", flush=True)
    return 1 if failed else 0


def workers() -> int:
    """Return how many processes run the tests: one more than there are processors, for some of them wait for servers that start."""
    return (os.cpu_count() or 1) + 1


def failing(some: list[Check]) -> Iterator[str]:
    """Run checks side by side and yield the names of those that fail."""
    with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        # The last one takes longest, so it begins first.
        under_way = {side_by_side.submit(passes, check): check.name for check in reversed(some)}
        for done in as_completed(under_way):
            if not done.result():
                yield under_way[done]


def passes(check: Check, *, show_output: bool = False) -> bool:
    """Run one check and print its time; a failing one's output is shown in any case."""
    started = time.perf_counter()
    output = None if show_output else subprocess.PIPE
    done = subprocess.run(check.command, cwd=ROOT, text=True, check=False, stdout=output, stderr=None if show_output else subprocess.STDOUT)
    verdict = "passed" if done.returncode == 0 else "FAILED"
    said = f"\n{done.stdout}" if done.returncode and done.stdout else ""
    # In one piece: others say theirs at the same time.
    print(f"{verdict}  {check.name}  {time.perf_counter() - started:.1f} s{said}", flush=True)
    return done.returncode == 0
