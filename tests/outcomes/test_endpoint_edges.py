"""The boundary cases of specification section 3, each judged by the statement and by the plain definition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from itertools import permutations, product
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.outcomes.counting import judging_parameters, open_cells
from registry.outcomes.endpoints import fill_endpoints
from registry.rules.response import Baseline, Cutoff, PatientRecord, Plan, Score, TimePoint
from registry.vocabulary import (
    AnswerState,
    DispositionKind,
    DispositionReason,
    ScoreContext,
    ScoreSource,
    Strategy,
    ValueRule,
)
from tests.outcomes.stored_trials import StoredTrial, store_trial
from tests.outcomes.test_endpoints import (
    as_stored,
    check_cells,
    check_curves,
    checked,
    expected_endpoints,
    judged,
    several,
    stored_endpoints,
)
from tests.rules.example_patient import PLAN, WEEK4, WEEK8, at, end_of_day, on, patient, score, turn, week

# The connection pool's threads draw from `random` while an example is drawn, which hypothesis takes for the strategy's doing.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")

LATE = end_of_day(200)
BASELINE = week(-1, 7, 7, 7, 7)
NEAREST = replace(PLAN, time_points=(TimePoint.visit("V4", 28, before=6, after=3),), contexts=frozenset(ScoreContext))
LAST = replace(PLAN, time_points=(replace(WEEK4, rule=ValueRule.LAST, min_n=1), WEEK8))
NAMED = replace(
    PLAN,
    baseline=Baseline.of_visit("BL", ValueRule.LAST),
    contexts=frozenset({ScoreContext.DIARY, ScoreContext.VISIT}),
    time_points=(TimePoint.of_visit("M3", "V1"), TimePoint.of_visit("M12", "V2", ValueRule.LAST)),
)
DAY0 = replace(PLAN, day0_pre=True, contexts=frozenset(ScoreContext), baseline=replace(PLAN.baseline, last_day=0))
COMPOSITE = replace(PLAN, strategy=Strategy.COMPOSITE)


def judge(plan: Plan, records: list[PatientRecord], cutoff: Cutoff, by: Any) -> StoredTrial:
    """Store the records as one trial, fill its endpoints and compare everything with the plain definition."""
    stored = store_trial(plan, records, cutoff, by=by)
    row = checked(stored)
    fill_endpoints(stored.trial, row, cutoff=cutoff.at)
    expected = expected_endpoints(stored)
    assert stored_endpoints(stored) == {key: as_stored(found) for key, found in expected.items()}
    assert judged(stored, row) == {key: (found.status, found.reason) for key, found in expected.items()}
    counted, _ = open_cells(connection, row, judging_parameters(stored.trial, row, cutoff.at))
    check_cells(stored, counted.cells, expected)
    check_curves(stored, counted.reached, expected)
    return stored


@pytest.mark.parametrize("plan", [PLAN, DAY0, LAST, NEAREST], ids=["mean", "day 0", "last", "nearest"])
def test_each_day_about_the_edges_of_windows(db: None, setup_actor: Any, plan: Plan) -> None:
    days = (-8, -7, -1, 0, 1, 21, 22, 28, 29, 31, 32, 49, 50, 56, 57)
    contexts = sorted(plan.contexts)
    one = replace(plan, baseline=replace(plan.baseline, min_n=1))
    judge(one, [patient(score(day, 5, context=context)) for day, context in product(days, contexts)], LATE, setup_actor)


@pytest.mark.parametrize("plan", [PLAN, LAST, NEAREST, NAMED], ids=["mean", "last", "nearest", "named visits"])
def test_which_of_several_answers_for_one_day_counts(db: None, setup_actor: Any, plan: Plan) -> None:
    answers = [
        {"source": ScoreSource.DIARY},
        {"source": ScoreSource.DIARY, "recorded_at": at(28, 19)},
        {"source": ScoreSource.DIARY, "observed_at": at(28, 9)},
        {"source": ScoreSource.DIARY, "observed_at": at(28, 8)},
        {"source": ScoreSource.PHONE, "recorded_at": at(28, 6)},
        {"source": ScoreSource.CLINIC, "recorded_at": at(28, 5)},
        {"source": ScoreSource.CLINIC, "recorded_at": at(28, 5), "scheduled": False},
    ]
    records = [patient(*_numbered(plan, pair), *(replace(one, visit_code="BL") for one in BASELINE)) for pair in permutations(answers, 2)]
    ranked = replace(plan, sources=(ScoreSource.CLINIC, ScoreSource.DIARY))
    judge(plan, records, LATE, setup_actor)
    judge(ranked, records, LATE, setup_actor)


def _numbered(plan: Plan, answers: tuple[dict[str, Any], ...]) -> tuple[Score, ...]:
    """Make answers for day 28 (and visit V1) with different values, entered in this order."""
    context = {} if ScoreContext.DIARY in plan.contexts else {"context": ScoreContext.VISIT}
    return tuple(score(28, 3 + place, record=place, visit_code="V1", **context, **answer) for place, answer in enumerate(answers))


def test_nearest_takes_the_later_of_two_and_the_scheduled_one(db: None, setup_actor: Any) -> None:
    pairs = [(26, 30), (27, 29), (25, 30), (28, 29), (22, 31), (27, 28)]
    orders = [(first, second, scheduled) for first, second in pairs for scheduled in product((True, False), repeat=2)]
    records = [patient(score(a, 3, scheduled=x), score(b, 5, scheduled=y), *BASELINE) for a, b, (x, y) in orders]
    judge(NEAREST, records, LATE, setup_actor)


def test_days_sixty_four_apart_are_two_days(db: None, setup_actor: Any) -> None:
    wide = replace(PLAN, time_points=(replace(WEEK8, code="LONG", first_day=20, last_day=150, target_day=100, min_n=1),))
    records = [patient(*BASELINE, *(score(day, value, record=day) for value, day in enumerate(days, start=1))) for days in
               [(30, 94), (30, 94, 31, 95), (30, 158 - 64 + 64 - 8), (20, 84, 148)]]  # fmt: skip
    judge(wide, records, LATE, setup_actor)


def test_a_version_counts_from_its_instant_to_its_end(db: None, setup_actor: Any) -> None:
    moments = [timedelta(), timedelta(microseconds=1), -timedelta(microseconds=1)]
    records = [
        patient(score(28, 3, recorded_at=LATE.at + a), score(27, 5, ended_at=LATE.at + b), *week(26, 4, 4, 4), *BASELINE)
        for a, b in product(moments, repeat=2)
    ]
    corrected = (
        score(28, 3, record=2, ended_at=at(30)),
        score(28, 4, record=2, recorded_at=at(30)),
        score(28, 6, record=3, recorded_at=at(29)),
    )
    judge(PLAN, [*records, patient(*corrected, *week(27, 4, 4, 4), *BASELINE)], LATE, setup_actor)


def test_late_answers_count_only_where_the_plan_says_so(db: None, setup_actor: Any) -> None:
    record = patient(*(replace(one, answer_state=AnswerState.LATE) for one in week(28, 3, 3, 3, 3)), *BASELINE)
    for accept in (False, True):
        judge(replace(PLAN, accept_late=accept), [record], LATE, setup_actor)


def test_undated_values_of_named_visits(db: None, setup_actor: Any) -> None:
    answers = ((4, "V1"), (9, "V1"), (5, "V2"), (8, "BL"))
    undated = [score(None, value, record=value, visit_code=code, context=ScoreContext.VISIT) for value, code in answers]
    dated = [score(90, 6, visit_code="V1"), score(91, 2, visit_code="V2"), score(-3, 7, visit_code="BL")]
    mixes = [undated, dated, undated + dated, undated[:1], undated[3:] + dated[:1]]
    judge(NAMED, [patient(*mix) for mix in mixes], Cutoff(LATE.at, UTC, all_due=True), setup_actor)


@pytest.mark.parametrize("plan", [PLAN, COMPOSITE], ids=["treatment policy", "composite"])
@pytest.mark.parametrize("kind", list(DispositionKind))
def test_every_turn_on_every_day_that_matters(db: None, setup_actor: Any, plan: Plan, kind: DispositionKind) -> None:
    reasons = (DispositionReason.LACK_OF_EFFECT, DispositionReason.LOGISTICS)
    courses = [(), week(28, 3, 3, 3, 3), week(56, 3, 3, 3, 3), (*week(28, 3, 3, 3, 3), *week(56, 6, 6, 6, 6)), week(28, 3, 3)]
    records = [
        patient(*BASELINE, *course, dispositions=(turn(kind, day, reason),))
        for course, day, reason in product(courses, (None, 0, 27, 28, 29, 56, 57), reasons)
    ]
    judge(plan, records, LATE, setup_actor)


def test_a_next_period_ends_values_and_what_is_carried(db: None, setup_actor: Any) -> None:
    course = (*week(28, 3, 3, 3, 3), *week(56, 4, 4, 4, 4))
    judge(PLAN, [patient(*BASELINE, *course, next_period_on=on(day)) for day in (20, 27, 28, 29, 50, 56, 57)], LATE, setup_actor)


def test_due_from_the_day_after_window_and_grace(db: None, setup_actor: Any) -> None:
    record = patient(*BASELINE, *week(28, 3, 3, 3, 3))
    died = patient(*BASELINE, dispositions=(turn(DispositionKind.DEATH, 5),))
    for day, grace in product((28, 29, 30, 31), (0, 2)):
        judge(replace(PLAN, grace_days=grace), [record, died], end_of_day(day), setup_actor)


def test_numbers_on_and_beside_the_line(db: None, setup_actor: Any) -> None:
    one = replace(PLAN, baseline=Baseline(min_n=1), time_points=(replace(WEEK4, min_n=1),), thresholds=(300, 296, 297, 500))
    courses = [
        ([10], [7]),
        ([3, 3, 3, 3, 3, 3, 4], [2, 2, 2, 2, 3]),
        ([6, 7, 7, 7], [4, 5, 5, 5]),
        ([0, 0, 0, 1], [0, 0, 0, 0]),
        ([0, 0], [3]),
        ([4], [9]),
        ([0.000001], [0.0000007]),
    ]
    scores = [(*week(-1, *before), *week(28, *after)) for before, after in courses]
    judge(one, [patient(*course) for course in scores], LATE, setup_actor)


def test_allocation_or_enrolment_without_a_date_or_still_to_come(db: None, setup_actor: Any) -> None:
    course = (*BASELINE, *week(28, 3, 3, 3, 3))
    changes: list[dict[str, object]] = [
        {},
        {"allocated_on": None},
        {"allocated_on": None, "enrolled_on": None},
        {"allocated": False, "allocated_on": None},
        {"allocated_on": on(40)},
        {"allocated_on": on(41)},
        {"enrolled_on": on(41)},
    ]
    judge(PLAN, [patient(*course, **change) for change in changes], end_of_day(40), setup_actor)


CROWDED = st.lists(
    st.builds(
        score,
        st.integers(26, 29) | st.integers(-3, 0),
        st.integers(0, 9),
        record=st.integers(0, 10**6),
        source=st.sampled_from(ScoreSource),
        recorded_at=st.integers(0, 2).map(lambda hour: at(29, 20 + hour)),
        observed_at=st.none() | st.integers(0, 2).map(lambda hour: at(28, 5 + hour)),
        scheduled=st.booleans(),
        visit_code=st.sampled_from([None, "V1", "V2", "BL"]),
    ),
    max_size=12,
    unique_by=lambda one: one.record,
)


@settings(several, max_examples=40)
@given(
    courses=st.lists(CROWDED, min_size=1, max_size=4),
    plan=st.sampled_from([PLAN, LAST, NEAREST, NAMED]),
    sources=st.permutations(ScoreSource),
)
def test_crowded_days(db: None, setup_actor: Any, courses: list[list[Score]], plan: Plan, sources: list[ScoreSource]) -> None:
    ranked = replace(plan, sources=tuple(sources)[:2], time_points=tuple(replace(one, min_n=1) for one in plan.time_points))
    judge(ranked, [patient(*course) for course in courses], LATE, setup_actor)
