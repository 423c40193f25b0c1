"""Adding people to a trial: with an account or without, never so that masking hangs on one person."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from registry.exceptions import InvalidInput, NotAllowed
from registry.models import Membership, User
from registry.services.accounts import add_membership, create_user, end_membership
from registry.services.members import NewMember, add_member

TODAY = date(2026, 11, 19)
NEW = NewMember("New@Hospital.org", "operator", "New Person", "N")


@pytest.fixture
def pia(trial, setup_actor):
    """The principal investigator."""
    user = create_user(email="pia@example.org", name="Pia Example", password="correct horse battery", by=setup_actor)
    add_membership(user=user, role="principal_investigator", trial=trial, by=setup_actor, valid_from=date(2026, 1, 1))
    return user


def fields(refusal):
    return {problem.field for problem in refusal.value.problems}


def test_new_person_gets_an_account_and_a_password_shown_once(trial, admin):
    added = add_member(trial=trial, member=NEW, by=admin, today=TODAY)
    user = User.objects.get(email="new@hospital.org")
    assert user.check_password(added.password)
    assert (added.membership.site.code, added.membership.valid_from, added.membership.valid_until) == ("N", TODAY, None)


def test_person_with_an_account_keeps_it(trial, admin, eve):
    added = add_member(trial=trial, member=NewMember("eve@example.org", "monitor"), by=admin, today=TODAY)
    assert added.password == ""
    assert added.membership.user == eve
    assert eve.check_password("correct horse battery")


def test_name_is_asked_only_for_a_new_account(trial, admin):
    with pytest.raises(InvalidInput) as refusal:
        add_member(trial=trial, member=NewMember("x@hospital.org", "operator"), by=admin, today=TODAY)
    assert fields(refusal) == {"name"}
    assert not User.objects.filter(email="x@hospital.org").exists()


def test_coordinator_adds_nobody(trial, alice):
    with pytest.raises(NotAllowed):
        add_member(trial=trial, member=NEW, by=alice, today=TODAY)


def test_investigator_of_one_trial_adds_nobody_to_another(other_trial, pia):
    with pytest.raises(NotAllowed):
        add_member(trial=other_trial, member=NEW, by=pia, today=TODAY)


@pytest.mark.parametrize("role", ["unmasked_statistician", "safety_board", "setup_person"])
def test_nobody_gives_themself_a_role_that_shows_treatments(trial, pia, role):
    with pytest.raises(InvalidInput) as refusal:
        add_member(trial=trial, member=NewMember("PIA@example.org", role), by=pia, today=TODAY)
    assert fields(refusal) == {"role"}


def test_one_person_is_not_in_care_and_unmasked_at_once(trial, admin, alice, uma):
    for email, role in (("alice@example.org", "unmasked_statistician"), ("uma@example.org", "operator")):
        with pytest.raises(InvalidInput) as refusal:
            add_member(trial=trial, member=NewMember(email, role), by=admin, today=TODAY)
        assert fields(refusal) == {"role"}
    end_membership(alice.memberships.get(), by=admin, today=TODAY - timedelta(days=1))
    add_member(trial=trial, member=NewMember("alice@example.org", "unmasked_statistician"), by=admin, today=TODAY)


def test_administrator_is_no_role_of_a_trial(trial, pia):
    with pytest.raises(InvalidInput) as refusal:
        add_member(trial=trial, member=NewMember("x@hospital.org", "administrator", "X"), by=pia, today=TODAY)
    assert fields(refusal) == {"role"}


def test_role_for_the_whole_trial_has_no_site(trial, admin):
    with pytest.raises(InvalidInput) as refusal:
        add_member(trial=trial, member=NewMember("x@hospital.org", "safety_board", "X", "N"), by=admin, today=TODAY)
    assert fields(refusal) == {"site"}


def test_membership_ended_today_can_begin_again_today(trial, admin):
    first = add_member(trial=trial, member=NEW, by=admin, today=TODAY).membership
    end_membership(first, by=admin, today=TODAY)
    again = add_member(trial=trial, member=NEW, by=admin, today=TODAY).membership
    assert again.valid_until is None
    assert Membership.objects.filter(user=again.user).count() == 1


def test_demonstration_account_has_no_place_in_a_real_trial(trial, admin, setup_actor):
    create_user(email="demo@example.org", name="D", password="correct horse battery", by=setup_actor, is_demonstration=True)
    with pytest.raises(InvalidInput) as refusal:
        add_member(trial=trial, member=NewMember("demo@example.org", "monitor"), by=admin, today=TODAY)
    assert fields(refusal) == {"email"}
