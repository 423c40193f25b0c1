"""Day 0, the edges of windows, and when a time point is due."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from registry.rules.response import Baseline, Cutoff, Measurement, Session, TimePoint, anchor_day, endpoints, in_population
from registry.vocabulary import (
    Anchor,
    Cohort,
    DispositionKind,
    EndpointStatus,
    Population,
    ScoreContext,
    ScoreSource,
    ValueRule,
)
from tests.rules.example_patient import DAY0, PLAN, at, at_week4, end_of_day, on, patient, score, session, turn, week

BY_STIMULATION = replace(PLAN, anchor=Anchor.FIRST_STIMULATION)
CLINIC = {"context": ScoreContext.PRE_SESSION, "source": ScoreSource.CLINIC}
LAST = replace(
    PLAN,
    baseline=Baseline(rule=ValueRule.LAST, min_n=1),
    contexts=frozenset({ScoreContext.DIARY, ScoreContext.VISIT, ScoreContext.PRE_SESSION}),
)


@pytest.mark.parametrize(("day", "counts"), [(-8, False), (-7, True), (-1, True), (0, False), (1, False)])
def test_baseline_is_day_minus_seven_to_minus_one(day: int, counts: bool) -> None:
    plan = replace(PLAN, baseline=Baseline(min_n=1))
    found = at_week4(patient(score(day, 7)), plan).baseline
    assert found == (Measurement(7_000_000, 1, enough=True) if counts else Measurement())


@pytest.mark.parametrize(("day", "counts"), [(21, False), (22, True), (28, True), (29, False)])
def test_a_diary_interval_ends_on_its_target(day: int, counts: bool) -> None:
    assert at_week4(patient(score(day, 3))).value.n == counts


@pytest.mark.parametrize(("day", "counts"), [(24, False), (25, True), (30, True), (31, False)])
def test_a_visit_window_is_closed_at_both_ends(day: int, counts: bool) -> None:
    plan = replace(PLAN, time_points=(TimePoint.visit("V4", 28, before=3, after=2),))
    assert at_week4(patient(score(day, 3)), plan).value.enough == counts


def test_moving_an_appointment_moves_no_diary_interval() -> None:
    answers = week(28, 3, 3, 3, 3)
    moved = tuple(replace(answer, visit_code="V8") for answer in answers)
    assert at_week4(patient(*answers)) == at_week4(patient(*moved))


@pytest.mark.parametrize("context", [ScoreContext.PRE_SESSION, ScoreContext.VISIT])
def test_day_0_counts_before_the_first_session_under_rule_last(context: ScoreContext) -> None:
    before = score(0, 8, context=context, source=ScoreSource.CLINIC, observed_at=at(0, 9, 59))
    assert at_week4(patient(score(-1, 5), before), LAST).baseline.sum_units == 8_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"context": ScoreContext.DIARY},
        {"context": ScoreContext.UNSCHEDULED, "observed_at": at(0, 8)},
        CLINIC | {"observed_at": at(0, 10)},
        CLINIC | {"observed_at": at(0, 11)},
        CLINIC,
    ],
    ids=["diary", "unscheduled", "at the start", "after the start", "time unknown"],
)
def test_day_0_never_counts_otherwise(changes: dict[str, object]) -> None:
    plan = replace(LAST, contexts=frozenset(ScoreContext))
    assert at_week4(patient(score(-1, 5), score(0, 8, **changes)), plan).baseline.sum_units == 5_000_000


@pytest.mark.parametrize("day", [-8, 1, 5])
def test_letting_day_0_in_lets_no_other_day_in(day: int) -> None:
    stray = score(day, 8, **CLINIC, observed_at=at(day, 9))
    assert at_week4(patient(stray), LAST).baseline == Measurement()


def test_day_0_needs_the_plan_to_say_so_under_other_rules() -> None:
    before = score(0, 8, **CLINIC, observed_at=at(0, 9))
    mean = replace(LAST, baseline=Baseline(min_n=1))
    assert at_week4(patient(before), mean).baseline == Measurement()
    assert at_week4(patient(before), replace(mean, day0_pre=True)).baseline.sum_units == 8_000_000
    assert at_week4(patient(before), replace(LAST, day0_pre=False)).baseline == Measurement()


def test_day_0_counts_whole_when_stimulation_starts_later_or_never() -> None:
    before = score(0, 8, **CLINIC)
    later = patient(before, sessions=(session(3),))
    never = patient(before, sessions=())
    assert at_week4(later, LAST).baseline.n == at_week4(never, LAST).baseline.n == 1


def test_day_0_of_the_allocation_does_not_count_when_stimulation_came_first() -> None:
    record = patient(score(0, 8, **CLINIC, observed_at=at(0, 9)), sessions=(session(-1),))
    assert at_week4(record, LAST).baseline == Measurement()


def test_anchor_is_the_first_stimulation_and_allocation_stands_in_until_then() -> None:
    record = patient(sessions=(session(5),))
    before, after = (anchor_day(BY_STIMULATION, record, end_of_day(day)) for day in (4, 5))
    assert (before.on, before.fallback) == (DAY0, True)
    assert (after.on, after.fallback) == (on(5), False)


@pytest.mark.parametrize(
    ("sessions", "started"),
    [
        ((session(4, pulses=0), session(5)), 5),
        ((session(7), session(5)), 5),
        ((session(3, ended_at=at(4)), session(5)), 5),
        ((session(3, ended_at=at(60)), session(5)), 3),
        ((session(3, ended_at=at(4)), session(2, recorded_at=at(4))), 2),
        ((session(2, recorded_at=at(60)), session(5)), 5),
        ((session(60), session(5)), 5),
        ((session(4, pulses=0),), None),
    ],
    ids=["no pulse", "out of order", "voided", "voided later", "moved", "recorded later", "in the future", "never"],
)
def test_stimulation_begins_with_the_first_standing_session_that_delivered_a_pulse(
    sessions: tuple[Session, ...], started: int | None
) -> None:
    found = anchor_day(BY_STIMULATION, patient(sessions=sessions), end_of_day(50))
    assert (found.on, found.fallback) == (DAY0 if started is None else on(started), started is None)


@pytest.mark.parametrize(
    ("hours", "counts"),
    [((10,), True), ((10, 8), False), ((9,), False), ((None,), False), ((10, None), False), ((), True)],
)
def test_day_0_counts_up_to_the_first_pulse_of_the_day(hours: tuple[int | None, ...], counts: bool) -> None:
    """Asked at 09:00; where the start of any session of the day is unknown, that one may have been the first."""
    sessions = tuple(session(0, started_at=None if hour is None else at(0, hour)) for hour in hours)
    record = patient(score(0, 8, **CLINIC, observed_at=at(0, 9)), sessions=sessions)
    assert at_week4(record, LAST).baseline.n == counts


def test_anchor_is_the_allocation_else_the_enrolment() -> None:
    allocated = anchor_day(PLAN, patient(), end_of_day(9))
    enrolled = anchor_day(PLAN, patient(allocated=False, allocated_on=None), end_of_day(9))
    undated = anchor_day(PLAN, patient(enrolled_on=None, allocated_on=None), end_of_day(9))
    assert (allocated.on, allocated.fallback) == (DAY0, False)
    assert (enrolled.on, enrolled.fallback) == (on(-10), True)
    assert (undated.on, undated.fallback) == (None, True)


def test_a_midnight_cutoff_leaves_out_the_day_it_begins() -> None:
    record = patient(sessions=(session(5),))
    assert anchor_day(BY_STIMULATION, record, end_of_day(4)).fallback
    assert not anchor_day(BY_STIMULATION, record, Cutoff(at(5, 15), UTC)).fallback


@pytest.mark.parametrize(
    ("population", "changes", "analysed"),
    [
        (Population.ALLOCATED, {"sessions": ()}, True),
        (Population.TREATED, {"sessions": ()}, False),
        (Population.TREATED, {}, True),
        (Population.ALLOCATED, {"allocated": False, "allocated_on": None}, False),
        (Population.ENROLLED, {"allocated": False, "allocated_on": None}, True),
        (Population.ALLOCATED, {"allocated_on": None}, True),
        (Population.ENROLLED, {"enrolled_on": on(400)}, False),
        (Population.ALLOCATED, {"allocated_on": on(400)}, False),
        (Population.ENROLLED, {"cohort": Cohort.HEALTHY}, False),
        (Population.ENROLLED, {"cohort": Cohort.PAIN_FREE}, False),
    ],
)
def test_population(population: Population, changes: dict[str, object], analysed: bool) -> None:
    plan, record = replace(PLAN, population=population), patient(**changes)
    assert in_population(plan, record, end_of_day(200)) == analysed
    assert len(endpoints(plan, record, end_of_day(200))) == (2 if analysed else 0)


def test_due_begins_when_the_grace_has_passed_before_the_cutoff_date() -> None:
    record = patient(*week(-1, 7, 7, 7, 7), *week(28, 3, 3, 3, 3))
    # Window to day 28, two days of grace: day 30 must be over.
    assert at_week4(record, cutoff=end_of_day(29)).status == EndpointStatus.NOT_DUE
    assert at_week4(record, cutoff=end_of_day(30)).status == EndpointStatus.OBSERVED
    assert at_week4(record, cutoff=Cutoff(at(30, 23, 59), UTC)).status == EndpointStatus.NOT_DUE


def test_the_cutoff_date_is_the_trials_own() -> None:
    record = patient(*week(-1, 7, 7, 7, 7), *week(28, 3, 3, 3, 3))
    instant = datetime.combine(on(31), datetime.min.time(), UTC)
    assert at_week4(record, cutoff=Cutoff(instant, UTC)).status == EndpointStatus.OBSERVED
    assert at_week4(record, cutoff=Cutoff(instant, ZoneInfo("America/New_York"))).status == EndpointStatus.NOT_DUE


def test_all_is_due_after_the_lock() -> None:
    assert at_week4(patient(), cutoff=end_of_day(1, all_due=True)).status == EndpointStatus.NO_BASELINE


def test_death_before_due_is_not_due_yet() -> None:
    record = patient(dispositions=(turn(DispositionKind.DEATH, 20),))
    assert at_week4(record, cutoff=end_of_day(21)).status == EndpointStatus.NOT_DUE
    assert at_week4(record, cutoff=end_of_day(30)).status == EndpointStatus.DIED


def test_a_named_visit_without_days_falls_due_with_everything() -> None:
    plan = replace(PLAN, time_points=(TimePoint.of_visit("M3", "M3"),))
    record = patient(*week(-1, 7, 7, 7, 7), score(None, 3, visit_code="M3"))
    assert at_week4(record, plan).status == EndpointStatus.NOT_DUE
    assert at_week4(record, plan, end_of_day(200, all_due=True)).status == EndpointStatus.OBSERVED


def test_a_named_visit_with_days_falls_due_by_them() -> None:
    named = replace(TimePoint.of_visit("M3", "M3"), target_day=90, first_day=83, last_day=97)
    record = patient(*week(-1, 7, 7, 7, 7), score(120, 3, visit_code="M3"))
    plan = replace(PLAN, time_points=(named,))
    assert at_week4(record, plan, end_of_day(98)).status == EndpointStatus.NOT_DUE
    assert at_week4(record, plan, end_of_day(130)).status == EndpointStatus.OBSERVED


def test_a_cutoff_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Cutoff(datetime(2026, 3, 2), UTC)
