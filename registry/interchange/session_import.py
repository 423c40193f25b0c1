"""sessions.csv and session_blocks.csv on their way in: a session and its blocks are one row of the service."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from registry.exceptions import Problem
from registry.interchange import record_queries as queries
from registry.interchange.record_imports import Importing, RecordImport, named_thresholds
from registry.interchange.record_matches import Cells, Key, Stored, canonical_name, session_key, session_name
from registry.interchange.table_reader import TableRows
from registry.models import StimulationSession
from registry.roles import Permission
from registry.rules.stimulation import NewBlock, NewSession
from registry.rules.tables import stimulation_tables as tables
from registry.rules.tables.cells import canonical_decimal, value_of
from registry.rules.tables.patterns import PATTERN_KEYS, complaint, read_block
from registry.rules.tables.stimulation_facts import BlockFacts
from registry.services.row_sets import RowChecks, Tally
from registry.services.session_moulds import SessionLine
from registry.services.stimulation import correct_sessions
from registry.services.stimulation_lines import record_session_lines
from registry.vocabulary import (
    DeviationReason,
    Hemisphere,
    IntensityReference,
    NewSinceLast,
    NoAnswer,
    SessionReason,
    SessionStatus,
    StimulationTarget,
    TreatmentGuess,
)

_BLOCK = re.compile(r"blocks\[(\d+)\]\.(.*)")
CONCEALED = tuple(column.name for column in tables.SESSIONS.columns if column.concealed)
AS_STORED = (
    *("number", "started_at", "ended_at", "for_date", "as_planned", "threshold_percent_mso", "hearing_protection"),
    *("coil_matches_threshold", "pulse_counter"),
)
PAINS = ("pain_before", "pain_before_at", "pain_after", "pain_after_at", "guess_certainty")
# What a line of the service names; of all else it is told only whether rows say the same.
OWN = (
    *("patient", "number", "for_date", "started_at", "ended_at", "threshold", "kit_code", "row_id"),
    *("pain_before", "pain_before_at", "pain_after", "pain_after_at", "guess", "guess_certainty"),
)
_rest = itemgetter(*(name for name in tables.SESSIONS.names if name not in OWN))


class BlockRows:
    """session_blocks.csv: its rows with their patterns read, by the session they belong to."""

    def __init__(self, found: TableRows) -> None:
        self.found, self.checks = found, RowChecks()
        table = tables.SESSION_BLOCKS
        self.rows: list[Cells] = [{column.name: row.get(column.name, column.default) for column in table.columns} for row in found.values]
        self.blocks: dict[int, NewBlock] = {}
        for number, row in enumerate(self.rows):
            row["session"] = canonical_name(row["session"])
            self._read(number, row)
        self.checks.note_repeats((tuple(row[name] for name in table.key) for row in self.rows), table.key)
        self.by_session: dict[tuple[str, str], list[int]] = {}
        for number in sorted(range(len(self.rows)), key=lambda number: int(self.rows[number]["position"])):
            self.by_session.setdefault((self.rows[number]["patient"], self.rows[number]["session"]), []).append(number)

    def _read(self, number: int, row: Cells) -> None:
        """Read the pattern of a row, and leave its canonical text in its place."""
        block, complaints = block_of(row)
        for one in complaints:
            self.checks.note(number, one.column, one.value, one.wrong, one.right)
        if block is not None:
            self.blocks[number] = block
            row |= pattern_cells(block)

    def note_strays(self, sessions: set[tuple[str, str]]) -> None:
        """Note blocks that belong to no row of sessions.csv."""
        for (patient, session), numbers in self.by_session.items():
            if not {(patient, session), (patient, "")} & sessions:
                for number in numbers:
                    right = "Name a session of that patient by its number in sessions.csv"
                    self.checks.note(number, "session", session, "is no session in sessions.csv", right)


def block_of(row: Cells) -> tuple[NewBlock | None, list[Any]]:
    """Return the block of a row's cells, or what is wrong with its pattern."""
    values: dict[str, Any] = {column.name: value_of(column, row[column.name]) for column in tables.SESSION_BLOCKS.columns}
    pattern, complaints = read_block(values)
    if pattern is None:
        return None, complaints
    target = StimulationTarget(row["target"]) if row["target"] else None
    hemisphere = Hemisphere(row["hemisphere"]) if row["hemisphere"] else None
    reference = IntensityReference(row["intensity_reference"])
    return NewBlock(pattern, values["intensity_percent"], reference, target, hemisphere, row["target_text"]), []


def pattern_cells(block: NewBlock) -> Cells:
    """Return the canonical cells of a block's pattern."""
    facts = BlockFacts.of(block.pattern, target="", hemisphere="", intensity_percent=block.intensity_percent)
    values = {name: getattr(facts, name) for name in PATTERN_KEYS}
    return {
        name: "" if value is None else canonical_decimal(value) if hasattr(value, "as_tuple") else str(value)
        for name, value in values.items()
    }


class SessionImport(RecordImport):
    """sessions.csv, with the rows of session_blocks.csv that belong to it."""

    query = queries.SESSIONS
    model = StimulationSession
    moot = ("deviation_reason", "deviation_text")
    columns = {
        "protocol_version": "protocol",
        "anything_new": "new_since_last",
        "anything_new_text": "new_since_last_text",
        "side_effects": "side_effects_asked",
        "blocks": "as_planned",
    }

    def __init__(self, found: TableRows, importing: Importing, blocks: BlockRows | None, unread: set[str]) -> None:
        # `unread` are patients with a threshold that could not be read or written.
        self.blocks, self._unread = blocks, unread
        self._stored_blocks: dict[tuple[str, str], list[Cells]] = {}
        # Rows whose block was refused: the session cannot be written without it.
        self._refused: set[int] = set()
        super().__init__(found, importing)

    @property
    def key(self) -> Callable[[Cells], Key]:
        return session_key

    def load(self) -> None:
        self._thresholds = named_thresholds(self.importing)
        self._reads_concealed = self.importing.by.is_system or self.importing.by.can(
            Permission.ALLOCATION_MANAGE, trial=self.importing.trial
        )

    def load_more(self, cursor: Any, scopes: dict[str, str]) -> None:
        names = tables.SESSION_BLOCKS.names
        cursor.execute(queries.SESSION_BLOCKS.texts_sql(names).format(**scopes))
        for cells in cursor.fetchall():
            row = dict(zip(names, cells, strict=True))
            self._stored_blocks.setdefault((row["patient"], row["session"]), []).append(row)

    def complete(self, number: int, row: Cells) -> None:
        self.complete_day(row, "for_date", "started_at")
        if row["threshold"]:
            self._name_threshold(number, row)
        if not self._reads_concealed:
            for name in CONCEALED:
                if row[name]:
                    self.checks.note(number, name, row[name], "needs the right 'allocation.manage' to bring in", "Leave the column out")

    def _name_threshold(self, number: int, row: Cells) -> None:
        known = self._thresholds.get((row["patient"], canonical_name(row["threshold"])))
        if known is None and row["patient"] in self._unread:
            self._refused.add(number)
        elif known is None:
            right = "Name it by its row_id, or by kind, hemisphere, time or day, and coil, as motor_thresholds.csv has them"
            self.checks.note(number, "threshold", row["threshold"], "is no single threshold of this patient", right)
        else:
            row["threshold"] = known[1]

    def changed(self, number: int, stored: Stored) -> bool:
        """Tell whether the blocks of a session differ; without session_blocks.csv nothing is said about them."""
        if self.blocks is None:
            return False
        row, kept = self.rows[number], self._blocks_on_record(stored.cells)
        brought = [self.blocks.rows[one] for one in self._block_numbers(row)]
        return len(brought) != len(kept) or any(not same_block(ours, theirs) for ours, theirs in zip(brought, kept, strict=True))

    def stays(self, name: str, row: Cells, stored: Cells) -> bool:
        """Tell so; the value of another threshold does not."""
        return name != "threshold_percent_mso" or row["threshold"] == stored["threshold"]

    def _blocks_on_record(self, cells: Cells) -> list[Cells]:
        return self._stored_blocks.get((cells["patient"], session_name(cells)), [])

    def _block_numbers(self, row: Cells) -> list[int]:
        return [] if self.blocks is None else self.blocks.by_session.get((row["patient"], session_name(row)), [])

    def _blocks(self, row: Cells) -> tuple[NewBlock, ...]:
        """Return the blocks the folder brings, else those on record."""
        if self.blocks is not None:
            return tuple(self.blocks.blocks[one] for one in self._block_numbers(row) if one in self.blocks.blocks)
        kept = [] if row["as_planned"] == "yes" else self._blocks_on_record(row)
        return tuple(block for cells in kept if (block := block_of(cells)[0]) is not None)

    def new_row(self, number: int, row: Cells) -> NewSession:
        value = {name: self.value(row, name) for name in (*AS_STORED, *PAINS, "new_since_last")}
        texts: dict[str, Any] = {name: row[name] or None for name in ("visit", "stimulator", "coil")}
        texts |= {name: row[name] for name in ("reason_text", "kit_code", "deviation_text", "note", "row_id")}
        threshold = self._thresholds.get((row["patient"], row["threshold"]))
        return NewSession(
            patient=row["patient"],
            status=SessionStatus(row["status"]),
            period=self.value(row, "period"),
            reason=SessionReason(row["reason"]) if row["reason"] else None,
            protocol_version=row["protocol"] or None,
            blocks=self._blocks(row),
            threshold=None if threshold is None else threshold[0],
            pain_before_no_answer=NoAnswer(row["pain_before_no_answer"]) if row["pain_before_no_answer"] else None,
            pain_after_no_answer=NoAnswer(row["pain_after_no_answer"]) if row["pain_after_no_answer"] else None,
            anything_new=None if value["new_since_last"] is None else frozenset(map(NewSinceLast, value["new_since_last"])),
            anything_new_text=row["new_since_last_text"],
            side_effects=() if row["side_effects_asked"] == "yes" else None,
            guess=TreatmentGuess(row["guess"]) if row["guess"] else None,
            deviation_reason=DeviationReason(row["deviation_reason"]) if row["deviation_reason"] else None,
            **{name: value[name] for name in (*AS_STORED, *PAINS)},
            **texts,
        )

    def record(self, rows: Sequence[Any]) -> None:
        one = self.importing
        record_session_lines(trial=one.trial, lines=rows, by=one.by, now=one.now, reason=one.reason)

    def _record(self, numbers: Sequence[int]) -> None:
        self.record([self._line(number, self.rows[number]) for number in numbers])

    def _line(self, number: int, row: Cells) -> SessionLine:
        value, threshold = self.value, self._thresholds.get((row["patient"], row["threshold"]))
        return SessionLine(
            patient=row["patient"],
            period=value(row, "period"),
            number=value(row, "number"),
            for_date=value(row, "for_date"),
            started_at=value(row, "started_at"),
            ended_at=value(row, "ended_at"),
            threshold=None if threshold is None else threshold[0],
            kit_code=row["kit_code"],
            pain_before=value(row, "pain_before"),
            pain_before_at=value(row, "pain_before_at"),
            pain_after=value(row, "pain_after"),
            pain_after_at=value(row, "pain_after_at"),
            guess=TreatmentGuess(row["guess"]) if row["guess"] else None,
            guess_certainty=value(row, "guess_certainty"),
            row_id=row["row_id"],
            protocol_version=row["protocol"] or None,
            rest=(_rest(row), self._blocks(row)),
            whole=partial(self.new_row, number, row),
        )

    def correct(self, pairs: Sequence[tuple[Any, Any]]) -> None:
        one = self.importing
        correct_sessions(trial=one.trial, pairs=pairs, by=one.by, now=one.now, reason=one.reason, events_apart=True)

    def note_problem(self, number: int, problem: Problem) -> None:
        """Note what is wrong with a block where the block stands."""
        place = _BLOCK.fullmatch(problem.field)
        numbers = self._block_numbers(self.rows[number])
        if place is None or self.blocks is None or int(place[1]) >= len(numbers):
            super().note_problem(number, problem)
            return
        block = numbers[int(place[1])]
        said = complaint(Problem(place[2], problem.message), self.blocks.rows[block])
        self.blocks.checks.note(block, place[2], said.value, said.wrong, said.right)
        self._refused.add(number)

    def sound(self, numbers: Any) -> list[int]:
        bad_blocks = set() if self.blocks is None else self.blocks.checks.bad_rows()
        sound = super().sound(numbers)
        if not bad_blocks and not self._refused:
            return sound
        return [
            number
            for number in sound
            if number not in self._refused and not bad_blocks.intersection(self._block_numbers(self.rows[number]))
        ]

    def place(self, row: Cells) -> tuple[object, ...]:
        return row["patient"], int(row["period"]), int(row["number"] or 0), row["for_date"], row["started_at"], row["row_id"]

    @property
    def names(self) -> set[tuple[str, str]]:
        """Return what other tables call the sessions of this one, '' for those of a row that could not be read."""
        return {(row["patient"], session_name(row)) for row in self.rows} | {(patient, "") for patient in self.found.unread}

    def unread(self) -> set[tuple[str, str]]:
        """Return the sessions that could not be written, and '' for patients with a row that could not be read."""
        sound = set(self.sound(range(len(self.rows))))
        unwritten = {(row["patient"], session_name(row)) for number, row in enumerate(self.rows) if number not in sound}
        return unwritten | {(patient, "") for patient in self.found.unread}

    def block_tally(self) -> Tally:
        """Count the blocks of the folder beside those on record."""
        if self.blocks is None:
            return Tally()
        new = unchanged = corrected = 0
        for key, numbers in self.blocks.by_session.items():
            kept = {cells["position"]: cells for cells in self._stored_blocks.get(key, [])}
            for row in (self.blocks.rows[number] for number in numbers):
                known = kept.get(row["position"])
                same = known is not None and same_block(row, known)
                new, unchanged, corrected = new + (known is None), unchanged + same, corrected + (known is not None and not same)
        on_record = sum(len(kept) for kept in self._stored_blocks.values())
        return Tally(new, unchanged, corrected, on_record - unchanged - corrected)


def same_block(brought: Cells, kept: Cells) -> bool:
    """Tell whether two blocks are the same; an empty target or hemisphere says nothing."""
    for name in ("target", "hemisphere", "target_text"):
        if brought[name] and brought[name] != kept[name]:
            return False
    return all(brought[name] == kept[name] for name in (*PATTERN_KEYS, "intensity_percent", "intensity_reference", "position"))
