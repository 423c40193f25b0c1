"""Many rows by COPY are what a few by INSERT are: cells, numbers, history and refusals."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from registry.models import PainScore, StimulationSession
from registry.services import row_adding
from registry.services.auditing import audited
from registry.services.row_adding import COPIED_FROM, add_rows
from registry.vocabulary import SessionStatus

DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 1, 18, 30, 0, 123456, tzinfo=UTC)


def scores(enrolment: Any, by: Any, count: int = COPIED_FROM) -> list[PainScore]:
    scale = enrolment.trial.scales.get()
    return [
        PainScore(
            record=uuid.UUID(int=number),
            version=1,
            enrolment=enrolment,
            scale=scale,
            context="diary",
            recall="average_24h",
            source="diary",
            rater="patient",
            answer_state="on_time",
            scheduled=True,
            for_date=DAY - timedelta(days=number),
            submitted_at=AT,
            recorded_at=AT,
            zone="Europe/Berlin",
            value=Decimal(number % 11),
            value_units=(number % 11) * 1_000_000,
            row_id=f'a\tb\\N "{number}"\n',
        )
        for number in range(1, count + 1)
    ]


def sessions(enrolment: Any, by: Any, count: int = COPIED_FROM) -> list[StimulationSession]:
    """Sessions with what is hard to copy: no answer, an empty set, a set of texts with signs of an array's syntax, an empty text."""
    asked: Sequence[list[str] | None] = (None, [], ["pain", "sleep"], ['{"a",b}', "NULL", ""])
    return [
        StimulationSession(
            record=uuid.UUID(int=number),
            version=1,
            enrolment=enrolment,
            number=number,
            period=1,
            status=SessionStatus.MISSED,
            reason="patient_wish",
            for_date=DAY + timedelta(days=number),
            zone="Europe/Berlin",
            new_since_last=asked[number % len(asked)],
            side_effects_asked=False,
            as_planned=number % 2 == 0,
            pulses_delivered=0,
            recorded_at=AT,
            recorded_by_id=by.pk,
        )
        for number in range(1, count + 1)
    ]


def _stored(table: str) -> list[tuple[Any, ...]]:
    """Return all rows of a table and of its history without their numbers and their change."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t) - 'id' FROM {table} t ORDER BY record")
        rows = cursor.fetchall()
        cursor.execute(f"SELECT to_jsonb(t) - 'id' - '{{pgh_id,pgh_obj_id,change_id}}'::text[] FROM {table}changeevent t ORDER BY record")
        return rows + cursor.fetchall()


def _added(rows: Sequence[Any], by: Any) -> list[tuple[Any, ...]]:
    """Add rows, return what the tables hold then, and take all of it back."""
    with transaction.atomic():
        with audited(by=by, reason="rows added"):
            add_rows(rows)
            numbered = type(rows[0]).objects.in_bulk([row.pk for row in rows])
            assert [numbered[row.pk].record for row in rows] == [row.record for row in rows]
        found = _stored(rows[0]._meta.db_table)
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("make", [scores, sessions], ids=["scores", "sessions"])
def test_copied_rows_are_inserted_ones(enrolment: Any, setup_actor: Any, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    copied = _added(make(enrolment, setup_actor), setup_actor)
    monkeypatch.setattr(row_adding, "COPIED_FROM", COPIED_FROM + 1)
    inserted = _added(make(enrolment, setup_actor), setup_actor)
    assert len(copied) == 2 * COPIED_FROM
    assert copied == inserted


def test_many_rows_are_copied(enrolment: Any, setup_actor: Any) -> None:
    rows = scores(enrolment, setup_actor)
    with audited(by=setup_actor, reason="rows added"), CaptureQueriesContext(connection) as asked:
        add_rows(rows)
    assert not any("INSERT" in query["sql"] for query in asked)


def test_a_refusal_is_the_same(enrolment: Any, setup_actor: Any) -> None:
    rows = scores(enrolment, setup_actor)
    rows[-1].record, rows[-1].row_id = rows[0].record, ""
    with pytest.raises(IntegrityError, match="score_version_unique"), audited(by=setup_actor, reason="rows added"):
        add_rows(rows)
    assert not PainScore.objects.exists()


def test_what_the_database_fills_in_is_brought_back(enrolment: Any, setup_actor: Any) -> None:
    rows = scores(enrolment, setup_actor)
    unnamed = [PainScore(**{name: value for name, value in vars(row).items() if name not in ("_state", "record")}) for row in rows]
    with audited(by=setup_actor, reason="rows added"):
        add_rows(unnamed)
    assert all(isinstance(row.record, uuid.UUID) for row in unnamed)


def test_nothing_to_add_asks_nothing(enrolment: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        add_rows([])
