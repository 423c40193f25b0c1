"""A report of an old week goes by the trial as it was then, by the reports that were there then, and discloses what is allowed now."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from registry.models import ReportDocument, Scale, Site, Trial, User, WeeklyReport
from registry.reports import looking_back, snapshot
from registry.reports.again import differences
from registry.reports.earlier import last_open
from registry.reports.making import make_report
from registry.reports.snapshot import week_snapshot
from registry.rules.report_weeks import ReportWeek
from registry.selectors.reports import closed_report, open_report
from registry.services.auditing import audited
from registry.services.sealing import SealedState, sealer
from tests.reports.conduct_scene import add_arms
from tests.reports.conftest import allocate
from tests.reports.test_conduct import make, open_of


def change(trial: Trial, by: Any, **values: Any) -> Trial:
    with audited(by=by):
        Trial.objects.filter(pk=trial.pk).update(**values)
    return Trial.objects.get(pk=trial.pk)


def test_a_late_report_goes_by_the_trial_and_sites_of_its_cut_off(running: Trial, setup_actor: Any) -> None:
    running = change(running, setup_actor, planned_participants=40)
    cutoff = timezone.now()
    changes = {"name": "Another name", "planned_participants": 90, "locked_at": timezone.now(), "report_day": "friday", "report_hour": 23}
    running = change(running, setup_actor, **changes)
    with audited(by=setup_actor):
        Site.objects.filter(trial=running).update(name="Elsewhere")
    payload = open_of(make(running, setup_actor, cutoff))
    assert (payload["trial"]["name"], payload["recruitment"]["plan"]["participants"]) == ("CALM-M1", 40)
    # Locked since: nobody was due by that alone.
    assert payload["time_points"][1]["groups"][0]["counts"]["not_due"] == 1
    week = ReportWeek.of(cutoff, running.zone)
    assert payload["week"]["due"] == (week.ends_at(running.zone) + timedelta(hours=6)).isoformat()
    assert "Elsewhere" not in json.dumps(payload)


def test_what_history_kept_before_a_column_came_has_its_default(running: Trial, setup_actor: Any, owner_connection: Any) -> None:
    owner_connection.execute("ALTER TABLE registry_trialchangeevent DISABLE TRIGGER ALL")
    owner_connection.execute("UPDATE registry_trialchangeevent SET report_day = NULL, report_hour = NULL, grading_scheme = NULL")
    owner_connection.execute("ALTER TABLE registry_trialchangeevent ENABLE TRIGGER ALL")
    cutoff = timezone.now()
    week = ReportWeek.of(cutoff, running.zone)
    payload = open_of(make(running, setup_actor, cutoff))
    assert payload["week"]["due"] == (week.ends_at(running.zone) + timedelta(hours=6)).isoformat()


def test_the_same_bytes_come_again_whatever_became_of_the_trial(running: Trial, setup_actor: Any, alice: Any, uma: Any) -> None:
    add_arms(running, setup_actor)
    running = change(running, setup_actor, pooled_efficacy=True)
    report = make(running, setup_actor, timezone.now())
    changes = {"pooled_efficacy": False, "name": "Another name", "report_hour": 23, "time_zone": "Asia/Tokyo", "decoded_at": timezone.now()}
    kept = open_report(running, report.week, 1, by=alice), closed_report(running, report.week, 1, by=uma)
    change(running, setup_actor, **changes)
    report = WeeklyReport.objects.select_related("trial").get()
    assert [differences(report, one, now=timezone.now()) for one in kept] == [[], []]


def test_the_same_bytes_come_again_whatever_people_and_scales_are_called_since(
    running: Trial, setup_actor: Any, alice: Any, uma: Any
) -> None:
    add_arms(running, setup_actor)
    report = make(running, alice, timezone.now())
    kept = open_report(running, report.week, 1, by=alice), closed_report(running, report.week, 1, by=uma)
    assert "Alice Example" in kept[0].html
    with audited(by=setup_actor):
        User.objects.filter(pk=alice.pk).update(name="Alice Married-Since")
        Scale.objects.filter(trial=running).update(label="Another label")
    report = WeeklyReport.objects.select_related("trial").get()
    assert [differences(report, one, now=timezone.now()) for one in kept] == [[], []]


def test_response_withdrawn_since_does_not_stand_in_a_late_report(running: Trial, setup_actor: Any) -> None:
    running = change(running, setup_actor, pooled_efficacy=True)
    cutoff = timezone.now()
    running = change(running, setup_actor, pooled_efficacy=False)
    assert open_of(make(running, setup_actor, cutoff))["efficacy"] == "withheld"


def test_a_later_version_of_the_week_before_is_not_what_a_report_was_compared_with(running: Trial, setup_actor: Any) -> None:
    now = timezone.now()
    make(running, setup_actor, now, week="2020-W01")
    report = make(running, setup_actor, now)
    make(running, setup_actor, now + timedelta(days=1), week="2020-W01", version=2)
    assert compared_with(report) == now.isoformat()
    report.made_at = None
    assert compared_with(report) == (now + timedelta(days=1)).isoformat()


def compared_with(report: WeeklyReport) -> str:
    before = last_open(report)
    assert before is not None
    return datetime.fromisoformat(before["cutoff"]).isoformat()


def test_a_report_of_another_format_is_not_compared_with(running: Trial, setup_actor: Any, owner_connection: Any) -> None:
    first = make(running, setup_actor, timezone.now(), week="2020-W01")
    payload = open_of(first)
    del payload["conduct"], payload["report_format"]
    owner_connection.execute("ALTER TABLE registry_reportdocument DISABLE TRIGGER ALL")
    owner_connection.execute("UPDATE registry_reportdocument SET payload = %s", [json.dumps(payload)])
    owner_connection.execute("ALTER TABLE registry_reportdocument ENABLE TRIGGER ALL")
    now = timezone.now()
    report = WeeklyReport.objects.create(
        trial=running, week=str(ReportWeek.of(now, running.zone)), version=1, cutoff=now, requested_by=setup_actor, requested_at=now
    )
    assert make_report(report, now=now) == ""
    assert "no earlier report to compare with" in ReportDocument.objects.get(report=report).html


def test_only_rows_of_the_reports_trial_are_put_back_and_the_bytes_are_those_of_all_rows(
    running: Trial, other_trial: Trial, setup_actor: Any, monkeypatch: Any
) -> None:
    allocate(other_trial, "X-0001", setup_actor)
    cutoff = timezone.now()
    seen: list[dict[str, set[Any]]] = []

    def note_rows() -> None:
        rows = {"registry_trial": "id", "registry_site": "trial_id", "registry_enrolment": "trial_id", "registry_analysisplan": "trial_id"}
        with connection.cursor() as cursor:
            seen.append({name: ids_in(cursor, name, column) for name, column in (rows | OF_ENROLMENT).items()})

    monkeypatch.setattr(snapshot, "know_sizes", note_rows)
    report = make(running, setup_actor, cutoff)
    monkeypatch.setattr(looking_back, "REMEMBERED", dict.fromkeys(looking_back.REMEMBERED, "true"))
    whole = week_snapshot(report, now=timezone.now(), known_before=report.made_at)
    own, everything = seen
    assert all(own[name] == {running.pk} for name in ("registry_trial", "registry_site", "registry_enrolment", "registry_analysisplan"))
    assert all(len(own[name]) == 1 < len(everything[name]) for name in OF_ENROLMENT)
    payload = open_of(report)
    assert {key: value for key, value in whole.opened.items() if not key.startswith("seal")} == {
        key: value for key, value in payload.items() if not key.startswith("seal")
    }


OF_ENROLMENT = dict.fromkeys(("registry_allocation", "registry_enrolmentpain"), "enrolment_id") | {"registry_paindiagnosis": "patient_id"}


def ids_in(cursor: Any, table: str, column: str) -> set[Any]:
    cursor.execute(f"SELECT DISTINCT {column} FROM pg_temp.{table}")
    return {found for (found,) in cursor.fetchall()}


def test_others_seal_while_a_report_is_computed_and_the_report_names_the_seal_of_what_it_saw(
    running: Trial, setup_actor: Any, monkeypatch: Any
) -> None:
    """The lock ends with the snapshot: what is written since is sealed by others, and is not in the report."""
    sealed: list[SealedState] = []

    def write_and_seal_meanwhile() -> None:
        with ThreadPoolExecutor(1) as other:
            other.submit(change_elsewhere, running, setup_actor).result(60)
        sealed.append(seal_elsewhere())

    monkeypatch.setattr(snapshot, "know_sizes", write_and_seal_meanwhile)
    payload = open_of(make(running, setup_actor, timezone.now()))
    [later] = sealed
    assert later.number == payload["seal"] + 1
    assert payload["trial"]["name"] == "CALM-M1"
    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(hash, 'hex') FROM registry_seal WHERE number = %s", [payload["seal"]])
        assert cursor.fetchone() == (payload["seal_hash"],)


def change_elsewhere(trial: Trial, by: Any) -> None:
    change(trial, by, name="Another name")
    connection.close()


def seal_elsewhere() -> SealedState:
    """Seal as another worker does; fail where the lock is held."""
    other = connection.copy()
    other.settings_dict["OPTIONS"].pop("pool", None)
    try:
        with other.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")
            cursor.execute("SELECT registry_seal()")
            cursor.execute("SELECT number, encode(hash, 'hex') FROM registry_seal ORDER BY number DESC LIMIT 1")
            return SealedState(*cursor.fetchone())
    finally:
        other.close()


def test_a_seal_that_cannot_be_put_on_leaves_no_lock_behind(running: Trial, monkeypatch: Any) -> None:
    with pytest.raises(ZeroDivisionError), sealer():
        raise ZeroDivisionError
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('registry_seal')), pg_advisory_unlock(hashtext('registry_seal'))")
        assert cursor.fetchone() == (True, True)
