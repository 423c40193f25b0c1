"""Motor thresholds: what is written, what is refused, versions, who may."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound
from registry.models import Coil, MotorThreshold
from registry.rules.thresholds import NewThreshold
from registry.services.auditing import audited
from registry.services.reasons import Reason
from registry.services.thresholds import correct_threshold, record_thresholds, restore_threshold, void_threshold
from registry.vocabulary import CoilShape, Hemisphere, ThresholdMethod

ROW = NewThreshold(
    patient="P-0001", percent_mso=54, hemisphere=Hemisphere.RIGHT, measured_on=date(2026, 11, 12), method=ThresholdMethod.EMG
)
TYPING_ERROR = Reason("typing_error")


@pytest.fixture
def coil(trial: Any, setup_actor: Any) -> Coil:
    with audited(by=setup_actor):
        return Coil.objects.create(trial=trial, code="C1", model="Figure 70", shape=CoilShape.FIGURE_8)


def record(trial: Any, by: Any, now: datetime, *rows: NewThreshold) -> list[MotorThreshold]:
    return record_thresholds(trial=trial, rows=rows or [ROW], by=by, now=now).thresholds


def test_a_threshold_is_written_with_what_it_was_measured_with(trial: Any, enrolment: Any, coil: Coil, alice: Any, now: datetime) -> None:
    measured_at = datetime(2026, 11, 11, 23, 30, tzinfo=UTC)  # the 12th in Berlin
    (row,) = record(trial, alice, now, replace(ROW, measured_on=None, measured_at=measured_at, coil="C1"))
    stored = MotorThreshold.objects.get(record=row.record)
    assert (stored.percent_mso, stored.coil, stored.measured_on, stored.zone) == (54, coil, date(2026, 11, 12), "Europe/Berlin")
    assert (stored.version, stored.recorded_by, stored.recorded_at) == (1, alice, now)


def test_statements_do_not_grow_with_the_rows(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    alice.current_memberships()
    counts = []
    for rows in (1, 60):
        with CaptureQueriesContext(connection) as statements:
            record(trial, alice, now, *[replace(ROW, percent_mso=30 + number) for number in range(rows)])
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_the_same_record_again_changes_nothing_and_another_content_conflicts(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    row = replace(ROW, record=uuid.uuid4())
    record(trial, alice, now, row)
    assert record_thresholds(trial=trial, rows=[row], by=alice, now=now).repeated == 1
    with pytest.raises(Conflict, match="another one"):
        record(trial, alice, now, replace(row, percent_mso=55))
    assert MotorThreshold.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"percent_mso": 0}, "percent_mso", id="none"),
        pytest.param({"percent_mso": 101}, "percent_mso", id="above output"),
        pytest.param({"hemisphere": Hemisphere.BOTH}, "hemisphere", id="both sides"),
        pytest.param({"coil": "C9"}, "coil", id="unknown coil"),
        pytest.param({"stimulator": "S9"}, "stimulator", id="unknown stimulator"),
        pytest.param({"measured_on": date(2026, 11, 20)}, "measured_on", id="future"),
        pytest.param({"measured_on": None}, "measured_on", id="no day"),
        pytest.param({"criterion_uv": 0}, "criterion_uv", id="criterion"),
        pytest.param({"muscle": "m" * 41}, "muscle", id="long muscle"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_written(
    trial: Any, enrolment: Any, alice: Any, now: datetime, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        record(trial, alice, now, ROW, replace(ROW, **change))
    assert [problem.field for problem in refusal.value.problems] == [f"rows[1].{field}"]
    assert not MotorThreshold.objects.exists()


def test_a_correction_is_a_version_and_only_the_first_of_two_wins(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    (first,) = record(trial, alice, now)
    second = correct_threshold(first, row=replace(ROW, percent_mso=45), reason=TYPING_ERROR, by=alice, now=now)
    assert (second.version, second.percent_mso, second.record) == (2, 45, first.record)
    with pytest.raises(Conflict, match="Somebody changed"):
        correct_threshold(first, row=replace(ROW, percent_mso=46), reason=TYPING_ERROR, by=alice, now=now)
    assert list(MotorThreshold.objects.current().values_list("percent_mso", flat=True)) == [45]


def test_a_voided_threshold_comes_back_as_its_next_version(trial: Any, enrolment: Any, alice: Any, now: datetime) -> None:
    (first,) = record(trial, alice, now)
    void_threshold(first, reason=TYPING_ERROR, by=alice, now=now)
    assert not MotorThreshold.objects.current().exists()
    voided = MotorThreshold.objects.get(pk=first.pk)
    back = restore_threshold(voided, reason=TYPING_ERROR, by=alice, now=now)
    assert (back.version, back.voided, MotorThreshold.objects.current().count()) == (2, False, 1)
    with pytest.raises(Conflict, match="not voided any more"):
        restore_threshold(voided, reason=TYPING_ERROR, by=alice, now=now)


def test_another_sites_patient_does_not_exist_and_a_reader_may_not_write(
    trial: Any, enrolment: Any, charlie: Any, uma: Any, now: datetime
) -> None:
    with pytest.raises(NotFound, match="P-0001"):
        record(trial, charlie, now)
    with pytest.raises(NotAllowed):
        record(trial, uma, now)


def test_only_visible_thresholds_are_read(trial: Any, enrolment: Any, alice: Any, charlie: Any, oscar: Any, now: datetime) -> None:
    record(trial, alice, now)
    assert [MotorThreshold.objects.visible_to(user).count() for user in (alice, oscar, charlie)] == [1, 1, 0]
