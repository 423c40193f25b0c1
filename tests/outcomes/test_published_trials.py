"""Real trials through the tables, the job and the snapshot: the counts and intervals that R computed and the papers printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.models import Job, Snapshot, Trial
from registry.outcomes.jobs import run_job
from registry.outcomes.refresh import refresh_trial
from registry.selectors.outcome_payload import Arm, Contrast, Payload, Rate, digest
from registry.selectors.outcomes import latest_closed, latest_open
from registry.services.jobs import mark_stale
from tests.outcomes.published import store_published
from tests.rules.published_trials import CHOW, SUDMEX, VICKERS, PublishedTrial
from tests.stats.reference_rows import rows_of

NEAR = {"abs": 1e-6, "rel": 0}
trials = pytest.mark.parametrize("published", [VICKERS, SUDMEX, CHOW], ids=lambda trial: trial.name)


@pytest.fixture
def stored(worker: None, setup_actor: Any, shared: Path, request: pytest.FixtureRequest) -> Trial:
    published = request.node.callspec.params.get("published", VICKERS) if hasattr(request.node, "callspec") else VICKERS
    return store_published(published, shared, by=setup_actor)


def closed_document(trial: Trial, by: Any) -> Payload:
    refresh_trial(trial.pk)
    found = latest_closed(trial, by=by)
    assert found is not None
    return found.payload


def overall(payload: Payload, visit: str) -> Any:
    (time_point,) = [one for one in payload["time_points"] if one["code"] == visit]
    return time_point["groups"][0]


def rate(arm: Arm, rule: str, percent: int) -> Rate:
    (found,) = [row for row in arm["rates"] if (row["rule"], row["threshold_tenths"]) == (rule, 10 * percent)]
    return found


@trials
def test_every_responder_row_equals_r(published: PublishedTrial, stored: Trial, setup_actor: Any, shared: Path) -> None:
    payload = closed_document(stored, setup_actor)
    expected = rows_of(published.folder(shared) / "oracle_responders.csv")
    for row in expected:
        (arm,) = [arm for arm in overall(payload, row["visit"])["arms"] if arm["code"] == row["arm"]]
        found = rate(arm, row["rule"], int(row["threshold"]))
        assert (found["responders"], found["n"]) == (int(row["responders"]), int(row["n"])), row
        numbers = [float(row[name]) for name in ("proportion", "wilson_lo", "wilson_hi")]
        assert [found["rate"], found["low"], found["high"]] == pytest.approx(numbers, **NEAR), row
    assert len(expected) >= 16


@trials
def test_every_comparison_equals_r(published: PublishedTrial, stored: Trial, setup_actor: Any, shared: Path) -> None:
    payload = closed_document(stored, setup_actor)
    for row in rows_of(published.folder(shared) / "oracle_comparisons.csv"):
        found = contrast(overall(payload, row["visit"]), row["rule"], int(row["threshold"]))
        assert (found["first"], found["second"]) == (row["active"], row["control"])
        counts = tuple(found[name] for name in ("first_responders", "first_n", "second_responders", "second_n"))
        assert counts == tuple(int(row[name]) for name in ("x1", "n1", "x2", "n2")), row
        numbers = [float(row[name]) for name in ("rd", "newcombe_lo", "newcombe_hi")]
        assert [found["difference"], found["low"], found["high"]] == pytest.approx(numbers, **NEAR), row
        assert found["nnt"] == pytest.approx(float(row["nnt"]), rel=1e-6), row
        assert found["nnt_text"] == row["nnt_text"], row


def contrast(group: Any, rule: str, percent: int) -> Contrast:
    (found,) = [row for row in group["contrasts"] if (row["rule"], row["threshold_tenths"]) == (rule, 10 * percent)]
    return found


@trials
def test_means_and_deviations_equal_r(published: PublishedTrial, stored: Trial, setup_actor: Any, shared: Path) -> None:
    payload = closed_document(stored, setup_actor)
    blocks = json.loads((published.folder(shared) / "oracle.json").read_text(encoding="utf-8"))["change"].values()
    names = {"baseline": "baseline", "value": "post", "change": "change"}
    for block in blocks:
        for arm in overall(payload, block["visit"])["arms"]:
            expected = block["by_arm"][arm["code"]]
            means = [row for row in arm["means"] if row["rule"] == block["rule"]]
            for row in means or [row for row in arm["means"] if row["rule"] == "OC"]:
                known = expected[names[row["measure"]]]
                assert row["n"] == known["n"]
                assert [row["mean"], row["sd"]] == pytest.approx([known["mean"], known["sd"]], rel=1e-9)


# Vickers AJ et al. BMJ 2004;328:744: at least 35 % better at 12 months, 87 of 161 v 45 of 140.
def test_headache_trial_gives_the_counts_its_paper_printed(stored: Trial, setup_actor: Any) -> None:
    group = overall(closed_document(stored, setup_actor), "M12")
    counts = {
        (rule, percent): tuple(
            contrast(group, rule, percent)[name] for name in ("first_responders", "first_n", "second_responders", "second_n")
        )
        for rule, percent in (("OC", 35), ("OC", 30), ("NRI", 30), ("LOCF", 30))
    }
    assert counts == {
        ("OC", 35): (87, 161, 45, 140),
        ("OC", 30): (90, 161, 51, 140),
        ("NRI", 30): (90, 205, 51, 196),
        ("LOCF", 30): (95, 205, 55, 196),
    }


def test_open_document_adds_both_arms_up(stored: Trial, setup_actor: Any) -> None:
    closed = closed_document(stored, setup_actor)
    found = latest_open(stored)
    assert found is not None
    assert found.payload["efficacy"] == "shown"
    whole = overall(found.payload, "M12")
    arms = overall(closed, "M12")["arms"]
    for row in whole["rates"]:
        parts = [rate(arm, row["rule"], row["threshold_tenths"] // 10) for arm in arms]
        assert (row["responders"], row["n"]) == (sum(part["responders"] for part in parts), sum(part["n"] for part in parts))
    assert digest(found.text) == found.sha256 == closed["open_sha256"]


@pytest.mark.parametrize("published", [SUDMEX], ids=["sudmex"])
def test_rtms_trial_names_its_seven_baselines_of_nothing(published: PublishedTrial, stored: Trial, setup_actor: Any) -> None:
    arms = overall(closed_document(stored, setup_actor), "T1")["arms"]
    assert {arm["code"]: arm["counts"]["statuses"]["baseline_zero"] for arm in arms} == {"ACTIVE": 5, "SHAM": 2}


def test_the_job_does_it_and_a_second_run_changes_nothing(stored: Trial, setup_actor: Any) -> None:
    mark_stale(stored, by=setup_actor)
    job = Job.objects.get()
    run_job(job.pk)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.failure) == ("done", 1, "")
    assert Snapshot.objects.count() == 1
    assert refresh_trial(stored.pk) is None
