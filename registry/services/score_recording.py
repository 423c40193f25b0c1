"""Recording a set of scores typed or sent by people; whole tables come in through score_intake."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import IntegrityError

from registry.exceptions import Conflict, InvalidInput, NotFound, Problem
from registry.models import PainScore, Trial, User
from registry.roles import Permission
from registry.rules.response import diary_day, score_day
from registry.rules.scores import NewScore, day_problem, value_problem, value_units
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.services.row_adding import Adding, add_rows
from registry.services.row_making import make_row
from registry.services.row_sets import check_open
from registry.services.score_references import KnownScale, ScoredPatient, ScoreReferences
from registry.services.unknown_scores import unknown_scores
from registry.services.used_row_ids import row_ids_in_use
from registry.vocabulary import ScoreContext

AS_SENT = ("value", "context", "recall", "source", "rater", "answer_state", "scheduled", "observed_at", "row_id")


@dataclass(frozen=True)
class RecordedScores:
    """The scores that were written, and how many rows were repeats of scores on record."""

    scores: list[PainScore]
    repeated: int


def record_scores(*, trial: Trial, rows: Iterable[NewScore], by: User, now: datetime, reason: str = "") -> RecordedScores:
    """Write a set of scores in a number of statements that does not depend on its size; all or nothing.

    A row whose `record` is on record for the same patient, value and scale is a repeat and changes nothing; with another
    content it raises Conflict. Raises NotFound for a patient the person cannot see, InvalidInput naming each wrong field.
    """
    check_open(trial)
    rows = list(rows)
    references = ScoreReferences(trial=trial, by=by, codes={row.patient for row in rows})
    wanted = checked_scores(rows, references, now)
    try:
        return _write(wanted, references, reason)
    except IntegrityError as error:
        if "score_row_id_unique" in str(error):
            raise row_ids_in_use(wanted, "score") from error
        # Somebody sent the same records at the same moment; they are on record now, and so these are repeats.
        if "score_version_unique" not in str(error):
            raise
    return _write(wanted, references, reason)


def _write(wanted: Sequence[PainScore], references: ScoreReferences, reason: str) -> RecordedScores:
    with audited(by=references.by, reason=reason or "scores recorded"):
        new = _add(wanted, references.by)
        if new:
            mark_stale(references.trial, by=references.by, enrolment_ids={score.enrolment_id for score in new})
    return RecordedScores(new, len(wanted) - len(new))


def add_scores(
    rows: Sequence[NewScore],
    references: ScoreReferences,
    now: datetime,
    *,
    on_record: Collection[uuid.UUID] | None,
    add: Adding = add_rows,
) -> list[PainScore]:
    """Write scores within the change under way, all that `record_scores` does but for marking the outcomes; return the new ones.

    `on_record` are those of their records that were found already; None where nobody looked. `add` writes the rows, or keeps them
    to be written with others.
    """
    return _add(checked_scores(rows, references, now), references.by, on_record, add)


def _add(wanted: Sequence[PainScore], by: User, on_record: Collection[uuid.UUID] | None = None, add: Adding = add_rows) -> list[PainScore]:
    repeated = _on_record(wanted, by) if on_record is None or on_record else set()
    new = [score for score in wanted if score.record not in repeated]
    add(new)
    return new


def _on_record(wanted: Sequence[PainScore], by: User) -> set[uuid.UUID]:
    """Return which records exist; raise Conflict where one of them is another score, or one whose value the person may not know."""
    stored = {row.record: row for row in PainScore.objects.filter(record__in=[score.record for score in wanted], version=1)}
    hidden = unknown_scores(list(stored.values()), by)
    taken = [score.record for score in wanted if score.record in hidden or not _same(stored.get(score.record, score), score)]
    if taken:
        sentence = "This score's identifier belongs to another score already. Begin a new entry for a new score."
        raise Conflict(sentence, field="id", records=taken)
    return set(stored)


def _same(one: PainScore, other: PainScore) -> bool:
    return (one.enrolment_id, one.scale_id, one.value_units) == (other.enrolment_id, other.scale_id, other.value_units)


def checked_scores(rows: Sequence[NewScore], references: ScoreReferences, now: datetime) -> list[PainScore]:
    """Return the rows as scores not yet written; raise as `record_scores` for what is wrong with any."""
    problems: list[Problem] = []
    scores: list[PainScore] = []
    checks = _Checks(references, now)
    for number, row in enumerate(rows):
        patient = references.patients.get(row.patient)
        if patient is None:
            raise NotFound(f"There is no patient {row.patient} among those you can see in this trial.")
        for_date = _day(row, patient)
        scale, wrong = checks.value(row)
        found = [*wrong, *_problems(row, for_date, patient, checks)]
        problems += [_of_row(problem, number, len(rows)) for problem in found]
        if scale is not None and not found:
            scores.append(_score(row, for_date, patient, scale, references, now))
    if problems:
        raise InvalidInput(problems)
    _check_sites({score.enrolment_id for score in scores}, references)
    return scores


class _Checks:
    """What many rows of a set have in common, looked at once: values on their scales, and the day it is where patients are."""

    def __init__(self, references: ScoreReferences, now: datetime) -> None:
        self.references, self.now = references, now
        self._values: dict[tuple[str, str, Decimal], tuple[KnownScale | None, list[Problem]]] = {}
        self._days: dict[str, date] = {}

    def value(self, row: NewScore) -> tuple[KnownScale | None, list[Problem]]:
        """Return the scale of a row, and what is wrong with its value."""
        key = row.scale, row.scale_version, row.value
        if key not in self._values:
            scale = self.references.scale(row.scale, row.scale_version)
            self._values[key] = scale, _value_problems(row, scale)
        return self._values[key]

    def today(self, zone: str) -> date:
        """Return the day it is in a time zone."""
        if zone not in self._days:
            self._days[zone] = self.now.astimezone(ZoneInfo(zone)).date()
        return self._days[zone]


def _check_sites(enrolment_ids: set[int], references: ScoreReferences) -> None:
    """Raise NotAllowed when a patient's site is one where the person may not record."""
    closed = {one.site_id for one in references.patients.values() if one.id in enrolment_ids and not one.writable}
    for site in references.trial.sites.filter(pk__in=closed) if closed else ():
        references.by.check_can(Permission.SCORE_RECORD, trial=references.trial, site=site)


def _of_row(problem: Problem, number: int, rows: int) -> Problem:
    """Name the row where there is more than one."""
    return problem if rows == 1 else Problem(f"rows[{number}].{problem.field}", problem.message, problem.code)


def _day(row: NewScore, patient: ScoredPatient) -> date | None:
    """Return the day given, else the one its times imply (R2)."""
    if row.for_date is not None:
        return row.for_date
    zone = ZoneInfo(patient.zone)
    if row.context is ScoreContext.DIARY:
        return None if row.recorded_at is None else diary_day(row.recorded_at, zone)
    return None if row.observed_at is None else score_day(row.observed_at, zone)


def _value_problems(row: NewScore, scale: KnownScale | None) -> list[Problem]:
    if scale is None:
        return [
            Problem("scale", f"{row.scale} version {row.scale_version} is no scale of this trial. Choose one of its scales.", "unknown")
        ]
    problem = value_problem(row.value, scale.range)
    return [] if problem is None else [problem]


def _problems(row: NewScore, for_date: date | None, patient: ScoredPatient, checks: _Checks) -> list[Problem]:
    references, now = checks.references, checks.now
    problem = day_problem(row.context, for_date, row.visit, checks.today(patient.zone))
    found = [] if problem is None else [problem]
    if row.visit is not None and row.visit not in references.visits:
        found.append(Problem("visit", f"{row.visit} is no visit of this trial. Choose one of its visits.", "unknown"))
    if row.pain_rank is not None and (patient.id, row.pain_rank) not in references.pains:
        found.append(
            Problem("pain_rank", f"The patient has no pain of rank {row.pain_rank}. Choose one of the patient's pains.", "unknown")
        )
    found += [
        Problem(field, "The time lies in the future. Enter when it was.", "future")
        for field, moment in (("observed_at", row.observed_at), ("recorded_at", row.recorded_at))
        if moment is not None and moment > now
    ]
    return found


def _score(
    row: NewScore, for_date: date | None, patient: ScoredPatient, scale: KnownScale, references: ScoreReferences, now: datetime
) -> PainScore:
    values = {
        "record": row.record or uuid.uuid4(),
        "enrolment_id": patient.id,
        "scale_id": scale.id,
        "pain_id": None if row.pain_rank is None else references.pains[patient.id, row.pain_rank],
        "visit_type_id": None if row.visit is None else references.visits[row.visit],
        "for_date": for_date,
        "submitted_at": row.recorded_at or row.observed_at or now,
        # A zone on record says that the time of the answer is known: score_intake and exports go by it.
        "zone": patient.zone,
        "recorded_at": now,
        "value_units": value_units(row.value),
        **{name: getattr(row, name) for name in AS_SENT},
    }
    return make_row(PainScore, values)
