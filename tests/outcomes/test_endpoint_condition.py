"""The condition on endpoint rows is that of the primary pain, in every trial of the person, as soon as outcomes are made again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from registry.models import Allocation, Endpoint, Enrolment, StaleMark, User
from registry.outcomes.refresh import refresh_trial
from registry.services import diagnoses, patient_file
from registry.services.accounts import add_membership, create_user
from registry.services.auditing import audited
from registry.services.diagnoses import NewDiagnosis
from registry.services.reasons import Reason
from tests.trials import ENROLLED_ON, make_enrolment, make_trial

TYPING_ERROR = Reason("typing_error")


@pytest.fixture
def shared(worker: None, setup_actor: Any) -> tuple[Enrolment, Enrolment]:
    """One person in two trials that look back, in which diagnoses are not frozen; both have endpoint rows."""
    trials = [make_trial(slug, conduct="retrospective", by=setup_actor) for slug in ("calm-m1", "other-1")]
    both = [make_enrolment(one, "P-0001", site="N", by=setup_actor) for one in trials]
    with audited(by=setup_actor, reason="the same person, allocated in both"):
        of_second = both[1].pains.get()
        both[1].patient, of_second.diagnosis = both[0].patient, both[0].pains.get().diagnosis
        both[1].save()
        of_second.save()
        for one in both:
            treatment = one.trial.treatments.first()
            Allocation.objects.create(enrolment=one, treatment=treatment, analysis_site=one.site, allocated_on=ENROLLED_ON)
    for one in both:
        refresh_trial(one.trial_id)
        assert conditions_of(one) == {"phantom_limb"}
    return both[0], both[1]


def conditions_of(enrolment: Enrolment) -> set[str]:
    return set(Endpoint.objects.filter(enrolment=enrolment).values_list("condition", flat=True))


@pytest.fixture
def editor(shared: tuple[Enrolment, Enrolment], setup_actor: Any) -> User:
    """Return a coordinator of the first trial alone."""
    user = create_user(email="alice@example.org", name="Alice", password="correct horse battery", by=setup_actor)
    add_membership(user=user, role="coordinator", trial=shared[0].trial, by=setup_actor, valid_from=date(2026, 1, 1))
    return user


def check_both(shared: tuple[Enrolment, Enrolment], condition: str) -> None:
    """Both trials are marked, and their rows are right once they are made again."""
    assert set(StaleMark.objects.values_list("trial", "enrolment")) == {(one.trial_id, one.pk) for one in shared}
    for one in shared:
        refresh_trial(one.trial_id)
        assert conditions_of(one) == {condition}


def test_a_diagnosis_corrected_by_hand_reaches_the_rows_of_every_trial(shared, editor):
    patient_file.correct_diagnosis(
        enrolment=shared[0], diagnosis=shared[0].pains.get().diagnosis, changes={"condition": "fibromyalgia"}, reason=TYPING_ERROR,
        by=editor, now=timezone.now(),
    )  # fmt: skip
    check_both(shared, "fibromyalgia")


def test_a_diagnosis_corrected_by_a_set_of_rows_does_too(shared, editor):
    row = NewDiagnosis(patient="P-0001", condition="crps_1")
    diagnoses.record(trial=shared[0].trial, diagnoses=[row], by=editor, now=timezone.now())
    check_both(shared, "crps_1")


def test_without_a_primary_pain_there_is_no_condition(shared, editor):
    patient_file.void_pain(enrolment=shared[0], pain=shared[0].pains.get(), reason=TYPING_ERROR, by=editor, now=timezone.now())
    refresh_trial(shared[0].trial_id)
    assert (conditions_of(shared[0]), conditions_of(shared[1])) == ({""}, {"phantom_limb"})
