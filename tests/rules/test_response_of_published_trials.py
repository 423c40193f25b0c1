"""The plain definition gives the counts, means and deviations that R computed and the papers printed."""

import json
from pathlib import Path

import pytest

from registry.rules.response import Endpoint, check_plan, measured, population_counts, rule_counts
from registry.stats.moments import Exact, Moments, moments
from registry.vocabulary import EndpointStatus, MissingRule
from tests.rules.published_trials import CHOW, SUDMEX, VICKERS, PublishedTrial
from tests.stats.reference_rows import rows_of

trials = pytest.mark.parametrize("trial", [VICKERS, SUDMEX, CHOW], ids=lambda trial: trial.name)


@trials
def test_every_responder_count_equals_r(trial: PublishedTrial, shared: Path) -> None:
    groups = trial.groups(shared)
    rows = rows_of(trial.folder(shared) / "oracle_responders.csv")
    assert {row["rule"] for row in rows} == set(MissingRule)
    for row in rows:
        group = groups[row["arm"], row["visit"]]
        counted = rule_counts(group, MissingRule(row["rule"]), 10 * int(row["threshold"]))
        assert (counted.responders, counted.n) == (int(row["responders"]), int(row["n"])), row


@trials
def test_every_point_of_the_cumulative_curve_equals_r(trial: PublishedTrial, shared: Path) -> None:
    groups = trial.groups(shared)
    for row in rows_of(trial.folder(shared) / "oracle_cumulative_responder.csv"):
        group = groups[row["arm"], row["visit"]]
        counted = rule_counts(group, MissingRule(row["rule"]), 10 * int(row["threshold_ge"]))
        assert (counted.responders, counted.n) == (int(row["responders"]), int(row["n"])), row


@trials
def test_patients_exactly_on_the_line_are_as_many_as_in_r(trial: PublishedTrial, shared: Path) -> None:
    groups = trial.groups(shared)
    for row in rows_of(trial.folder(shared) / "oracle_responders.csv"):
        if row["rule"] == MissingRule.OC:
            group = groups[row["arm"], row["visit"]]
            line = 10 * int(row["threshold"])
            on_the_line = sum(_is_exactly(endpoint, line) for endpoint in group)
            assert on_the_line == int(row["exactly_on_threshold"]), row


@trials
def test_means_and_deviations_under_each_rule_equal_r(trial: PublishedTrial, shared: Path) -> None:
    blocks = json.loads((trial.folder(shared) / "oracle.json").read_text(encoding="utf-8"))["change"].values()
    assert {block["visit"] for block in blocks} == set(trial.visits)
    groups = trial.groups(shared)
    for block in blocks:
        for arm, expected in block["by_arm"].items():
            group = groups[arm, block["visit"]]
            for name, values in _series(group, MissingRule(block["rule"])).items():
                _assert_same(moments(values), expected[name])


def _is_exactly(endpoint: Endpoint, threshold: int) -> bool:
    if endpoint.status != EndpointStatus.OBSERVED:
        return False
    return (endpoint.baseline.mean - endpoint.value.mean) * 1000 == threshold * endpoint.baseline.mean


def _series(group: list[Endpoint], rule: MissingRule) -> dict[str, list[Exact]]:
    pairs = [(endpoint.baseline, found) for endpoint in group if (found := measured(endpoint, rule)) is not None]
    baseline = [before.mean / 10**6 for before, _ in pairs]
    value = [after.mean / 10**6 for _, after in pairs]
    change = [after - before for before, after in zip(baseline, value, strict=True)]
    return {"baseline": list(baseline), "post": list(value), "change": list(change)}


def _assert_same(found: Moments, expected: dict[str, float]) -> None:
    assert found.n == expected["n"]
    assert found.mean == pytest.approx(expected["mean"], rel=1e-9)
    assert found.sd == pytest.approx(expected["sd"], rel=1e-9)


# Vickers AJ et al. BMJ 2004;328:744: at least 35 % better at 12 months, 87 of 161 v 45 of 140.
@pytest.mark.parametrize(
    ("rule", "threshold", "acupuncture", "control"),
    [
        (MissingRule.OC, 350, (87, 161), (45, 140)),
        (MissingRule.OC, 300, (90, 161), (51, 140)),
        (MissingRule.NRI, 300, (90, 205), (51, 196)),
        (MissingRule.LOCF, 300, (95, 205), (55, 196)),
    ],
)
def test_headache_trial_gives_the_counts_its_paper_printed(
    rule: MissingRule, threshold: int, acupuncture: tuple[int, int], control: tuple[int, int], shared: Path
) -> None:
    groups = VICKERS.groups(shared)
    for arm, expected in (("acupuncture", acupuncture), ("control", control)):
        counted = rule_counts(groups[arm, "M12"], rule, threshold)
        assert (counted.responders, counted.n) == expected


def test_rtms_trial_names_its_seven_baselines_of_nothing(shared: Path) -> None:
    groups = SUDMEX.groups(shared)
    zero = {arm: population_counts(groups[arm, "T1"], 300).reasons["baseline_zero"] for arm in ("SHAM", "ACTIVE")}
    assert zero == {"SHAM": 2, "ACTIVE": 5}


@trials
def test_plans_by_these_conventions_are_usable(trial: PublishedTrial) -> None:
    check_plan(trial.plan, {trial.baseline, *trial.visits})
