"""Random usable plans, records and cut-offs, dense around every edge the rules know; also what faster ways are tested with."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from registry.rules.response import Baseline, Cutoff, Disposition, PatientRecord, Plan, Scale, Score, Session, TimePoint, check_plan
from registry.vocabulary import (
    DISPOSITION_REASONS,
    Anchor,
    AnswerState,
    Cohort,
    DispositionKind,
    PlanPain,
    Population,
    RecallPeriod,
    ScoreContext,
    ScoreSource,
    Strategy,
    TimePointKind,
    ValueRule,
)

ENROLLED = date(2026, 3, 1)
VISIT_CODES = ("BL", "V1", "V2")
LAST_DAY = 40
ZONES = (UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"))
# Values that meet on the lines of 30 and 50 %, nothing, and published ones with six decimals.
VALUES = st.sampled_from([0, 1, 2, 2.5, 3, 3.5, 4, 4.9, 5, 6, 7, 8, 9, 10]).map(lambda value: int(value * 10**6))
UNITS = VALUES | st.integers(0, 10**7)
# Ordinary rows of values; one in ten is free of pain.
VALUE_ROWS = st.integers(0, 9).flatmap(lambda kind: st.lists(VALUES, max_size=7) if kind else st.just([0] * 5))
# Where ordinary answers begin, and the visit they are linked to.
RUNS = ((-5, "BL"), (4, "V1"), (16, "V1"), (25, "V2"))


@dataclass(frozen=True)
class RandomTrial:
    """A usable plan, records to judge by it, and a cut-off."""

    plan: Plan
    records: tuple[PatientRecord, ...]
    cutoff: Cutoff


def days(first: int, last: int) -> st.SearchStrategy[date]:
    """Draw a date between two days counted from the enrolment."""
    return st.integers(first, last).map(lambda day: ENROLLED + timedelta(days=day))


def instants(on: date, first_hour: int = 0, last_hour: int = 23) -> st.SearchStrategy[datetime]:
    """Draw an instant of a date at a full hour; a last hour above 23 lies on later days."""
    midnight = datetime.combine(on, time(), UTC)
    return st.integers(first_hour, last_hour).map(lambda hour: midnight + timedelta(hours=hour))


def baselines() -> st.SearchStrategy[Baseline]:
    """Draw a baseline: window or named visit, each rule."""
    mean = st.builds(Baseline, first_day=st.sampled_from([-7, -3]), min_n=st.integers(1, 3))
    one = st.builds(Baseline, rule=st.sampled_from([ValueRule.LAST, ValueRule.NEAREST]), min_n=st.just(1))
    named = st.builds(Baseline.of_visit, st.just("BL"), rule=st.sampled_from([ValueRule.MEAN, ValueRule.LAST]))
    return mean | one | named


@st.composite
def time_point_rows(draw: st.DrawFn) -> tuple[TimePoint, ...]:
    """Draw one to four time points in order: diary weeks, visit windows and named visits with or without days."""
    rule, min_n = draw(st.sampled_from([(ValueRule.MEAN, 1), (ValueRule.MEAN, 4), (ValueRule.NEAREST, 1), (ValueRule.LAST, 1)]))
    named_rule = draw(st.sampled_from([ValueRule.MEAN, ValueRule.LAST]))
    early = draw(
        st.sampled_from(
            [
                TimePoint.diary("D7", 7, rule, min_n),
                TimePoint.visit("C7", 7, before=2, after=3, rule=rule, min_n=min_n),
                replace(TimePoint.of_visit("N7", "V1", named_rule), target_day=7, first_day=5, last_day=9),
                TimePoint.of_visit("N7", "V1", named_rule),
            ]
        )
    )
    middle, late = TimePoint.diary("D20", 20, rule, min_n), TimePoint.visit("C28", 28, before=6, after=2, rule=rule, min_n=min_n)
    last = TimePoint.of_visit("N40", "V2", named_rule)
    kept = draw(st.lists(st.sampled_from([early, middle, late, last]), min_size=1, unique=True))
    return tuple(time_point for time_point in (early, middle, late, last) if time_point in kept)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan that passes its check."""
    baseline, time_points = draw(baselines()), draw(time_point_rows())
    contexts = draw(st.frozensets(st.sampled_from(ScoreContext), min_size=1))
    if any(time_point.kind == TimePointKind.DIARY for time_point in time_points):
        contexts |= {ScoreContext.DIARY}
    plan = Plan(
        scale=Scale("nrs"),
        recall=RecallPeriod.AVERAGE_24H,
        time_points=time_points,
        baseline=baseline,
        anchor=draw(st.sampled_from(Anchor)),
        population=draw(st.sampled_from(Population)),
        pain=draw(st.sampled_from(PlanPain)),
        contexts=contexts,
        sources=draw(st.permutations(ScoreSource).map(tuple) | st.just((ScoreSource.DIARY,))),
        thresholds=tuple(draw(st.lists(st.sampled_from([1, 100, 300, 333, 500, 1000]), min_size=1, unique=True))),
        day0_pre=None if baseline.visit_code else draw(st.sampled_from([None, True, False])),
        accept_late=draw(st.booleans()),
        grace_days=draw(st.integers(0, 3)),
        strategy=draw(st.sampled_from(Strategy)),
    )
    check_plan(plan, VISIT_CODES)
    return plan


@st.composite
def scores(draw: st.DrawFn, plan: Plan, record: int) -> tuple[Score, ...]:
    """Draw one score with its corrected version, if any; now and then it answers another question than the plan's."""
    context = draw(st.sampled_from(sorted(plan.contexts)) | st.sampled_from(ScoreContext))
    visit_code = draw(st.none() | st.sampled_from(VISIT_CODES))
    undated = visit_code is not None and context != ScoreContext.DIARY and draw(st.booleans())
    on = draw(days(-10, LAST_DAY) | days(-1, 9) | days(0, 1))
    recorded_at = draw(instants(on, 20, 60))
    first = Score(
        record=record,
        value_units=draw(UNITS),
        recorded_at=recorded_at,
        scale=draw(st.sampled_from(["nrs"] * 9 + ["vas"])),
        recall=draw(st.sampled_from([RecallPeriod.AVERAGE_24H] * 9 + [RecallPeriod.WORST_24H])),
        pain=draw(st.sampled_from([plan.pain] * 9 + [None])),
        context=context,
        source=draw(st.sampled_from(ScoreSource)),
        answer_state=draw(st.sampled_from([AnswerState.ON_TIME] * 4 + [AnswerState.LATE])),
        for_date=None if undated else on,
        observed_at=None if undated else draw(st.none() | instants(on)),
        visit_code=visit_code,
        scheduled=draw(st.booleans()),
    )
    ended_at = draw(st.none() | instants(on, 61, 400))
    if ended_at is None:
        return (first,)
    ended = replace(first, ended_at=ended_at)
    corrected = replace(first, recorded_at=ended_at, value_units=draw(UNITS))
    return draw(st.sampled_from([(ended,), (ended, corrected)]))


@st.composite
def runs(draw: st.DrawFn, plan: Plan, record: int, start: int, visit_code: str) -> tuple[Score, ...]:
    """Draw ordinary answers on consecutive days from about a start, so that there is something to judge."""
    first = ENROLLED + timedelta(days=start + draw(st.integers(-1, 1)))
    context = ScoreContext.DIARY if ScoreContext.DIARY in plan.contexts else min(plan.contexts)
    return tuple(
        Score(
            record=record + place,
            value_units=value,
            recorded_at=datetime.combine(first + timedelta(days=place), time(20), UTC),
            scale=plan.scale.code,
            recall=plan.recall,
            pain=plan.pain,
            context=context,
            for_date=first + timedelta(days=place),
            visit_code=visit_code,
        )
        for place, value in enumerate(draw(VALUE_ROWS))
    )


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Session, ...]:
    """Draw one sitting about day 0, given or not; now and then voided, or corrected in its day, pulses or start."""

    def version(recorded_at: datetime) -> Session:
        on = ENROLLED + timedelta(days=draw(st.sampled_from([0, 0, 1, 1, 2, 5])))
        return Session(on, draw(st.sampled_from([0, 1, 1800, 1800])), recorded_at, draw(st.none() | instants(on, 6, 18) | instants(on)))

    first = version(draw(instants(ENROLLED, 12, 200)))
    ended_at = draw(st.none() | st.integers(1, 400).map(lambda hours: first.recorded_at + timedelta(hours=hours)))
    if ended_at is None:
        return (first,)
    ended = replace(first, ended_at=ended_at)
    return draw(st.sampled_from([(ended,), (ended, version(ended_at))]))


@st.composite
def dispositions(draw: st.DrawFn) -> tuple[Disposition, ...]:
    """Draw up to three dispositions of different kinds, dated or not."""
    several = st.lists(st.sampled_from(DispositionKind), max_size=3, unique=True)
    common = st.sampled_from(
        [[], *[[DispositionKind.STOP_OF_STIMULATION]] * 2, [DispositionKind.WITHDRAWAL_OF_CONSENT], [DispositionKind.LOST]]
    )
    kinds = draw(common | several)
    return tuple(
        Disposition(kind, draw(st.none() | days(-1, LAST_DAY)), draw(st.sampled_from(DISPOSITION_REASONS[kind]))) for kind in kinds
    )


@st.composite
def patient_records(draw: st.DrawFn, plan: Plan) -> PatientRecord:
    """Draw one enrolment with its scores: ordinary runs about the windows and up to three odd scores."""
    allocated = draw(st.sampled_from([True] * 5 + [False]))
    entered = [draw(runs(plan, 100 * number, *about)) for number, about in enumerate(RUNS)]
    entered += [draw(scores(plan, 1000 + number)) for number in range(draw(st.integers(0, 3)))]
    return PatientRecord(
        enrolled_on=draw(st.sampled_from([ENROLLED] * 5 + [None])),
        allocated=allocated,
        allocated_on=draw(st.sampled_from([None, *(ENROLLED + timedelta(days=day) for day in (0, 0, 1, 3))])) if allocated else None,
        next_period_on=draw(st.sampled_from([None] * 5 + [ENROLLED + timedelta(days=25)])),
        cohort=draw(st.sampled_from([Cohort.PATIENTS] * 9 + [Cohort.HEALTHY])),
        dispositions=draw(dispositions()),
        scores=tuple(version for versions in entered for version in versions),
        sessions=tuple(version for versions in draw(st.lists(sessions(), max_size=3)) for version in versions),
    )


@st.composite
def cutoffs(draw: st.DrawFn) -> Cutoff:
    """Draw a cut-off from before the first window to after the last, at any hour, in any zone."""
    return Cutoff(draw(days(0, LAST_DAY + 20).flatmap(instants)), draw(st.sampled_from(ZONES)), draw(st.booleans()))


@st.composite
def trials(draw: st.DrawFn, *, max_patients: int = 3) -> RandomTrial:
    """Draw a whole random trial."""
    plan = draw(plans())
    records = draw(st.lists(patient_records(plan), min_size=1, max_size=max_patients))
    return RandomTrial(plan, tuple(records), draw(cutoffs()))
