"""What must hold for every trial there could be."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.rules.response import (
    Cutoff,
    Disposition,
    Endpoint,
    PatientRecord,
    Score,
    Session,
    cumulative_curve,
    endpoints,
    measured,
    percent_floor_tenth,
    population_counts,
    reaches,
    rule_counts,
    verdict,
)
from registry.vocabulary import Anchor, EndpointStatus, MissingReason, MissingRule, Strategy
from tests.rules.random_trials import RandomTrial, trials

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def by_time_point(trial: RandomTrial) -> list[list[Endpoint]]:
    """Return the endpoints of all analysed patients, one list per time point."""
    analysed = [found for record in trial.records if (found := endpoints(trial.plan, record, trial.cutoff))]
    return [list(group) for group in zip(*analysed, strict=True)] or [[] for _ in trial.plan.time_points]


def judged(trial: RandomTrial) -> list[tuple[EndpointStatus, MissingReason | None, int, int, int, int]]:
    """Return what is decided about everybody, without the anchor's dates."""
    return [
        (found.status, found.reason, found.baseline.sum_units, found.baseline.n, found.value.sum_units, found.value.n)
        for record in trial.records
        for found in endpoints(trial.plan, record, trial.cutoff)
    ]


@quick
@given(trials())
def test_everybody_is_counted_once(trial: RandomTrial) -> None:
    for group in by_time_point(trial):
        for threshold in trial.plan.thresholds:
            counts = population_counts(group, threshold)
            assert counts.due == counts.responders + counts.observed_non_responders + sum(counts.reasons.values())
            assert counts.due + counts.not_due == counts.population == len(group)
            assert counts.responders >= 0
            assert counts.observed_non_responders >= 0
            assert rule_counts(group, MissingRule.NRI, threshold).n == counts.due


@quick
@given(trials())
def test_rules_stand_in_their_order(trial: RandomTrial) -> None:
    for group in by_time_point(trial):
        for threshold in trial.plan.thresholds:
            nri, oc, locf, bocf = (rule_counts(group, MissingRule(name), threshold) for name in ("NRI", "OC", "LOCF", "BOCF"))
            assert oc.n <= locf.n == bocf.n <= nri.n
            assert nri.responders <= oc.responders == bocf.responders <= locf.responders
            if trial.plan.strategy == Strategy.TREATMENT_POLICY:
                assert nri.responders == oc.responders


@quick
@given(trials())
def test_a_higher_threshold_has_no_more_responders(trial: RandomTrial) -> None:
    for group in by_time_point(trial):
        for rule in MissingRule:
            curve = cumulative_curve(group, rule, trial.plan.thresholds)
            assert set(curve) == {*range(0, 1001, 10), *trial.plan.thresholds}
            responders = [counts.responders for counts in curve.values()]
            assert responders == sorted(responders, reverse=True)
            assert len({counts.n for counts in curve.values()}) == 1


@quick
@given(trials())
def test_who_has_no_value_of_their_own_reaches_no_cut(trial: RandomTrial) -> None:
    for group in by_time_point(trial):
        for endpoint in group:
            if endpoint.status != EndpointStatus.OBSERVED:
                assert not verdict(endpoint, MissingRule.NRI, 0).responder
            if not endpoint.value.enough:
                assert not verdict(endpoint, MissingRule.OC, 0).counted
                assert not verdict(endpoint, MissingRule.BOCF, 0).responder


@quick
@given(trials())
def test_whole_numbers_decide_like_fractions(trial: RandomTrial) -> None:
    for group in by_time_point(trial):
        for endpoint in group:
            if endpoint.status == EndpointStatus.OBSERVED:
                sums = (endpoint.baseline.sum_units, endpoint.baseline.n, endpoint.value.sum_units, endpoint.value.n)
                for threshold in trial.plan.thresholds:
                    decided = verdict(endpoint, MissingRule.OC, threshold).responder
                    assert reaches(*sums, threshold) == decided == (percent_floor_tenth(*sums) >= threshold)


@quick
@given(trials())
def test_a_status_tells_the_truth_about_its_values(trial: RandomTrial) -> None:
    for group in by_time_point(trial):
        for endpoint in group:
            assert (endpoint.reason is not None) == (endpoint.status == EndpointStatus.MISSING)
            match endpoint.status:
                case EndpointStatus.OBSERVED:
                    assert endpoint.baseline.sum_units > 0
                    assert endpoint.value.enough
                case EndpointStatus.MISSING:
                    assert not endpoint.value.enough
                    assert (endpoint.reason == MissingReason.TOO_FEW) == (endpoint.value.n > 0)
                case EndpointStatus.BASELINE_ZERO:
                    assert (endpoint.baseline.sum_units, endpoint.baseline.enough) == (0, True)
                case EndpointStatus.NO_BASELINE:
                    assert not endpoint.baseline.enough
            for rule in MissingRule:
                found = measured(endpoint, rule)
                assert found is None or (found.enough and endpoint.baseline.enough)


@quick
@given(trials(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(trial: RandomTrial, chance: Random) -> None:
    shuffled = []
    for record in trial.records:
        scores, turns = list(record.scores), list(record.dispositions)
        chance.shuffle(scores)
        chance.shuffle(turns)
        shuffled.append(replace(record, scores=tuple(scores), dispositions=tuple(turns)))
    assert judged(replace(trial, records=tuple(shuffled))) == judged(trial)


@quick
@given(trials())
def test_what_is_recorded_later_changes_nothing(trial: RandomTrial) -> None:
    records = tuple(
        replace(record, scores=tuple(score for score in record.scores if score.recorded_at < trial.cutoff.at)) for record in trial.records
    )
    assert judged(replace(trial, records=records)) == judged(trial)


@quick
@given(trials(), st.integers(-400, 400).map(lambda weeks: timedelta(weeks=weeks)))
def test_the_same_trial_at_another_time_counts_the_same(trial: RandomTrial, shift: timedelta) -> None:
    # In UTC, where no clock change comes between the two times.
    still = replace(trial, cutoff=replace(trial.cutoff, zone=trial.cutoff.at.tzinfo))
    moved = replace(
        still,
        records=tuple(_moved(record, shift) for record in still.records),
        cutoff=Cutoff(still.cutoff.at + shift, still.cutoff.zone, still.cutoff.all_due),
    )
    assert judged(moved) == judged(still)


@quick
@given(trials(), st.sampled_from([2, 3, 10, 7]))
def test_the_unit_of_the_scale_does_not_matter(trial: RandomTrial, factor: int) -> None:
    records = tuple(
        replace(record, scores=tuple(replace(score, value_units=factor * score.value_units) for score in record.scores))
        for record in trial.records
    )
    for group, scaled in zip(by_time_point(trial), by_time_point(replace(trial, records=records)), strict=True):
        for threshold in trial.plan.thresholds:
            assert population_counts(group, threshold) == population_counts(scaled, threshold)


@quick
@given(trials(), st.integers(0, 30))
def test_due_stays_due_as_time_goes_on(trial: RandomTrial, days: int) -> None:
    # By allocation: a first stimulation moves day 0, and with it what is due.
    fixed = replace(trial, plan=replace(trial.plan, anchor=Anchor.ALLOCATION))
    # A voided session may take its patient out of those treated.
    records = tuple(
        replace(
            record, allocated=True, allocated_on=record.enrolled_on, sessions=tuple(one for one in record.sessions if one.ended_at is None)
        )
        for record in fixed.records
    )
    now, later = (
        by_time_point(replace(fixed, records=records, cutoff=replace(fixed.cutoff, at=fixed.cutoff.at + timedelta(days=wait))))
        for wait in (0, days)
    )
    for group, grown in zip(now, later, strict=True):
        assert rule_counts(group, MissingRule.NRI, 300).n <= rule_counts(grown, MissingRule.NRI, 300).n


def _moved(record: PatientRecord, shift: timedelta) -> PatientRecord:
    def by(value: Any) -> Any:
        return value if value is None else value + shift

    return replace(
        record,
        enrolled_on=by(record.enrolled_on),
        allocated_on=by(record.allocated_on),
        next_period_on=by(record.next_period_on),
        dispositions=tuple(Disposition(turn.kind, by(turn.on), turn.reason) for turn in record.dispositions),
        scores=tuple(_moved_score(score, shift) for score in record.scores),
        sessions=tuple(
            Session(by(one.on), one.pulses, by(one.recorded_at), by(one.started_at), by(one.ended_at)) for one in record.sessions
        ),
    )


def _moved_score(score: Score, shift: timedelta) -> Score:
    return replace(
        score,
        recorded_at=score.recorded_at + shift,
        ended_at=score.ended_at and score.ended_at + shift,
        for_date=score.for_date and score.for_date + shift,
        observed_at=score.observed_at and score.observed_at + shift,
    )
