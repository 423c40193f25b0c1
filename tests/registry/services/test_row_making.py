"""Rows made without the constructor are the rows it makes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.models.expressions import DatabaseDefault

from registry.models import (
    AdverseEvent,
    ApiToken,
    Coil,
    Membership,
    MotorThreshold,
    PainScore,
    Prescription,
    SessionDeviation,
    StimulationBlock,
    StimulationSession,
    Trial,
    User,
)
from registry.services.row_making import make_row, read_row

MODELS = (AdverseEvent, MotorThreshold, PainScore, Prescription, SessionDeviation, StimulationBlock, StimulationSession)


def said(row: models.Model) -> dict[str, Any]:
    """Return the values of a row, with what is left to the database told by its kind."""
    values = {name: value for name, value in vars(row).items() if name != "_state"}
    return {name: type(value) if isinstance(value, DatabaseDefault) else value for name, value in values.items()}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_row_has_what_the_constructor_gives_it(model: type[models.Model]) -> None:
    assert said(make_row(model, {})) == said(model())
    given = {model._meta.concrete_fields[-1].attname: "given"}
    assert said(make_row(model, given)) == said(model(**given))
    assert make_row(model, {})._state.adding


@pytest.mark.parametrize("model", [*MODELS, ApiToken, Membership, Trial, User], ids=lambda model: model.__name__)
def test_a_row_that_was_read_is_as_django_reads_it(model: type[models.Model]) -> None:
    names = [field.attname for field in model._meta.concrete_fields]
    for part in (names, names[: len(names) // 2]):
        values = list(range(len(part)))
        ours, theirs = read_row(model, part, values), model.from_db("default", part, values)
        assert said(ours) == said(theirs)
        assert (ours._state.adding, ours._state.db) == (theirs._state.adding, theirs._state.db)
        assert ours.get_deferred_fields() == theirs.get_deferred_fields()


def test_rows_share_no_default_that_can_change() -> None:
    one, other = make_row(Prescription, {}), make_row(Prescription, {})
    one.session_days.append(1)
    assert other.session_days == []


def test_related_rows_are_at_hand_without_a_query() -> None:
    coil = make_row(Coil, {"id": 7, "code": "C-1"})
    session = make_row(StimulationSession, {"coil_id": 7}, coil=coil)
    assert session.coil is coil
    assert session.coil_id == 7


def test_what_is_no_column_is_refused() -> None:
    with pytest.raises(TypeError, match=r"StimulationBlock has no columns \['targets'\]"):
        make_row(StimulationBlock, {"targets": "dlpfc"})
