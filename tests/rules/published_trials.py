"""The reference trials as plain records: named visits, no dates, everything due, one value is enough."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from registry.rules.response import Baseline, Cutoff, Endpoint, PatientRecord, Plan, Scale, Score, TimePoint, endpoints
from registry.vocabulary import RecallPeriod, ScoreContext, ScoreSource
from tests.stats.reference_rows import rows_of

IMPORTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
CUTOFF = Cutoff(IMPORTED_AT + timedelta(days=1), UTC, all_due=True)


@dataclass(frozen=True)
class PublishedTrial:
    """A folder of the reference data with its visits and its thresholds in percent."""

    name: str
    baseline: str
    visits: tuple[str, ...]
    percents: tuple[int, ...]

    def folder(self, shared: Path) -> Path:
        """Return where its files lie."""
        return shared / "data" / self.name

    @property
    def plan(self) -> Plan:
        """Return the plan by the conventions of the reference data."""
        return Plan(
            scale=Scale("published"),
            recall=RecallPeriod.NOT_STATED,
            time_points=tuple(TimePoint.of_visit(code, visit_code=code) for code in self.visits),
            baseline=Baseline.of_visit(self.baseline),
            contexts=frozenset({ScoreContext.VISIT}),
            thresholds=tuple(10 * percent for percent in self.percents),
        )

    def endpoints_by_arm(self, shared: Path) -> dict[str, list[tuple[Endpoint, ...]]]:
        """Return each patient's endpoints, by arm."""
        scores = defaultdict(list)
        for number, row in enumerate(rows_of(self.folder(shared) / "scores.csv")):
            scores[row["subject_id"]].append(_score(number, row))
        by_arm = defaultdict(list)
        for row in rows_of(self.folder(shared) / "participants.csv"):
            record = PatientRecord(allocated=True, scores=tuple(scores[row["subject_id"]]))
            by_arm[row["arm"]].append(endpoints(self.plan, record, CUTOFF))
        return by_arm

    def groups(self, shared: Path) -> dict[tuple[str, str], list[Endpoint]]:
        """Return the endpoints of each arm at each visit."""
        by_arm = self.endpoints_by_arm(shared)
        return {(arm, visit): [one[place] for one in found] for arm, found in by_arm.items() for place, visit in enumerate(self.visits)}


def _score(number: int, row: dict[str, str]) -> Score:
    units = Decimal(row["score"]) * 10**6
    assert units == int(units), row
    return Score(
        record=number,
        value_units=int(units),
        recorded_at=IMPORTED_AT,
        scale="published",
        recall=RecallPeriod.NOT_STATED,
        context=ScoreContext.VISIT,
        source=ScoreSource.CLINIC,
        visit_code=row["visit"],
    )


VICKERS = PublishedTrial("vickers2004_headache", "BL", ("M3", "M12"), (30, 35, 50))
SUDMEX = PublishedTrial("sudmex_rtms_craving", "T0", ("T1",), (30, 50))
CHOW = PublishedTrial("chow2006_neck_pain", "BL", ("W7", "W12"), (30, 50))
