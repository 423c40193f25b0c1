from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registry.models import User
from registry.roles import Permission


def run(*arguments):
    out = StringIO()
    call_command("add_account", *arguments, stdout=out)
    return out.getvalue()


def test_prints_a_password_that_works_and_gives_the_role(trial):
    printed = run("New@example.org", "operator", "--name", "New Person", "--trial", "calm-m1", "--site", "N")
    user = User.objects.get(email="new@example.org")
    assert user.check_password(printed.split()[1])
    assert user.can(Permission.SCORE_RECORD, trial=trial, site=trial.sites.get(code="N"))


def test_existing_account_keeps_its_password(trial, alice):
    run(alice.email, "monitor", "--trial", "calm-m1")
    alice.refresh_from_db()
    assert alice.check_password("correct horse battery")
    assert alice.memberships.count() == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("a@example.org", "operator", "--site", "N"), "Name the trial"),
        (("a@example.org", "operator", "--trial", "nope"), "Trials: calm-m1"),
        (("a@example.org", "operator", "--trial", "calm-m1", "--site", "X"), "Sites: N, S"),
        (("a@example.org", "operator", "--trial", "calm-m1"), "Enter the person's name"),
    ],
)
def test_unknown_things_are_named(trial, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
    assert not User.objects.filter(email="a@example.org").exists()
