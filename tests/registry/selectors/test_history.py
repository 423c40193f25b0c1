"""The history of one patient, read from the event tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from registry.models import Change, Disposition, EnrolmentPain, PainScore
from registry.rules.adverse_events import NewAdverseEvent
from registry.rules.thresholds import NewThreshold
from registry.selectors.history import SUBJECTS, history_of, patient_history
from registry.selectors.history_records import SUBJECTS as RECORDS
from registry.services.adverse_events import record_adverse_events
from registry.services.auditing import audited, current_request_id
from registry.services.scores import Reason, correct_score
from registry.services.thresholds import correct_threshold, record_thresholds
from registry.vocabulary import AdverseEventTerm, Hemisphere
from tests.trials import make_diary

pytestmark = pytest.mark.django_db


def test_correction_reads_as_one_line(enrolment, alice, setup_actor, now):
    make_diary(enrolment, {1: "5"}, by=setup_actor)
    token = current_request_id.set("abc")
    correct_score(PainScore.objects.get(), value=Decimal(6), reason=Reason("typing_error"), by=alice, now=now)
    current_request_id.reset(token)
    [latest, *_] = patient_history(alice, enrolment)
    assert str(latest) == "Alice Example corrected the pain score for 2026-10-20 from 5 to 6: Typing error."
    assert (latest.who, latest.reason, latest.request_id) == ("Alice Example", "Typing error", "abc")


def test_voided_disposition_is_named(enrolment, alice, now):
    with audited(by=alice, reason="said so"):
        row = Disposition.objects.create(enrolment=enrolment, kind="stop_of_stimulation", happened_on=date(2026, 11, 2), reason="logistics")
    with audited(by=alice, reason="wrong patient"):
        Disposition.objects.filter(pk=row.pk).update(voided_at=now)
    assert [entry.sentence for entry in patient_history(alice, enrolment, limit=2)] == [
        "Voided the disposition (Stop of stimulation).",
        "Added a disposition: kind Stop of stimulation, happened on 2026-11-02, reason Travel or schedule.",
    ]


def test_limit_and_before_page_through_the_changes(enrolment, alice):
    for side in ("right", "both", "midline"):
        with audited(by=alice, reason=side):
            EnrolmentPain.objects.filter(enrolment=enrolment).update(side=side)
    assert [entry.reason for entry in patient_history(alice, enrolment, limit=2)] == ["midline", "both"]
    middle = Change.objects.get(reason="both")
    assert patient_history(alice, enrolment, before=middle.at)[0].reason == "right"
    assert patient_history(alice, enrolment, before=middle.at - timedelta(days=1)) == []


def test_number_of_queries_does_not_grow_with_the_history(enrolment, alice, setup_actor, django_assert_max_num_queries):
    make_diary(enrolment, dict.fromkeys(range(1, 60), "6"), by=setup_actor)
    for year in range(1950, 1980):
        with audited(by=setup_actor, reason="guess"):
            enrolment.patient.birth_year = year
            enrolment.patient.save()
    alice.current_memberships()
    # One for each table and each column that names another row, one for the scores, one for the changes.
    with django_assert_max_num_queries(len(SUBJECTS) + len(RECORDS) + 4 + 2):
        history_of(alice, enrolment)


def test_other_patients_changes_are_not_told(enrolment, other_site_enrolment, alice, setup_actor):
    with audited(by=setup_actor, reason="elsewhere"):
        EnrolmentPain.objects.filter(enrolment=other_site_enrolment).update(side="both")
    assert "elsewhere" not in [entry.reason for entry in patient_history(alice, enrolment)]


def test_thresholds_and_events_are_told_with_old_and_new_to_who_may_see_them(trial, enrolment, alice, uma, now):
    row = NewThreshold(patient="P-0001", percent_mso=54, hemisphere=Hemisphere.RIGHT, measured_on=date(2026, 11, 12))
    (threshold,) = record_thresholds(trial=trial, rows=[row], by=alice, now=now).thresholds
    correct_threshold(threshold, row=replace(row, percent_mso=45), reason=Reason("typing_error"), by=alice, now=now)
    event = NewAdverseEvent(patient="P-0001", term=AdverseEventTerm.HEADACHE, grade=1, onset_on=date(2026, 11, 12))
    record_adverse_events(trial=trial, rows=[event], by=alice, now=now)
    sentences = [entry.sentence for entry in patient_history(alice, enrolment)]
    assert "Corrected the motor threshold of 2026-11-12: % MSO from 54 to 45." in sentences
    assert (
        "Recorded the adverse event Headache of 2026-11-12: grade 1, serious no, relatedness Not assessed,"
        " action Not recorded, outcome Not known." in sentences
    )
