"""audited(): one transaction, one author, one reason; and it is over when it is over."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from registry.models import Change, Patient, Trial
from registry.services.auditing import audited, current_job_id, current_request_id

pytestmark = pytest.mark.usefixtures("committed_db")


def create_and_fail(**values):
    Patient.objects.create(**values)
    raise RuntimeError


def reasons():
    return list(Change.objects.filter(outside=False).exclude(reason="").values_list("reason", flat=True))


def test_change_keeps_author_reason_request_and_job(setup_actor):
    request, job = current_request_id.set("req-1"), current_job_id.set(7)
    try:
        with audited(by=setup_actor, reason="because") as change:
            Patient.objects.create()
    finally:
        current_request_id.reset(request)
        current_job_id.reset(job)
    row = Change.objects.get(pk=change.id)
    assert (row.actor, row.reason, row.request_id, row.job_id, row.outside) == (setup_actor, "because", "req-1", 7, False)
    assert row.database_role == "rtms_web"


def test_inner_change_joins_the_outer_one_whose_reason_holds(setup_actor):
    with audited(by=setup_actor, reason="import") as outer:
        with audited(by=setup_actor, reason="one row") as inner:
            Patient.objects.create()
        late = Patient.objects.create()
    assert inner is outer
    assert reasons() == ["import"]
    assert late.history.get().change_id == outer.id


def test_inner_change_that_fails_undoes_its_own_writes_alone(setup_actor):
    with audited(by=setup_actor, reason="import"):
        kept = Patient.objects.create(birth_year=1950)
        with pytest.raises(RuntimeError), audited(by=setup_actor):
            create_and_fail(birth_year=1960)
        after = Patient.objects.create(birth_year=1970)
    assert list(Patient.objects.order_by("pk")) == [kept, after]


def test_second_author_inside_a_change_is_an_error(setup_actor, alice):
    with audited(by=setup_actor), pytest.raises(ValueError, match="cannot write inside"):
        with audited(by=alice):
            pass


def test_aliases_have_changes_of_their_own(setup_actor):
    with audited(by=setup_actor, reason="here") as here, audited(by=setup_actor, reason="there", using="closed") as there:
        assert here.id != there.id
    assert sorted(reasons()) == ["here", "there"]


def test_failed_change_leaves_nothing(setup_actor):
    with pytest.raises(RuntimeError), audited(by=setup_actor, reason="lost"):
        create_and_fail()
    assert reasons() == []
    assert not Patient.objects.exists()
    with audited(by=setup_actor, reason="next"):
        Patient.objects.create()
    assert reasons() == ["next"]


def test_context_ends_with_the_block_even_inside_a_larger_transaction(setup_actor):
    with transaction.atomic():
        with audited(by=setup_actor, reason="first"):
            Patient.objects.create()
        with pytest.raises(DatabaseError), transaction.atomic():
            Patient.objects.create()
        with audited(by=setup_actor, reason="second"):
            second = Patient.objects.create()
    assert second.history.get().change.reason == "second"


def test_context_does_not_survive_on_the_connection(setup_actor):
    with audited(by=setup_actor):
        Patient.objects.create()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('rtms.change_id', true)")
        assert cursor.fetchone()[0] in ("", None)
    with pytest.raises(DatabaseError):
        Patient.objects.create()


def test_update_that_changes_nothing_writes_no_history(setup_actor, trial):
    before = trial.history.count()
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(name=trial.name)
    assert trial.history.count() == before
