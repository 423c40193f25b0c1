"""Sessions and adverse events in the two documents: by what was received, nobody left out, nothing that decodes coded arms."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from registry.models import AdverseEvent, Disposition, Enrolment, ReportDocument, Trial, WeeklyReport
from registry.reports.making import make_report
from registry.rules.report_weeks import ReportWeek
from registry.services.auditing import audited
from tests.reports.conduct_scene import add_arms, deal, report_event, stimulate
from tests.reports.conftest import allocate
from tests.trials import ENROLLED_ON, make_enrolment

SUMMED_SESSIONS = ("patients", "given", "partial", "not_given", "missed", "with_plan", "received")
SUMMED_EVENTS = ("treated", "with_any", "before_treatment", "serious_events", "serious_patients", "severe_patients", "deaths")


def make(trial: Trial, by: Any, cutoff: datetime, *, version: int = 1, week: str = "") -> WeeklyReport:
    """Return a report made now of the records before an instant."""
    named = week or str(ReportWeek.of(cutoff, trial.zone))
    report = WeeklyReport.objects.create(
        trial=trial, week=named, version=version, cutoff=cutoff, requested_by=by, requested_at=timezone.now()
    )
    assert make_report(report, now=timezone.now()) == ""
    return WeeklyReport.objects.select_related("trial").get(pk=report.pk)


def open_of(report: WeeklyReport) -> Any:
    return json.loads(ReportDocument.objects.get(report=report).payload)


def closed_of(report: WeeklyReport, column: str = "payload") -> Any:
    with connections["closed"].cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM closed.report_document WHERE report_id = %s", [report.pk])
        (found,) = cursor.fetchone()
    return json.loads(found) if column == "payload" else found


def lines_of(payload: Any) -> dict[str, Any]:
    return {line["label"]: line for line in payload["conduct"]["lines"]}


def summed(payload: Any) -> dict[str, int]:
    lines = payload["conduct"]["lines"]
    sessions = {key: sum(line["sessions"][key] for line in lines) for key in SUMMED_SESSIONS}
    return sessions | {key: sum(line["events"][key] for line in lines) for key in SUMMED_EVENTS}


@pytest.fixture
def several(running: Trial, setup_actor: Any) -> Trial:
    """Return the trial with somebody in every line: arms as allocated and by another kit, several parts, none, and volunteers."""
    arms = add_arms(running, setup_actor)
    with audited(by=setup_actor):
        running.plans.update(small_cell_minimum=0)
    people = {"P-0001": running.enrolments.get()}
    for code in ("P-0002", "P-0003", "P-0004"):
        people[code] = allocate(running, code, setup_actor)
    for code in people:
        deal(people[code], arms["m1-sham"], setup_actor)
    for code, kit in (("P-0001", ""), ("P-0002", "K-SHAM"), ("P-0003", "K-ACT"), ("P-0004", "K-ACT"), ("P-0004", "K-SHAM")):
        stimulate(people[code], setup_actor, kit, delivered=2700)
        report_event(people[code], setup_actor, serious=code == "P-0003")
    people["P-0005"] = make_enrolment(running, "P-0005", site="N", by=setup_actor)
    report_event(people["P-0005"], setup_actor, serious=True)
    people["H-0001"] = make_enrolment(running, "H-0001", site="N", by=setup_actor)
    with audited(by=setup_actor):
        Enrolment.objects.filter(pk=people["H-0001"].pk).update(cohort="healthy")
    stimulate(people["H-0001"], setup_actor)
    report_event(people["H-0001"], setup_actor, serious=True, term="syncope")
    return running


def test_events_stand_by_what_was_received_and_add_up_to_the_open_totals(several: Trial, setup_actor: Any) -> None:
    report = make(several, setup_actor, timezone.now())
    opened, closed = open_of(report), closed_of(report)
    told = {label: (line["events"]["treated"], line["events"]["serious_events"]) for label, line in lines_of(closed).items()}
    assert told == {
        # Letters D to A were given from the first arm to the last.
        **{"Arm A": (0, 0), "Arm B": (0, 0), "Arm C": (2, 0), "Arm D": (1, 1)},
        **{"Several or unclear": (1, 0), "Not allocated": (0, 1), "Healthy volunteers": (1, 1)},
    }
    assert list(lines_of(opened)) == ["Patients", "Healthy volunteers"]
    assert summed(opened) == summed(closed)
    assert (summed(opened)["serious_events"], summed(opened)["before_treatment"]) == (3, 1)
    assert "As received: the parts of the kits" in closed_of(report, "html")
    assert "As received" not in ReportDocument.objects.get(report=report).html


def test_deaths_and_severe_events_are_told_whoever_they_befell_and_however_few(several: Trial, setup_actor: Any) -> None:
    people = {one.patient_code: one for one in several.enrolments.all()}
    with audited(by=setup_actor):
        several.plans.update(small_cell_minimum=50)
        Disposition.objects.create(enrolment=people["P-0005"], kind="death", happened_on=ENROLLED_ON)
        Disposition.objects.create(enrolment=people["P-0001"], kind="death", happened_on=ENROLLED_ON, voided_at=timezone.now())
        AdverseEvent.objects.filter(enrolment=people["P-0003"]).update(serious_criteria=["death"])
        AdverseEvent.objects.filter(enrolment=people["P-0002"]).update(grade=3)
    report = make(several, setup_actor, timezone.now())
    opened, closed = open_of(report), closed_of(report)
    assert {label: line["events"]["deaths"] for label, line in lines_of(closed).items() if line["events"]["deaths"]} == {
        **{"Arm D": 1, "Not allocated": 1}
    }
    assert {label: line["events"]["severe_patients"] for label, line in lines_of(closed).items() if line["events"]["severe_patients"]} == {
        **{"Arm C": 1}
    }
    patients = lines_of(opened)["Patients"]["events"]
    assert (patients["deaths"], patients["severe_patients"], patients["suppressed"]) == (2, None, True)
    for html in (ReportDocument.objects.get(report=report).html, closed_of(report, "html")):
        assert '<th scope="row">Died</th>' in html


def test_an_allocation_since_the_cut_off_is_not_known_to_a_late_report(several: Trial, setup_actor: Any) -> None:
    late = several.enrolments.get(patient_code="P-0005")
    cutoff = timezone.now()
    deal(late, arm_of(several, "m1-sham"), setup_actor)
    assert lines_of(closed_of(make(several, setup_actor, cutoff)))["Not allocated"]["events"]["serious_events"] == 1
    assert "Not allocated" not in lines_of(closed_of(make(several, setup_actor, timezone.now(), version=2)))


def arm_of(trial: Trial, code: str) -> int:
    with connections["closed"].cursor() as cursor:
        cursor.execute("SELECT id FROM closed.arm WHERE trial_id = %s AND code = %s", [trial.pk, code])
        return int(cursor.fetchone()[0])


def test_no_pulses_stand_by_coded_arms(several: Trial, setup_actor: Any) -> None:
    report = make(several, setup_actor, timezone.now())
    sessions = [line["sessions"] for line in closed_of(report)["conduct"]["lines"]]
    assert {(found["pulses_delivered"], found["pulses_planned"]) for found in sessions} == {(None, None)}
    assert lines_of(closed_of(report))["Arm C"]["sessions"]["percent_of_planned"] == 90
    assert "Pulses given" not in closed_of(report, "html")
    assert "Pulses given" in ReportDocument.objects.get(report=report).html
    with audited(by=setup_actor):
        Trial.objects.filter(pk=several.pk).update(decoded_at=timezone.now())
    decoded = make(Trial.objects.get(pk=several.pk), setup_actor, timezone.now(), version=2)
    assert lines_of(closed_of(decoded))["m1-sham"]["sessions"]["pulses_delivered"] == 5400
    assert "Pulses given" in closed_of(decoded, "html")


def test_few_volunteers_hide_only_their_own_line(several: Trial, setup_actor: Any) -> None:
    with audited(by=setup_actor):
        several.plans.update(small_cell_minimum=3)
    report = make(several, setup_actor, timezone.now())
    told = {label: (line["events"]["with_any"], line["events"]["serious_events"]) for label, line in lines_of(open_of(report)).items()}
    assert told == {"Patients": (4, 2), "Healthy volunteers": (None, 1)}
    assert "4 of 4 stimulated had one, 3 serious" in ReportDocument.objects.get(report=report).html


def test_serious_events_are_listed_one_by_one_with_the_arm_received_in_the_closed_report_alone(several: Trial, setup_actor: Any) -> None:
    with audited(by=setup_actor):
        AdverseEvent.objects.filter(enrolment__patient_code="P-0003").update(
            term="other", term_text="Broken wrist", relatedness="unlikely", outcome="recovered", serious_criteria=["hospital", "disability"]
        )
    report = make(several, setup_actor, timezone.now())
    assert open_of(report)["conduct"]["serious"] is None
    opened = ReportDocument.objects.get(report=report).html
    assert "listed one by one in the closed report" in opened
    for word in ("Broken wrist", "one line each", "Serious because"):
        assert word not in opened, word
    found = {event["label"]: event for event in closed_of(report)["conduct"]["serious"]}
    assert {label: event["line"] for label, event in found.items()} == {
        "Other": "Arm D", "Headache": "Not allocated", "Faint (syncope)": "Healthy volunteers",
    }  # fmt: skip
    wrist = found["Other"]
    assert (wrist["words"], wrist["onset"], wrist["relatedness"], wrist["outcome"]) == (
        "Broken wrist", ENROLLED_ON.isoformat(), "Unlikely", "Recovered",
    )  # fmt: skip
    assert wrist["criteria"] == ["Hospital stay new or longer", "Lasting disability"]
    page = closed_of(report, "html")
    assert "Serious adverse events, one line each" in page
    assert "Other: Broken wrist" in page
    # Terms, not persons: nobody's number stands in it.
    assert not any(code in page for code in several.enrolments.values_list("patient_code", flat=True))


def test_where_response_may_be_shown_the_open_report_lists_serious_events_without_arm_and_words(several: Trial, setup_actor: Any) -> None:
    with audited(by=setup_actor):
        AdverseEvent.objects.filter(enrolment__patient_code="P-0003").update(term="other", term_text="Broken wrist")
        Trial.objects.filter(pk=several.pk).update(pooled_efficacy=True)
    report = make(several, setup_actor, timezone.now())
    listed = open_of(report)["conduct"]["serious"]
    assert sorted(event["label"] for event in listed) == ["Faint (syncope)", "Headache", "Other"]
    assert {(event["line"], event["words"]) for event in listed} == {("", "")}
    page = ReportDocument.objects.get(report=report).html
    assert "Serious adverse events, one line each" in page
    assert "Broken wrist" not in page
    assert "Arm D" not in page


def test_a_serious_event_recorded_since_the_cut_off_is_not_listed(several: Trial, setup_actor: Any) -> None:
    cutoff = timezone.now()
    report_event(several.enrolments.get(patient_code="P-0001"), setup_actor, serious=True, term="seizure")
    report = make(several, setup_actor, cutoff)
    assert "Seizure" not in [event["label"] for event in closed_of(report)["conduct"]["serious"]]
