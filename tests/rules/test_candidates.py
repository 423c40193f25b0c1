"""Which scores count, and which one of a day."""

from dataclasses import replace

import pytest

from registry.rules.response import Baseline, Measurement, Score, TimePoint
from registry.vocabulary import (
    AnswerState,
    DispositionKind,
    PlanPain,
    RecallPeriod,
    ScoreContext,
    ScoreSource,
    ValueRule,
)
from tests.rules.example_patient import PLAN, at, at_week4, end_of_day, on, patient, score, turn

ONE = replace(PLAN, time_points=(replace(TimePoint.diary("W4", 28), min_n=1),))


def week4_sum(*scores: Score, plan: object = ONE) -> int:
    """Return the sum of week 4 in whole points."""
    return at_week4(patient(*scores), plan).value.sum_units // 10**6  # type: ignore[arg-type]


def nearest(target: int, *scores: Score) -> int:
    """Return the value a visit of rule nearest picks."""
    return week4_sum(*scores, plan=replace(PLAN, time_points=(TimePoint.visit("V4", target, before=5, after=5),)))


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": "vas"},
        {"scale_version": "2"},
        {"recall": RecallPeriod.WORST_24H},
        {"pain": PlanPain.PRIMARY},
        {"pain": None},
        {"context": ScoreContext.POST_SESSION},
        {"context": ScoreContext.UNSCHEDULED},
        {"answer_state": AnswerState.LATE},
        {"recorded_at": at(201, 0)},
        {"ended_at": at(200)},
    ],
    ids=str,
)
def test_only_answers_to_the_plans_question_count(changes: dict[str, object]) -> None:
    assert at_week4(patient(score(28, 3, **changes)), ONE).value == Measurement()


def test_late_answers_count_where_the_plan_accepts_them() -> None:
    assert week4_sum(score(28, 3, answer_state=AnswerState.LATE), plan=replace(ONE, accept_late=True)) == 3


def test_primary_pain_counts_where_the_plan_asks_for_it() -> None:
    assert week4_sum(score(28, 3, pain=PlanPain.PRIMARY), plan=replace(ONE, pain=PlanPain.PRIMARY)) == 3


def test_the_version_that_stood_at_the_cutoff_counts() -> None:
    first = score(28, 3, record=1, ended_at=at(40))
    corrected = score(28, 5, record=1, recorded_at=at(40))
    record = patient(first, corrected)
    assert at_week4(record, ONE, end_of_day(39)).value.sum_units == 3_000_000
    assert at_week4(record, ONE, end_of_day(40)).value.sum_units == 5_000_000


def test_a_record_made_at_the_cutoff_instant_is_after_it() -> None:
    cutoff = end_of_day(200)
    assert at_week4(patient(score(28, 3, recorded_at=cutoff.at)), ONE, cutoff).value.n == 0
    assert at_week4(patient(score(28, 3, ended_at=cutoff.at)), ONE, cutoff).value.n == 1


def test_diary_comes_before_phone_and_phone_before_clinic() -> None:
    diary, phone, clinic = (score(28, value, record=value, source=source) for value, source in enumerate(ScoreSource, start=3))
    assert week4_sum(clinic, phone, diary) == 3
    assert week4_sum(clinic, phone) == 4
    assert week4_sum(diary, clinic, plan=replace(ONE, sources=(ScoreSource.CLINIC, ScoreSource.DIARY))) == 5
    # Phone is not ranked by this plan: it gives way, but counts where it is alone.
    assert week4_sum(phone, clinic, plan=replace(ONE, sources=(ScoreSource.CLINIC,))) == 5
    assert week4_sum(phone, plan=replace(ONE, sources=(ScoreSource.CLINIC,))) == 4


def test_the_first_submitted_counts_and_later_ones_are_repeats() -> None:
    assert week4_sum(score(28, 3, record=2, recorded_at=at(28, 19)), score(28, 6, record=1, recorded_at=at(28, 21))) == 3


def test_a_corrected_answer_keeps_its_place() -> None:
    first = score(28, 3, record=2, recorded_at=at(28, 19), ended_at=at(30))
    corrected = score(28, 4, record=2, recorded_at=at(30))
    repeat = score(28, 6, record=3, recorded_at=at(28, 21))
    assert week4_sum(first, corrected, repeat) == 4


def test_answers_recorded_at_once_count_by_observation_then_by_entry() -> None:
    early, late = (score(28, value, record=9 - value, observed_at=at(28, 8 + value)) for value in (1, 2))
    assert week4_sum(late, early) == 1
    assert week4_sum(score(28, 6, record=5), score(28, 7, record=4)) == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"dispositions": (turn(DispositionKind.WITHDRAWAL_OF_CONSENT, 26),)},
        {"dispositions": (turn(DispositionKind.OPEN_LABEL_SWITCH, 26),)},
        {"next_period_on": on(26)},
    ],
    ids=["withdrawal", "open label", "next period"],
)
def test_values_from_a_switch_on_do_not_count(changes: dict[str, object]) -> None:
    found = at_week4(patient(score(25, 3), score(26, 4), score(27, 5), **changes), ONE).value
    assert found == Measurement(3_000_000, 1, enough=True)


def test_an_undated_switch_ends_nothing() -> None:
    record = patient(score(25, 3), dispositions=(turn(DispositionKind.WITHDRAWAL_OF_CONSENT, None),))
    assert at_week4(record, ONE).value.n == 1


def test_stopping_stimulation_does_not_end_follow_up() -> None:
    record = patient(score(25, 3), dispositions=(turn(DispositionKind.STOP_OF_STIMULATION, 3),))
    assert at_week4(record, ONE).value.n == 1


def test_nearest_takes_the_closest_day_and_the_later_of_two() -> None:
    assert nearest(28, score(25, 1), score(29, 2), score(31, 3)) == 2
    assert nearest(28, score(27, 1), score(29, 2)) == 2


def test_nearest_takes_scheduled_before_unscheduled() -> None:
    assert nearest(28, score(27, 1), score(29, 2, scheduled=False)) == 1
    assert nearest(28, score(26, 1), score(29, 2, scheduled=False)) == 2


def test_last_takes_the_latest_day() -> None:
    last = replace(TimePoint.diary("W4", 28), rule=ValueRule.LAST, min_n=1)
    assert week4_sum(score(27, 1), score(22, 2), plan=replace(PLAN, time_points=(last,))) == 1


def test_nearest_baseline_is_nearest_to_day_0() -> None:
    plan = replace(ONE, baseline=Baseline(rule=ValueRule.NEAREST, min_n=1))
    assert at_week4(patient(score(-5, 4), score(-2, 6)), plan).baseline.sum_units == 6_000_000


def test_a_named_visit_takes_its_values_whatever_their_day() -> None:
    plan = replace(PLAN, baseline=Baseline.of_visit("BL"), time_points=(TimePoint.of_visit("M3", "M3"),))
    record = patient(score(0, 8, visit_code="BL"), score(99, 3, visit_code="M3"), score(28, 1))
    found = at_week4(record, plan, end_of_day(200, all_due=True))
    assert (found.baseline.sum_units, found.value.sum_units) == (8_000_000, 3_000_000)


def test_undated_values_of_a_visit_are_one_day_before_dated_ones() -> None:
    undated = (score(None, 4, record=1, visit_code="M3"), score(None, 9, record=2, visit_code="M3"))
    dated = score(90, 6, visit_code="M3")
    mean, last = (TimePoint.of_visit("M3", "M3", rule=rule) for rule in (ValueRule.MEAN, ValueRule.LAST))
    assert week4_sum(*undated, dated, plan=replace(PLAN, time_points=(mean,))) == 10
    assert week4_sum(*undated, dated, plan=replace(PLAN, time_points=(last,))) == 6
    assert week4_sum(*undated, plan=replace(PLAN, time_points=(last,))) == 4
