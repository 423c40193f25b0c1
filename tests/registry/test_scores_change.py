from decimal import Decimal

import pytest

from registry.exceptions import Conflict, InvalidInput, NotAllowed
from registry.models import EnrolmentPain, PainScore, StaleMark, Trial
from registry.services import patient_file
from registry.services.auditing import audited
from registry.services.scores import Reason, correct_score, restore_score, void_score
from tests.trials import make_diary


@pytest.fixture
def score(enrolment, setup_actor):
    make_diary(enrolment, {-1: "6"}, by=setup_actor)
    return PainScore.objects.get()


def test_correction_ends_the_version_and_adds_the_next(score, oscar, now):
    successor = correct_score(score, value=Decimal("5"), reason=Reason("typing_error"), by=oscar, now=now)
    score.refresh_from_db()
    assert (score.ended_at, score.voided) == (now, False)
    assert (successor.record, successor.version, successor.value_units) == (score.record, 2, 5_000_000)
    assert successor.submitted_at == score.submitted_at
    assert StaleMark.objects.filter(enrolment=score.enrolment).count() == 1


def test_second_correction_of_the_same_version_is_a_conflict(score, oscar, now):
    correct_score(score, value=Decimal("5"), reason=Reason("typing_error"), by=oscar, now=now)
    with pytest.raises(Conflict):
        correct_score(score, value=Decimal("4"), reason=Reason("typing_error"), by=oscar, now=now)
    assert PainScore.objects.count() == 2


@pytest.mark.parametrize(
    ("value", "code"), [("11", "out_of_range"), ("-1", "out_of_range"), ("5.5", "off_step"), ("6", "unchanged"), ("NaN", "out_of_range")]
)
def test_correction_refuses_a_value_off_the_scale(score, oscar, now, value, code):
    with pytest.raises(InvalidInput) as caught:
        correct_score(score, value=Decimal(value), reason=Reason("typing_error"), by=oscar, now=now)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert PainScore.objects.current().count() == 1


def test_correction_needs_a_reason_of_ten_characters_when_other(score, oscar, now):
    with pytest.raises(InvalidInput, match="at least 10"):
        correct_score(score, value=Decimal("5"), reason=Reason("other", "short"), by=oscar, now=now)


def test_operator_of_another_site_may_not_correct(score, charlie, now):
    with pytest.raises(NotAllowed):
        correct_score(score, value=Decimal("5"), reason=Reason("typing_error"), by=charlie, now=now)


def test_void_and_restore_keep_every_version(score, oscar, now):
    void_score(score, reason=Reason("wrong_patient"), by=oscar, now=now)
    assert not PainScore.objects.current().exists()
    score.refresh_from_db()
    restored = restore_score(score, reason=Reason("typing_error"), by=oscar, now=now)
    assert (restored.version, restored.value, restored.voided) == (2, score.value, False)
    with pytest.raises(Conflict):
        restore_score(score, reason=Reason("typing_error"), by=oscar, now=now)


def test_history_keeps_who_old_new_and_why(score, oscar, now):
    correct_score(score, value=Decimal("5"), reason=Reason("typing_error", "misread"), by=oscar, now=now)
    events = list(score.history.order_by("pgh_id").values_list("pgh_label", "ended_at", "change__actor__email", "change__reason"))
    assert events[0][0] == "insert"
    assert events[1] == ("update", now, "oscar@example.org", "Typing error: misread")


def test_nothing_changes_once_the_records_are_locked(score, oscar, setup_actor, now):
    with audited(by=setup_actor, reason="locked"):
        Trial.objects.filter(pk=score.enrolment.trial_id).update(locked_at=now)
    score = PainScore.objects.select_related("enrolment__trial", "enrolment__site", "scale").get()
    with pytest.raises(Conflict, match="locked"):
        correct_score(score, value=Decimal("5"), reason=Reason("typing_error"), by=oscar, now=now)
    with pytest.raises(Conflict, match="locked"):
        void_score(score, reason=Reason("typing_error"), by=oscar, now=now)
    with pytest.raises(Conflict, match="locked"):
        restore_score(score, reason=Reason("typing_error"), by=oscar, now=now)
    assert PainScore.objects.current().get().value == Decimal("6")


def test_score_about_a_voided_pain_is_not_restored(score, enrolment, oscar, alice, now):
    pain = EnrolmentPain.objects.get()
    with audited(by=alice, reason="about the pain"):
        PainScore.objects.update(pain=pain)
    score = PainScore.objects.get()
    void_score(score, reason=Reason("wrong_patient"), by=oscar, now=now)
    patient_file.void_pain(enrolment=enrolment, pain=pain, reason=Reason("wrong_patient"), by=alice, now=now)
    with pytest.raises(Conflict, match=r"voided \(rank 1\)\. Restore that pain first"):
        restore_score(score, reason=Reason("typing_error"), by=oscar, now=now)
    patient_file.restore_pain(enrolment=enrolment, pain=pain, reason=Reason("typing_error"), by=alice, now=now)
    assert restore_score(score, reason=Reason("typing_error"), by=oscar, now=now).version == 2
