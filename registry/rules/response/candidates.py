"""Which scores may count, one value per day, and what a window yields (R3, R5, R6, R8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import groupby

from registry.rules.response.plan import Baseline, Plan, TimePoint
from registry.rules.response.record import Cutoff, PatientRecord, Score
from registry.rules.response.windows import AnchorDay, in_baseline_window, in_window, stimulated_at, stimulated_on
from registry.vocabulary import AnswerState, DispositionKind, ScoreContext, ValueRule

_NO_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Sum and count of the values a window yields; `enough` when the count reaches the plan's minimum (R8)."""

    sum_units: int = 0
    n: int = 0
    enough: bool = False

    @property
    def mean(self) -> Fraction:
        """Return the exact mean in 10^-6 units."""
        return Fraction(self.sum_units, self.n)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A score that may count, with its day number (None if undated) and when its first version was recorded."""

    score: Score
    day: int | None
    submitted_at: datetime


def candidates(plan: Plan, record: PatientRecord, anchor: AnchorDay, cutoff: Cutoff) -> list[Candidate]:
    """Return the scores of R5, whatever their window: standing at the cut-off, as the plan asks, before any switch."""
    switch_on = _first_switch(record)
    submitted: dict[int, datetime] = {}
    for score in record.scores:
        submitted[score.record] = min(score.recorded_at, submitted.get(score.record, score.recorded_at))
    return [
        Candidate(score, anchor.day(score.for_date), submitted[score.record])
        for score in record.scores
        if cutoff.sees(score) and _is_asked_for(plan, score) and _precedes(score.for_date, switch_on)
    ]


def baseline_of(plan: Plan, record: PatientRecord, cutoff: Cutoff, found: Iterable[Candidate]) -> Measurement:
    """Return what the baseline yields: the named visit's values, else the window's; nearest is nearest to day 0."""
    baseline = plan.baseline

    def belongs(candidate: Candidate) -> bool:
        if baseline.visit_code is not None:
            return candidate.score.visit_code == baseline.visit_code
        if candidate.day == 0 and not _counts_on_day0(record, cutoff, candidate.score):
            return False
        return in_baseline_window(plan, candidate.day)

    return _measure(plan, baseline, 0, filter(belongs, found))


def value_at(plan: Plan, time_point: TimePoint, found: Iterable[Candidate]) -> Measurement:
    """Return what a time point yields: the named visit's values, else the window's."""

    def belongs(candidate: Candidate) -> bool:
        if time_point.visit_code is not None:
            return candidate.score.visit_code == time_point.visit_code
        return in_window(time_point, candidate.day)

    return _measure(plan, time_point, time_point.target_day or 0, filter(belongs, found))


def _is_asked_for(plan: Plan, score: Score) -> bool:
    """Tell whether scale, version, recall, pain and context are the plan's, and lateness is accepted (R5, R7)."""
    same_question = (score.scale, score.scale_version, score.recall, score.pain) == (
        plan.scale.code,
        plan.scale.version,
        plan.recall,
        plan.pain,
    )
    in_time = score.answer_state == AnswerState.ON_TIME or plan.accept_late
    return same_question and score.context in plan.contexts and in_time


def _first_switch(record: PatientRecord) -> date | None:
    """Return the first date from which values no longer count: withdrawal, open label or the next period."""
    kinds = (DispositionKind.WITHDRAWAL_OF_CONSENT, DispositionKind.OPEN_LABEL_SWITCH)
    dates = [turn.on for turn in record.dispositions if turn.kind in kinds]
    return min((on for on in (*dates, record.next_period_on) if on is not None), default=None)


def _precedes(on: date | None, switch_on: date | None) -> bool:
    """Tell whether a date lies before a switch; an unknown one is not after it."""
    return on is None or switch_on is None or on < switch_on


def _counts_on_day0(record: PatientRecord, cutoff: Cutoff, score: Score) -> bool:
    """Tell whether a day-0 score is one of context visit or pre-session observed before the first session starts (R3).

    On the day of that session both clock times must be known; without a session every such score is before it.
    """
    if score.context not in (ScoreContext.PRE_SESSION, ScoreContext.VISIT):
        return False
    started_on = stimulated_on(record, cutoff)
    if started_on is None or score.for_date is None or score.for_date != started_on:
        return started_on is None or (score.for_date is not None and score.for_date < started_on)
    started_at = stimulated_at(record, cutoff)
    if score.observed_at is None or started_at is None:
        return False
    return score.observed_at < started_at


def _measure(plan: Plan, source: Baseline | TimePoint, target: int, found: Iterable[Candidate]) -> Measurement:
    picked = _pick(source.rule, target, _one_per_day(plan, found))
    return Measurement(sum(one.score.value_units for one in picked), len(picked), bool(picked) and len(picked) >= source.min_n)


def _one_per_day(plan: Plan, found: Iterable[Candidate]) -> list[Candidate]:
    """Return one candidate a day (R6); undated ones share one day, before all others.

    Source as the plan ranks it (unranked ones last), then first submitted, first observed, first entered.
    """

    def rank(candidate: Candidate) -> tuple[int, datetime, datetime, int]:
        score = candidate.score
        source = plan.sources.index(score.source) if score.source in plan.sources else len(plan.sources)
        return source, candidate.submitted_at, score.observed_at or _NO_TIME, score.record

    by_day = groupby(sorted(found, key=_date_of), key=_date_of)
    return [min(on_day, key=rank) for _, on_day in by_day]


def _pick(rule: ValueRule, target: int, days: list[Candidate]) -> list[Candidate]:
    """Return the values that are summed, from days in their order (R6)."""
    if not days or rule == ValueRule.MEAN:
        return days
    if rule == ValueRule.LAST:
        return days[-1:]

    def distance(candidate: Candidate) -> tuple[bool, int, bool, int]:
        day = candidate.day
        return day is None, abs((day or 0) - target), not candidate.score.scheduled, -(day or 0)

    return [min(days, key=distance)]


def _date_of(candidate: Candidate) -> date:
    return candidate.score.for_date or date.min
