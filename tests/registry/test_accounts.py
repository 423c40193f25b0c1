from datetime import date

import pytest

from registry.exceptions import Conflict, InvalidInput, NotAllowed
from registry.models import Membership, User
from registry.roles import Permission
from registry.services import accounts
from registry.services.auditing import audited

PASSWORD = "correct horse battery"


def test_account_names_every_wrong_field(setup_actor):
    with pytest.raises(InvalidInput) as caught:
        accounts.create_user(email="not-an-address", name=" ", password="short", by=setup_actor)
    assert {problem.field for problem in caught.value.problems} == {"name", "email", "password"}
    assert not User.objects.filter(is_system=False).exists()


def test_address_is_taken_whatever_its_capitals(setup_actor):
    accounts.create_user(email="Ana@Example.org", name="Ana", password=PASSWORD, by=setup_actor)
    with pytest.raises(Conflict, match="exists already"):
        accounts.create_user(email="ana@example.ORG", name="Ana", password=PASSWORD, by=setup_actor)


def test_password_is_in_no_history_row(alice):
    accounts.change_password(alice, "another long passphrase", by=alice)
    alice.refresh_from_db()
    assert alice.check_password("another long passphrase")
    assert "password" not in {field.name for field in alice.history.model._meta.fields}


def test_membership_twice_is_one(alice, trial, setup_actor):
    again = accounts.add_membership(user=alice, role="coordinator", trial=trial, by=setup_actor, valid_from=date(2026, 5, 1))
    assert Membership.objects.filter(user=alice).count() == 1
    assert again.valid_from == date(2026, 1, 1)


def test_membership_needs_the_right_to_manage_members(oscar, alice, trial):
    with pytest.raises(NotAllowed, match=r"members\.manage"):
        accounts.add_membership(user=oscar, role="coordinator", trial=trial, by=alice, valid_from=date(2026, 1, 1))
    assert not oscar.memberships.filter(role="coordinator").exists()


def test_site_of_another_trial_is_refused(oscar, trial, other_trial, setup_actor):
    with pytest.raises(InvalidInput, match="site of the trial"):
        accounts.add_membership(
            user=oscar, role="operator", trial=trial, site=other_trial.sites.get(code="N"), by=setup_actor, valid_from=date(2026, 1, 1)
        )


def test_rights_end_with_the_membership(oscar, trial, setup_actor):
    with pytest.raises(NotAllowed):
        accounts.end_membership(oscar.memberships.get(), by=oscar, today=date(2026, 1, 2))
    manager = accounts.create_user(email="pi@example.org", name="Pia", password=PASSWORD, by=setup_actor)
    accounts.add_membership(user=manager, role="principal_investigator", trial=trial, by=setup_actor, valid_from=date(2026, 1, 1))
    accounts.end_membership(oscar.memberships.get(), by=manager, today=date(2026, 1, 2))
    assert not User.objects.get(pk=oscar.pk).can(Permission.SCORE_RECORD, trial=trial)


def test_rights_stop_at_the_site_and_the_trial(oscar, trial, other_trial):
    north, south = trial.sites.get(code="N"), trial.sites.get(code="S")
    assert oscar.can(Permission.SCORE_RECORD, trial=trial, site=north)
    assert not oscar.can(Permission.SCORE_RECORD, trial=trial, site=south)
    assert not oscar.can(Permission.SCORE_RECORD, trial=other_trial)


def test_inactive_account_has_no_rights(oscar, trial):
    oscar.is_active = False
    assert oscar.permissions_in(trial) == frozenset()


def test_demonstration_accounts_end_when_a_real_trial_begins(setup_actor, trial):
    demo = accounts.create_user(email="demo@example.org", name="Demo", password=PASSWORD, by=setup_actor, is_demonstration=True)
    assert not accounts.may_sign_in(demo)
    trial.synthetic = True
    with audited(by=setup_actor):
        trial.save(update_fields=["synthetic"])
    assert accounts.may_sign_in(demo)


def test_system_actors_never_sign_in(setup_actor):
    assert not accounts.may_sign_in(setup_actor)
    assert not setup_actor.check_password("!")


def test_first_administrator_is_made_once(setup_actor, now):
    first = accounts.ensure_first_administrator(password=PASSWORD, now=now)
    assert first is not None
    assert first.can(Permission.TRIAL_CREATE)
    assert accounts.ensure_first_administrator(password=PASSWORD, now=now) is None


def test_new_passwords_differ_and_pass_the_validators(setup_actor):
    drawn = {accounts.new_password() for _ in range(50)}
    assert len(drawn) == 50
    accounts.check_account(email="a@example.org", name="A", password=drawn.pop())


def test_rights_over_the_whole_trial_never_come_from_a_site(trial, setup_actor):
    pi = accounts.create_user(email="pi@example.org", name="Pia", password=PASSWORD, by=setup_actor)
    accounts.add_membership(
        user=pi, role="principal_investigator", trial=trial, site=trial.sites.get(code="N"), by=setup_actor, valid_from=date(2026, 1, 1)
    )
    held = pi.permissions_in(trial)
    assert Permission.PATIENT_VIEW in held
    assert not held & {Permission.MEMBERS_MANAGE, Permission.OUTCOMES_OPEN, Permission.TRIAL_MANAGE}


def test_who_lacks_a_right_is_told_who_holds_it_in_words(enrolment, oscar):
    with pytest.raises(NotAllowed) as refused:
        oscar.check_can(Permission.PATIENT_EDIT, trial=enrolment.trial, site=enrolment.site)
    assert "held by: coordinator or data manager." in str(refused.value)
    with pytest.raises(NotAllowed) as refused:
        oscar.check_can(Permission.OUTCOMES_OPEN, trial=enrolment.trial)
    assert "coordinator, data manager, principal investigator, researcher, " in str(refused.value)
