"""From the texts of a score table to lines for COPY, four million at a time: each distinct cell is read once.

A row is a list of texts under a header. Cells that say the same in every row of a file are not copied at all: they are
defaults of the staging table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Protocol

from registry.rules.tables.cells import OVERALL
from registry.rules.tables.problems import BadCell
from registry.services.row_sets import RowChecks
from registry.services.score_cells import NULL, BadCellAt, NoValue, ScoreCells
from registry.vocabulary import AnswerState, Rater, ScoreContext, ScoreSource

CACHED_CELLS = 200_000
# About 64 KB.
LINES_IN_BLOCK = 1_500
TIMED_COLUMNS = ("context", "source", "for_date", "observed_at", "submitted_at", "zone", "answer_state")


class TextRows(Protocol):
    """Rows of texts that know the line they are on, such as csv.reader."""

    @property
    def line_num(self) -> int:
        """Return the line of the row given last."""

    def __iter__(self) -> Iterator[list[str]]:
        """Return the rows."""


class CellCache(dict[str, str]):
    """Reads each distinct text once; forgets all when there are too many, so that memory does not grow with a file."""

    def __init__(self, read: Callable[[str], str]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> str:
        if len(self) >= CACHED_CELLS:
            self.clear()
        found = self[text] = self._read(text)
        return found


Row = Sequence[str]
# Adds its cells to a line, worked out from several cells of a row.
Step = Callable[[Row, list[str]], None]


class ScoreRows:
    """Turns rows under one header into lines, and notes what is wrong with the others."""

    def __init__(self, cells: ScoreCells, header: Sequence[str], *, checks: RowChecks, unread: set[str]) -> None:
        self._cells, self._header, self._checks = cells, list(header), checks
        # Study numbers whose own row could not be read: that their scores have no patient is no news.
        self._unread = unread
        self.rows = self.without_value = 0
        self.defaults: dict[str, str] = {}
        self._direct: list[tuple[int, str, str, CellCache]] = []
        self._steps: list[tuple[tuple[str, ...], Step]] = []
        self._plan()

    @property
    def copied(self) -> tuple[str, ...]:
        """Return the staged columns in the order of a line's cells."""
        direct = [staged for _, _, staged, _ in self._direct]
        return ("line", *direct, *(name for names, _ in self._steps for name in names))

    # --- Which cells are copied, which are worked out ---------------------------------------------------------------

    def _plan(self) -> None:
        cells, references = self._cells, self._cells.references
        self._copy("patient", "enrolment_id", cells.patient)
        self._copy("visit", "visit_type_id", cells.visit)
        self._copy("row_id", "row_id", cells.row_id)
        for name, default in (("recall", references.recall), ("rater", str(Rater.PATIENT)), ("scheduled", "yes")):
            self._copy_or_default(name, default)
        self._plan_value()
        if "pain" in self._header or references.pain != OVERALL:
            self._steps.append((("pain_id",), self._pain_step()))
        if {"observed_at", "recorded_at"} & set(self._header):
            self._steps.append((TIMED_COLUMNS, self._timed_step()))
        else:
            self._plan_untimed()

    def _copy(self, column: str, staged: str, read: Callable[[str], str]) -> None:
        if column in self._header:
            self._direct.append((self._header.index(column), column, staged, CellCache(read)))

    def _copy_or_default(self, column: str, default: str) -> None:
        self._copy(column, column, lambda text: self._cells.plain(column, text) or default)
        if column not in self._header:
            self.defaults[column] = default

    def _plan_value(self) -> None:
        scale = self._cells.references.scale("", "")
        if {"scale", "scale_version"} & set(self._header) or scale is None:
            self._steps.append((("scale_id", "value", "value_units"), self._scale_step()))
        else:
            self.defaults["scale_id"] = str(scale.id)
            self._copy("value", "value, value_units", partial(self._cells.value, scale))

    def _plan_untimed(self) -> None:
        self._copy_or_default("answer_state", str(AnswerState.ON_TIME))
        self._copy("for_date", "for_date", self._cells.day)
        if {"context", "source", "visit"} & set(self._header):
            self._steps.append((("context", "source"), self._context_step()))
        else:
            self.defaults |= {"context": str(ScoreContext.DIARY), "source": str(ScoreSource.DIARY)}
            self._steps.append(((), self._day_step()))

    # --- The rows ---------------------------------------------------------------------------------------------------

    def blocks(self, rows: TextRows) -> Iterator[bytes]:
        """Yield the lines of sound rows with a value, many at a time: a write for each would cost more than the line."""
        block: list[str] = []
        for line in self._lines(rows):
            block.append(line)
            if len(block) >= LINES_IN_BLOCK:
                yield "".join(block).encode()
                block.clear()
        yield "".join(block).encode()

    def _lines(self, rows: TextRows) -> Iterator[str]:
        direct = [(index, cache) for index, _, _, cache in self._direct]
        steps, width, join = [step for _, step in self._steps], len(self._header), "\t".join
        for row in rows:
            try:
                out = [cache[row[index]] for index, cache in direct]
                for step in steps:
                    step(row, out)
                if len(row) != width:
                    raise IndexError
            except (BadCell, NoValue, IndexError):
                self._examine(rows.line_num, row)
                continue
            self.rows += 1
            yield f"{rows.line_num}\t{join(out)}\n"

    def _examine(self, line: int, row: Row) -> None:
        """Note everything that is wrong with a row, or count it as one without a value."""
        if not row:
            return
        self.rows += 1
        if len(row) != len(self._header):
            right = f"Write {len(self._header)} cells, as in the header; put quotes around a cell that holds a comma"
            self._checks.note(line, "", "", f"the row has {len(row)} cells", right)
            return
        readers: list[tuple[str, str, Callable[[], object]]] = [
            (column, row[index], partial(cache.__getitem__, row[index])) for index, column, _, cache in self._direct
        ]
        readers += [("", "", partial(step, row, [])) for _, step in self._steps]
        found = [self._trouble(line, *reader) for reader in readers]
        self.without_value += NoValue in found and BadCell not in found

    def _trouble(self, line: int, column: str, value: str, read: Callable[[], object]) -> type[Exception] | None:
        """Read a cell again and note what is wrong with it; return what kind of trouble it is."""
        try:
            read()
        except NoValue:
            return NoValue
        except BadCellAt as bad:
            self._checks.note(line, bad.column, bad.value, bad.wrong, bad.right)
        except BadCell as bad:
            if column != "patient" or value.strip() not in self._unread:
                self._checks.note(line, column, value, bad.wrong, bad.right)
        else:
            return None
        return BadCell

    # --- Cells worked out from several --------------------------------------------------------------------------------

    def _cell(self, column: str) -> Callable[[Row], str]:
        """Return what reads a column's text from a row, '' where the file has no such column."""
        return itemgetter(self._header.index(column)) if column in self._header else lambda row: ""

    def _scale_step(self) -> Step:
        scale, version, value = self._cell("scale"), self._cell("scale_version"), self._cell("value")
        read = self._cells.scaled_value
        known: dict[tuple[str, str, str], str] = {}

        def step(row: Row, out: list[str]) -> None:
            key = scale(row), version(row), value(row)
            if key not in known:
                if len(known) >= CACHED_CELLS:
                    known.clear()
                known[key] = read(*key)
            out.append(known[key])

        return step

    def _pain_step(self) -> Step:
        patient, pain, read = self._cell("patient"), self._cell("pain"), self._cells.pain

        def step(row: Row, out: list[str]) -> None:
            out.append(read(patient(row), pain(row)))

        return step

    def _context_step(self) -> Step:
        context, source, visit, day = map(self._cell, ("context", "source", "visit", "for_date"))
        known: dict[tuple[str, str, bool, bool], str] = {}

        def step(row: Row, out: list[str]) -> None:
            has_visit, has_day = bool(visit(row).strip()), bool(day(row).strip())
            key = context(row), source(row), has_visit, has_day
            if key not in known:
                words = self._cells.context_and_source(key[0], key[1], has_visit)
                self._cells.check_day(words[0], has_day, has_visit)
                known[key] = "\t".join(words)
            out.append(known[key])

        return step

    def _day_step(self) -> Step:
        day, check = self._cell("for_date"), self._cells.check_day

        def step(row: Row, out: list[str]) -> None:
            if not day(row).strip():
                check(ScoreContext.DIARY, False, False)

        return step

    def _timed_step(self) -> Step:
        day_of, observed_of, recorded_of, state_of = map(self._cell, ("for_date", "observed_at", "recorded_at", "answer_state"))
        patient, words_of = self._cell("patient"), self._words()
        cells = self._cells
        instant, answer_state, on_time = cells.instant, cells.answer_state, str(AnswerState.ON_TIME)
        days = CellCache(lambda text: _at("for_date", cells.day, text))
        states = CellCache(lambda text: cells.plain_at("answer_state", text))
        zones = CellCache(cells.zone)

        def step(row: Row, out: list[str]) -> None:
            context, source, has_visit, is_diary = words_of(row)
            observed, recorded = instant("observed_at", observed_of(row)), instant("recorded_at", recorded_of(row))
            zone = zones[patient(row)] if observed or recorded else ""
            day = days[day_of(row)]
            if day == NULL:
                day = cells.day_of(context, observed, recorded, zone) or NULL
                cells.check_day(context, day != NULL, has_visit)
            state = states[state_of(row)] or (answer_state(day, recorded, zone) if is_diary and recorded else on_time)
            submitted = NULL if recorded == observed else recorded or NULL
            out += (context, source, day, observed or NULL, submitted, zone, state)

        return step

    def _words(self) -> Callable[[Row], tuple[str, str, bool, bool]]:
        """Return what reads context, source, whether a visit is named, and whether the row is a diary's own answer."""
        context, source, visit = map(self._cell, ("context", "source", "visit"))
        known: dict[tuple[str, str, bool], tuple[str, str, bool, bool]] = {}

        def read(row: Row) -> tuple[str, str, bool, bool]:
            key = context(row), source(row), bool(visit(row).strip())
            if key not in known:
                words = self._cells.context_and_source(*key)
                known[key] = (*words, key[2], words == (ScoreContext.DIARY, ScoreSource.DIARY))
            return known[key]

        return read


def _at(column: str, read: Callable[[str], str], text: str) -> str:
    """Read a cell for a step, which must name the column of a bad one itself."""
    try:
        return read(text)
    except BadCell as bad:
        raise BadCellAt(column, text, bad.wrong, bad.right) from None
