"""Every measurement of the product in one command: python -m bench --patients 1000 10000 100000.

Servers are throw-away ones that flush to disk; RTMS_TEST_SERVER names a PostgreSQL to use instead (it must trust the four roles).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.bench import Bench
from bench.results import Run, load, versions
from bench.servers import servers, settings_of

CASES = ("outcomes", "dashboard", "pages", "sessions", "imports", "exports")


def options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n")[0])
    parser.add_argument("--patients", type=int, nargs="+", default=[1_000, 10_000], help="sizes of the trial (default: 1000 10000)")
    parser.add_argument("--repeats", type=int, default=7, help="pairs of each measurement (default: 7)")
    parser.add_argument("--seed", type=int, default=42, help="of the synthetic records (default: 42)")
    parser.add_argument("--seconds", type=float, default=2, help="of each load on a web server (default: 2)")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=f"some of: {', '.join(CASES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every value there")
    parser.add_argument("--gate", type=float, metavar="SLACK", help="fail where a goal is missed by more than so many times")
    return parser.parse_args()


def main() -> int:
    """Measure what was asked for and return the exit code."""
    asked = options()
    run = Run(sys.stdout, asked.seed, asked.repeats)
    before = load()
    with servers(), ExitStack() as stack:
        bench = begin(asked, run, stack)
        for name in asked.only:
            run.case = name
            bench.run_case(name)
        run.circumstances = {
            "patients": bench.sizes, "versions": versions(), "database": database_settings(), "load": {"before": before, "after": load()},
        }  # fmt: skip
    if asked.json:
        run.write(asked.json)
    run.say(f"seed {asked.seed}, load {before} before and {load()} after, {run.circumstances['versions']}, {run.circumstances['database']}")
    missed = run.missed(asked.gate) if asked.gate else []
    for one in missed:
        run.say(f"missed by more than {asked.gate} times: {one}")
    return 1 if missed else 0


def begin(asked: argparse.Namespace, run: Run, stack: ExitStack) -> Bench:
    """Set Django up on the run's servers."""
    from tests import cluster  # it chooses the server and sets the environment

    _ = cluster
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bench.settings", "RTMS_DB_ROLE": "worker", "RTMS_HTTPS": "0", "LOG_LEVEL": "WARNING"}
    import django

    django.setup()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rtms-bench-files-")))
    return Bench(run, sorted(set(asked.patients)), asked.seconds, folder, stack)


def database_settings() -> dict[str, str]:
    """Return what decides how fast the database is."""
    from tests import cluster

    with cluster.administrator() as connection:
        return settings_of(connection)


if __name__ == "__main__":
    sys.exit(main())
