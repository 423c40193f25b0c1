"""What an import found and did: counts for each table, and every problem with its place and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.rules.tables.problems import FileProblem
from registry.services.row_sets import Tally

SHOWN_PROBLEMS = 50


@dataclass(frozen=True)
class TableReport:
    """One file: how many rows it has, what became of them, how many had no value, how many problems there are."""

    file: str
    rows: int
    tally: Tally
    without_value: int = 0
    problems: int = 0


@dataclass
class ImportReport:
    """All files of a folder. `problems` holds the first ones of each file, `problem_count` says how many there are."""

    trial: str = ""
    created: bool = False
    dry_run: bool = False
    imported: bool = False
    tables: list[TableReport] = field(default_factory=list)
    problems: list[FileProblem] = field(default_factory=list)
    problem_count: int = 0

    def note(self, problems: Sequence[FileProblem], count: int | None = None) -> None:
        """Add problems; `count` is their number where not all are given."""
        self.problems += problems
        self.problem_count += len(problems) if count is None else count

    @property
    def corrected(self) -> int:
        """Return how many rows on record would change."""
        return sum(table.tally.corrected for table in self.tables)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, with every problem that was kept."""
        return {
            "trial": self.trial,
            "created": self.created,
            "dry_run": self.dry_run,
            "imported": self.imported,
            "tables": [
                {
                    "file": table.file,
                    "rows": table.rows,
                    "new": table.tally.new,
                    "unchanged": table.tally.unchanged,
                    "corrected": table.tally.corrected,
                    "absent": table.tally.absent,
                    "voided": table.tally.voided,
                    "without_value": table.without_value,
                    "problems": table.problems,
                }
                for table in self.tables
            ],
            "problem_count": self.problem_count,
            "problems": [
                {name: getattr(problem, name) for name in ("file", "line", "column", "wrong", "right")}
                | {"value": problem.value.encode("utf-8", "replace").decode()}
                for problem in self.problems
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield the report for people: a table of counts, then the problems."""
        yield f"{'file':20}{'rows':>9}{'new':>9}{'unchanged':>11}{'corrected':>11}{'absent':>9}{'no value':>10}{'problems':>10}"
        for table in self.tables:
            one = table.tally
            yield (
                f"{table.file:20}{table.rows:>9}{one.new:>9}{one.unchanged:>11}{one.corrected:>11}"
                f"{one.absent:>9}{table.without_value:>10}{table.problems:>10}"
            )
        if any(table.tally.voided for table in self.tables):
            yield f"{sum(table.tally.voided for table in self.tables)} rows were voided in the registry and stay so."
        if any(table.tally.absent for table in self.tables):
            yield "Absent rows are on record but not in the folder; they stay as they are."
        yield from (problem.sentence for problem in self.problems[:SHOWN_PROBLEMS])
        if self.problem_count > min(SHOWN_PROBLEMS, len(self.problems)):
            yield f"... and {self.problem_count - min(SHOWN_PROBLEMS, len(self.problems))} more problems."
