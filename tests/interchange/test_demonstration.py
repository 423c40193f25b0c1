from datetime import UTC, date, datetime

import pytest

from registry.interchange.demonstration import ACCOUNTS, load_demonstration
from registry.interchange.demonstration_data import PATIENTS, make_tables
from registry.models import Enrolment, PainScore, Trial, User
from registry.roles import ROLES
from registry.services import accounts

NOW = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)


@pytest.fixture
def passwords():
    return {account.email: accounts.new_password() for account in ACCOUNTS}


def test_same_seed_and_day_give_the_same_people():
    assert make_tables(date(2026, 11, 19)) == make_tables(date(2026, 11, 19))


def test_values_are_on_the_scale_and_never_in_the_future():
    tables = make_tables(date(2026, 11, 19))
    assert {int(row["value"]) for row in tables.pain_scores} <= set(range(11))
    assert max(row["for_date"] for row in tables.pain_scores) < "2026-11-19"
    assert len({row["kit_code"] for row in tables.allocations}) == PATIENTS


def test_loads_once_and_says_that_it_is_synthetic(committed_db, passwords):
    load_demonstration(passwords=passwords, now=NOW)
    load_demonstration(passwords=passwords, now=NOW)
    trial = Trial.objects.get()
    assert trial.synthetic
    assert Enrolment.objects.count() == PATIENTS
    assert PainScore.objects.count() > 2000
    for account in ACCOUNTS:
        user = User.objects.get(email=account.email)
        assert user.is_demonstration
        assert user.check_password(passwords[account.email])
        assert user.permissions_in(trial) == ROLES[account.role].permissions or account.site
