"""Import of a synthetic trial beside COPY of the same file: python -m bench.import_trial [PATIENTS] [--timed].

Runs on a throw-away server (or RTMS_TEST_SERVER, as the tests do). 40 diary scores a patient; prints, for the score table:
seconds, rows a second, and the multiple of COPY into a bare table and of COPY into a table with the same columns, checks and
indexes but without history. `--timed` adds the time of each answer. Then the outcomes of what was imported, seals included:
the first refresh, refreshes after one corrected value each, and the floor of both, counting the scores.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tests import cluster

if TYPE_CHECKING:
    from registry.models import Trial, User

SCORES_EACH = 40
FIRST_DAY = date(2025, 1, 1)
TRIAL = """[trial]
slug = "bench"
name = "Bench"
conduct = "retrospective"
synthetic = true
[[sites]]
code = "S1"
[[sites]]
code = "S2"
[[treatments]]
code = "m1"
[[scales]]
code = "nrs"
maximum = 10
step = 1
[plan]
recall = "average_24h"
comparator = "sham"
[[plan.time_points]]
code = "W4"
target_day = 28
"""


def write_folder(folder: Path, patients: int, *, timed: bool) -> None:
    """Write a trial folder with a diagnosis, a pain, an allocation and 40 diary scores for each patient."""
    chance = random.Random(1)  # synthetic rows, no secret
    (folder / "trial.toml").write_text(TRIAL)
    (folder / "arms.csv").write_text("arm\nactive\nsham\n")
    names = ("patients", "diagnoses", "pains", "allocations", "pain_scores")
    heads = ("patient,site,birth_year", "patient,condition", "patient,side", "patient,arm,allocated_on", "patient,for_date,value")
    files = {name: (folder / f"{name}.csv").open("w") for name in names}
    for name, head in zip(names, heads, strict=True):
        files[name].write(head + (",recorded_at" if timed and name == "pain_scores" else "") + "\n")
    for number in range(patients):
        code, day0 = f"P-{number:06}", FIRST_DAY + timedelta(days=number % 200)
        files["patients"].write(f"{code},S{1 + number % 2},{1940 + number % 50}\n")
        files["diagnoses"].write(f"{code},{('fibromyalgia', 'crps_1', 'phantom_limb', 'low_back')[number % 4]}\n")
        files["pains"].write(f"{code},left\n")
        files["allocations"].write(f"{code},{chance.choice(('active', 'sham'))},{day0}\n")
        for offset in range(-7, SCORES_EACH - 7):
            day = day0 + timedelta(days=offset)
            at = f",{day}T{chance.randint(17, 21)}:{chance.randint(10, 59)}:00Z" if timed else ""
            files["pain_scores"].write(f"{code},{day},{chance.randint(0, 10)}{at}\n")
    for file in files.values():
        file.close()


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def copy_bare(path: Path, *, times: bool) -> float:
    """Return how long COPY of the score file into a table of its own columns takes; the better of two."""
    columns = "patient text, for_date date, value numeric" + (", recorded_at timestamptz" if times else "")
    with cluster.administrator(os.environ["RTMS_DB_NAME"]) as connection:

        def copy() -> None:
            connection.execute(f"DROP TABLE IF EXISTS bare; CREATE TABLE bare ({columns})")
            with path.open("rb") as file, connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as into:
                while block := file.read(65_536):
                    into.write(block)

        return min(timed(copy), timed(copy))


def copy_equal() -> float:
    """Return how long COPY of the stored rows into an equal table without history takes."""
    with cluster.administrator(os.environ["RTMS_DB_NAME"]) as connection:
        connection.execute("CREATE TABLE equal (LIKE registry_painscore INCLUDING CONSTRAINTS INCLUDING INDEXES)")
        with tempfile.TemporaryFile() as file:
            with connection.cursor().copy("COPY registry_painscore TO STDOUT") as out:
                for block in out:
                    file.write(block)
            file.seek(0)

            def copy() -> None:
                with connection.cursor().copy("COPY equal FROM STDIN") as into:
                    while block := file.read(65_536):
                        into.write(block)

            return timed(copy)


def main() -> None:
    """Import once, compute the outcomes, and print the tables."""
    patients = int(next((word for word in sys.argv[1:] if word.isdigit()), "10000"))
    times = "--timed" in sys.argv
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "RTMS_DB_ROLE": "worker"}
    name = os.environ["RTMS_DB_NAME"]
    cluster.make_database(name, cluster.ensure_template())
    try:
        compare(patients, times=times)
    finally:
        from django.db import connections

        connections.close_all()
        cluster.drop_database(name)


def compare(patients: int, *, times: bool) -> None:
    import django

    django.setup()
    from django.utils import timezone

    from registry.interchange.importer import bring_in
    from registry.services import accounts

    by = accounts.ensure_first_administrator(password=accounts.new_password(), now=timezone.now())
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_folder(folder, patients, timed=times)
        bare = copy_bare(folder / "pain_scores.csv", times=times)
        scores = timed_scores(lambda: bring_in(folder, by=by, now=timezone.now()))
        bare = min(bare, copy_bare(folder / "pain_scores.csv", times=times))
    print_import(patients * SCORES_EACH, bare, copy_equal(), scores)
    print_outcomes(by)


def print_import(rows: int, bare: float, equal: float, scores: dict[str, float]) -> None:
    """Print the import beside both kinds of COPY."""
    lines = [f"{rows:<38}{'seconds':>9}{'rows/s':>10}{'x bare':>8}{'x equal':>9}"]
    for label, seconds in (
        ("COPY into a bare table", bare),
        ("COPY into an equal table, no history", equal),
        ("import: score table", scores["scores"]),
        ("import: whole folder", scores["all"]),
    ):
        lines.append(f"{label:38}{seconds:9.2f}{rows / seconds:10.0f}{seconds / bare:8.1f}{seconds / equal:9.2f}")
    sys.stdout.write("\n".join([*lines, ""]))


def print_outcomes(by: User) -> None:
    """Print the first refresh and those after one corrected value, beside counting the scores."""
    from registry.models import Trial
    from registry.outcomes.refresh import refresh_trial
    from registry.services import accounts

    trial = Trial.objects.get(slug="bench")
    accounts.add_membership(user=by, role="coordinator", trial=trial, site=None, by=by, valid_from=FIRST_DAY)
    first = timed(lambda: refresh_trial(trial.pk))
    later, count = [], []
    for _ in range(5):
        correct_one(trial, by)
        later.append(timed(lambda: refresh_trial(trial.pk)))
        count.append(timed(count_scores))
    floor = statistics.median(count)
    for label, seconds in (("counting the scores", floor), ("first refresh", first), ("after one value", statistics.median(later))):
        sys.stdout.write(f"{label:38}{seconds:9.3f} s {seconds / floor:8.2f} x\n")


def count_scores() -> None:
    from registry.models import PainScore

    PainScore.objects.count()


def correct_one(trial: Trial, by: User) -> None:
    """Correct one value of somebody, as a person does."""
    from django.utils import timezone

    from registry.models import PainScore
    from registry.services.scores import CORRECTION_REASONS, Reason, correct_score

    score = PainScore.objects.filter(enrolment__trial=trial, ended_at__isnull=True).latest("pk")
    value = Decimal(0) if score.value else Decimal(1)
    correct_score(score, value=value, reason=Reason(next(iter(CORRECTION_REASONS)), "bench"), by=by, now=timezone.now())


def timed_scores(action: Callable[[], object]) -> dict[str, float]:
    """Return the seconds of an import, and of its score table alone."""
    from registry.interchange.importer import FolderImport

    found: dict[str, float] = {}
    bring_scores = FolderImport._bring_scores

    def measured(self: FolderImport, common: dict[str, object]) -> None:
        found["scores"] = timed(lambda: bring_scores(self, common))

    FolderImport._bring_scores = measured  # type: ignore[method-assign]
    found["all"] = timed(action)
    return found


if __name__ == "__main__":
    main()
