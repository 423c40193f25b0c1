"""A cell's field takes a short way through DRF: what comes out of it is what DRF's own way makes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from api.fields import CellField
from api.scores import ScoreCorrection, ScoreSerializer
from api.session_shapes import SessionCorrection, SessionSerializer

SENT: list[Any] = [
    serializers.empty, None, "", "given", "nobody", " blank ", "2026-03-01", "2026-03-01T08:00:00+01:00", "P-0001", 0, 6, -1, 10**30, True,
    False, 1.5, Decimal("1E+900"), Decimal("6.5"), [], ["pain"], ["pain", "pain"], [3], {},
]  # fmt: skip


def outcome(check: Any, data: Any) -> Any:
    """Return what a check returns or raises."""
    try:
        return ("value", check(data))
    except serializers.SkipField:
        return ("skipped", None)
    except ValidationError as refused:
        return ("refused", [(str(detail), detail.code) for detail in refused.detail])


@pytest.mark.parametrize("shape", [SessionSerializer, SessionCorrection, ScoreSerializer, ScoreCorrection])
def test_the_short_way_leads_where_the_long_one_does(shape: type[serializers.Serializer[Any]]) -> None:
    fields = [field for field in shape().fields.values() if isinstance(field, CellField)]
    assert fields
    compared = [
        (field.field_name, data, outcome(field.run_validation, data), outcome(super(CellField, field).run_validation, data))
        for field in fields
        for data in SENT
    ]
    assert [one for one in compared if one[2] != one[3]] == []
    assert {kind for _, _, (kind, _), _ in compared} >= {"value", "refused"}
    assert not any(field.validators for field in fields)
