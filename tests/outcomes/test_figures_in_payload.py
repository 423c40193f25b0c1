"""What dashboards draw beside rates: curves, intervals of means, completeness, recruitment; all of it in the payload."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from registry.models import Allocation, Enrolment, Trial
from registry.outcomes import refresh
from registry.outcomes.cells import sum_cells
from registry.outcomes.counting import Counted
from registry.outcomes.curves import responders_at
from registry.outcomes.payload import Circumstances, open_payload
from registry.outcomes.recruitment import Recruited, read_recruited, recruitment
from registry.outcomes.refresh import refresh_trial
from registry.rules.recruitment_plan import RecruitmentPlan
from registry.selectors.outcome_payload import canonical
from registry.selectors.outcomes import latest_closed, latest_open
from registry.services.auditing import audited
from registry.stats.student import t_quantile
from tests.outcomes.published import store_published
from tests.rules.published_trials import SUDMEX, VICKERS

UNTIL = date(2026, 11, 18)


@pytest.fixture
def finished(worker: None, setup_actor: Any, shared: Path) -> Trial:
    """The headache trial, computed."""
    trial = store_published(VICKERS, shared, by=setup_actor, masked=False)
    refresh_trial(trial.pk)
    return trial


def document(trial: Trial, by: Any = None) -> dict[str, Any]:
    found = latest_closed(trial, by=by) if by else latest_open(trial)
    assert found is not None
    return json.loads(found.text)


def wholes(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return [point["groups"][0] for point in payload["time_points"]]


def test_curve_meets_the_responder_table_at_its_thresholds(finished: Trial, setup_actor: Any) -> None:
    opened, closed = document(finished), document(finished, setup_actor)
    for whole in [*wholes(opened), *(arm for group in wholes(closed) for arm in group["arms"])]:
        curve, due = whole["curve"], whole["counts"]["due"]
        at = dict(zip(curve["cuts_tenths"], zip(curve["responders"], curve["rates"], strict=True), strict=True))
        assert {tuple(range(0, 1001, 10))} == {tuple(cut for cut in at if cut % 10 == 0)}
        for rate in whole["rates"]:
            if rate["rule"] == "NRI":
                assert (*at[rate["threshold_tenths"]], curve["n"]) == (rate["responders"], rate["rate"], due)
        assert curve["responders"] == sorted(curve["responders"], reverse=True)
        missing = due - whole["counts"]["statuses"]["observed"]
        assert curve["responders"][0] <= due - missing


def test_curves_of_the_arms_add_up_to_that_of_all(finished: Trial, setup_actor: Any) -> None:
    for whole, by_arm in zip(wholes(document(finished)), wholes(document(finished, setup_actor)), strict=True):
        parts = zip(*(arm["curve"]["responders"] for arm in by_arm["arms"]), strict=True)
        assert whole["curve"]["responders"] == [sum(part) for part in parts]


def test_interval_of_a_mean_is_students(finished: Trial) -> None:
    rows = [row for whole in wholes(document(finished)) for row in whole["means"]]
    assert len(rows) == 18
    for row in rows:
        reach = t_quantile(row["n"] - 1) * row["sd"] / row["n"] ** 0.5
        assert (row["low"], row["high"]) == pytest.approx((row["mean"] - reach, row["mean"] + reach), rel=1e-12)


def test_completeness_is_told_of_every_printed_group(finished: Trial) -> None:
    for point in document(finished)["time_points"]:
        for group in point["groups"]:
            if not group["suppressed"]:
                counts = group["counts"]
                told = counts["completeness"]
                assert told == {"complete": counts["statuses"]["observed"], "due": counts["due"], "share": told["complete"] / told["due"]}


def test_masked_trial_has_neither_curve_nor_mean_in_its_open_document(worker: None, setup_actor: Any, shared: Path) -> None:
    trial = store_published(SUDMEX, shared, by=setup_actor, masked=True, conduct="prospective", locked_at=timezone.now())
    refresh_trial(trial.pk)
    assert "curve" not in json.dumps(document(trial)["time_points"])
    assert "curve" in json.dumps(document(trial, setup_actor)["time_points"])


def test_curve_of_a_few_is_not_in_the_open_document(worker: None, setup_actor: Any, shared: Path) -> None:
    trial = store_published(SUDMEX, shared, by=setup_actor, masked=False)
    with audited(by=setup_actor, reason="test"):
        trial.plans.update(small_cell_minimum=1000)
    refresh_trial(trial.pk)
    assert all("curve" not in whole and "rates" in whole for whole in wholes(document(trial)))
    assert all("curve" in arm for whole in wholes(document(trial, setup_actor)) for arm in whole["arms"])


def test_payload_of_a_hundred_times_the_patients_is_hardly_longer(
    worker: None, setup_actor: Any, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page reads grows with sites and time points, never with patients."""
    seen: list[tuple[Circumstances, Counted]] = []
    monkeypatch.setattr(refresh, "open_payload", lambda about, counted: seen.append((about, counted)) or open_payload(about, counted))
    refresh_trial(store_published(VICKERS, shared, by=setup_actor, masked=False).pk)
    [(about, few)] = seen
    many = Counted(
        {group: sum_cells([cell] * 100) for group, cell in few.cells.items()},
        {place: Counter({tenths: 100 * number for tenths, number in counts.items()}) for place, counts in few.reached.items()},
    )
    assert sum(cell.population for cell in many.cells.values()) > 80_000
    assert len(canonical(open_payload(about, many))) < 1.2 * len(canonical(open_payload(about, few)))


@given(st.dictionaries(st.integers(0, 1000), st.integers(1, 9)), st.sets(st.integers(0, 1000), min_size=1))
def test_adding_up_from_above_is_counting_each(counts: dict[int, int], cuts: set[int]) -> None:
    rising = sorted(cuts)
    everybody = Counter(counts).elements()
    people = list(everybody)
    assert responders_at(counts, rising) == [sum(one >= cut for one in people) for cut in rising]


def recruited(days: dict[date, int], *, undated: int = 0, goes_on: bool = True) -> Recruited:
    return Recruited("allocated", days, undated, UNTIL, goes_on)


def days_before(*ages: int) -> dict[date, int]:
    return dict(Counter(UNTIL - timedelta(days=age) for age in ages))


def test_recruitment_adds_up_by_week_and_has_no_gap() -> None:
    told = recruitment(recruited(days_before(100, 99, 30, 0, 0)))
    assert [week["total"] for week in told["weeks"]][-1] == told["total"] == sum(week["added"] for week in told["weeks"]) == 5
    mondays = [date.fromisoformat(week["week"]) for week in told["weeks"]]
    assert {later - earlier for earlier, later in pairwise(mondays)} == {timedelta(weeks=1)}
    assert {monday.weekday() for monday in mondays} == {0}


def test_rate_counts_exactly_the_last_84_days() -> None:
    told = recruitment(recruited(days_before(100, 84, 83, 10, 0)))
    assert told["recent"] == pytest.approx(
        {"weeks": 12, "count": 3, "per_week": 3 / 12, "low": 0.6186721229 / 12, "high": 8.767273070 / 12}, rel=1e-6
    )
    assert [ahead["on"] for ahead in told["projection"]][:2] == ["2026-11-18", "2026-11-25"]
    last = told["projection"][-1]
    assert (last["total"], last["low"], last["high"]) == pytest.approx((8, 5 + 0.6186721229, 5 + 8.767273070), rel=1e-6)


def test_twelve_weeks_without_anybody_still_have_an_upper_limit() -> None:
    rate = recruitment(recruited(days_before(200)))["recent"]
    assert rate is not None
    assert (rate["count"], rate["low"]) == (0, 0)
    assert rate["high"] == pytest.approx(3.688879454 / 12)


@pytest.mark.parametrize(
    "found", [recruited(days_before(82, 3)), recruited(days_before(200, 3), goes_on=False), recruited({}), recruited({}, undated=7)]
)
def test_young_finished_and_undated_trials_have_no_projection(found: Recruited) -> None:
    told = recruitment(found)
    assert (told["recent"], told["projection"]) == (None, [])
    assert told["total"] == sum(found.days.values()) + found.undated


def test_trial_just_twelve_weeks_old_has_one() -> None:
    assert recruitment(recruited(days_before(83)))["recent"] is not None


def test_recruitment_counts_patients_by_their_day_of_allocation(trial: Trial, enrolment: Enrolment, setup_actor: Any) -> None:
    with audited(by=setup_actor, reason="test"):
        Allocation.objects.create(
            enrolment=enrolment, treatment=trial.treatments.first(), analysis_site=enrolment.site, allocated_on=date(2026, 11, 1)
        )
    # Midnight in Berlin is 23:00 UTC: the first of November begins then.
    for instant, days in (
        (datetime(2026, 10, 31, 23, tzinfo=UTC), {}),
        (datetime(2026, 10, 31, 23, 1, tzinfo=UTC), {date(2026, 11, 1): 1}),
    ):
        assert read_recruited(connection, trial, instant).days == days


def test_cohort_counts_by_enrolment_and_leaves_comparison_groups_out(trial: Trial, enrolment: Enrolment, setup_actor: Any) -> None:
    with audited(by=setup_actor, reason="test"):
        Trial.objects.update(design="cohort")
        trial.refresh_from_db()
        found = read_recruited(connection, trial, datetime(2026, 11, 19, tzinfo=UTC))
        assert (found.measure, sum(found.days.values())) == ("enrolled", 1)
        Enrolment.objects.update(cohort="healthy")
    assert read_recruited(connection, trial, datetime(2026, 11, 19, tzinfo=UTC)).days == {}


def test_plan_stands_beside_every_week_and_the_whole() -> None:
    # 100 people over 101 days, whose last is the day that counts: half of them on the fiftieth and first.
    plan = RecruitmentPlan(100, UNTIL - timedelta(days=50), UNTIL + timedelta(days=50))
    told = recruitment(replace(recruited(days_before(100, 84, 83, 10, 0)), plan=plan))
    assert told["plan"] == {
        "participants": 100,
        "starts_on": (UNTIL - timedelta(days=50)).isoformat(),
        "ends_on": (UNTIL + timedelta(days=50)).isoformat(),
        "planned": 50,
        # 3 in 12 weeks: 95 are missing, four weeks each.
        "reached_on": (UNTIL + timedelta(weeks=380)).isoformat(),
    }
    assert (told["weeks"][0]["planned"], told["weeks"][-1]["planned"]) == (0, 50)
    assert recruitment(recruited(days_before(3)))["plan"] is None


def test_plan_of_a_finished_trial_has_no_day_of_reaching() -> None:
    told = recruitment(replace(recruited(days_before(200, 3), goes_on=False), plan=RecruitmentPlan(10)))
    assert told["plan"] == {"participants": 10, "starts_on": None, "ends_on": None, "planned": None, "reached_on": None}


def test_planned_recruitment_of_a_trial_reaches_the_payload(trial: Trial, setup_actor: Any) -> None:
    with audited(by=setup_actor, reason="planned"):
        Trial.objects.filter(pk=trial.pk).update(planned_participants=160, recruitment_starts_on=date(2026, 1, 5))
    trial.refresh_from_db()
    found = read_recruited(connection, trial, datetime(2026, 11, 19, tzinfo=UTC))
    assert found.plan == RecruitmentPlan(160, date(2026, 1, 5))
