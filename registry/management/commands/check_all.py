"""Run every check of the project, the tests last; `python3 run.py test` comes here."""

import subprocess
import sys
import time
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
    """Return what is checked before the tests."""
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
    """Run all checks whatever fails, the tests last, and return an exit code."""
    failed = [check.name for check in checks() if not passes(check)]
    tests = Check("tests", module("pytest", "-n", "auto", "--dist", "worksteal", *pytest_arguments))
    if not passes(tests, show_output=True):
        failed.append(tests.name)
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.", flush=True)
    return 1 if failed else 0


def passes(check: Check, *, show_output: bool = False) -> bool:
    """Run one check and print its time; a failing one's output is shown in any case."""
    started = time.perf_counter()
    output = None if show_output else subprocess.PIPE
    done = subprocess.run(check.command, cwd=ROOT, text=True, check=False, stdout=output, stderr=None if show_output else subprocess.STDOUT)
    verdict = "passed" if done.returncode == 0 else "FAILED"
    print(f"{verdict}  {check.name}  {time.perf_counter() - started:.1f} s", flush=True)
    if done.returncode and done.stdout:
        print(done.stdout, flush=True)
    return done.returncode == 0
