"""What single cells of a score table mean in one trial: study numbers, visits, scales, days, times."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from registry.rules.response import diary_day, score_day
from registry.rules.response.diary import ON_TIME_UNTIL
from registry.rules.scores import value_problem, value_units
from registry.rules.tables.cells import OVERALL, canonical_instant, read_cell, read_instant
from registry.rules.tables.definitions import PAIN_SCORES
from registry.rules.tables.problems import BadCell, name_remedy
from registry.services.row_sets import latest_date
from registry.services.score_references import KnownScale, ScoreReferences
from registry.vocabulary import AnswerState, ScoreContext, ScoreSource

NULL = "\\N"
COLUMNS = {column.name: column for column in PAIN_SCORES.columns}
SECONDS = len("2026-01-01T00:00:00")


class NoValue(Exception):
    """The row has no value: no answer was given."""


class BadCellAt(BadCell):
    """A bad cell whose column is known."""

    def __init__(self, column: str, value: str, wrong: str, right: str) -> None:
        super().__init__(wrong, right)
        self.column = column
        self.value = value


class ScoreCells:
    """Reads cells into the text that COPY takes; raises BadCell for what cannot be."""

    def __init__(self, references: ScoreReferences, now: datetime) -> None:
        self.references = references
        self._latest_day = latest_date(now).isoformat()
        self._latest_instant = canonical_instant(now)
        self._zones: dict[str, ZoneInfo] = {}
        self._limits: dict[tuple[str, str], str] = {}

    def plain(self, column: str, text: str) -> str:
        """Return the canonical text of a cell that needs no reference."""
        return read_cell(COLUMNS[column], text)

    def plain_at(self, column: str, text: str) -> str:
        """Return the same, with a bad cell that names its column."""
        try:
            return self.plain(column, text)
        except BadCell as bad:
            raise BadCellAt(column, text, bad.wrong, bad.right) from None

    def patient(self, text: str) -> str:
        """Return the enrolment's number."""
        patient = self.references.patients.get(self.plain("patient", text))
        if patient is None:
            raise BadCell("is no patient you can see in this trial", "Check the study number, or add it to patients.csv")
        if not patient.writable:
            raise BadCell("belongs to a site where you may not record scores", "Ask somebody who may record there")
        return str(patient.id)

    def visit(self, text: str) -> str:
        """Return the visit type's number."""
        code = self.plain("visit", text)
        if code and code not in self.references.visits:
            raise BadCell("is no visit of the trial", name_remedy(code, self.references.visits, "visit"))
        return str(self.references.visits[code]) if code else NULL

    def day(self, text: str) -> str:
        """Return the civil date of a score, NULL where there is none."""
        day = self.plain("for_date", text)
        if day > self._latest_day:
            raise BadCell("is in the future", "Enter the day the pain was felt")
        return day or NULL

    def row_id(self, text: str) -> str:
        """Return the identifier as COPY reads it."""
        return self.plain("row_id", text).replace("\\", "\\\\")

    def value(self, scale: KnownScale, text: str) -> str:
        """Return the value and its 10^-6 units as two cells; raise NoValue for an empty one."""
        if not text.strip():
            raise NoValue
        value = Decimal(self.plain("value", text))
        problem = value_problem(value, scale.range)
        if problem is not None:
            raise BadCell(f"does not fit scale {scale.code}", problem.message.rstrip("."))
        return f"{value:f}\t{value_units(value)}"

    def scaled_value(self, scale_text: str, version_text: str, text: str) -> str:
        """Return the scale's number, the value and its units as three cells."""
        if not text.strip():
            raise NoValue
        code, version = self.plain_at("scale", scale_text), self.plain_at("scale_version", version_text)
        scale = self.references.scale(code, version)
        if scale is None:
            known = [f"{one.code} (version {one.version})" for one in self.references.scales]
            raise BadCellAt("scale", code, "names no single scale of the trial", name_remedy(code, known, "scale"))
        try:
            return f"{scale.id}\t{self.value(scale, text)}"
        except BadCell as bad:
            raise BadCellAt("value", text, bad.wrong, bad.right) from None

    def pain(self, patient_text: str, text: str) -> str:
        """Return the number of a patient's pain, NULL for overall pain or where the patient itself is unknown."""
        rank = self.plain_at("pain", text) or self.references.pain
        patient = self.references.patients.get(patient_text.strip())
        if rank == OVERALL or patient is None:
            return NULL
        pain_id = self.references.pains.get((patient.id, int(rank)))
        if pain_id is None:
            raise BadCellAt("pain", rank, "is no pain of this patient", "Add it to pains.csv, or write overall")
        return str(pain_id)

    def context_and_source(self, context_text: str, source_text: str, has_visit: bool) -> tuple[str, str]:
        """Return both words, by default those of a visit where one is named and of a diary elsewhere."""
        context = self.plain_at("context", context_text) or (ScoreContext.VISIT if has_visit else ScoreContext.DIARY)
        default = ScoreSource.DIARY if context == ScoreContext.DIARY else ScoreSource.CLINIC
        return str(context), self.plain_at("source", source_text) or str(default)

    def check_day(self, context: str, has_day: bool, has_visit: bool) -> None:
        """Refuse a diary value without a day, and any without day and visit."""
        if has_day or (has_visit and context != ScoreContext.DIARY):
            return
        what = "a diary value needs its day" if context == ScoreContext.DIARY else "there is neither a day nor a visit"
        raise BadCellAt("for_date", "", what, "Enter the day the score is about, or the visit it belongs to")

    def instant(self, column: str, text: str) -> str:
        """Return a time in UTC, '' where there is none. Times hardly repeat, so they are read past all caches."""
        stripped = text.strip()
        if not stripped:
            return ""
        try:
            found = read_instant(stripped)
        except BadCell as bad:
            raise BadCellAt(column, text, bad.wrong, bad.right) from None
        if found[:SECONDS] > self._latest_instant[:SECONDS]:
            raise BadCellAt(column, text, "is in the future", "Check the day, and the offset")
        return found

    def zone(self, patient_text: str) -> str:
        """Return the name of a patient's time zone; any, where the patient itself is unknown."""
        patient = self.references.patients.get(patient_text.strip())
        return patient.zone if patient else self.references.trial.time_zone

    def day_of(self, context: str, observed: str, recorded: str, zone: str) -> str:
        """Return the day that times imply (R2), '' where they imply none."""
        if context == ScoreContext.DIARY and recorded:
            return diary_day(datetime.fromisoformat(recorded), self._zone(zone)).isoformat()
        return score_day(datetime.fromisoformat(observed), self._zone(zone)).isoformat() if observed else ""

    def answer_state(self, for_date: str, recorded: str, zone: str) -> str:
        """Return whether a diary answer came in time (R7)."""
        limit = self._limits.get((for_date, zone))
        if limit is None:
            limit = self._limits[for_date, zone] = canonical_instant(on_time_until(date.fromisoformat(for_date), self._zone(zone)))
        # Text in UTC sorts like time as far as the seconds; on the limit itself a fraction is past it.
        head = recorded[:SECONDS]
        on_time = head < limit[:SECONDS] or recorded == limit
        return str(AnswerState.ON_TIME if on_time else AnswerState.LATE)

    def _zone(self, name: str) -> ZoneInfo:
        if name not in self._zones:
            self._zones[name] = ZoneInfo(name)
        return self._zones[name]


def on_time_until(for_date: date, zone: ZoneInfo) -> datetime:
    """Return the last instant at which a diary answer for a day is on time."""
    return datetime.combine(for_date + timedelta(days=1), time(ON_TIME_UNTIL.hour), zone).astimezone(UTC)
