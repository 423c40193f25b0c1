"""Lists go into the closed room whole; each patient gets one place, in the prepared order, whoever presses and how often."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg
import pytest
from django.db import connection, connections

from registry.exceptions import AllocationRefused, Conflict, InvalidInput, NotAllowed
from registry.models import Allocation, Change, Disposition, EnrolmentPain, ScreeningAttempt, StaleMark, Trial
from registry.services import allocation
from registry.services.allocation import NewArm
from registry.services.auditing import audited
from tests.contracts.logins import connect, without_pool
from tests.contracts.scene import ARMS, NOW, RATIO, SEED, STRATA, make_patients, prepare_list
from tests.trials import make_enrolment, make_trial

pytestmark = pytest.mark.usefixtures("committed_db")

PRESSES = 200
PLACES = "closed.slot s JOIN closed.kit k ON k.id = s.kit_id JOIN closed.arm a ON a.id = s.arm_id"


def closed_rows(sql: str, *values: object) -> list[tuple[object, ...]]:
    with connect("unmasked") as unmasked:
        return unmasked.execute(sql, values).fetchall()


@pytest.fixture
def prepared(trial, uma):
    prepare_list(trial, uma)
    return trial


def press(enrolment, by, stratum="site=N", now=NOW):
    return allocation.request_allocation(enrolment=enrolment, stratum=stratum, by=by, now=now)


# --- lists ---------------------------------------------------------------------------------------------------------------


def test_arms_get_letters_of_their_own_and_are_defined_once(trial, uma):
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    assert closed_rows("SELECT count(*), count(DISTINCT letter), max(letter) FROM closed.arm") == [(4, 4, "D")]
    with pytest.raises(Conflict):
        allocation.define_arms(trial=trial, arms=ARMS[:2], by=uma)


def test_arm_of_an_unknown_treatment_is_refused(trial, uma):
    with pytest.raises(InvalidInput, match="no treatment of the trial"):
        allocation.define_arms(trial=trial, arms=[NewArm("a", "A", "vertex", "sham")], by=uma)


def test_generated_list_is_stored_with_its_seed_and_the_hash_of_its_bytes(trial, uma):
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    made = allocation.generate_list(trial=trial, strata=STRATA, ratio=RATIO, block_sizes=[4, 8], length=24, seed=SEED, by=uma)
    [(kind, sha256, source, seed, sizes)] = closed_rows("SELECT kind, sha256, source, seed, block_sizes FROM closed.allocation_list")
    assert (kind, seed, sizes) == ("generated", SEED, [4, 8])
    assert sha256 == made.sha256 == hashlib.sha256(source.encode()).hexdigest()
    balance = "SELECT stratum, a.part, count(*) FROM closed.slot JOIN closed.arm a ON a.id = arm_id GROUP BY 1, 2"
    counts = {(stratum, part): n for stratum, part, n in closed_rows(balance)}
    assert {counts[stratum, "active"] - counts[stratum, "sham"] for stratum in STRATA} == {0}
    assert closed_rows(f"SELECT count(*) FROM {PLACES} WHERE k.part <> a.part") == [(0,)]


def test_seed_is_minted_and_recorded_when_none_is_given(trial, uma):
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    allocation.generate_list(trial=trial, strata=[""], ratio=RATIO, block_sizes=[4], length=4, by=uma)
    [(seed,)] = closed_rows("SELECT seed FROM closed.allocation_list")
    assert len(seed) == 32


def test_imported_list_keeps_its_bytes_and_hash(trial, uma):
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    content = b"\xef\xbb\xbfstratum,arm,kit_code\r\nsite=N,m1-sham,QX-77\r\nsite=N,m1-active,AB-12\r\n"
    made = allocation.import_list(trial=trial, content=content, by=uma)
    assert made.sha256 == hashlib.sha256(content).hexdigest()
    [(source, sha256)] = closed_rows("SELECT source, sha256 FROM closed.allocation_list")
    assert hashlib.sha256(source.encode()).hexdigest() == sha256 == made.sha256
    places = closed_rows(f"SELECT s.position, k.code, a.code FROM {PLACES} ORDER BY 1")
    assert places == [(1, "QX-77", "m1-sham"), (2, "AB-12", "m1-active")]


def test_imported_list_without_codes_gets_drawn_ones(trial, uma):
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    allocation.import_list(trial=trial, content=b"stratum,arm\n" + b"site=N,m1-sham\nsite=N,m1-active\n" * 10, by=uma)
    assert closed_rows("SELECT count(DISTINCT code) FROM closed.kit WHERE code LIKE 'K-%%'") == [(20,)]


def test_wrong_cells_are_named_and_nothing_is_stored(trial, uma):
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    with pytest.raises(InvalidInput) as caught:
        allocation.import_list(trial=trial, content=b"stratum,position,arm\nsite=N,1,m1-sham\nsite=N,1,vertex\n", by=uma)
    assert [problem.field for problem in caught.value.problems] == ["line 3, column arm", "line 3, column position"]
    assert closed_rows("SELECT count(*) FROM closed.allocation_list") == [(0,)]


def test_trial_has_one_list(prepared, uma):
    with pytest.raises(Conflict, match="has its allocation list"):
        prepare_list(prepared, uma)
    assert closed_rows("SELECT count(*) FROM closed.allocation_list") == [(1,)]


def test_finished_trial_takes_no_list(setup_actor, trial, uma):
    with audited(by=setup_actor):
        Trial.objects.filter(pk=trial.pk).update(conduct="retrospective")
    trial.refresh_from_db()
    with pytest.raises(Conflict, match="finished"):
        prepare_list(trial, uma)


def test_masked_people_may_not_prepare_a_list(trial, alice):
    with pytest.raises(NotAllowed):
        allocation.import_list(trial=trial, content=b"", by=alice)


# --- one patient -----------------------------------------------------------------------------------------------------------


def test_patient_gets_the_first_place_and_keeps_it(prepared, enrolment, alice):
    kit = press(enrolment, alice)
    [(code, assigned)] = closed_rows(
        "SELECT k.code, s.enrolment_id FROM closed.slot s JOIN closed.kit k ON k.id = kit_id WHERE stratum = 'site=N' AND position = 1"
    )
    assert (code, assigned) == (kit, enrolment.pk)
    row = Allocation.objects.get()
    assert (row.enrolment, row.kit_code, row.stratum, row.analysis_site, row.allocated_at, row.allocated_on) == (
        enrolment, kit, "site=N", enrolment.site, NOW, date(2026, 11, 19),
    )  # fmt: skip
    assert StaleMark.objects.filter(enrolment=enrolment).count() == 1
    assert Change.objects.filter(reason="allocation requested", actor=alice).count() == 1


def test_second_press_returns_the_same_kit(prepared, enrolment, alice):
    assert press(enrolment, alice) == press(enrolment, alice)
    assert Allocation.objects.count() == 1
    assert closed_rows("SELECT count(*) FROM closed.allocation") == [(1,)]


def test_second_press_in_another_stratum_is_refused(prepared, enrolment, alice):
    press(enrolment, alice)
    with pytest.raises(AllocationRefused, match="allocated in stratum 'site=N'"):
        press(enrolment, alice, stratum="site=N; diagnosis=phantom_limb")


def test_day_of_allocation_is_the_sites_day(prepared, enrolment, alice, now):
    press(enrolment, alice, now=now.replace(hour=23, minute=30))
    assert Allocation.objects.get().allocated_on == date(2026, 11, 20)


def test_unknown_and_used_up_strata_read_the_same(trial, uma, alice, setup_actor):
    allocation.define_arms(trial=trial, arms=ARMS, by=uma)
    allocation.import_list(trial=trial, content=b"stratum,arm\nsite=N,m1-sham\n", by=uma)
    first, second = make_patients(trial, 2, site="N", by=setup_actor)
    press(first, alice)
    sentences = set()
    for stratum in ("site=N", "x=1"):
        with pytest.raises(AllocationRefused) as caught:
            press(second, alice, stratum=stratum)
        assert caught.value.__cause__ is caught.value.__context__ is None
        sentences.add(caught.value.sentence.replace(stratum, ""))
    assert len(sentences) == 1
    assert not Allocation.objects.filter(enrolment=second).exists()


def test_trial_without_a_list_reads_like_a_used_up_stratum(enrolment, alice):
    with pytest.raises(AllocationRefused, match="No kit can be given in stratum 'site=N' now"):
        press(enrolment, alice)


def refuse(enrolment, alice, match, stratum="site=N"):
    with pytest.raises(AllocationRefused, match=match):
        press(enrolment, alice, stratum)
    assert not Allocation.objects.exists()
    assert closed_rows("SELECT count(*) FROM closed.slot WHERE enrolment_id IS NOT NULL") == [(0,)]


@pytest.mark.parametrize("kind", ["screen_failure", "withdrawal_of_consent", "lost", "death", "end_of_follow_up", "completion"])
def test_patient_whose_way_has_ended_is_refused(prepared, enrolment, alice, setup_actor, kind, now):
    with audited(by=setup_actor):
        row = Disposition.objects.create(enrolment=enrolment, kind=kind, happened_on=date(2026, 11, 1))
    refuse(enrolment, alice, "is on record")
    with audited(by=setup_actor):
        Disposition.objects.filter(pk=row.pk).update(voided_at=now)
    assert press(enrolment, alice)


@pytest.mark.parametrize(("result", "reason"), [("failed", "pain below 4"), ("pending", "")])
def test_patient_who_did_not_pass_screening_is_refused_until_the_next_attempt(prepared, enrolment, alice, setup_actor, result, reason):
    with audited(by=setup_actor):
        ScreeningAttempt.objects.create(enrolment=enrolment, number=1, screened_on=date(2026, 11, 1), result=result, reason=reason)
    refuse(enrolment, alice, "screening says")
    with audited(by=setup_actor):
        ScreeningAttempt.objects.create(enrolment=enrolment, number=2, screened_on=date(2026, 11, 8), result="passed")
    assert press(enrolment, alice)


def test_patient_without_primary_pain_is_refused(prepared, enrolment, alice, setup_actor):
    with audited(by=setup_actor):
        EnrolmentPain.objects.update(rank=2)
    refuse(enrolment, alice, "primary pain first")


@pytest.mark.parametrize("stratum", ["site=S", "diagnosis=low_back", "site=N, diagnosis=low_back"])
def test_stratum_that_contradicts_the_record_is_refused(prepared, enrolment, alice, stratum):
    refuse(enrolment, alice, "The stratum says", stratum)


def test_healthy_volunteer_is_refused(prepared, enrolment, alice, setup_actor):
    with audited(by=setup_actor):
        type(enrolment).objects.update(cohort="healthy")
    refuse(enrolment, alice, "comparison group")


@pytest.mark.parametrize(("values", "match"), [({"conduct": "retrospective"}, "finished"), ({"locked_at": NOW}, "locked")])
def test_finished_or_locked_trial_allocates_nobody(prepared, enrolment, alice, setup_actor, values, match):
    with audited(by=setup_actor):
        Trial.objects.filter(pk=prepared.pk).update(**values)
    refuse(enrolment, alice, match)


def test_operator_may_not_ask_for_allocation(prepared, enrolment, oscar):
    with pytest.raises(NotAllowed):
        press(enrolment, oscar)


def test_strata_are_filled_apart(prepared, alice, setup_actor):
    [north] = make_patients(prepared, 1, site="N", by=setup_actor)
    [south] = make_patients(prepared, 1, site="S", by=setup_actor, first=2)
    press(north, alice)
    press(south, alice, "site=S")
    assert closed_rows("SELECT position FROM closed.slot WHERE enrolment_id IS NOT NULL") == [(1,), (1,)]


def test_second_stage_is_allocated_from_a_list_of_its_own(prepared, enrolment, alice, uma):
    first = press(enrolment, alice)
    allocation.generate_list(trial=prepared, strata=["site=N"], ratio=RATIO, block_sizes=[4], length=4, by=uma, stage=2)
    second = allocation.request_allocation(enrolment=enrolment, stratum="site=N", by=alice, now=NOW, stage=2)
    assert second != first
    assert list(Allocation.objects.order_by("stage").values_list("stage", "kit_code")) == [(1, first), (2, second)]


# --- many at once, and lost connections --------------------------------------------------------------------------------------


def test_two_hundred_presses_at_once_give_two_hundred_places_in_order(trial, uma, alice, setup_actor):
    prepare_list(trial, uma, length=PRESSES)
    patients = make_patients(trial, PRESSES, site="N", by=setup_actor)
    barrier = threading.Barrier(PRESSES)

    def one(enrolment):
        try:
            connection.ensure_connection()
            process = connection.connection.info.backend_pid
            barrier.wait(timeout=60)
            return process, press(enrolment, alice)
        finally:
            connections.close_all()

    with without_pool(), ThreadPoolExecutor(PRESSES) as threads:
        answers = list(threads.map(one, patients))
    assert len({process for process, _ in answers}) == PRESSES
    assert len({kit for _, kit in answers}) == PRESSES
    # In order: allocations are numbered as they were made under the lock, places as they were prepared.
    taken = closed_rows("SELECT s.position FROM closed.allocation a JOIN closed.slot s ON s.id = a.slot_id ORDER BY a.id")
    assert [position for (position,) in taken] == list(range(1, PRESSES + 1))
    assert StaleMark.objects.exclude(enrolment=None).values("enrolment").distinct().count() == PRESSES


def test_same_patient_pressed_from_many_connections_gets_one_kit(prepared, enrolment, alice):
    with without_pool(), ThreadPoolExecutor(12) as threads:
        kits = set(threads.map(lambda _: _press_and_close(enrolment, alice), range(12)))
    assert len(kits) == 1
    assert closed_rows("SELECT count(*) FROM closed.slot WHERE enrolment_id IS NOT NULL") == [(1,)]


def _press_and_close(enrolment, by):
    try:
        return press(enrolment, by)
    finally:
        connections.close_all()


def test_connection_killed_before_commit_loses_the_whole(prepared, enrolment, alice, owner_connection):
    web = connect("web")
    web.execute("SELECT registry_begin_change(uuidv7(), %s, 'allocation requested', '', NULL)", [alice.pk])
    web.execute("SELECT registry_allocate(%s, 1::smallint, 'site=N', %s, %s)", [enrolment.pk, NOW, NOW.date()])
    owner_connection.execute("SELECT pg_terminate_backend(%s)", [web.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        web.commit()
    assert not Allocation.objects.exists()
    assert closed_rows("SELECT count(*) FROM closed.slot WHERE enrolment_id IS NOT NULL") == [(0,)]
    assert closed_rows("SELECT count(*) FROM closed.kit WHERE enrolment_id IS NOT NULL") == [(0,)]
    assert closed_rows(
        "SELECT position FROM closed.slot JOIN closed.kit k ON k.id = kit_id WHERE k.code = %s", press(enrolment, alice)
    ) == [(1,)]


def test_connection_killed_after_commit_keeps_the_whole(prepared, enrolment, alice, owner_connection):
    kit = press(enrolment, alice)
    owner_connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'rtms_web' AND datname = current_database()"
    )
    connections.close_all()
    assert Allocation.objects.get().kit_code == kit
    assert press(enrolment, alice) == kit


def test_allocation_without_audit_context_is_refused_by_the_database(prepared, enrolment):
    with connect("web") as web, pytest.raises(psycopg.Error) as caught:
        web.execute("SELECT registry_allocate(%s, 1::smallint, 'site=N', %s, %s)", [enrolment.pk, NOW, NOW.date()])
    assert caught.value.sqlstate == "RT001"


def test_prepared_places_and_kits_cannot_be_exchanged(prepared, owner_connection):
    for change in (
        "UPDATE closed.slot SET arm_id = arm_id",
        "UPDATE closed.kit SET part = 'sham'",
        "UPDATE closed.slot SET position = position + 100",
    ):
        with pytest.raises(psycopg.Error) as caught:
            owner_connection.execute(change)
        assert caught.value.sqlstate == "RT002"


def test_other_trials_patient_takes_no_place_of_this_list(prepared, eve, other_trial, setup_actor):
    stranger = make_enrolment(other_trial, "P-0001", site="N", by=setup_actor)
    with pytest.raises(AllocationRefused):
        press(stranger, eve)


def test_import_list_reads_arms_of_its_own_trial_only(prepared, uma, setup_actor):
    other = make_trial("third-1", by=setup_actor)
    with pytest.raises(NotAllowed):
        allocation.import_list(trial=other, content=b"stratum,arm\n,m1-sham\n", by=uma)
