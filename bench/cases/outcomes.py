"""Endpoints, counting and snapshots: against counting the scores, against live SQL, and against an exact oracle."""

from __future__ import annotations

import math
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from unittest import mock

from bench import goals, live_sql, oracle
from bench.results import Result
from bench.sandwich import Take, many, median_of_each, timing
from bench.worlds import World, reader, trial

if TYPE_CHECKING:
    from bench.bench import Bench

READ_AT_ONCE, WRITTEN_AT_ONCE = 200, 20


def measure(bench: Bench, stack: ExitStack) -> None:
    """Measure each size, then how reading grows from the smallest to the largest."""
    growth = {}
    for patients in bench.sizes:
        world = bench.world(patients)
        against_counting(bench, world)
        against_live_sql(bench, world)
        growth[patients] = reading(bench, world)
        bench.run.note(wrong_cells(world))
        writing(bench, world)
    if len(growth) > 1:
        bench.run.note(growth_of_reading(growth))


def run_sql(statement: str) -> None:
    """Run a statement as the tables' owner and fetch what it finds."""
    from django.db import connections

    with connections["peer"].cursor() as cursor:
        cursor.execute(statement)
        cursor.fetchall()


def against_counting(bench: Bench, world: World) -> None:
    """Fill, count and refresh beside one count of the scores."""
    steps = Steps.of_the_trial()
    candidates: dict[str, tuple[Take, goals.Goal | None]] = {
        "fill all endpoints": (timing(steps.fill, before=steps.empty), None),
        "make all endpoints again, nothing changed": (timing(steps.fill), None),
        "make one patient's endpoints again, with commit": (timing(steps.fill_one), None),
        "count the open document": (timing(steps.count_open), None),
        "count the open and the closed document": (timing(steps.count_both), None),
        "refresh after one changed value, both documents": (timing(steps.refresh, before=steps.mark), None),
    }
    yardstick = timing(lambda: run_sql("SELECT count(*) FROM registry_painscore"))
    bench.compare(world.patients, "counting the scores", yardstick, candidates)


def against_live_sql(bench: Bench, world: World) -> None:
    """Read the responder table from the snapshot and from endpoint rows beside the best SQL over the records."""
    steps = Steps.of_the_trial()
    candidates: dict[str, tuple[Take, goals.Goal | None]] = {
        "responder table as pages have it: read the snapshot": (reading_the_snapshot(), goals.TABLE_FROM_SNAPSHOT),
        "responder table from endpoint rows": (timing(lambda: run_sql(live_sql.FROM_ENDPOINTS)), goals.TABLE_FROM_ROWS),
        "responder table from the records, no index of its own": (timing(lambda: run_sql(live_sql.FROM_RECORDS)), None),
        "everything in both documents, judged and counted": (timing(steps.count_both), None),
    }
    bench.compare(world.patients, "best live SQL", timing(lambda: run_sql(live_sql.BY_PROBES)), candidates)


def reading_the_snapshot() -> Take:
    """Return what times the reading of what a page reads."""
    from registry.selectors.outcomes import latest_open

    one = trial()
    if latest_open(one) is None:
        raise RuntimeError("there are no outcomes to read")
    return many(lambda: latest_open(one), READ_AT_ONCE)


def reading(bench: Bench, world: World) -> float:
    """Return how long a page's data take to read, in times of a statement that reads nothing."""
    yardstick = many(lambda: run_sql("SELECT 1"), READ_AT_ONCE)
    found = bench.compare(world.patients, "SELECT 1", yardstick, {"read the snapshot": (reading_the_snapshot(), None)})
    return found["read the snapshot"].median


def growth_of_reading(growth: dict[int, float]) -> Result:
    """Return the exponent of a page's reading between the smallest and the largest size."""
    small, large = min(growth), max(growth)
    exponent = math.log(growth[large] / growth[small]) / math.log(large / small)
    return Result(f"growth exponent of a page's reading, {small} to {large} patients", large, (exponent,), goal=goals.GROWTH_OF_READING)


def wrong_cells(world: World) -> Result:
    """Return how many responder counts of the closed document differ from the oracle's."""
    from registry.selectors.outcomes import latest_closed

    stored = latest_closed(trial(), by=reader())
    if stored is None:
        raise RuntimeError("there are no outcomes to compare")
    compared, wrong = oracle.differences(stored.payload, world.database)
    return Result("cells that differ from an oracle in fractions", world.patients, (wrong,), goal=goals.WRONG_CELLS, note=f"of {compared}")


def writing(bench: Bench, world: World) -> None:
    """Write one score with what keeps outcomes up to date, beside the same without."""
    scores = Scores(world)
    candidates: dict[str, tuple[Take, goals.Goal | None]] = {
        "write one score, its patient marked": (median_of_each(scores.marked, WRITTEN_AT_ONCE), goals.WRITE_WITH_UPKEEP),
        "write one score and make its endpoints at once": (median_of_each(scores.with_endpoints, WRITTEN_AT_ONCE), None),
    }
    bench.compare(world.patients, "write one score without mark", median_of_each(scores.unmarked, WRITTEN_AT_ONCE), candidates)


@dataclass
class Steps:
    """The steps of a refresh, each by itself."""

    from_plan: object
    parameters: dict[str, object]

    @classmethod
    def of_the_trial(cls) -> Steps:
        """Return the steps for the trial in use."""
        from django.utils import timezone

        from registry.outcomes import counting, plans

        plan = plans.current_plan(trial())
        if plan is None:
            raise RuntimeError("bench/data.sql made no plan")
        return cls(plan, counting.judging_parameters(trial(), plan, timezone.now()))

    def empty(self) -> None:
        from registry.models import Endpoint

        Endpoint.objects.all().delete()

    def fill(self, ids: list[int] | None = None) -> None:
        from django.db import transaction
        from django.utils import timezone

        from registry.outcomes import endpoints

        with transaction.atomic():
            endpoints.fill_endpoints(trial(), self.from_plan, cutoff=timezone.now(), enrolment_ids=ids)  # type: ignore[arg-type]

    def fill_one(self) -> None:
        from registry.models import Enrolment

        self.fill([Enrolment.objects.latest("pk").pk])

    def count_open(self) -> dict[str, object]:
        from django.db import connection, transaction

        from registry.outcomes import counting

        with transaction.atomic():
            return counting.open_cells(connection, self.from_plan, self.parameters)[1]  # type: ignore[arg-type]

    def count_both(self) -> None:
        from django.db import connections, transaction

        from registry.outcomes import counting

        judged = self.count_open()
        with transaction.atomic(using="closed"):
            counting.closed_cells(connections["closed"], self.from_plan, judged)  # type: ignore[arg-type]

    def mark(self) -> None:
        from registry.models import Enrolment, StaleMark

        StaleMark.objects.create(trial=trial(), enrolment=Enrolment.objects.latest("pk"))

    def refresh(self) -> None:
        from registry.outcomes.refresh import refresh_trial

        refresh_trial(trial().pk)


@dataclass
class Scores:
    """One new score after another, each of another patient, on a day that no time point looks at."""

    world: World
    written: int = 0

    def write(self) -> None:
        from django.utils import timezone

        from registry.rules.scores import NewScore
        from registry.services.scores import record_scores
        from registry.vocabulary import RecallPeriod, ScoreContext, ScoreSource

        self.written += 1
        now = timezone.now()
        row = NewScore(
            patient=self.code(), value=Decimal(self.written % 11), for_date=now.date() - timedelta(days=1), scale="nrs", scale_version="1",
            recall=RecallPeriod.AVERAGE_24H, context=ScoreContext.DIARY, source=ScoreSource.DIARY,
        )  # fmt: skip
        record_scores(trial=trial(), rows=[row], by=reader(), now=now)

    def code(self) -> str:
        return f"P{1 + self.written % self.world.patients}"

    def marked(self) -> None:
        """Write a score as the services do."""
        self.write()

    def unmarked(self) -> None:
        """Write a score and tell nobody."""
        with mock.patch("registry.services.score_recording.mark_stale"):
            self.write()

    def with_endpoints(self) -> None:
        """Write a score and, in the same transaction, what follows from it."""
        from django.db import transaction

        from registry.models import Enrolment

        with transaction.atomic(), nullcontext(Steps.of_the_trial()) as steps:
            self.write()
            steps.fill([Enrolment.objects.get(patient_code=self.code()).pk])
