"""A trial made and extended piece by piece: the rules of trial.toml judge each piece, and what is in use never changes."""

from __future__ import annotations

import pytest

from registry.exceptions import Conflict, InvalidInput, NotAllowed
from registry.models import AnalysisPlan, Membership, ProtocolVersion, Site, StaleMark, Trial
from registry.services.acts import log_act
from registry.services.allocation import request_allocation
from registry.services.trial_setup import add_part, correct_part, correct_trial, create_trial
from registry.vocabulary import Act
from tests.contracts.scene import prepare_list

NEW = {"slug": "calm-2", "name": "CALM 2", "conduct": "prospective"}
WHY = "the name was misspelt"
POINT = {"code": "W4", "target_day": "28"}
PLAN = {"version": "2", "time_points": [POINT, {"code": "W12", "target_day": "84"}]}


def refused(call, **given):
    with pytest.raises(InvalidInput) as refusal:
        call(**given)
    return {problem.field: problem.message for problem in refusal.value.problems}


@pytest.fixture
def more(trial, admin, now):
    return {"trial": trial, "by": admin, "now": now}


def test_trial_begins_with_a_site_and_gives_its_maker_no_role(admin, now):
    made = create_trial(trial=NEW, site={"code": "N"}, by=admin, now=now)
    assert (made.slug, made.design, made.masked, made.time_zone) == ("calm-2", "parallel", True, "UTC")
    assert [site.name for site in made.sites.all()] == ["N"]
    assert not Membership.objects.filter(trial=made).exists()


def test_everything_wrong_with_a_new_trial_is_told_at_once(admin, now):
    found = refused(create_trial, trial={"slug": "No Blanks", "conduct": "prospective"}, site={}, by=admin, now=now)
    assert set(found) == {"trial[0].slug", "trial[0].name", "sites[0].code"}
    assert found["trial[0].slug"].startswith("'No Blanks' is no short name. Use ")


def test_short_name_of_another_trial_is_refused_and_nothing_is_written(trial, admin, now):
    found = refused(create_trial, trial={**NEW, "slug": "calm-m1"}, site={"code": "X"}, by=admin, now=now)
    assert "trial[0].slug" in found
    assert not Site.objects.filter(code="X").exists()


def test_only_who_opens_trials_makes_one(alice, now):
    with pytest.raises(NotAllowed):
        create_trial(trial=NEW, site={"code": "N"}, by=alice, now=now)


def test_only_who_manages_the_trial_adds_to_it(trial, alice, eve, now):
    for stranger in (alice, eve):
        with pytest.raises(NotAllowed):
            add_part(trial=trial, section="sites", values={"code": "W"}, by=stranger, now=now)


@pytest.mark.parametrize(
    ("section", "values", "field"),
    [
        ("sites", {"code": "N", "name": "Another"}, "sites[0].code"),
        ("treatments", {"code": "m1"}, "treatments[0].code"),
        ("visit_types", {"code": "W4"}, "visit_types[0].code"),
        ("scales", {"code": "NRS", "maximum": "10"}, "scales[0].version"),
        ("protocol", {"version": "1.0"}, "protocol[0].version"),
        ("plan", {**PLAN, "version": "1"}, "plan[0].version"),
    ],
)
def test_what_is_there_is_not_added_again_nor_quietly_changed(more, section, values, field):
    before = Site.objects.get(code="N").name
    assert set(refused(add_part, **more, section=section, values=values)) == {field}
    assert Site.objects.get(code="N").name == before


def test_windows_that_overlap_are_refused_in_the_words_of_the_rule(more):
    values = {**PLAN, "time_points": [POINT, {"code": "W5", "target_day": "30"}]}
    found = refused(add_part, **more, section="plan", values=values)
    assert found == {
        "plan[0].time_points[W5]": "time_points[W5] (days 24 to 30) overlaps time_points[W4] (days 22 to 28). Move or shorten one."
    }
    assert AnalysisPlan.objects.count() == 1


def test_new_plan_follows_the_old_one_and_makes_outcomes_stale(more, trial):
    add_part(**more, section="plan", values=PLAN)
    assert list(trial.plans.order_by("pk").values_list("version", flat=True)) == ["1", "2"]
    assert trial.plans.get(version="2").time_points.get(code="W12").primary
    assert StaleMark.objects.filter(trial=trial, enrolment=None).exists()


def test_protocol_carries_epochs_and_prescriptions(more, trial):
    block = {
        "target": "m1_hand", "hemisphere": "contralateral", "frequency_hz": "10", "pulses_per_train": "100", "trains": "30", "gap_s": "20",
        "intensity_percent": "80",
    }  # fmt: skip
    epochs = [{"kind": "baseline", "first_day": "-7", "last_day": "-1"}]
    values = {"version": "2.0", "epochs": epochs, "prescriptions": [{"session_days": ["0", "1"]}], "blocks": [block]}
    add_part(**more, section="protocol", values=values)
    version = ProtocolVersion.objects.get(trial=trial, version="2.0")
    assert version.epochs.get().first_day == -7
    assert version.prescriptions.get().session_days == [0, 1]
    assert version.prescriptions.get().blocks.get().trains == 30


def test_epoch_that_ends_before_it_begins_is_named_by_its_row(more):
    epochs = [{"kind": "baseline", "first_day": "-7"}, {"kind": "induction", "first_day": "5", "last_day": "1"}]
    found = refused(add_part, **more, section="protocol", values={"version": "3", "epochs": epochs})
    assert set(found) == {"protocol.epochs[1].last_day"}


def test_correction_needs_a_reason_and_stands_in_the_history(more, trial):
    values = {"code": "N", "name": "Northfield General"}
    assert set(refused(correct_part, **more, section="sites", values=values, reason="typo")) == {"reason"}
    correct_part(**more, section="sites", values=values, reason=WHY)
    assert trial.sites.get(code="N").name == "Northfield General"


def test_scale_that_scores_may_refer_to_changes_only_its_label(more, trial):
    correct_part(**more, section="scales", values={"code": "NRS", "label": "Pain", "maximum": "10", "step": "1"}, reason=WHY)
    assert trial.scales.get().label == "Pain"
    found = refused(correct_part, **more, section="scales", values={"code": "NRS", "maximum": "100", "step": "1"}, reason=WHY)
    assert len(found) == 1
    assert trial.scales.get().maximum == 10


def test_facts_can_be_corrected_until_patients_are_allocated(committed_db, trial, admin, uma, alice, enrolment, now):
    given = {"trial": trial, "values": {"name": "CALM", "conduct": "prospective", "masked": False}, "reason": WHY, "by": admin, "now": now}
    prepare_list(trial, uma)
    request_allocation(enrolment=enrolment, stratum="site=N", by=alice, now=now)
    assert set(refused(correct_trial, **given)) == {"trial[0].masked"}
    correct_trial(**{**given, "values": {"name": "CALM", "conduct": "prospective"}})
    assert Trial.objects.get(pk=trial.pk).name == "CALM"


def test_locked_trial_takes_no_addition(more, trial, now, setup_actor):
    from registry.services.auditing import audited

    with audited(by=setup_actor, reason="lock"):
        Trial.objects.filter(pk=trial.pk).update(locked_at=now)
    with pytest.raises(Conflict):
        add_part(**more, section="sites", values={"code": "W"})


@pytest.mark.parametrize(
    ("act", "detail", "post_hoc"),
    [
        (Act.CLOSED_OUTCOMES_READ, {}, True),
        (Act.CLOSED_REPORT_READ, {}, True),
        (Act.ALLOCATION_READ, {}, True),
        (Act.EXPORT, {"with_allocations": True, "downloaded": True}, True),
        (Act.EXPORT, {"with_allocations": True}, True),
        (Act.EXPORT, {"with_allocations": False}, False),
        (Act.IMPORT, {"files": ["patients.csv", "allocations.csv"]}, True),
        (Act.IMPORT, {"files": ["patients.csv", "arms.csv"]}, False),
        (Act.OUTCOMES_READ, {}, False),
        (Act.REPORT_READ, {}, False),
    ],
)
def test_a_plan_written_after_anybody_saw_arms_is_post_hoc(more, trial, uma, act, detail, post_hoc):
    log_act(act, by=uma, trial=trial, target=trial.slug, **detail)
    add_part(**more, section="plan", values=PLAN)
    assert trial.plans.get(version="2").post_hoc is post_hoc


def test_a_look_at_another_trials_arms_marks_no_plan(more, trial, other_trial, uma):
    log_act(Act.CLOSED_REPORT_READ, by=uma, trial=other_trial, target="2026-W47")
    add_part(**more, section="plan", values=PLAN)
    assert not trial.plans.get(version="2").post_hoc
