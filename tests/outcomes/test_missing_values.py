"""Whom the list of missing values names, against the plain definition of the rules; and who may see that list."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings

from registry.models import Enrolment, Trial, User
from registry.outcomes.endpoints import fill_endpoints
from registry.rules.response import measured
from registry.selectors import missing_values
from registry.selectors.missing_values import may_list_missing, missing_at
from registry.selectors.patients import PatientFilter, list_patients
from registry.services import accounts
from registry.vocabulary import EndpointStatus, MissingRule
from tests.outcomes.stored_trials import StoredTrial, store_trial
from tests.outcomes.test_endpoints import checked, expected_endpoints, several
from tests.rules.random_trials import RandomTrial, trials

pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")


def lacking(stored: StoredTrial, code: str) -> set[int]:
    """Return who is due at a time point and has no baseline above 0 or no value, by the plain definition."""
    return {
        enrolment
        for (enrolment, time_point), found in expected_endpoints(stored).items()
        if time_point == code
        and found.status != EndpointStatus.NOT_DUE
        and (found.status not in (EndpointStatus.OBSERVED, EndpointStatus.COMPOSITE_STOP) or measured(found, MissingRule.OC) is None)
    }


def member(trial: Trial, role: str, by: User, site: str = "") -> User:
    """Return somebody with one role in a trial."""
    person = accounts.create_user(email=f"{role}-{trial.slug}{site}@example.org", name=role, password="correct horse battery", by=by)
    place = trial.sites.get(code=site) if site else None
    accounts.add_membership(user=person, role=role, trial=trial, site=place, by=by, valid_from=date(2026, 1, 1))
    return person


@settings(several, max_examples=30)
@given(drawn=trials(max_patients=5))
def test_list_names_exactly_whom_the_figure_counts(db: None, setup_actor: Any, drawn: RandomTrial) -> None:
    with pytest.MonkeyPatch.context() as patched, transaction.atomic():
        stored = store_trial(drawn.plan, drawn.records, drawn.cutoff, by=setup_actor)
        fill_endpoints(stored.trial, checked(stored), cutoff=stored.cutoff.at)
        patched.setattr(missing_values, "_cutoff_day", lambda trial: stored.cutoff.at.astimezone(trial.zone).date())
        person = member(stored.trial, "data_manager", setup_actor)
        everybody = Enrolment.objects.visible_to(person).in_trial(stored.trial)
        for point in stored.plan.time_points:
            found = set(missing_at(everybody, person, stored.trial, point.code).values_list("pk", flat=True))
            assert found == lacking(stored, point.code), point.code
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("role", "pooled", "may"),
    [
        ("coordinator", False, True),
        ("data_manager", False, True),
        ("unmasked_statistician", False, True),
        ("principal_investigator", False, False),
        ("principal_investigator", True, True),
        ("researcher", False, False),
        ("safety_board", True, False),
    ],
)
def test_that_a_score_is_missing_is_told_to_who_may_see_the_score(
    trial: Trial, enrolment: Enrolment, setup_actor: User, role: str, pooled: bool, may: bool
) -> None:
    trial.pooled_efficacy = pooled
    person = member(trial, role, setup_actor)
    for row in person.current_memberships():
        row.trial = trial
    assert may_list_missing(person, trial) is may
    assert list_patients(person, trial, PatientFilter(missing="nowhere")).total == 0


def test_a_role_at_one_site_lists_the_missing_of_that_site(
    trial: Trial, enrolment: Enrolment, other_site_enrolment: Enrolment, setup_actor: User
) -> None:
    north = member(trial, "operator", setup_actor, "N")
    accounts.add_membership(user=north, role="principal_investigator", trial=trial, by=setup_actor, valid_from=date(2026, 1, 1))
    person = User.objects.get(pk=north.pk)
    rows = Enrolment.objects.visible_to(person).in_trial(trial)
    assert rows.count() == 2
    assert list(rows.filter(missing_values.enrolments_with_all_scores(person))) == [enrolment]
