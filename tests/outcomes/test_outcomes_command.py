"""manage.py outcomes: from the snapshot, by right, in three formats."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from registry.models import ActLog, Snapshot, Trial, User
from registry.selectors.outcome_rows import COLUMNS
from registry.services import accounts
from tests.outcomes.published import store_published
from tests.rules.published_trials import VICKERS


@pytest.fixture
def stored(worker: None, setup_actor: Any, shared: Path) -> Trial:
    return store_published(VICKERS, shared, by=setup_actor)


def member(role: str, trial: Trial, by: Any) -> User:
    user = accounts.create_user(email=f"{role}@example.org", name=role, password="correct horse battery", by=by)
    accounts.add_membership(user=user, role=role, trial=trial, site=None, by=by, valid_from=date(2026, 1, 1))
    return user


def printed(trial: str, *options: str) -> str:
    out = io.StringIO()
    call_command("outcomes", trial, *options, stdout=out)
    return out.getvalue()


def test_json_by_arm_holds_the_published_counts(stored: Trial, setup_actor: Any) -> None:
    uma = member("unmasked_statistician", stored, setup_actor)
    document = json.loads(printed(stored.slug, "--closed", "--format", "json", "--as", uma.email))
    group = document["time_points"][1]["groups"][0]
    found = [row for row in group["contrasts"] if row["rule"] == "OC" and row["threshold_tenths"] == 350]
    assert [(row["first_responders"], row["first_n"], row["second_responders"], row["second_n"]) for row in found] == [(87, 161, 45, 140)]
    assert ActLog.objects.filter(act="closed_outcomes_read", actor=uma, trial=stored).count() == 1


def test_csv_has_a_row_per_cell_with_named_columns(stored: Trial, setup_actor: Any) -> None:
    uma = member("unmasked_statistician", stored, setup_actor)
    rows = list(csv.DictReader(io.StringIO(printed(stored.slug, "--closed", "--format", "csv", "--as", uma.email))))
    assert tuple(rows[0]) == COLUMNS
    wanted = {"kind": "rate", "time_point": "M12", "group_kind": "overall", "arm": "acupuncture", "rule": "OC", "threshold_percent": "35"}
    (found,) = [row for row in rows if wanted.items() <= row.items()]
    assert (found["responders"], found["n"]) == ("87", "161")


def test_text_says_what_was_compared(stored: Trial, setup_actor: Any) -> None:
    uma = member("unmasked_statistician", stored, setup_actor)
    text = printed(stored.slug, "--closed", "--as", uma.email)
    assert "acupuncture minus control  OC >= 35 %: 87/161 v 45/140 = 21.9 % (10.7 to 32.3), NNTB 3." in text
    assert "Intervals are pointwise, not adjusted for repeated looks." in text


def test_masked_people_read_the_open_document_only(stored: Trial, setup_actor: Any) -> None:
    alice = member("coordinator", stored, setup_actor)
    text = printed(stored.slug, "--format", "json", "--as", alice.email)
    assert "acupuncture" not in text
    with pytest.raises(CommandError, match=r"outcomes\.closed"):
        printed(stored.slug, "--closed", "--as", alice.email)


def test_a_stranger_sees_no_such_trial(stored: Trial, setup_actor: Any) -> None:
    stranger = accounts.create_user(email="eve@example.org", name="Eve", password="correct horse battery", by=setup_actor)
    with pytest.raises(CommandError, match=r"sees no trial"):
        printed(stored.slug, "--as", stranger.email)
    with pytest.raises(CommandError, match=r"no account"):
        printed(stored.slug, "--as", "nobody@example.org")


def test_printing_twice_makes_one_snapshot(stored: Trial, setup_actor: Any) -> None:
    alice = member("coordinator", stored, setup_actor)
    assert printed(stored.slug, "--as", alice.email) == printed(stored.slug, "--recompute", "--as", alice.email)
    assert Snapshot.objects.count() == 1


def test_nothing_stored_is_said_in_a_sentence(stored: Trial, setup_actor: Any) -> None:
    alice = member("coordinator", stored, setup_actor)
    with pytest.raises(CommandError, match=r"has no outcomes yet"):
        printed(stored.slug, "--no-refresh", "--as", alice.email)
