"""Recording sets of scores: what is written, what is a repeat, who may."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound
from registry.models import Enrolment, PainScore, Scale, StaleMark
from registry.rules.scores import NewScore
from registry.services.auditing import audited
from registry.services.scores import record_scores
from registry.vocabulary import RecallPeriod, ScoreContext, ScoreSource
from tests.trials import make_enrolment

DIARY = NewScore(
    patient="P-0001",
    scale="NRS",
    value=Decimal(7),
    context=ScoreContext.DIARY,
    recall=RecallPeriod.AVERAGE_24H,
    source=ScoreSource.DIARY,
    for_date=date(2026, 11, 18),
)
VISIT = replace(DIARY, context=ScoreContext.VISIT, source=ScoreSource.CLINIC, for_date=None, visit="W4")


def test_a_score_is_written_with_its_times_and_marks_its_patient_stale(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    (score,) = record_scores(trial=trial, rows=[DIARY], by=alice, now=now).scores
    stored = PainScore.objects.get(record=score.record)
    assert (stored.value, stored.value_units, stored.version, stored.for_date) == (7, 7_000_000, 1, date(2026, 11, 18))
    assert (stored.submitted_at, stored.recorded_at, stored.zone) == (now, now, "Europe/Berlin")
    assert StaleMark.objects.get().enrolment_id == enrolment.pk


def test_statements_do_not_grow_with_the_rows(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    counts = []
    alice.current_memberships()  # read once for each person
    for days in (1, 1, 40):
        rows = [replace(DIARY, for_date=date(2026, 10, 1 + day % 28), source=ScoreSource.PHONE) for day in range(days)]
        with CaptureQueriesContext(connection) as statements:
            record_scores(trial=trial, rows=rows, by=alice, now=now)
        counts.append(len(statements))
    # The first reads the design of the trial, which is kept.
    assert counts[1] == counts[2] < counts[0]


def test_the_same_record_again_changes_nothing(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    row = replace(DIARY, record=uuid.uuid4())
    assert record_scores(trial=trial, rows=[row], by=alice, now=now).repeated == 0
    again = record_scores(trial=trial, rows=[row, VISIT], by=alice, now=now)
    assert (len(again.scores), again.repeated, PainScore.objects.count()) == (1, 1, 2)


def test_a_record_of_another_score_is_a_conflict(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    row = replace(DIARY, record=uuid.uuid4())
    record_scores(trial=trial, rows=[row], by=alice, now=now)
    with pytest.raises(Conflict, match="belongs to another score"):
        record_scores(trial=trial, rows=[replace(row, value=Decimal(3))], by=alice, now=now)


def test_a_row_id_is_used_once_for_a_patient(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    record_scores(trial=trial, rows=[replace(DIARY, row_id="a")], by=alice, now=now)
    with pytest.raises(Conflict, match="row_id"):
        record_scores(trial=trial, rows=[replace(VISIT, row_id="a")], by=alice, now=now)


def test_the_day_follows_from_the_times(trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> None:
    night = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)  # 03:30 in Berlin: still the day before, for a diary
    rows = [
        replace(DIARY, for_date=None, recorded_at=night),
        replace(VISIT, visit=None, context=ScoreContext.UNSCHEDULED, observed_at=night),
    ]
    diary, other = record_scores(trial=trial, rows=rows, by=alice, now=now).scores
    assert (diary.for_date, other.for_date) == (date(2026, 11, 17), date(2026, 11, 18))
    assert (diary.submitted_at, other.submitted_at) == (night, night)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": Decimal(11)}, "value"),
        ({"value": Decimal("7.5")}, "value"),
        ({"scale": "VAS"}, "scale"),
        ({"scale_version": "2"}, "scale"),
        ({"for_date": date(2026, 11, 20)}, "for_date"),
        ({"for_date": None}, "for_date"),
        ({"visit": "W9"}, "visit"),
        ({"pain_rank": 2}, "pain_rank"),
        ({"recorded_at": datetime(2026, 12, 24, tzinfo=UTC)}, "recorded_at"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(trial: Any, enrolment: Enrolment, alice: Any, now: datetime, change: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        record_scores(trial=trial, rows=[replace(DIARY, **change)], by=alice, now=now)
    assert [problem.field for problem in refused.value.problems] == [field]
    with pytest.raises(InvalidInput) as refused:
        record_scores(trial=trial, rows=[DIARY, replace(DIARY, **change)], by=alice, now=now)
    assert [problem.field for problem in refused.value.problems] == [f"rows[1].{field}"]
    assert not PainScore.objects.exists()


def test_another_sites_patient_is_not_found(trial: Any, enrolment: Enrolment, charlie: Any, now: datetime) -> None:
    with pytest.raises(NotFound, match="no patient P-0001 among those you can see"):
        record_scores(trial=trial, rows=[DIARY], by=charlie, now=now)


def test_who_may_see_but_not_record_is_refused(trial: Any, enrolment: Enrolment, uma: Any, now: datetime) -> None:
    with pytest.raises(NotAllowed, match=r"score\.record"):
        record_scores(trial=trial, rows=[DIARY], by=uma, now=now)


def test_a_locked_trial_takes_no_scores(trial: Any, enrolment: Enrolment, alice: Any, setup_actor: Any, now: datetime) -> None:
    with audited(by=setup_actor, reason="locked for the test"):
        trial.locked_at = now
        trial.save()
    with pytest.raises(Conflict, match="locked"):
        record_scores(trial=trial, rows=[DIARY], by=alice, now=now)


class TestReferences:
    """The database refuses a score that refers to nothing, or to another trial or patient."""

    @pytest.fixture
    def score(self, trial: Any, enrolment: Enrolment, alice: Any, now: datetime) -> PainScore:
        return record_scores(trial=trial, rows=[replace(DIARY, pain_rank=1, visit="W4")], by=alice, now=now).scores[0]

    @pytest.mark.parametrize("name", ["enrolment_id", "scale_id", "visit_type_id", "pain_id"])
    def test_nothing(self, score: PainScore, alice: Any, name: str) -> None:
        for write in (lambda row: row.save(force_insert=True), lambda row: PainScore.objects.filter(pk=score.pk).update(**{name: 999_999})):
            row = PainScore.objects.get(pk=score.pk)
            row.pk, row.record = None, uuid.uuid4()
            setattr(row, name, 999_999)
            with pytest.raises(IntegrityError, match="refers to a missing or foreign"), transaction.atomic(), audited(by=alice):
                write(row)

    def test_another_trials_scale(self, score: PainScore, other_trial: Any, alice: Any) -> None:
        foreign = Scale.objects.get(trial=other_trial)
        with pytest.raises(IntegrityError, match="foreign scale"), transaction.atomic(), audited(by=alice):
            PainScore.objects.filter(pk=score.pk).update(scale_id=foreign.pk)

    def test_another_patients_pain(self, score: PainScore, trial: Any, alice: Any, setup_actor: Any) -> None:
        pain = make_enrolment(trial, "P-0009", site="N", by=setup_actor).pains.get()
        with pytest.raises(IntegrityError, match="foreign pain"), transaction.atomic(), audited(by=alice):
            PainScore.objects.filter(pk=score.pk).update(pain_id=pain.pk)
