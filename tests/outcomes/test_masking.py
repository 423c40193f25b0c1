"""What masked readers get: nothing that depends on arms, nothing small enough to point at somebody, efficacy only where allowed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from registry.models import Snapshot, Trial, User
from registry.outcomes.cells import Cell
from registry.outcomes.estimates import completeness, contrasts, counts
from registry.outcomes.refresh import refresh_trial
from registry.outcomes.suppression import suppressed_groups
from registry.selectors.outcome_payload import FORMAT, digest
from registry.selectors.outcome_withholding import without_efficacy
from registry.selectors.outcomes import latest_closed, latest_open
from registry.services.auditing import audited
from registry.vocabulary import EndpointStatus, MissingReason, MissingRule
from tests.outcomes.published import store_published
from tests.rules.published_trials import SUDMEX, VICKERS

# Words a closed document of an undecoded trial must not hold: arms, benefit, harm.
TELLING = ("ACTIVE", "SHAM", "Active", "Sham", "NNTB", "NNTH", "active", "sham")


@pytest.fixture
def masked(worker: None, setup_actor: Any, shared: Path) -> Trial:
    """The rTMS trial as it was while it ran: masked, prospective, not decoded; undated values are never due, so it is locked."""
    return store_published(SUDMEX, shared, by=setup_actor, masked=True, conduct="prospective", locked_at=timezone.now())


def open_text(trial: Trial) -> str:
    found = latest_open(Trial.objects.get(pk=trial.pk))
    assert found is not None
    return found.text


def closed_text(trial: Trial, by: User) -> str:
    found = latest_closed(trial, by=by)
    assert found is not None
    return found.text


def swap_arms(superuser: Any) -> None:
    """Give everybody the other arm, behind the same rows and leaving no trace."""
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(
        """UPDATE closed.allocation SET arm_id = other.id FROM closed.arm mine JOIN closed.arm other ON other.id <> mine.id
           WHERE mine.id = allocation.arm_id"""
    )


def test_open_document_is_the_same_whoever_got_what(masked: Trial, setup_actor: Any, owner_connection: Any) -> None:
    now = timezone.now()
    refresh_trial(masked.pk, clock=lambda: now)
    before, closed_before = open_text(masked), closed_text(masked, setup_actor)
    swap_arms(owner_connection)
    owner_connection.execute("DELETE FROM closed.snapshot")
    refresh_trial(masked.pk, clock=lambda: now)
    assert open_text(masked) == before
    assert closed_text(masked, setup_actor) != closed_before


def test_efficacy_is_withheld_from_open_documents_of_masked_trials(masked: Trial, setup_actor: Any) -> None:
    refresh_trial(masked.pk)
    document = json.loads(open_text(masked))
    assert document["efficacy"] == "withheld"
    for time_point in document["time_points"]:
        for group in time_point["groups"]:
            assert set(group) <= {"kind", "code", "label", "suppressed", "counts"}
            assert set(group["counts"]) == {"population", "due", "not_due", "statuses", "reasons", "completeness"}
            assert "composite_stop" not in group["counts"]["statuses"]
    whole = document["time_points"][0]["groups"][0]["counts"]
    assert (whole["population"], whole["statuses"]["baseline_zero"]) == (44, 7)


@pytest.mark.parametrize(
    "change", [{"pooled_efficacy": True}, {"decoded_at": timezone.now()}, {"masked": False}], ids=["pooled", "decoded", "not masked"]
)
def test_efficacy_is_shown_where_the_trial_says_so(masked: Trial, setup_actor: Any, change: dict[str, object]) -> None:
    with audited(by=setup_actor):
        Trial.objects.filter(pk=masked.pk).update(**change)
    refresh_trial(masked.pk)
    assert json.loads(open_text(masked))["efficacy"] == "shown"


def test_closed_document_of_a_masked_trial_speaks_of_letters(masked: Trial, setup_actor: Any) -> None:
    refresh_trial(masked.pk)
    text = closed_text(masked, setup_actor)
    assert [word for word in TELLING if word in text] == []
    document = json.loads(text)
    group = document["time_points"][0]["groups"][0]
    assert [arm["code"] for arm in group["arms"]] == ["A", "B"]
    (row,) = [row for row in group["contrasts"] if (row["rule"], row["threshold_tenths"]) == ("NRI", 300)]
    # A is sham here: A minus B, whatever direction the plan compares in.
    assert (row["first_responders"], row["first_n"], row["second_responders"], row["second_n"]) == (12, 20, 16, 24)
    assert row["nnt_text"] == "A better 4.9282 to Inf to B better 3.0338"
    assert document["coded"] is True


def test_decoding_names_the_arms(masked: Trial, setup_actor: Any) -> None:
    with audited(by=setup_actor):
        Trial.objects.filter(pk=masked.pk).update(decoded_at=timezone.now())
    refresh_trial(masked.pk)
    group = json.loads(closed_text(masked, setup_actor))["time_points"][0]["groups"][0]
    assert [arm["code"] for arm in group["arms"]] == ["ACTIVE", "SHAM"]
    assert {(row["first"], row["second"]) for row in group["contrasts"]} == {("ACTIVE", "SHAM")}


def test_whether_there_is_a_new_snapshot_does_not_depend_on_arms(masked: Trial, setup_actor: Any, owner_connection: Any) -> None:
    refresh_trial(masked.pk)
    assert refresh_trial(masked.pk, clock=lambda: timezone.now() + timedelta(minutes=1)) is None
    swap_arms(owner_connection)
    assert refresh_trial(masked.pk) is None
    with audited(by=setup_actor, using="closed"), connections["closed"].cursor() as cursor:
        cursor.execute(
            """INSERT INTO closed.arm (trial_id, code, label, treatment_id, part, letter, position)
               SELECT trial_id, 'spare', 'Spare', treatment_id, 'spare', 'C', 3 FROM closed.arm LIMIT 1"""
        )
    assert refresh_trial(masked.pk) is not None
    assert Snapshot.objects.count() == 2


def test_closed_outcomes_need_the_right_to_them(masked: Trial, setup_actor: Any) -> None:
    from registry.exceptions import NotAllowed
    from registry.services.accounts import create_user

    alice = create_user(email="alice@example.org", name="Alice", password="correct horse battery", by=setup_actor)
    with pytest.raises(NotAllowed, match=r"outcomes\.closed"):
        latest_closed(masked, by=alice)


def test_small_subgroups_are_not_printed_in_open_documents(worker: None, setup_actor: Any, shared: Path) -> None:
    trial = store_published(VICKERS, shared, by=setup_actor)
    with audited(by=setup_actor):
        trial.plans.update(small_cell_minimum=120)
    refresh_trial(trial.pk)
    groups = json.loads(open_text(trial))["time_points"][1]["groups"]
    hidden = [group for group in groups if group["suppressed"]]
    assert {group["kind"] for group in hidden} == {"diagnosis"}
    assert all(set(group) == {"kind", "code", "label", "suppressed"} for group in hidden)
    assert len(hidden) != 1
    assert not any(
        "suppressed" in group and group["suppressed"] for group in json.loads(closed_text(trial, setup_actor))["time_points"][1]["groups"]
    )


def cell(observed: int, missing: int = 0, not_due: int = 0) -> Cell:
    """Make a cell of so many."""
    statuses = {EndpointStatus.OBSERVED: observed, EndpointStatus.MISSING: missing, EndpointStatus.NOT_DUE: not_due}
    return Cell(statuses=Counter({str(status): n for status, n in statuses.items()}), missing=Counter({MissingReason.NONE: missing}))


def test_the_complement_is_hidden_too() -> None:
    sizes = {"a": cell(30), "b": cell(8), "c": cell(3)}
    assert suppressed_groups(sizes, 5) == {"b", "c"}
    assert suppressed_groups({"a": cell(30), "b": cell(8), "c": cell(5)}, 5) == frozenset()
    assert suppressed_groups({"a": cell(30), "b": cell(2), "c": cell(3)}, 5) == {"b", "c"}
    assert suppressed_groups({"a": cell(30), "b": cell(1), "c": cell(3), "d": cell(9)}, 5) == {"b", "c", "d"}
    assert suppressed_groups({"a": cell(3)}, 5) == {"a"}
    # Few observed among many due is as small a denominator.
    assert suppressed_groups({"a": cell(30), "b": cell(2, missing=20)}, 5) == {"a", "b"}
    # Nobody due yet, or nobody observed, tells nothing about anybody.
    assert suppressed_groups({"a": cell(30), "b": cell(0, missing=20), "c": cell(0, not_due=9)}, 5) == frozenset()


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12)), max_size=8), st.integers(1, 8))
def test_what_is_left_out_is_never_small(sizes: list[tuple[int, int, int]], minimum: int) -> None:
    cells = {str(number): cell(*size) for number, size in enumerate(sizes) if sum(size)}
    hidden = suppressed_groups(cells, minimum)
    for measure in ("population", "due", "with_value"):
        for key, one in cells.items():
            assert key in hidden or not 0 < getattr(one, measure) < minimum
        left_out = sum(getattr(cells[key], measure) for key in hidden)
        assert not 0 < left_out < minimum or hidden == set(cells)


def test_stops_for_a_listed_reason_are_not_told_from_others_where_efficacy_is_withheld() -> None:
    stopped = Cell(
        statuses=Counter({"observed": 5, "composite_stop": 4, "missing": 2}),
        missing=Counter({MissingReason.NONE: 2}),
        stopped_missing=Counter({MissingReason.LOST: 1}),
    )
    found = completeness(stopped, (300,))
    assert (found["statuses"]["observed"], found["statuses"]["missing"]) == (8, 3)
    assert found["reasons"] == {"too_few": 0, "withdrawn": 0, "lost": 1, "ended": 0, "none": 2}
    full = counts(stopped, (300,))
    assert (full["statuses"]["composite_stop"], full["reasons"]["lost"]) == (4, 0)


def document_with(counted: Any, **more: Any) -> Any:
    group = {"kind": "overall", "code": "", "label": "All", "suppressed": False, "counts": counted, **more}
    few = {"kind": "site", "code": "N", "label": "N", "suppressed": True}
    return {"format": FORMAT, "efficacy": "shown" if more else "withheld", "time_points": [{"code": "W4", "groups": [group, few]}]}


def test_what_is_withheld_of_a_stored_document_is_what_the_next_one_leaves_out() -> None:
    stopped = Cell(
        statuses=Counter({"observed": 5, "composite_stop": 4, "missing": 2, "died": 1, "no_baseline": 2, "baseline_zero": 3, "not_due": 6}),
        missing=Counter({MissingReason.NONE: 2}),
        stopped_missing=Counter({MissingReason.LOST: 1}),
    )
    response = {"rates": [{"rate": 0.5}], "means": [{"mean": 3}], "curve": {"n": 9}}
    found, following = without_efficacy(document_with(counts(stopped, (300,)), **response)), document_with(completeness(stopped, (300,)))
    # Why values of those who stopped are missing is not in a document that shows response; the next one tells it.
    assert following["time_points"][0]["groups"][0]["counts"].pop("reasons")
    assert found["time_points"][0]["groups"][0]["counts"].pop("reasons") == {}  # type: ignore[misc]
    assert found == following
    older = {**document_with(counts(stopped, (300,)), **response), "format": FORMAT - 1}
    assert without_efficacy(older)["time_points"] == []


def test_response_is_withheld_at_once_when_the_setting_is_withdrawn(masked: Trial, setup_actor: Any) -> None:
    def read(*, pooled: bool) -> Any:
        with audited(by=setup_actor):
            Trial.objects.filter(pk=masked.pk).update(pooled_efficacy=pooled)
        return latest_open(Trial.objects.get(pk=masked.pk))

    read(pooled=True)
    refresh_trial(masked.pk)
    shown, withheld, again = read(pooled=True), read(pooled=False), read(pooled=True)
    assert shown == again
    assert shown.payload["efficacy"] == "shown"
    assert withheld.payload == json.loads(withheld.text)
    assert (withheld.payload["efficacy"], withheld.number) == ("withheld", shown.number)
    assert withheld.sha256 == digest(withheld.text) != shown.sha256
    for telling in ("rates", "means", "curve", "responders", "composite_stop"):
        assert f'"{telling}"' in shown.text
        assert f'"{telling}"' not in withheld.text


def test_a_third_letter_is_named_in_its_place() -> None:
    first, second = cell(10), cell(10)
    first.responders[MissingRule.NRI, 300], second.responders[MissingRule.NRI, 300] = 2, 9
    row = contrasts(("B", "C"), (first, second), (300,), coded=True)[0]
    assert row["nnt_text"].startswith("C better")
    assert "B" not in row["nnt_text"]


def test_nobody_gives_no_rate_and_no_difference() -> None:
    row = contrasts(("a", "b"), (Cell(), cell(3)), (300,), coded=False)[0]
    assert (row["difference"], row["nnt"], row["nnt_text"]) == (None, None, "")
