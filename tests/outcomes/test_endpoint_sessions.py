"""Sessions in endpoints: day 0 by the first pulse, the treated, values of day 0, by the statement and the plain definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from registry.models import AnalysisPlan, Endpoint, Enrolment, StimulationSession, Trial
from registry.outcomes.refresh import refresh_trial
from registry.rules.response import Plan, Session
from registry.selectors.outcomes import latest_open
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.stimulation import record_sessions, restore_session, void_session
from registry.vocabulary import Anchor, Population, ScoreContext, SessionReason, SessionStatus, ValueRule
from tests.outcomes.stored_trials import StoredTrial
from tests.outcomes.test_endpoint_edges import judge
from tests.registry.services.stimulation_scene import STARTED, given, measure, prescribe
from tests.rules.example_patient import PLAN, at, end_of_day, patient, score, session, week
from tests.trials import make_enrolment

BY_STIMULATION = replace(PLAN, anchor=Anchor.FIRST_STIMULATION)
TREATED = replace(PLAN, population=Population.TREATED)
BOTH = replace(BY_STIMULATION, population=Population.TREATED)
DAY0 = replace(PLAN, contexts=frozenset(ScoreContext), baseline=replace(PLAN.baseline, rule=ValueRule.LAST, min_n=1, last_day=0))
DAY0_BY_STIMULATION = replace(DAY0, anchor=Anchor.FIRST_STIMULATION)
COURSES: tuple[tuple[Session, ...], ...] = (
    (),
    (session(0),),
    (session(3),),
    (session(-2), session(0)),
    (session(5), session(2)),
    (session(1, pulses=0), session(4)),
    (session(1, pulses=0),),
    (session(1, ended_at=at(3)), session(4)),
    (session(1, ended_at=at(40)), session(4)),
    (session(1, ended_at=at(3)), session(2, recorded_at=at(3))),
    (session(1, ended_at=at(3)), session(1, pulses=0, recorded_at=at(3))),
    (session(1, recorded_at=at(40)), session(4)),
    (session(31), session(33)),
    (session(0, started_at=None),),
    (session(0), session(0, started_at=at(0, 7), recorded_at=at(0, 12))),
    (session(0), session(0, started_at=None, recorded_at=at(0, 12))),
)


@pytest.mark.parametrize("plan", [BY_STIMULATION, TREATED, BOTH, DAY0, DAY0_BY_STIMULATION])
@pytest.mark.parametrize("cutoff", [end_of_day(32), end_of_day(200)], ids=["early", "late"])
def test_every_course_of_sessions(db: None, setup_actor: Any, plan: Plan, cutoff: Any) -> None:
    contexts = (ScoreContext.PRE_SESSION, ScoreContext.VISIT, ScoreContext.DIARY, ScoreContext.POST_SESSION)
    asked = [
        tuple(score(day, 3 + place, record=place, context=context, observed_at=at(day, 9)) for place, day in enumerate((-2, 0, 1, 3)))
        for context in contexts
    ]
    records = [patient(*week(-1, 7, 7, 7, 7), *week(31, 3, 4, 5, 3, 4, 3), sessions=sessions) for sessions in COURSES]
    records += [patient(*scores, sessions=sessions) for scores, sessions in product(asked, COURSES)]
    judge(plan, records, cutoff, setup_actor)


@pytest.mark.parametrize("observed", [None, at(0, 6), at(0, 7), at(0, 9), at(0, 10), at(0, 11)])
def test_a_value_of_the_day_of_the_first_pulse_counts_if_it_was_asked_before(db: None, setup_actor: Any, observed: datetime | None) -> None:
    asked = score(0, 8, context=ScoreContext.PRE_SESSION, observed_at=observed)
    judge(DAY0, [patient(asked, sessions=sessions) for sessions in COURSES], end_of_day(200), setup_actor)


def test_allocated_but_never_stimulated_is_in_one_population_and_not_in_the_other(db: None, setup_actor: Any) -> None:
    records = [patient(*week(-1, 7, 7, 7, 7), sessions=()), patient(*week(-1, 7, 7, 7, 7))]
    assert (
        _enrolments(judge(BOTH, records, end_of_day(200), setup_actor)),
        _enrolments(judge(BY_STIMULATION, records, end_of_day(200), setup_actor)),
    ) == (1, 2)


def _enrolments(stored: StoredTrial) -> int:
    return Endpoint.objects.filter(enrolment__trial=stored.trial).values("enrolment").distinct().count()


# --- in the worker, after what people did ---------------------------------------------------------------------------------


@pytest.fixture
def by_stimulation(worker: None, trial: Trial, setup_actor: Any) -> Trial:
    """A trial whose plan counts from the first pulse, and those who got one."""
    with audited(by=setup_actor, reason="plan"):
        AnalysisPlan.objects.filter(trial=trial).update(anchor=Anchor.FIRST_STIMULATION, population=Population.TREATED)
    prescribe(trial, setup_actor)
    return trial


@pytest.fixture
def computed(by_stimulation: Trial) -> Callable[[], tuple[list[tuple[Any, bool]], int | None]]:
    """Return a refresh that tells day 0 of each endpoint, whether it is a stand-in, and the snapshot's population."""

    def compute() -> tuple[list[tuple[Any, bool]], int | None]:
        refresh_trial(by_stimulation.pk)
        rows = Endpoint.objects.filter(enrolment__trial=by_stimulation, time_point__code="W4").order_by("enrolment__patient_code")
        stored = latest_open(by_stimulation)
        counts = stored.payload["time_points"][0]["groups"][0]["counts"] if stored else None
        return list(rows.values_list("anchor_on", "anchor_is_fallback")), counts["population"] if counts else None

    return compute


def test_recording_voiding_and_restoring_a_session_moves_day_0(
    by_stimulation: Trial, enrolment: Enrolment, computed: Any, oscar: Any, alice: Any, setup_actor: Any, now: datetime
) -> None:
    make_enrolment(by_stimulation, "P-0003", site="N", by=setup_actor)
    threshold = measure(enrolment, setup_actor)
    assert computed() == ([], 0)
    (first,) = record_sessions(trial=by_stimulation, rows=[given(threshold)], by=oscar, now=now).sessions
    assert computed() == ([(STARTED.date(), False)], 1)
    void_session(first, reason=Reason("other", "entered for somebody else"), by=alice, now=now + timedelta(minutes=1))
    assert computed() == ([], 0)
    first.refresh_from_db()
    restore_session(first, reason=Reason("other", "it was hers after all"), by=alice, now=now + timedelta(minutes=2))
    assert computed() == ([(STARTED.date(), False)], 1)


def test_a_session_without_a_pulse_treats_nobody(
    by_stimulation: Trial, enrolment: Enrolment, computed: Any, oscar: Any, now: datetime
) -> None:
    missed = given(None, status=SessionStatus.MISSED, reason=SessionReason.ILL, as_planned=False, started_at=None, ended_at=None)
    missed = replace(missed, for_date=now.date(), hearing_protection=None, coil_matches_threshold=None, side_effects=None)
    missed = replace(missed, pain_before=None, pain_after=None, anything_new=None)
    record_sessions(trial=by_stimulation, rows=[missed], by=oscar, now=now)
    assert StimulationSession.objects.get().pulses_delivered == 0
    assert computed() == ([], 0)


def test_a_session_from_a_clock_that_runs_ahead_is_waited_for(
    by_stimulation: Trial, enrolment: Enrolment, computed: Any, oscar: Any, setup_actor: Any
) -> None:
    """Written just after the cut-off by a server two minutes ahead: marked again, and counted when its time has come."""
    from registry.models import StaleMark

    now = datetime.now(UTC)
    record_sessions(trial=by_stimulation, rows=[given(measure(enrolment, setup_actor))], by=oscar, now=now)
    computed()
    with audited(by=setup_actor, reason="clock"):
        StimulationSession.objects.update(recorded_at=now + timedelta(minutes=2))
    StaleMark.objects.create(trial=by_stimulation, enrolment=enrolment)
    assert computed()[0] == []
    assert StaleMark.objects.filter(enrolment=enrolment).exists()
