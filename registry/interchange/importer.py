"""Bringing a trial folder in: everything is read, checked and laid beside the record, and then all of it is written or nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from registry.closed_room import CLOSED_ALIAS, routed_through
from registry.exceptions import InvalidInput, Problem
from registry.interchange.import_report import ImportReport, TableReport
from registry.interchange.record_imports import EventImport, Importing, RecordImport, ThresholdImport
from registry.interchange.session_import import BlockRows, SessionImport
from registry.interchange.table_reader import LineRows, TableRows, header_problems, read_table
from registry.interchange.trial_folder import TrialFolder, open_folder
from registry.models import Trial, User
from registry.rules.tables import definitions as tables
from registry.rules.tables import stimulation_tables
from registry.rules.tables.columns import Table
from registry.rules.tables.problems import FileProblem
from registry.rules.tables.section_reader import TRIAL_FILE
from registry.rules.tables.toml_lines import TomlLines
from registry.rules.tables.trial_facts import TrialDefinition
from registry.rules.tables.trial_toml import read_trial
from registry.services.acts import log_act
from registry.services.allocations_import import AllocationIntake, ArmIntake, ImportedAllocation, ImportedArm
from registry.services.auditing import audited
from registry.services.diagnoses import DiagnosisIntake, NewDiagnosis, NewPain, PainIntake
from registry.services.dispositions import DispositionIntake, NewDisposition
from registry.services.import_rights import check_import
from registry.services.jobs import mark_stale
from registry.services.patients import NewPatient, PatientIntake
from registry.services.reasons import MINIMUM_REASON
from registry.services.row_sets import RowChecks, Tally
from registry.services.score_intake import ScoreIntake
from registry.services.trials import define_trial
from registry.vocabulary import Act

OBJECTS_BETWEEN_LOOKS = 200_000

Brought = TypeVar("Brought", bound=RecordImport)


Settle = Callable[[ImportReport], bool]


def settled(_: ImportReport) -> bool:
    """Let whatever was found stand."""
    return True


class NotWritten(Exception):
    """Ends the transaction of a dry run, or of a folder with problems, without writing."""


class Intake(Protocol):
    """A set of rows on its way in."""

    checks: RowChecks

    def tally(self) -> Tally:
        """Count what would become of the rows."""

    def write(self) -> None:
        """Write the sound rows."""


def bring_in(path: Path, *, by: User, now: datetime, reason: str = "", dry_run: bool = False, settle: Settle = settled) -> ImportReport:
    """Import a trial folder, a directory or a zip, all or nothing, and report what was found and done.

    A report with problems means that nothing was written. Raises ImportRefused for what is no folder, NotAllowed without
    the right. Rows on record that the folder would change need a reason.
    """
    with open_folder(path) as folder:
        return bring_in_folder(folder, by=by, now=now, reason=reason, dry_run=dry_run, settle=settle)


def bring_in_folder(
    folder: TrialFolder, *, by: User, now: datetime, reason: str = "", dry_run: bool = False, settle: Settle = settled
) -> ImportReport:
    """Import a folder that is open. `settle` is asked last, inside the transaction, whether what was found may stand."""
    try:
        with collecting_seldom():
            return FolderImport(folder, by=by, now=now, reason=reason.strip(), dry_run=dry_run, settle=settle).run()
    finally:
        # Memberships given inside a transaction that did not last must not count any longer.
        by.__dict__.pop("_memberships", None)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let Python look for unreachable cycles seldom.

    An import makes hundreds of thousands of objects that all stay until it ends, and looking through them again and again took a
    quarter of its time. What goes unused without a cycle is given back as ever.
    """
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass
class FolderImport:
    """One import under way."""

    folder: TrialFolder
    by: User
    now: datetime
    reason: str
    dry_run: bool
    settle: Settle = settled
    report: ImportReport = field(init=False)
    # Study numbers whose row in patients.csv could not be written: rows about them are no further news.
    unread: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.report = ImportReport(dry_run=self.dry_run)

    @property
    def using(self) -> str:
        """Return the alias: one that reaches the closed room where the folder brings what belongs there."""
        return CLOSED_ALIAS if self.folder.is_concealed else "default"

    def run(self) -> ImportReport:
        """Read and check everything, then write it or not."""
        self.report.note(self.folder.problems())
        definition = self._read_definition()
        if definition is None:
            with suppress(NotWritten):
                self._read_cells_only()
            return self.report
        self.report.trial = definition.trial.slug
        on_record = Trial.objects.filter(slug=definition.trial.slug).first()
        check_import(on_record, slug=definition.trial.slug, concealed=self.folder.is_concealed, by=self.by)
        reason = self.reason or f"import of {self.folder.name}"
        with suppress(NotWritten), audited(by=self.by, reason=reason, using=self.using), routed_through(self.using):
            self._bring_everything(definition)
            if self.report.problem_count or self.dry_run or not self.settle(self.report):
                raise NotWritten
            self.report.imported = True
        return self.report

    def _read_definition(self) -> TrialDefinition | None:
        if TRIAL_FILE not in self.folder.names:
            return None
        with self.folder.text(TRIAL_FILE) as stream:
            definition, problems = read_trial(stream.read())
        self.report.note(problems)
        return definition

    def _read_cells_only(self) -> None:
        """Note what is wrong with single cells where there is no trial to lay the tables beside."""
        for table in tables.TABLES:
            if table.file in self.folder.names and table is not tables.PAIN_SCORES:
                found = self._read(table)
                self._report(table, found.rows, Tally(), problems=found.problems)

    # --- The files, in the order in which they refer to each other ----------------------------------------------------

    def _bring_everything(self, definition: TrialDefinition) -> None:
        trial = self._bring_definition(definition)
        if trial is None:
            self._read_cells_only()
            return
        common: dict[str, Any] = {"trial": trial, "by": self.by, "now": self.now}
        self._bring(tables.ARMS, lambda rows: ArmIntake(trial=trial, by=self.by, rows=[ImportedArm(**row) for row in rows]))
        self._bring(
            tables.PATIENTS,
            lambda rows: PatientIntake(**common, using=self.using, rows=[NewPatient(**row) for row in rows]),
            is_source=True,
        )
        self._bring(tables.DIAGNOSES, lambda rows: DiagnosisIntake(**common, using=self.using, rows=[NewDiagnosis(**row) for row in rows]))
        self._bring(tables.PAINS, lambda rows: PainIntake(**common, using=self.using, rows=[NewPain(**row) for row in rows]))
        self._bring(tables.ALLOCATIONS, lambda rows: AllocationIntake(**common, rows=[ImportedAllocation(**row) for row in rows]))
        self._bring(
            tables.DISPOSITIONS, lambda rows: DispositionIntake(**common, using=self.using, rows=[NewDisposition(**row) for row in rows])
        )
        self._bring_scores(common)
        self._bring_records(trial)
        self._check_reason()
        if not self.report.problem_count and not self.dry_run:
            if any(table.tally.new or table.tally.corrected for table in self.report.tables):
                mark_stale(trial, by=self.by, using=self.using)
            log_act(Act.IMPORT, by=self.by, trial=trial, target=trial.slug, using=self.using, files=self.folder.names, reason=self.reason)

    def _bring_definition(self, definition: TrialDefinition) -> Trial | None:
        brings = self.using == CLOSED_ALIAS
        try:
            defined = define_trial(
                definition=definition,
                by=self.by,
                now=self.now,
                with_allocations=brings,
                knows_allocations=tables.ALLOCATIONS.file in self.folder.names,
                reason=self.reason,
                asks_reason=not self.dry_run,
                using=self.using,
            )
        except InvalidInput as refused:
            self.report.note([self._definition_problem(problem) for problem in refused.problems])
            return None
        self.report.created = defined.created
        rows = defined.tally.new + defined.tally.unchanged + defined.tally.corrected
        self.report.tables.append(TableReport(TRIAL_FILE, rows, defined.tally))
        return defined.trial

    def _definition_problem(self, problem: Problem) -> FileProblem:
        """Return a problem of 'section[number].key' with its line."""
        section, _, rest = problem.field.partition("[")
        number, _, key = rest.partition("].")
        with self.folder.text(TRIAL_FILE) as stream:
            line = TomlLines.of(stream.read()).line(section, int(number), key)
        wrong, _, right = problem.message.partition(": ")
        return FileProblem(TRIAL_FILE, line, f"{section}.{key}", "", wrong, right)

    def _bring(self, table: Table, intake_of: Callable[[list[dict[str, Any]]], Intake], *, is_source: bool = False) -> None:
        """Read one small table, lay it beside the record and write its sound rows; problems end the transaction later."""
        if table.file not in self.folder.names:
            return
        found = self._read(table)
        problems = list(found.problems)
        tally = Tally()
        if not problems or found.values:
            intake = intake_of(found.values)
            problems += self._row_problems(table, found, intake.checks)
            tally = intake.tally()
            intake.write()
            if is_source:
                bad = {found.values[row]["patient"] for row in intake.checks.bad_rows()}
                self.unread |= found.unread | bad
        self._report(table, found.rows, tally, problems=problems)

    def _read(self, table: Table, *, canonical: bool = False) -> TableRows:
        """Read a table; one that is too large ends the import, since all that refers to it would be wrong as well."""
        with self.folder.text(table.file) as stream:
            found = read_table(table, stream, canonical=canonical, size=self.folder.size(table.file))
        if found.broken_off:
            self._report(table, found.rows, Tally(), problems=found.problems)
            raise NotWritten
        return found

    def _row_problems(self, table: Table, found: TableRows, checks: RowChecks) -> list[FileProblem]:
        """Return the problems of rows with their lines, but for rows about patients whose own row is a problem already."""
        return [
            FileProblem(table.file, found.lines[one.row], one.column, one.value, one.wrong, one.right)
            for one in checks.problems
            if not (one.column == "patient" and one.value in self.unread)
        ]

    def _bring_scores(self, common: dict[str, Any]) -> None:
        table = tables.PAIN_SCORES
        if table.file not in self.folder.names:
            return
        intake = ScoreIntake(**common, using=self.using)
        with self.folder.text(table.file) as stream:
            rows = LineRows(table.file, stream)
            header = rows.header()
            problems = [rows.broken] if rows.broken else header_problems(table, header)
            if not problems:
                intake.stage(header, rows, unread=self.unread)
                problems = [FileProblem(table.file, one.row, one.column, one.value, one.wrong, one.right) for one in intake.checks.problems]
                problems += [rows.broken] if rows.broken else []
                tally = intake.tally()
        if problems:
            count = max(len(problems), intake.checks.count)
            self._report(table, intake.rows, Tally(), problems=problems, count=count, without_value=intake.without_value)
            return
        self._report(table, intake.rows, tally, without_value=intake.without_value)
        self._check_score_corrections(intake, tally)
        if not self.report.problem_count and not self.dry_run and (self.reason or not tally.corrected):
            intake.write()

    def _bring_records(self, trial: Trial) -> None:
        """Bring in thresholds, sessions with their blocks, and adverse events, each through the service that forms use."""
        importing = Importing(trial, self.by, self.now, self.reason or f"import of {self.folder.name}", self.using)
        thresholds = self._bring_table(stimulation_tables.MOTOR_THRESHOLDS, lambda found: ThresholdImport(found, importing))
        unread = self._bring_sessions(importing, set() if thresholds is None else thresholds.unread_patients())
        self._bring_table(stimulation_tables.ADVERSE_EVENTS, lambda found: EventImport(found, importing, unread))

    def _bring_table(self, table: Table, import_of: Callable[[TableRows], Brought]) -> Brought | None:
        if table.file not in self.folder.names:
            return None
        found = self._read(table, canonical=True)
        if not found.is_readable:
            self._report(table, found.rows, Tally(), problems=found.problems)
            return None
        brought = import_of(found)
        tally = brought.bring()
        self._report(table, found.rows, tally, problems=[*found.problems, *self._row_problems(table, found, brought.checks)])
        return brought

    def _bring_sessions(self, importing: Importing, unread: set[str]) -> set[tuple[str, str]]:
        """Bring in sessions with their blocks; return the names of those that could not be written."""
        table = stimulation_tables.SESSION_BLOCKS
        blocks = BlockRows(self._read(table, canonical=True)) if table.file in self.folder.names else None
        sessions = self._bring_table(stimulation_tables.SESSIONS, lambda found: SessionImport(found, importing, blocks, unread))
        if blocks is not None:
            blocks.note_strays(set() if sessions is None else sessions.names)
            problems = [*blocks.found.problems, *self._row_problems(table, blocks.found, blocks.checks)]
            self._report(table, blocks.found.rows, Tally() if sessions is None else sessions.block_tally(), problems=problems)
        return set() if sessions is None else sessions.unread()

    def _check_score_corrections(self, intake: ScoreIntake, tally: Tally) -> None:
        if tally.corrected and not intake.may_correct():
            right = "Ask somebody with the right 'score.correct' at their sites"
            self.report.note(
                [FileProblem(tables.PAIN_SCORES.file, 0, "", "", f"would correct {tally.corrected} scores, which you may not", right)]
            )

    def _check_reason(self) -> None:
        """A correction needs a reason; in a dry run it is only announced."""
        if self.report.corrected and len(self.reason) < MINIMUM_REASON and not self.dry_run:
            wrong = f"{self.report.corrected} rows differ from what is on record"
            right = f'Say why they change with --reason "..." ({MINIMUM_REASON} characters or more), or take the rows out'
            self.report.note([FileProblem(self.folder.name, 0, "", "", wrong, right)])

    def _report(
        self,
        table: Table,
        rows: int,
        tally: Tally,
        *,
        problems: Sequence[FileProblem] = (),
        count: int | None = None,
        without_value: int = 0,
    ) -> None:
        number = len(problems) if count is None else count
        self.report.note(problems, number)
        self.report.tables.append(TableReport(table.file, rows, tally, without_value, number))
