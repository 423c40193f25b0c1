"""What an enrolment counts as: the order of statuses, reasons, stops, deaths and what is carried forward."""

from dataclasses import replace

import pytest

from registry.rules.response import Disposition, Endpoint, Score, TimePoint, endpoints, measured, population_counts, verdict, verdicts
from registry.vocabulary import (
    DispositionKind,
    DispositionReason,
    EndpointStatus,
    MissingReason,
    MissingRule,
    Strategy,
)
from tests.rules.example_patient import PLAN, WEEK4, at_week4, end_of_day, on, patient, score, turn, week

BASELINE = week(-1, 7, 7, 7, 7)
BETTER = week(28, 3, 3, 3, 3)
COMPOSITE = replace(PLAN, strategy=Strategy.COMPOSITE)
IN, OUT, YES = (True, False), (False, False), (True, True)
RULES = (MissingRule.NRI, MissingRule.OC, MissingRule.LOCF, MissingRule.BOCF)


def counts_as(endpoint: Endpoint, threshold: int = 300) -> list[tuple[bool, bool]]:
    """Return in-denominator and responder under NRI, OC, LOCF and BOCF."""
    return [(one.counted, one.responder) for one in (verdict(endpoint, rule, threshold) for rule in RULES)]


def stop(day: int | None, reason: DispositionReason = DispositionReason.LACK_OF_EFFECT) -> Disposition:
    """Make a stop of stimulation."""
    return turn(DispositionKind.STOP_OF_STIMULATION, day, reason)


def test_an_observed_responder_responds_under_every_rule() -> None:
    found = at_week4(patient(*BASELINE, *BETTER))
    assert (found.status, found.reason) == (EndpointStatus.OBSERVED, None)
    assert counts_as(found) == [YES, YES, YES, YES]
    assert counts_as(found, 600) == [IN, IN, IN, IN]


def test_not_due_is_out_of_everything_even_with_a_value() -> None:
    found = at_week4(patient(*BASELINE, *BETTER), cutoff=end_of_day(29))
    assert counts_as(found) == [OUT, OUT, OUT, OUT]
    assert not found.has_change


@pytest.mark.parametrize(("answers", "status"), [(4, EndpointStatus.OBSERVED), (3, EndpointStatus.MISSING)])
def test_four_of_seven_days_make_a_week(answers: int, status: EndpointStatus) -> None:
    assert at_week4(patient(*BASELINE, *week(28, *[3] * answers))).status == status


def test_too_few_answers_are_another_reason_than_none() -> None:
    assert at_week4(patient(*BASELINE, score(28, 3))).reason == MissingReason.TOO_FEW
    assert at_week4(patient(*BASELINE)).reason == MissingReason.NONE


def test_missing_is_non_response_left_out_or_the_baseline() -> None:
    assert counts_as(at_week4(patient(*BASELINE))) == [IN, OUT, IN, IN]


def test_no_baseline_is_non_response_and_left_out_elsewhere() -> None:
    found = at_week4(patient(*week(-1, 7, 7, 7), *BETTER))
    assert found.status == EndpointStatus.NO_BASELINE
    assert counts_as(found) == [IN, OUT, OUT, OUT]
    assert not found.has_change


def test_baseline_of_nothing_is_non_response_but_has_a_change() -> None:
    found = at_week4(patient(*week(-1, 0, 0, 0, 0), *BETTER))
    assert found.status == EndpointStatus.BASELINE_ZERO
    assert counts_as(found) == [IN, OUT, OUT, OUT]
    assert found.has_change


def test_a_small_baseline_above_nothing_stays_in() -> None:
    assert at_week4(patient(*week(-1, 0, 0, 0, 1), *week(28, 0, 0, 0, 0))).status == EndpointStatus.OBSERVED


@pytest.mark.parametrize(("day", "status"), [(28, EndpointStatus.DIED), (29, EndpointStatus.OBSERVED)])
def test_death_by_the_last_day_of_the_window(day: int, status: EndpointStatus) -> None:
    found = at_week4(patient(*BASELINE, *BETTER, dispositions=(turn(DispositionKind.DEATH, day),)))
    assert found.status == status
    if status == EndpointStatus.DIED:
        assert counts_as(found) == [IN, OUT, OUT, OUT]
        assert [measured(found, rule) for rule in RULES] == [None] * 4


def test_death_comes_before_a_lacking_baseline() -> None:
    assert at_week4(patient(dispositions=(turn(DispositionKind.DEATH, 5),))).status == EndpointStatus.DIED


@pytest.mark.parametrize(("day", "status"), [(28, EndpointStatus.COMPOSITE_STOP), (29, EndpointStatus.OBSERVED)])
def test_stop_on_the_last_day_of_the_window_and_the_day_after(day: int, status: EndpointStatus) -> None:
    assert at_week4(patient(*BASELINE, *BETTER, dispositions=(stop(day),)), COMPOSITE).status == status


def test_a_composite_stop_is_non_response_but_its_value_stays() -> None:
    found = at_week4(patient(*BASELINE, *BETTER, dispositions=(stop(10),)), COMPOSITE)
    assert counts_as(found) == [IN, YES, YES, YES]
    assert found.has_change


def test_a_composite_stop_without_value_is_missing_elsewhere() -> None:
    assert counts_as(at_week4(patient(*BASELINE, dispositions=(stop(10),)), COMPOSITE)) == [IN, OUT, IN, IN]


def test_treatment_policy_uses_the_value_after_a_stop() -> None:
    assert at_week4(patient(*BASELINE, *BETTER, dispositions=(stop(10),))).status == EndpointStatus.OBSERVED


def test_only_listed_reasons_are_a_composite_stop() -> None:
    unlisted = stop(10, DispositionReason.LOGISTICS)
    assert at_week4(patient(*BASELINE, *BETTER, dispositions=(unlisted,)), COMPOSITE).status == EndpointStatus.OBSERVED


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (DispositionKind.WITHDRAWAL_OF_CONSENT, MissingReason.WITHDRAWN),
        (DispositionKind.LOST, MissingReason.LOST),
        (DispositionKind.END_OF_FOLLOW_UP, MissingReason.ENDED),
        (DispositionKind.STOP_OF_STIMULATION, MissingReason.NONE),
        (DispositionKind.COMPLETION, MissingReason.NONE),
    ],
)
def test_a_disposition_names_why_a_window_is_empty(kind: DispositionKind, reason: MissingReason) -> None:
    assert at_week4(patient(*BASELINE, dispositions=(turn(kind, 28),))).reason == reason
    assert at_week4(patient(*BASELINE, dispositions=(turn(kind, 29),))).reason == MissingReason.NONE
    assert at_week4(patient(*BASELINE, score(22, 3), dispositions=(turn(kind, 28),))).reason == MissingReason.TOO_FEW


def test_withdrawal_comes_before_loss() -> None:
    both = (turn(DispositionKind.LOST, 5), turn(DispositionKind.WITHDRAWAL_OF_CONSENT, 9))
    assert at_week4(patient(*BASELINE, dispositions=both)).reason == MissingReason.WITHDRAWN


def test_locf_takes_the_latest_earlier_endpoint() -> None:
    week8 = endpoints(PLAN, patient(*BASELINE, *BETTER), end_of_day(200))[1]
    assert counts_as(week8) == [IN, OUT, YES, IN]
    assert measured(week8, MissingRule.LOCF) == week8.carried
    assert measured(week8, MissingRule.BOCF) == week8.baseline


@pytest.mark.parametrize("stray", [score(35, 1), score(28, 1)], ids=["outside a window", "too few in a window"])
def test_locf_never_takes_what_is_no_endpoint(stray: Score) -> None:
    week8 = endpoints(PLAN, patient(*BASELINE, stray), end_of_day(200))[1]
    assert week8.carried is None
    assert counts_as(week8) == [IN, OUT, IN, IN]
    assert measured(week8, MissingRule.LOCF) == week8.baseline


def test_locf_takes_the_latest_of_several() -> None:
    plan = replace(PLAN, time_points=(TimePoint.diary("W2", 14), *PLAN.time_points))
    week8 = endpoints(plan, patient(*BASELINE, *week(14, 1, 1, 1, 1), *week(28, 6, 6, 6, 6)), end_of_day(200))[2]
    assert week8.carried is not None
    assert week8.carried.mean == 6_000_000


def test_locf_skips_an_earlier_gap() -> None:
    plan = replace(PLAN, time_points=(TimePoint.diary("W2", 14), *PLAN.time_points))
    week8 = endpoints(plan, patient(*BASELINE, *week(14, 3, 3, 3, 3)), end_of_day(200))[2]
    assert week8.carried is not None


@pytest.mark.parametrize(
    "changes",
    [{"dispositions": (turn(DispositionKind.OPEN_LABEL_SWITCH, 56),)}, {"next_period_on": on(56)}],
    ids=["open label", "next period"],
)
def test_locf_never_crosses_a_switch_and_falls_back_on_the_baseline(changes: dict[str, object]) -> None:
    week8 = endpoints(PLAN, patient(*BASELINE, *BETTER, **changes), end_of_day(200))[1]
    assert counts_as(week8) == [IN, OUT, IN, IN]


def test_locf_crosses_no_death() -> None:
    record = patient(*BASELINE, *BETTER, dispositions=(turn(DispositionKind.DEATH, 50),))
    assert counts_as(endpoints(PLAN, record, end_of_day(200))[1]) == [IN, OUT, OUT, OUT]


def test_allocated_but_never_stimulated_is_due_like_all() -> None:
    found = at_week4(patient(*BASELINE, sessions=()), cutoff=end_of_day(30))
    assert (found.status, found.reason) == (EndpointStatus.MISSING, MissingReason.NONE)


def test_undated_dispositions_lie_after_the_last_value() -> None:
    plan = replace(COMPOSITE, time_points=tuple(TimePoint.of_visit(code, code) for code in ("M1", "M3", "M6")))
    record = patient(*BASELINE, score(None, 3, visit_code="M3"), dispositions=(turn(DispositionKind.DEATH, None),))
    statuses = [found.status for found in endpoints(plan, record, end_of_day(200, all_due=True))]
    assert statuses == [EndpointStatus.MISSING, EndpointStatus.OBSERVED, EndpointStatus.DIED]


def test_a_visit_without_days_cannot_follow_a_dated_stop_while_it_has_a_value() -> None:
    plan = replace(COMPOSITE, time_points=(TimePoint.of_visit("M3", "M3"),))
    cutoff = end_of_day(200, all_due=True)
    seen = patient(*BASELINE, score(None, 3, visit_code="M3"), dispositions=(stop(10),))
    unseen = patient(*BASELINE, dispositions=(stop(10),))
    assert at_week4(seen, plan, cutoff).status == EndpointStatus.OBSERVED
    assert at_week4(unseen, plan, cutoff).status == EndpointStatus.COMPOSITE_STOP


def test_verdicts_cover_every_rule_and_threshold_of_the_plan() -> None:
    found = verdicts(at_week4(patient(*BASELINE, *BETTER)), PLAN)
    assert set(found) == {(rule, threshold) for rule in MissingRule for threshold in (300, 500)}
    assert found[MissingRule.OC, 500].responder


def test_counts_name_everybody_once() -> None:
    cutoff = end_of_day(200)
    records = [
        patient(*BASELINE, *BETTER),
        patient(*BASELINE, *week(28, 7, 7, 7, 7)),
        patient(*BASELINE),
        patient(*BETTER),
        patient(*week(-1, 0, 0, 0, 0), *BETTER),
        patient(*BASELINE, *BETTER, dispositions=(turn(DispositionKind.DEATH, 5),)),
        patient(*BASELINE, *BETTER, dispositions=(stop(5),)),
        patient(*BASELINE, *BETTER, allocated_on=on(180)),
    ]
    found = population_counts([at_week4(record, COMPOSITE, cutoff) for record in records], 300)
    assert (found.population, found.due, found.not_due) == (8, 7, 1)
    assert (found.responders, found.observed_non_responders) == (1, 1)
    assert found.reasons == {"baseline_zero": 1, "composite_stop": 1, "died": 1, "no_baseline": 1, "none": 1}


def test_an_endpoint_names_its_time_point() -> None:
    assert at_week4(patient()).time_point == WEEK4.code
