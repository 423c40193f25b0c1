"""Endpoints and snapshots against the floor of counting the scores, side by side: python -m bench.endpoints --patients 10000

Each measurement stands between two runs of the yardstick (count(*) of the scores); what counts is its ratio to their mean.
RTMS_TEST_SERVER names a server to use, else a throw-away one is started.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests import cluster


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    name = os.environ["RTMS_DB_NAME"]
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "RTMS_DB_ROLE": "worker"}
    cluster.make_database(name, cluster.ensure_template())
    try:
        generate(name, options.patients)
        measure(options.patients, options.repeats)
    finally:
        cluster.drop_database(name)


def generate(database: str, patients: int) -> None:
    """Fill the database by bench/endpoints.sql."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").replace(":patients", str(patients))
    with cluster.administrator(database) as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())


def measure(patients: int, repeats: int) -> None:
    """Print a table: what, seconds, ratio to counting the scores."""
    import django

    django.setup()
    candidates = candidates_of_the_trial()
    count = counting()
    for title, before, run in candidates:
        ratios, seconds = [], []
        for _ in range(repeats):
            before()
            first, own, second = timed(count), timed(run), timed(count)
            seconds.append(own)
            ratios.append(2 * own / (first + second))
        spread = f"{statistics.median(ratios):8.2f} x ({min(ratios):.2f} to {max(ratios):.2f})"
        sys.stdout.write(f"{title:48} {statistics.median(seconds):9.3f} s {spread}   {patients} patients, {40 * patients} scores\n")


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def counting() -> Callable[[], object]:
    from django.db import connection

    def count() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM registry_painscore")
            cursor.fetchone()

    return count


def candidates_of_the_trial() -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    """Return what is measured: a title, what is done before, and what is timed."""
    from django.db import connection, connections, transaction
    from django.utils import timezone

    from registry.models import Endpoint, Enrolment, StaleMark, Trial
    from registry.outcomes import counting, endpoints, plans, refresh

    trial = Trial.objects.get(slug="bench")
    plan = plans.current_plan(trial)
    if plan is None:
        raise ValueError("bench/endpoints.sql made no plan")
    now = timezone.now()
    enrolment = Enrolment.objects.filter(trial=trial).latest("pk").pk
    parameters = counting.judging_parameters(trial, plan, now)

    def empty() -> None:
        Endpoint.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def fill(ids: list[int] | None = None) -> None:
        with transaction.atomic():
            endpoints.fill_endpoints(trial, plan, cutoff=now, enrolment_ids=ids)

    def count_both() -> None:
        with transaction.atomic():
            _, judged = counting.open_cells(connection, plan, parameters)
        with transaction.atomic(using="closed"):
            counting.closed_cells(connections["closed"], plan, judged)

    def count_open() -> None:
        with transaction.atomic():
            counting.open_cells(connection, plan, parameters)

    def nothing() -> None:
        """Leave all as it is."""

    def mark() -> None:
        StaleMark.objects.create(trial=trial, enrolment_id=enrolment)

    return [
        ("fill all endpoints", empty, fill),
        ("make all again, nothing changed", nothing, fill),
        ("make one enrolment again, with commit", nothing, lambda: fill([enrolment])),
        ("count the open document", nothing, count_open),
        ("count the open and the closed document", nothing, count_both),
        (
            "refresh after one changed value",
            lambda: StaleMark.objects.create(trial=trial, enrolment_id=enrolment),
            lambda: refresh.refresh_trial(trial.pk),
        ),
    ]


if __name__ == "__main__":
    main()
