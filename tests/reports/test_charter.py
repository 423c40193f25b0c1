"""Closed efficacy at the dates of the charter: in which reports it stands, what the others say, and that no door tells more."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from registry.models import CharterLook, ReportDocument, Trial, WeeklyReport
from registry.outcomes.refresh import refresh_trial
from registry.reports.again import differences
from registry.reports.making import make_report
from registry.rules.report_weeks import ReportWeek
from registry.selectors.outcomes import latest_closed
from registry.selectors.reports import closed_report, open_report
from registry.services.auditing import audited
from registry.services.trial_setup import add_part, correct_part
from tests.api.conftest import Api, token_of
from tests.reports.conduct_scene import add_arms, deal
from tests.reports.test_conduct import closed_of, make, open_of

WHY = "as in version 2 of the charter"
WITHHELD = "this week has none of them"
OF_RESPONSE = ("rates", "means", "contrasts", "curve", "responders", "observed_non_responders")


@pytest.fixture
def weeks(running: Trial) -> list[ReportWeek]:
    """Return the present week and the four after it."""
    first = ReportWeek.of(timezone.now(), running.zone)
    return [ReportWeek(first.monday + timedelta(weeks=number)) for number in range(5)]


@pytest.fixture
def by_arm(running: Trial, setup_actor: Any) -> Trial:
    """Return the trial with its patient in an arm, and a snapshot of that."""
    deal(running.enrolments.get(), add_arms(running, setup_actor)["m1-active"], setup_actor)
    refresh_trial(running.pk)
    return running


def plan(trial: Trial, code: str, on: date, by: Any, label: str = "") -> None:
    """Set a look."""
    values = {"code": code, "label": label or code, "planned_on": on.isoformat()}
    add_part(trial=trial, section="looks", values=values, reason=WHY, by=by, now=timezone.now())


def move(trial: Trial, code: str, by: Any, **values: Any) -> None:
    """Change a look."""
    correct_part(
        trial=trial, section="looks", values={"code": code, **values}, reason="the board met again", by=by, now=timezone.now(), partial=True
    )


def report_of(trial: Trial, week: ReportWeek, by: Any, version: int = 1) -> WeeklyReport:
    return make(trial, by, week.ends_at(trial.zone), version=version, week=str(week))


def told_of_response(value: Any, name: str = "") -> Iterator[str]:
    """Yield every key of response that holds anything, wherever it is in a payload."""
    if name in OF_RESPONSE and value:
        yield name
    children = value.items() if isinstance(value, dict) else [("", one) for one in value] if isinstance(value, list) else []
    for key, child in children:
        yield from told_of_response(child, key)


def check_withheld(report: WeeklyReport) -> str:
    """Check that nothing of response stands in a closed document, and that the rest does; return its page."""
    payload, page = closed_of(report), html.unescape(closed_of(report, "html"))
    assert payload["efficacy"] == "withheld"
    assert list(told_of_response(payload["time_points"])) == []
    arms = payload["time_points"][0]["groups"][0]["arms"]
    assert [arm["code"] for arm in arms] == ["A", "B", "C", "D"]
    assert sum(arm["counts"]["completeness"]["complete"] for arm in arms) == 1
    assert payload["conduct"]["by_arm"]
    assert WITHHELD in page
    assert "Less pain by" not in page
    assert "95 % CI" not in page
    assert not ReportDocument.objects.get(report=report).efficacy_by_arm
    return page


def check_shown(report: WeeklyReport) -> str:
    """Check that response by arm stands in a closed document; return its page."""
    payload, page = closed_of(report), html.unescape(closed_of(report, "html"))
    assert payload["efficacy"] == "shown"
    assert set(told_of_response(payload["time_points"])) >= set(OF_RESPONSE) - {"contrasts"}
    assert "All response rates" in page
    assert ReportDocument.objects.get(report=report).efficacy_by_arm
    return page


def test_without_dates_efficacy_stands_every_week_and_the_document_says_that_none_are_set(
    by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any
) -> None:
    for week in weeks[:2]:
        assert "No dates of the board's charter are on record" in check_shown(report_of(by_arm, week, setup_actor))


def test_with_dates_efficacy_stands_in_the_look_s_report_and_its_remakes_alone(
    by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any, admin: Any
) -> None:
    # The cut-off of week 2 is the Monday after it: a look on that very day is in it, one on the day after in week 3.
    plan(by_arm, "interim1", weeks[2].monday, admin, "interim 1, 50 % of patients")
    plan(by_arm, "final", weeks[3].monday + timedelta(days=1), admin)
    before = check_withheld(report_of(by_arm, weeks[0], setup_actor))
    assert "The next look is interim 1, 50 % of patients, planned for" in before
    assert f"it will be in the report of {weeks[1]}" in before
    for version in (1, 2):
        look = check_shown(report_of(by_arm, weeks[1], setup_actor, version))
        assert "This report holds efficacy by arm, for the look: interim 1, 50 % of patients" in look
        assert f"The next look is final, planned for {weeks[3].monday + timedelta(days=1):%a}" in look
    check_withheld(report_of(by_arm, weeks[2], setup_actor))
    assert "No further look is planned." in check_shown(report_of(by_arm, weeks[3], setup_actor))
    assert "No further look is planned." in check_withheld(report_of(by_arm, weeks[4], setup_actor))


def test_open_documents_know_nothing_of_looks(by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any, admin: Any) -> None:
    plan(by_arm, "interim1", weeks[2].monday, admin)
    for week in weeks[:2]:
        opened = open_of(report_of(by_arm, week, setup_actor))
        assert "charter" not in opened
        assert opened["efficacy"] == "withheld"


def test_a_week_under_way_holds_no_look(by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any, admin: Any) -> None:
    plan(by_arm, "interim1", weeks[0].next.monday, admin)
    page = check_withheld(make(by_arm, setup_actor, timezone.now(), week=str(weeks[0])))
    assert f"it will be in the report of {weeks[0]}" in page
    check_shown(report_of(by_arm, weeks[0], setup_actor, 2))


def test_both_kinds_are_computed_anew_to_the_same_bytes_whatever_became_of_the_dates(
    by_arm: Trial, weeks: list[ReportWeek], uma: Any, setup_actor: Any, admin: Any
) -> None:
    plan(by_arm, "interim1", weeks[1].monday, admin)
    reports = [report_of(by_arm, week, setup_actor) for week in weeks[:2]]
    move(by_arm, "interim1", admin, planned_on=weeks[4].monday.isoformat())
    plan(by_arm, "final", weeks[4].monday, admin)
    check_shown(reports[0])
    check_withheld(reports[1])
    for report in reports:
        for read in (open_report, closed_report):
            assert differences(report, read(by_arm, report.week, 1, by=uma), now=timezone.now()) == []


def test_a_date_set_while_a_report_waits_its_turn_is_of_a_later_document(
    by_arm: Trial, weeks: list[ReportWeek], uma: Any, setup_actor: Any, admin: Any
) -> None:
    plan(by_arm, "final", weeks[4].monday, admin)
    began = timezone.now()
    plan(by_arm, "interim1", weeks[1].monday, admin)
    week = weeks[0]
    report = WeeklyReport.objects.create(
        trial=by_arm, week=str(week), version=1, cutoff=week.ends_at(by_arm.zone), requested_by=setup_actor, requested_at=began
    )
    assert make_report(report, now=began) == ""
    report = WeeklyReport.objects.select_related("trial").get(pk=report.pk)
    assert [look["code"] for look in closed_of(report)["charter"]["looks"]] == ["final"]
    assert differences(report, closed_report(by_arm, report.week, 1, by=uma), now=timezone.now()) == []


def test_a_date_changed_after_a_look_is_printed_with_its_reason_and_one_before_is_not(
    by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any, admin: Any
) -> None:
    plan(by_arm, "interim1", weeks[2].monday, admin)
    move(by_arm, "interim1", admin, planned_on=weeks[1].monday.isoformat())
    assert "Changed after" not in check_shown(report_of(by_arm, weeks[0], setup_actor))
    plan(by_arm, "interim2", weeks[3].monday, admin)
    move(by_arm, "interim2", admin, planned_on=weeks[4].monday.isoformat(), label="interim 2")
    move(by_arm, "interim2", admin, called_off=True)
    page = check_withheld(report_of(by_arm, weeks[1], setup_actor))
    assert page.count("Changed after efficacy by arm had been shown") == 3
    assert "interim2 was set for" in page
    assert f"interim 2 was moved from {weeks[3].monday:%a}" in page
    assert "was named interim2 before" in page
    assert "interim 2 was called off" in page
    assert WHY in page
    assert "the board met again" in page


def test_a_look_called_off_is_in_no_report_and_brings_the_weekly_ones_not_back(
    by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any, admin: Any
) -> None:
    plan(by_arm, "interim1", weeks[1].monday, admin)
    move(by_arm, "interim1", admin, called_off=True)
    assert "No further look is planned." in check_withheld(report_of(by_arm, weeks[0], setup_actor))


@pytest.mark.parametrize("end", ["locked_at", "decoded_at"])
def test_dates_hold_until_the_trial_is_locked_or_decoded(
    by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any, admin: Any, end: str
) -> None:
    plan(by_arm, "interim1", weeks[4].monday, admin)
    with audited(by=setup_actor):
        Trial.objects.filter(pk=by_arm.pk).update(**{end: timezone.now()})
    assert "hold no more" in check_shown(report_of(by_arm, weeks[0], setup_actor))
    refresh_trial(by_arm.pk)
    with connections["closed"].cursor() as cursor:
        cursor.execute("SELECT payload FROM closed.snapshot ORDER BY number DESC LIMIT 1")
        assert json.loads(cursor.fetchone()[0])["efficacy"] == "shown"


def test_a_first_date_counts_at_once_and_nothing_of_response_is_computed_for_between(
    by_arm: Trial, weeks: list[ReportWeek], uma: Any, setup_actor: Any, admin: Any
) -> None:
    shown = latest_closed(by_arm, by=uma)
    assert shown is not None
    assert set(told_of_response(shown.payload["time_points"])) == set(OF_RESPONSE)
    plan(by_arm, "interim1", weeks[4].monday, admin)
    at_once = latest_closed(by_arm, by=uma)
    assert at_once is not None
    assert at_once.number == shown.number
    assert list(told_of_response(at_once.payload["time_points"])) == []
    refresh_trial(by_arm.pk)
    with connections["closed"].cursor() as cursor:
        cursor.execute("SELECT payload FROM closed.snapshot ORDER BY number DESC LIMIT 1")
        stored = json.loads(cursor.fetchone()[0])
    assert (stored["efficacy"], list(told_of_response(stored["time_points"]))) == ("withheld", [])


def test_dashboard_tables_api_and_command_show_none_and_lead_to_the_last_look(
    by_arm: Trial, weeks: list[ReportWeek], uma: Any, setup_actor: Any, admin: Any, client: Client
) -> None:
    client.force_login(uma, backend="allauth.account.auth_backends.AuthenticationBackend")
    at = f"/t/{by_arm.slug}"
    assert 'id="responders"' in client.get(f"{at}/dashboard/closed/").content.decode()
    plan(by_arm, "interim1", weeks[1].monday, admin, "interim 1")
    plan(by_arm, "final", weeks[4].monday, admin, "final look")
    none_yet = client.get(f"{at}/dashboard/closed/").content.decode()
    assert "It has not been shown yet." in none_yet
    assert "The next look is interim 1" in none_yet
    look = report_of(by_arm, weeks[0], setup_actor)
    for page in (client.get(f"{at}/dashboard/closed/"), client.get(f"{at}/outcomes/closed/")):
        text = page.content.decode()
        assert "Efficacy by arm is not shown here" in text
        assert f'href="{at}/reports/{look.week}/1/closed/"' in text
        assert "The next look is final look" in text
        for word in ("Newcombe", "Number needed", "95 % CI", 'id="responders"'):
            assert word not in text.split('id="definitions"')[0], word
    assert client.get(f"{at}/dashboard/closed/responders.csv").status_code == 404
    assert client.get(f"{at}/dashboard/closed/completeness.csv").status_code == 200
    sent = Api(token_of(uma)).get(f"outcomes/{by_arm.slug}/closed/").json()
    assert list(told_of_response(sent["payload"]["time_points"])) == []
    assert sent["looks"]["last_shown"]["snapshot"].endswith(f"/{look.week}/1/closed/snapshot.json")
    assert sent["looks"]["next"] == {
        "code": "final",
        "label": "final look",
        "planned_on": weeks[4].monday.isoformat(),
        "week": str(weeks[3]),
    }
    shown = Api(token_of(uma)).get(sent["looks"]["last_shown"]["snapshot"]).json()
    assert shown == closed_of(look)
    out = io.StringIO()
    call_command("outcomes", by_arm.slug, "--closed", "--format", "json", "--as", uma.email, stdout=out)
    assert list(told_of_response(json.loads(out.getvalue())["time_points"])) == []


def test_without_dates_the_api_says_that_none_are_in_force(by_arm: Trial, uma: Any) -> None:
    sent = Api(token_of(uma)).get(f"outcomes/{by_arm.slug}/closed/").json()
    assert sent["looks"] is None
    assert set(told_of_response(sent["payload"]["time_points"])) == set(OF_RESPONSE)


def test_dates_stay_in_the_history(by_arm: Trial, weeks: list[ReportWeek], setup_actor: Any, admin: Any) -> None:
    plan(by_arm, "interim1", weeks[1].monday, admin)
    move(by_arm, "interim1", admin, planned_on=weeks[2].monday.isoformat())
    look: Any = CharterLook.objects.get()
    found = [(row.planned_on, row.change.reason) for row in look.history.select_related("change").order_by("pgh_id")]
    assert found == [(weeks[1].monday, WHY), (weeks[2].monday, "the board met again")]
