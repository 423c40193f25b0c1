"""A first start with and without the demonstration, and what later starts make of it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from registry.interchange.demonstration import ACCOUNTS
from registry.management.commands import ensure_accounts
from registry.models import Trial, User, system_actor
from registry.services.accounts import FIRST_ADMINISTRATOR_EMAIL, change_password, create_user


@pytest.fixture
def loaded(monkeypatch):
    """Count the loads of the demonstration instead of loading it."""
    loads = []
    monkeypatch.setattr(ensure_accounts, "load_demonstration", lambda **given: loads.append(given))
    return loads


@pytest.fixture
def start(db, settings, tmp_path):
    """Return a function that starts on one data directory and returns what is printed."""
    settings.DATA = tmp_path

    def run(*options):
        out = StringIO()
        call_command("ensure_accounts", *options, stdout=out)
        return out.getvalue()

    return run


def test_without_demonstration_there_is_one_person_and_no_trial(start, loaded):
    said = start("--without-demonstration")
    assert list(User.objects.filter(is_system=False).values_list("email", flat=True)) == [FIRST_ADMINISTRATOR_EMAIL]
    assert not Trial.objects.exists()
    assert loaded == []
    assert "sign in as the administrator and choose 'New trial'" in said


def test_later_starts_without_the_option_load_no_demonstration_either(start, loaded, tmp_path):
    first = start("--without-demonstration")
    assert start() == first
    assert loaded == []
    assert list(json.loads((tmp_path / "accounts.json").read_text())) == [FIRST_ADMINISTRATOR_EMAIL]


def test_first_start_with_the_demonstration_is_finished_by_later_ones(start, loaded, tmp_path):
    start()
    start()
    assert len(loaded) == 2  # loading does nothing where everything is there
    assert {account.email for account in ACCOUNTS} < set(json.loads((tmp_path / "accounts.json").read_text()))


def test_option_on_a_registry_with_the_demonstration_loads_nothing_more(start, loaded):
    start()
    start("--without-demonstration")
    assert len(loaded) == 1


def test_printed_password_is_the_administrators(start, loaded):
    said = start("--without-demonstration")
    password = next(line.split()[1] for line in said.splitlines() if FIRST_ADMINISTRATOR_EMAIL in line)
    assert User.objects.get(email=FIRST_ADMINISTRATOR_EMAIL).check_password(password)


def test_later_starts_try_a_password_only_where_its_hash_has_changed(start, loaded, monkeypatch, tmp_path):
    tried = []
    check = User.check_password
    monkeypatch.setattr(User, "check_password", lambda user, password: tried.append(user.email) or check(user, password))
    first = start("--without-demonstration")
    assert start() == first
    assert tried == [FIRST_ADMINISTRATOR_EMAIL]
    assert (tmp_path / "accounts-checked.json").stat().st_mode & 0o777 == 0o600

    administrator = User.objects.get(email=FIRST_ADMINISTRATOR_EMAIL)
    change_password(administrator, "a battery of horses", by=administrator)
    assert "(password was changed)" in start()
    assert "(password was changed)" in start()
    change_password(administrator, json.loads((tmp_path / "accounts.json").read_text())[FIRST_ADMINISTRATOR_EMAIL], by=administrator)
    assert start() == first
    assert tried == [FIRST_ADMINISTRATOR_EMAIL] * 3


def test_accounts_of_a_restored_registry_keep_their_passwords_and_none_is_minted(start, loaded, tmp_path):
    """A backup holds no first passwords: there is no accounts.json beside what was restored."""
    start()
    for account in ACCOUNTS[:2]:
        create_user(email=account.email, name=account.name, password="a battery of horses", by=system_actor("setup"), is_demonstration=True)
    for name in ("accounts.json", "accounts-checked.json"):
        (tmp_path / name).unlink()
    said = start()
    minted = json.loads((tmp_path / "accounts.json").read_text())
    assert set(minted) == {account.email for account in ACCOUNTS[2:]}  # those a crash had kept from being made
    assert said.count("(the password it had when this registry was backed up)") == 3
    assert "(password was changed)" not in said


def test_restored_registry_without_the_demonstration_is_given_none(start, loaded, tmp_path):
    start("--without-demonstration")
    (tmp_path / "accounts.json").unlink()
    said = start()
    assert loaded == []
    assert not (tmp_path / "accounts.json").exists()
    assert "first passwords" not in said
