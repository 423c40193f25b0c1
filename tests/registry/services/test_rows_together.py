"""Rows written in one statement are what rows written model by model are: cells, keys, history and refusals."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from registry.models import StimulationBlock, StimulationSession
from registry.services import rows_together
from registry.services.auditing import audited
from registry.services.row_making import make_row
from registry.services.rows_together import RowsTogether, text_of
from registry.vocabulary import SessionStatus
from tests.registry.services.test_row_adding import scores, sessions

TABLES = ("stimulationsession", "stimulationblock", "painscore")
PATTERN = {
    "target": "m1_hand", "target_text": 'a\\"b', "hemisphere": "left", "frequency_hz": Decimal("10"), "pulses_per_burst": 1,
    "intra_burst_hz": None, "bursts_per_train": 100, "trains": 30, "gap_s": Decimal("2E+1"), "intensity_percent": Decimal("80.0"),
    "intensity_reference": "rmt", "setting_percent_mso": 42,
}  # fmt: skip


def parts(enrolment: Any, by: Any) -> tuple[list[StimulationSession], list[StimulationBlock], list[Any]]:
    """Return sessions, two blocks of each, and scores; the blocks know their session, which has no key yet."""
    made = sessions(enrolment, by, 4)
    blocks = [make_row(StimulationBlock, {**PATTERN, "position": position}) for _ in made for position in (1, 2)]
    for number, block in enumerate(blocks):
        block._state.fields_cache["session"] = made[number // 2]
    return made, blocks, scores(enrolment, by, 5)


def write(sets: Sequence[Sequence[models.Model]], by: Any) -> None:
    together = RowsTogether()
    with audited(by=by, reason="rows added"):
        for rows in sets:
            together.add(rows)
        together.write()


def stored() -> list[Any]:
    """Return the rows of the tables and of their histories without their numbers, each block beside its session."""
    found: list[Any] = []
    with connection.cursor() as cursor:
        for name, event in ((name, event) for name in TABLES for event in ("", "changeevent")):
            table = f"registry_{name}{event}"
            of = "(SELECT s.record FROM registry_stimulationsession s WHERE s.id = t.session_id)" if "block" in name else "t.record"
            cursor.execute(
                f"SELECT {of}, to_jsonb(t) - '{{id,pgh_id,pgh_obj_id,change_id,session_id}}'::text[] FROM {table} t ORDER BY 1, 2"
            )
            found.append(cursor.fetchall())
    return found


def written(enrolment: Any, by: Any) -> tuple[int, list[Any]]:
    """Write rows, return how many statements that took and what is on record, and take all of it back."""
    with transaction.atomic():
        sets = parts(enrolment, by)
        with CaptureQueriesContext(connection) as asked:
            write(sets, by)
        for rows in sets:
            numbered = type(rows[0])._default_manager.in_bulk([row.pk for row in rows])
            assert all(
                vars(numbered[row.pk])[name] == vars(row)[name] for row in rows for name in vars(row) if name in ("record", "position")
            )
        assert all(block.session_id == block.session.pk is not None for block in sets[1])
        assert not any(row._state.adding for rows in sets for row in rows)
        found = stored()
        transaction.set_rollback(True)
    return len(asked), found


def test_rows_written_together_are_those_written_model_by_model(enrolment: Any, setup_actor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, together = written(enrolment, setup_actor)
    monkeypatch.setattr(rows_together, "MOST_TOGETHER", 0)
    one_by_one, apart = written(enrolment, setup_actor)
    assert [len(rows) for rows in together] == [4, 4, 8, 8, 5, 5]
    assert together == apart
    assert one_by_one - at_once == 2


def test_a_refusal_is_the_same(enrolment: Any, setup_actor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (rows_together.MOST_TOGETHER, 0):
        monkeypatch.setattr(rows_together, "MOST_TOGETHER", most)
        made, blocks, values = parts(enrolment, setup_actor)
        values[-1].record, values[-1].row_id = values[0].record, ""
        with pytest.raises(IntegrityError, match="score_version_unique"):
            write((made, blocks, values), setup_actor)
    assert not StimulationSession.objects.exists()


def test_nothing_to_write_asks_nothing(enrolment: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        RowsTogether().write()


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "column"),
    [
        (None, "text"), (True, "boolean"), (False, "boolean"), ("{a,\"b\\}'", "text"), ("", "text"), (-3, "smallint"),
        (Number.ONE, "integer"),
        (Decimal("1E+2"), "numeric"), (Decimal("0.10"), "numeric"), (uuid.UUID(int=7), "uuid"), (date(2026, 3, 1), "date"),
        (datetime(2026, 3, 1, 18, 30, 0, 123456, tzinfo=UTC), "timestamptz"), (SessionStatus.GIVEN, "text"), ([], "text[]"),
        (["NULL", None, 'q"\\', "", SessionStatus.MISSED], "text[]"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_a_value_is_read_as_it_was(db: None, value: Any, column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::text::{column}", [text_of(value)])
        [(found,)] = cursor.fetchall()
    plain = [one.value if isinstance(one, Enum) else one for one in value] if isinstance(value, list) else value
    assert found == (plain.value if isinstance(plain, Enum) else plain)


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        text_of(b"bytes")
