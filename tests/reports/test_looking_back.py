"""A report of an old week goes by the trial as it was then, by the reports that were there then, and discloses what is allowed now."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from registry.models import ReportDocument, Site, Trial, WeeklyReport
from registry.reports.again import differences
from registry.reports.earlier import last_open
from registry.reports.making import make_report
from registry.rules.report_weeks import ReportWeek
from registry.selectors.reports import closed_report, open_report
from registry.services.auditing import audited
from tests.reports.conduct_scene import add_arms
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
