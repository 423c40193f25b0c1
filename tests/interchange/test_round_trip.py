"""export(import(F)) is F in canonical form, byte for byte.

The canonical form is written down here a second time, from typed values, so that the two can disagree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registry.interchange.import_report import ImportReport
from registry.vocabulary import (
    ALWAYS_ALLOWED_REASONS,
    DISPOSITION_REASONS,
    AnswerState,
    Cohort,
    DispositionKind,
    Handedness,
    PainCondition,
    Rater,
    RecallPeriod,
    ScoreContext,
    ScoreSource,
    Sex,
    Side,
)
from tests.interchange.folders import contents, published, write_folder

TRIAL = """[trial]
slug = "{slug}"
name = "Random"
title = "A trial with \\"quotes\\", ümlauts and \\\\ backslashes"
conduct = "prospective"
design = "parallel"
time_zone = "Europe/Berlin"
masked = true
pooled_efficacy = false
synthetic = true
grading_scheme = "three_step"
planned_participants = 160
recruitment_starts_on = 2026-01-05
recruitment_ends_on = 2027-12-31
report_day = "monday"
report_hour = 6

[[sites]]
code = "N"
name = "Northfield"

[[sites]]
code = "S"
name = "Southgate"
time_zone = "Asia/Tokyo"

[[treatments]]
code = "dlpfc"
label = "DLPFC"

[[treatments]]
code = "m1"
label = "M1"

[[stimulators]]
code = "ST-N"
site = "N"
maker = "Maker"
model = "Super 2"
serial_number = "12-34"
software_version = "4.1"
waveform = "biphasic"
pulse_width_us = 280
retired_on = 2026-01-31

[[stimulators]]
code = "ST-all"
model = "Super 1"
waveform = "not_recorded"

[[coils]]
code = "C-1"
model = "Eight 70"
shape = "figure_8"
cooled = false

[[coils]]
code = "C-2"
site = "S"
maker = "Maker"
model = "Deep"
serial_number = "9"
shape = "h_coil"
cooled = true

[[coil_conversions]]
from_model = "Eight 70"
to_model = "Deep"
factor = 0.8125
source = "Bench, 2025"

[[visit_types]]
code = "W4"
label = "Week 4"
target_day = 28
days_before = 3
days_after = 3

[[visit_types]]
code = "BL"
label = "Baseline"
days_before = 0
days_after = 0

[[scales]]
code = "NRS"
version = "1"
label = "NRS"
kind = "intensity"
minimum = 0
maximum = 10
zero_means_none = true

[[scales]]
code = "VAS"
version = "2"
label = "VAS"
kind = "intensity"
minimum = -5.5
maximum = 100
zero_means_none = false

[protocol]
version = "1.0"
effective_from = 2024-01-01

[[protocol.epochs]]
kind = "baseline"
period = 1
first_day = -7
last_day = -1

[[protocol.epochs]]
kind = "open_extension"
period = 1
first_day = 0

[[protocol.prescriptions]]
treatment = "m1"
session_days = [0, 1, 1, 28]
threshold_max_age_days = 0
received_percent = 75
source = "Own pilot"

[[protocol.prescriptions]]
threshold_max_age_days = 7
received_percent = 80

[[protocol.blocks]]
treatment = "m1"
target = "m1_hand"
hemisphere = "contralateral"
frequency_hz = 10
pulses_per_train = 100
trains = 30
gap_s = 20.5
pulses_per_burst = 1
intensity_percent = 80
intensity_reference = "rmt"

[[protocol.blocks]]
treatment = "m1"
target = "other"
target_text = "Somewhere"
hemisphere = "left"
frequency_hz = 5
bursts_per_train = 10
trains = 20
gap_s = 8
pulses_per_burst = 3
intra_burst_hz = 50
intensity_percent = 79.5
intensity_reference = "amt"

[[protocol.blocks]]
target = "dlpfc"
hemisphere = "right"
frequency_hz = 1
pulses_per_train = 1200
trains = 1
gap_s = 0
pulses_per_burst = 1
intensity_percent = 110
intensity_reference = "rmt"

[plan]
version = "1"
scale = "NRS"
scale_version = "1"
recall = "average_24h"
pain = "overall"
contexts = ["diary"]
sources = ["phone", "diary"]
anchor = "allocation"
population = "allocated"
strategy = "composite"
composite_reasons = ["rescue"]
thresholds = [30, 33.3, 50]
day0_pre = false
accept_late = false
grace_days = 2
small_cell_minimum = 5
comparator = "m1-sham"
post_hoc = false

[plan.baseline]
first_day = -7
last_day = -1
rule = "mean"
min_n = 4

[[plan.time_points]]
code = "W4"
label = "Week 4"
kind = "diary"
target_day = 28
days_before = 6
days_after = 0
rule = "mean"
min_n = 4
primary = true

[[plan.contrasts]]
arm = "m1-active"
against = "m1-sham"

[[looks]]
code = "interim1"
label = "interim 1, 50 % of patients"
planned_on = 2026-06-01
called_off = false

[[looks]]
code = "final"
label = "final"
planned_on = 2027-01-15
called_off = true
"""

ARMS = [
    {"arm": code, "label": code.upper(), "treatment": code.partition("-")[0], "part": code.partition("-")[2], "position": str(position)}
    for position, code in enumerate(("dlpfc-active", "dlpfc-sham", "m1-active", "m1-sham"), start=1)
]

dates = st.dates(date(1990, 1, 1), date(2026, 11, 1))
instants = st.datetimes(datetime(1990, 1, 1), datetime(2026, 11, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12).map(lambda text: " ".join(text.split()))
codes = st.from_regex(r"[A-Z0-9-]{1,6}", fullmatch=True)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@dataclass(frozen=True)
class Written:
    """A cell: the text a file holds, and the canonical one."""

    text: str
    canonical: str


def cell(value: object, draw: Callable[..., Any]) -> Written:
    """Write a value as a careless person might."""
    if value is None or value == "":
        return Written(draw(st.sampled_from(["", " "])), "")
    if isinstance(value, Decimal):
        canonical = format(value.normalize() + 0, "f")
        point = draw(st.sampled_from([".", ","]))
        return Written(canonical.replace(".", point) + (draw(st.sampled_from(["", "0"])) if "." in canonical else ""), canonical)
    if isinstance(value, datetime):
        offset = timezone(timedelta(minutes=draw(st.sampled_from([0, 60, -330, 765]))))
        canonical = value.strftime("%Y-%m-%dT%H:%M:%S") + (f".{value.microsecond:06}".rstrip("0") if value.microsecond else "") + "Z"
        return Written(value.astimezone(offset).isoformat(), canonical)
    if isinstance(value, bool):
        return Written("yes" if value else "no", "yes" if value else "no")
    return Written(draw(st.sampled_from(["{}", " {}"])).format(value), str(value))


@dataclass(frozen=True)
class RandomFolder:
    """Tables as a file holds them, and as an export must."""

    given: dict[str, list[dict[str, str]]]
    canonical: dict[str, list[dict[str, str]]]


@st.composite
def folders(draw: Callable[..., Any]) -> RandomFolder:
    """Draw a trial's tables: typed values first, then one careless and one canonical text for each."""
    tables: dict[str, list[dict[str, object]]] = {"arms": list(ARMS), "patients": [], "diagnoses": [], "pains": []}
    tables |= {"allocations": [], "dispositions": [], "pain_scores": []}
    for code in sorted(draw(st.sets(codes, min_size=1, max_size=4))):
        _add_patient(draw, code, tables)
    if draw(st.booleans()) and len({tuple(map(row.get, SCORE_ORDER[:-1])) for row in tables["pain_scores"]}) == len(tables["pain_scores"]):
        tables["pain_scores"] = [{**row, "row_id": ""} for row in tables["pain_scores"]]
    given: dict[str, list[dict[str, str]]] = {}
    canonical: dict[str, list[dict[str, str]]] = {}
    for name, rows in tables.items():
        cells = [{column: cell(value, draw) for column, value in row.items()} for row in rows]
        given[name] = draw(st.permutations([{column: one.text for column, one in row.items()} for row in cells])) if name != "arms" else [
            {column: one.text for column, one in row.items()} for row in cells
        ]  # fmt: skip
        canonical[name] = [{column: one.canonical for column, one in row.items()} for row in cells]
    canonical["pain_scores"].sort(key=place)
    return RandomFolder(given, canonical)


SCORE_ORDER = (
    "patient", "for_date", "visit", "context", "source", "scale", "scale_version", "recall", "pain", "observed_at", "recorded_at", "row_id",
)  # fmt: skip


def place(row: dict[str, str]) -> list[str]:
    """Return where a score stands: overall pain before all others, a whole second before its fractions."""
    moments = ("observed_at", "recorded_at")
    return [row[column].removesuffix("Z") if column in moments else {"overall": ""}.get(row[column], row[column]) for column in SCORE_ORDER]


def _add_patient(draw: Callable[..., Any], code: str, tables: dict[str, list[dict[str, object]]]) -> None:
    words = lambda vocabulary: draw(st.sampled_from(list(vocabulary)))  # noqa: E731
    tables["patients"].append(
        {
            "patient": code,
            "site": draw(st.sampled_from("NS")),
            "cohort": words(Cohort),
            "enrolled_on": draw(maybe(dates)),
            "protocol": draw(st.sampled_from(["", "1.0"])),
            "birth_year": draw(maybe(st.integers(1890, 2010))),
            "sex": words(Sex),
            "handedness": words(Handedness),
            "time_zone": draw(st.sampled_from(["", "America/St_Johns"])),
        }
    )
    diagnoses = draw(st.integers(0, 2))
    for number in range(1, diagnoses + 1):
        tables["diagnoses"].append(
            {
                "patient": code,
                "diagnosis": f"D{number}",
                "condition": words(PainCondition),
                "condition_text": draw(texts) or "in words",
                "certainty": "definite",
                "mechanism": "mixed",
                "onset": draw(st.sampled_from(["", "2020", "2020-05", "2020-05-31"])),
                "icd10": draw(st.sampled_from(["", "G54.6"])),
                "icd11": draw(st.sampled_from(["", "MG30.01"])),
            }
        )
        tables["pains"].append(
            {"patient": code, "rank": number, "diagnosis": f"D{number}", "body_region": draw(texts), "side": words(Side)}
        )
    if draw(st.booleans()):
        tables["allocations"].append(
            {
                "patient": code,
                "stage": 1,
                "arm": draw(st.sampled_from([arm["arm"] for arm in ARMS])),
                "analysis_site": draw(st.sampled_from("NS")),
                "stratum": draw(texts),
                "kit_code": draw(st.sampled_from(["", "K-7X"])),
                "allocated_on": draw(maybe(dates)),
                "allocated_at": draw(maybe(instants)),
            }
        )
    for kind in sorted(draw(st.sets(st.sampled_from(list(DispositionKind)), max_size=2))):
        reasons = (*DISPOSITION_REASONS[kind], *ALWAYS_ALLOWED_REASONS)
        tables["dispositions"].append(
            {"patient": code, "kind": kind, "happened_on": draw(maybe(dates)), "reason": words(reasons), "note": draw(texts)}
        )
    _add_scores(draw, code, diagnoses, tables["pain_scores"])


def _add_scores(draw: Callable[..., Any], code: str, pains: int, rows: list[dict[str, object]]) -> None:
    words = lambda vocabulary: draw(st.sampled_from(list(vocabulary)))  # noqa: E731
    for number in range(draw(st.integers(0, 5))):
        context = words(ScoreContext)
        for_date = draw(dates if context == ScoreContext.DIARY else maybe(dates))
        observed_at, recorded_at = draw(maybe(instants)), draw(maybe(instants))
        if for_date is None and observed_at is not None:
            observed_at = None  # the day would follow from it
        scale = draw(st.sampled_from(["NRS", "VAS"]))
        rows.append(
            {
                "patient": code,
                "for_date": for_date,
                "visit": draw(st.sampled_from(["BL", "W4"])) if for_date is None else draw(st.sampled_from(["", "BL", "W4"])),
                "value": draw(st.decimals(Decimal("-5.5") if scale == "VAS" else 0, 100 if scale == "VAS" else 10, places=6)),
                "scale": scale,
                "scale_version": "1" if scale == "NRS" else "2",
                "recall": words(RecallPeriod),
                "context": context,
                "source": words(ScoreSource),
                "rater": words(Rater),
                "pain": draw(st.sampled_from(["overall", *map(str, range(1, pains + 1))])),
                "observed_at": observed_at,
                "recorded_at": None if recorded_at == observed_at else recorded_at,
                "answer_state": words(AnswerState),
                "scheduled": draw(st.booleans()),
                "row_id": draw(st.sampled_from([f"r{number}", f'a "quoted", {number}\\'])),
            }
        )


def expected(folder: RandomFolder, slug: str) -> dict[str, bytes]:
    """Return the bytes of a canonical export."""
    files = {"trial.toml": TRIAL.format(slug=slug).encode()}
    for name, rows in folder.canonical.items():
        if rows:
            lines = [list(rows[0]), *(list(row.values()) for row in rows)]
            files[f"{name}.csv"] = ("\n".join(",".join(map(quoted, line)) for line in lines) + "\n").encode()
    return dict(sorted(files.items()))


def quoted(text: str) -> str:
    """Return a cell as CSV: in quotes where it must be, and there alone."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') or text == "\\." else text


@pytest.fixture
def take(committed_db: None, admin: Any, tmp_path: Path) -> Callable[[str], dict[str, bytes]]:
    """Return an export as the administrator who imported."""
    from registry.interchange.exporter import take_out
    from registry.models import User

    number = itertools.count()

    def run(slug: str) -> dict[str, bytes]:
        target = tmp_path / f"out-{next(number)}"
        take_out(slug, target, by=User.objects.get(pk=admin.pk))
        return contents(target)

    return run


# Without shrinking: each example is an import and an export of its own.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(folders())
def test_an_export_is_the_import_in_canonical_form(
    bring: Callable[..., ImportReport], take: Callable[[str], dict[str, bytes]], tmp_path: Path, folder: RandomFolder
) -> None:
    from registry.models import Trial

    slug = f"random-{Trial.objects.count()}"
    report = bring(write_folder(tmp_path / "f", TRIAL.format(slug=slug), **folder.given))
    assert report.problem_count == 0, [problem.sentence for problem in report.problems]
    taken, wanted = take(slug), expected(folder, slug)
    assert list(taken) == list(wanted)
    for name in taken:
        assert taken[name].decode().splitlines() == wanted[name].decode().splitlines(), name
    again = bring(write_folder(tmp_path / "f", TRIAL.format(slug=slug), **folder.given))
    assert all(table.tally.new == table.tally.corrected == table.tally.absent == 0 for table in again.tables)


@pytest.mark.parametrize(
    ("name", "slug", "rows"),
    [("vickers2004_headache", "vickers2004", 1028), ("sudmex_rtms_craving", "sudmex", 88), ("chow2006_neck_pain", "chow2006", 264)],
)
def test_published_trials_survive_export_and_import(
    bring: Callable[..., ImportReport], take: Callable[[str], dict[str, bytes]], tmp_path: Path, name: str, slug: str, rows: int
) -> None:
    report = bring(published(name, tmp_path / "in"))
    assert (report.imported, report.tables[-1].rows, report.problem_count) == (True, rows, 0)
    first = take(slug)
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for file, content in first.items():
        (renamed / file).write_bytes(content.replace(slug.encode(), b"again") if file == "trial.toml" else content)
    assert bring(renamed).imported
    second = take("again")
    assert {**second, "trial.toml": b""} == {**first, "trial.toml": b""}
    assert second["trial.toml"] == (renamed / "trial.toml").read_bytes()
