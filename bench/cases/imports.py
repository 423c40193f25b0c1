"""Import of trial folders beside COPY of the same rows and beside the naive peer; then the first outcomes of what came in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from bench import folders, goals
from bench.results import ratio
from bench.sandwich import Sandwich, Take, sandwich_of, timed
from bench.servers import variables_for
from bench.worlds import SINCE, bare_database, empty_database
from registry import environment
from tests import cluster

if TYPE_CHECKING:
    from bench.bench import Bench
    from registry.models import User

SESSIONS_EACH, MOST_SESSIONS, PEER_ROWS = 20, 20_000, 1_000
# The most sessions the nested peer is sent at once: its time for one does not depend on how many there are.
NESTED_ROWS = 200

NESTED = f"DRF many=True with simple-history, nested, the same rows ({NESTED_ROWS} at most)"


def measure(bench: Bench, stack: ExitStack) -> None:
    """Measure each size in a database of its own."""
    for patients in bench.sizes:
        with empty_database(f"import_{patients}") as database:
            import_at = ImportAt(bench, database, patients)
            import_at.scores()
            import_at.sessions()
            import_at.first_outcomes()


@dataclass
class ImportAt:
    """Imports of one size, each into a trial of its own."""

    bench: Bench
    database: str
    patients: int
    by: User = field(init=False)
    numbers: Iterator[int] = field(default_factory=count)
    inside: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from registry.services import accounts

        by = accounts.ensure_first_administrator(password=accounts.new_password(), now=datetime.now(UTC))
        if by is None:
            raise RuntimeError("the database is not an empty one")
        self.by = by
        make_peers_patients()

    # --- Scores ----------------------------------------------------------------------------------------------------

    def scores(self) -> None:
        """Import diaries: the score table beside COPY, and a row of it beside a row of the peer."""
        rows, number = self.patients * folders.SCORES_EACH, next(self.numbers)
        self.take_in(self.diaries(number), timed_scores=True)
        equal = EqualTable.of(self.database, "registry_painscore", self.bench.folder / f"rows-{self.patients}")
        found: dict[str, list[tuple[float, float]]] = {"COPY into a bare table": [], "equal": [], "peer": []}
        for _ in range(self.bench.run.repeats):
            folder = self.diaries(next(self.numbers))
            before = self.beside(folder, equal)
            whole = self.take_in(folder, timed_scores=True)
            after = self.beside(folder, equal)
            found["COPY into a bare table"].append((self.inside["scores"], (before[0] + after[0]) / 2))
            found["equal"].append((self.inside["scores"], (before[1] + after[1]) / 2))
            found["peer"].append((rows / whole, (1 / before[2] + 1 / after[2]) / 2))
            shutil.rmtree(folder)
        self.note("import of the score table, with history", "COPY into a bare table", sandwich_of(found["COPY into a bare table"]))
        self.note("import of the score table, with history", "COPY into an equal table without", sandwich_of(found["equal"]))
        self.note(
            f"import of a folder of {rows} scores, rows a second", "DRF many=True with simple-history", sandwich_of(found["peer"]),
            unit="rows/s", goal=goals.IMPORT_AGAINST_PEER,
        )  # fmt: skip

    def diaries(self, number: int) -> Path:
        folder = self.bench.folder / f"diaries-{self.patients}-{number}"
        folders.write_diaries(folder, f"diaries-{number}", self.patients, self.bench.run.seed + number)
        return folder

    def beside(self, folder: Path, equal: EqualTable) -> tuple[float, float, float]:
        """Return the seconds of both kinds of COPY, and of one row of the peer."""
        return copy_bare(self.database, folder / "pain_scores.csv"), equal.copy(), peers_row(score_rows)

    # --- Sessions ---------------------------------------------------------------------------------------------------

    def sessions(self) -> None:
        """Import sessions with thresholds, blocks, pains and side effects, beside a peer with the same rows and one with one row."""
        wanted = min(MOST_SESSIONS, SESSIONS_EACH * self.patients)
        nested: list[tuple[float, float]] = []
        flat: list[tuple[float, float]] = []
        with nested_peer(self.patients, min(NESTED_ROWS, wanted)) as nested_row:
            for number in range(self.bench.run.repeats):
                slug, folder = f"sessions-{number}", self.bench.folder / f"sessions-{self.patients}-{number}"
                seed = self.bench.run.seed + 1000 * number
                rows = folders.write_sessions(folder, slug, wanted, seed, datetime.now(UTC), diaries=False)
                before = nested_row(), peers_row(session_rows)
                whole = self.take_in(folder)
                after = nested_row(), peers_row(session_rows)
                for pairs, one, other in zip((nested, flat), before, after, strict=True):
                    pairs.append((rows / whole, (1 / one + 1 / other) / 2))
                shutil.rmtree(folder)
        what = f"import of a folder of {rows} sessions, sessions a second"
        self.note(f"{what} with blocks, pains, side effects", NESTED, sandwich_of(nested), unit="rows/s", goal=goals.IMPORT_AGAINST_PEER)
        self.note(what, "DRF many=True with simple-history, one flat row", sandwich_of(flat), unit="rows/s")

    # --- Outcomes ---------------------------------------------------------------------------------------------------

    def first_outcomes(self) -> None:
        """Seal and compute what was imported first, then after one corrected value each."""
        from registry.models import Trial
        from registry.outcomes.refresh import refresh_trial
        from registry.services import accounts

        trial = Trial.objects.get(slug="diaries-0")
        accounts.add_membership(user=self.by, role="coordinator", trial=trial, by=self.by, valid_from=SINCE)
        floor = timed(count_scores)
        first = timed(lambda: refresh_trial(trial.pk))
        self.note("first refresh, all seals included", "counting the scores", sandwich_of([(first, (floor + timed(count_scores)) / 2)]))

        def after_one_value() -> float:
            correct_one(trial, self.by)
            return timed(lambda: refresh_trial(trial.pk))

        corrected: dict[str, tuple[Take, goals.Goal | None]] = {
            "refresh after one corrected value, its seal included": (after_one_value, None)
        }
        self.bench.compare(self.patients, "counting the scores", lambda: timed(count_scores), corrected)

    # --- Both -------------------------------------------------------------------------------------------------------

    def take_in(self, folder: Path, *, timed_scores: bool = False) -> float:
        """Import a folder and return the seconds; those of its score table are kept aside."""
        from registry.interchange.importer import FolderImport, bring_in

        bring_scores = FolderImport._bring_scores

        def bring(one: FolderImport, common: dict[str, Any]) -> None:
            self.inside["scores"] = timed(lambda: bring_scores(one, common))

        with mock.patch.object(FolderImport, "_bring_scores", bring if timed_scores else bring_scores):
            report = None

            def work() -> None:
                nonlocal report
                report = bring_in(folder, by=self.by, now=datetime.now(UTC))

            seconds = timed(work)
        if report is None or report.problem_count:
            raise RuntimeError(f"the folder was refused: {report and report.lines()[:5]}")
        return seconds

    def note(self, what: str, against: str, found: Sandwich, *, unit: str = "s", goal: goals.Goal | None = None) -> None:
        self.bench.run.note(ratio(what, against, self.patients, found, unit=unit, goal=goal))


@dataclass
class EqualTable:
    """A table with columns, checks and indexes of another but no history, and that one's rows in a file to fill it with."""

    database: str
    rows: Path

    @classmethod
    def of(cls, database: str, table: str, path: Path) -> EqualTable:
        """Make it, with the rows in a file of that path."""
        with cluster.administrator(database) as connection, path.open("wb") as file:
            connection.execute(f"CREATE TABLE equal (LIKE {table} INCLUDING CONSTRAINTS INCLUDING INDEXES)".encode())
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as out:
                for block in out:
                    file.write(block)
        return cls(database, path)

    def copy(self) -> float:
        """Return the seconds of filling it anew."""
        with cluster.administrator(self.database) as connection:
            connection.execute("TRUNCATE equal")
            return timed(lambda: copy_file(connection, "COPY equal FROM STDIN", self.rows))


def copy_bare(database: str, path: Path) -> float:
    """Return the seconds of COPY of a score file into a table of its three columns."""
    with cluster.administrator(database) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (patient text, for_date date, value numeric)")
        return timed(lambda: copy_file(connection, "COPY bare FROM STDIN (FORMAT csv, HEADER)", path))


def copy_file(connection: Any, statement: str, path: Path) -> None:
    """COPY a file in."""
    with path.open("rb") as file, connection.cursor().copy(statement) as into:
        while block := file.read(65_536):
            into.write(block)


def make_peers_patients() -> None:
    """Give the peer's rows somebody to belong to."""
    from bench.peer.models import Patient

    Patient.objects.bulk_create(Patient(code=f"P{number}") for number in range(1, 101))


@contextmanager
def nested_peer(patients: int, rows: int) -> Iterator[Take]:
    """Make the nested peer ready in a database of its own; yield what takes its seconds for one of so many sessions at once."""
    with bare_database(f"nested_import_{patients}") as database:
        run_nested(database, "bench.peer_nested.prepare")
        yield lambda: float(run_nested(database, "bench.peer_nested.many", str(rows)))


def run_nested(database: str, module: str, *arguments: str) -> str:
    """Run a module of the nested peer in a process of its own and return the last word it prints."""
    variables = variables_for(database, DJANGO_SETTINGS_MODULE="bench.peer_nested.settings", RTMS_DB_ROLE="owner")
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env=variables, cwd=environment.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the nested peer failed: {done.stderr}")
    return done.stdout.split()[-1]


def score_rows() -> list[dict[str, object]]:
    """Return scores as a script would send them."""
    words = {"scale": "nrs", "context": "diary", "recall": "average_24h", "source": "diary", "recorded_at": "2026-03-02T20:00:00Z"}
    return [{"patient": 1 + number % 100, "for_date": "2026-03-02", "value": number % 11, **words} for number in range(PEER_ROWS)]


def session_rows() -> list[dict[str, object]]:
    """Return sessions as a script would send them."""
    return [session_row(1 + number % 100, 1 + number % 20) for number in range(PEER_ROWS)]


def session_row(patient: int, number: int) -> dict[str, object]:
    """Return one session of the peer."""
    start = datetime(2026, 3, 2, 9, 20, tzinfo=UTC) + timedelta(days=number)
    return {
        "patient": patient, "number": number, "status": "given", "started_at": start.isoformat(), "stimulator": "ST-N", "coil": "C-N",
        "ended_at": (start + timedelta(minutes=15)).isoformat(), "threshold_percent": 52, "kit_code": "K-3127", "frequency_hz": 10,
        "pulses": 3000, "intensity_percent": 80, "pain_before": 6, "pain_after": 4, "hearing_protection": True,
    }  # fmt: skip


def peers_row(rows_of: Callable[[], list[dict[str, object]]]) -> float:
    """Return the seconds the peer takes for one row of a list, in one transaction."""
    from django.db import transaction

    from bench.peer import views

    shape = views.ScoreSerializer if rows_of is score_rows else views.SessionSerializer
    rows = rows_of()

    def write() -> None:
        with transaction.atomic(using="peer"):
            serializer = shape(data=rows, many=True)
            serializer.is_valid(raise_exception=True)
            serializer.save()

    return timed(write) / len(rows)


def count_scores() -> None:
    from registry.models import PainScore

    PainScore.objects.count()


def correct_one(trial: Any, by: Any) -> None:
    """Correct one value of somebody, as a person does."""
    from registry.models import PainScore
    from registry.services.scores import CORRECTION_REASONS, Reason, correct_score

    score = PainScore.objects.filter(enrolment__trial=trial, ended_at__isnull=True).latest("pk")
    value = Decimal(0) if score.value else Decimal(1)
    correct_score(score, value=value, reason=Reason(next(iter(CORRECTION_REASONS)), "bench"), by=by, now=datetime.now(UTC))
