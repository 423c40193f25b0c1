from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command

from registry.interchange.demonstration import ACCOUNTS, load_demonstration, write_folder
from registry.interchange.demonstration_data import PATIENTS, WAITING, make_tables
from registry.interchange.demonstration_sessions import SESSION_DAYS, THRESHOLD_MAX_AGE
from registry.interchange.demonstration_tables import DemonstrationTables
from registry.models import AdverseEvent, Allocation, Enrolment, MotorThreshold, PainScore, StimulationSession, Trial, User
from registry.roles import ROLES
from registry.rules.tables.trial_toml import read_trial
from registry.services import accounts

TODAY = date(2026, 11, 19)
NOW = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)


@pytest.fixture
def passwords():
    return {account.email: accounts.new_password() for account in ACCOUNTS}


@pytest.fixture(scope="module")
def tables() -> DemonstrationTables:
    return make_tables(TODAY)


def test_same_seed_and_day_give_the_same_people(tables):
    assert make_tables(TODAY) == tables
    assert make_tables(TODAY, seed=1) != tables


def test_values_are_on_the_scale_and_never_in_the_future(tables):
    assert {int(row["value"]) for row in tables.pain_scores} <= set(range(11))
    assert max(row["for_date"] for row in tables.pain_scores) < TODAY.isoformat()
    assert max(row["for_date"] for row in tables.sessions) < TODAY.isoformat()
    assert len({row["kit_code"] for row in tables.allocations}) == PATIENTS - WAITING


def test_everything_that_happens_in_a_trial_happens(tables):
    assert set(Counter(row["status"] for row in tables.sessions)) == {"given", "partial", "not_given", "missed"}
    kinds = Counter(row["kind"] for row in tables.dispositions)
    assert kinds["death"] == 1
    assert min(kinds[kind] for kind in ("stop_of_stimulation", "withdrawal_of_consent", "lost")) >= 3
    assert {row["grade"] for row in tables.adverse_events} == {"1", "2", "3"}
    assert {row["deviation_reason"] for row in tables.sessions} == {"", "tolerability", "operator_error"}


@pytest.mark.parametrize("today", [TODAY, date(2027, 2, 28), date(2028, 12, 31)])
def test_whenever_it_is_loaded_sessions_are_due_on_that_day(today):
    tables = make_tables(today)
    planned = {(today - timedelta(days=day)).isoformat() for day in SESSION_DAYS}
    assert sum(row["allocated_on"] in planned for row in tables.allocations) >= 5
    assert sum(row["allocated_on"] > (today - timedelta(days=84)).isoformat() for row in tables.allocations) > 20


def test_the_prescription_is_the_one_the_sessions_follow(tmp_path):
    write_folder(tmp_path, NOW)
    definition, problems = read_trial((tmp_path / "trial.toml").read_text())
    assert problems == []
    [protocol] = definition.protocols
    [prescription], [block] = protocol.prescriptions, protocol.blocks
    assert (prescription.session_days, prescription.threshold_max_age_days) == (SESSION_DAYS, THRESHOLD_MAX_AGE)
    assert (block.pattern.pulses, block.intensity_percent) == (3000, 80)


def test_loads_once_and_says_that_it_is_synthetic(committed_db, passwords, tables):
    load_demonstration(passwords=passwords, now=NOW)
    load_demonstration(passwords=passwords, now=NOW)
    trial = Trial.objects.get()
    assert trial.synthetic
    assert Enrolment.objects.count() == PATIENTS
    assert Allocation.objects.count() == PATIENTS - WAITING
    assert StimulationSession.objects.count() == len(tables.sessions)
    assert MotorThreshold.objects.count() == len(tables.motor_thresholds)
    assert AdverseEvent.objects.count() == len(tables.adverse_events)
    assert PainScore.objects.filter(context="diary").count() == len(tables.pain_scores)
    assert PainScore.objects.filter(context="post_session").count() > 2000
    for account in ACCOUNTS:
        user = User.objects.get(email=account.email)
        assert user.is_demonstration
        assert user.check_password(passwords[account.email])
        assert user.permissions_in(trial) == ROLES[account.role].permissions or account.site


def test_there_is_an_account_for_each_role():
    assert {account.role for account in ACCOUNTS} == set(ROLES) - {"administrator"}


def test_it_is_never_loaded_beside_a_real_trial(committed_db, admin, tmp_path, settings, capsys):
    settings.DATA = tmp_path
    from registry.interchange.importer import bring_in
    from tests.interchange.folders import write_folder as write_small

    bring_in(write_small(tmp_path / "real"), by=User.objects.get(pk=admin.pk), now=NOW)
    call_command("ensure_accounts")
    assert [trial.slug for trial in Trial.objects.all()] == ["calm-m1"]
