"""Roles are bundles of rights in words, and a masked one holds no right that shows an arm."""

from __future__ import annotations

import pytest

from registry.roles import ROLES, UNMASKING_PERMISSIONS, Permission

MASKED = [role for role in ROLES.values() if role.masked]
UNMASKED = {"unmasked_statistician", "safety_board", "setup_person"}


@pytest.mark.parametrize("role", MASKED, ids=lambda role: role.code)
def test_masked_role_holds_no_unmasking_right(role):
    assert not role.permissions & UNMASKING_PERMISSIONS


def test_every_role_that_shows_arms_is_named_unmasked():
    assert {role.code for role in ROLES.values() if not role.masked} == UNMASKED
    assert {role.code for role in ROLES.values() if role.permissions & UNMASKING_PERMISSIONS} == UNMASKED


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.code)
def test_every_role_says_what_it_may_in_a_sentence(role):
    assert role.label[0].isupper()
    assert role.sentence.endswith(".")
    assert 40 <= len(role.sentence) <= 160
    assert role.permissions


def test_every_right_is_held_by_a_role():
    assert set().union(*(role.permissions for role in ROLES.values())) == set(Permission)


def test_nobody_who_treats_or_rates_may_read_arms_or_outcomes_by_arm():
    rating = {Permission.SCORE_RECORD, Permission.SCORE_CORRECT, Permission.IDENTITY_VIEW}
    for code in UNMASKED:
        assert not ROLES[code].permissions & rating
