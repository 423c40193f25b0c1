"""A table of sessions is written as its sessions would be, sent one by one: the same rows, the same history, the same refusals."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound
from registry.models import CoilConversion, MaskingGuess, PainScore, StimulationSession
from registry.rules.stimulation import NewSession
from registry.services import stimulation_lines
from registry.services.auditing import audited
from registry.services.session_moulds import Moulds, SessionLine
from registry.services.stimulation import record_sessions
from registry.services.stimulation_answers import AFTER, BEFORE, pain_record
from registry.services.stimulation_lines import new_identifiers, pain_identifier, record_session_lines
from registry.vocabulary import DeviationReason, NewSinceLast, NoAnswer, SessionReason, SessionStatus, TreatmentGuess
from tests.registry.services.stimulation_scene import STARTED, add_coil, allocate, block, given, measure, prescribe
from tests.trials import make_enrolment

D = Decimal
NOW = STARTED + timedelta(days=30)
TABLES = ("stimulationsession", "stimulationblock", "sessiondeviation", "painscore", "maskingguess")
# What is drawn anew for each row, or leads to what is.
DRAWN = ("id", "record", "session_id", "session_record", "pain_before_record", "pain_after_record")
OF_HISTORY = ("pgh_id", "pgh_obj_id", "change_id", "pgh_created_at")


@pytest.fixture
def scene(trial: Any, enrolment: Any, setup_actor: Any) -> dict[str, list[Any]]:
    """Three patients, the third of another protocol version's making, with their thresholds."""
    prescribe(trial, setup_actor)
    trial.masked = False
    coils = [add_coil(trial, setup_actor, code, model) for code, model in (("C-1", "Eight"), ("C-2", "Round"), ("C-3", "Cone"))]
    with audited(by=setup_actor, reason="factor"):
        CoilConversion.objects.create(trial=trial, from_model="Eight", to_model="Round", factor=D("1.25"), source="bench")
    second, third = (make_enrolment(trial, code, site="N", by=setup_actor) for code in ("P-0002", "P-0003"))
    allocate(enrolment, setup_actor)
    allocate(second, setup_actor, "K-1111")
    return {
        "P-0001": [measure(enrolment, setup_actor), measure(enrolment, setup_actor, 61, coil=coils[0], measured_on=date(2026, 11, 9))],
        "P-0002": [measure(second, setup_actor, 88), measure(second, setup_actor, 47, kind="active", coil=coils[1])],
        "P-0003": [measure(third, setup_actor, 35, measured_on=date(2026, 11, 17))],
    }


# What a session may say that is out of the ordinary, right or wrong; drawn several at a time.
ODD: tuple[dict[str, Any], ...] = (
    {"number": None}, {"number": 0}, {"number": 12_000}, {"period": 2}, {"period": 30},
    {"started_at": None, "for_date": date(2026, 11, 18)},
    {"for_date": None}, {"ended_at": None}, {"for_date": date(2026, 11, 19)},
    {"for_date": date(2026, 11, 18)}, {"started_at": None}, {"ended_at": STARTED - timedelta(minutes=1)},
    {"ended_at": STARTED + timedelta(minutes=2)}, {"ended_at": STARTED + timedelta(minutes=2, seconds=4)},
    {"ended_at": STARTED + timedelta(minutes=2), "deviation_reason": DeviationReason.TECHNICAL},
    {"started_at": STARTED + timedelta(days=400), "ended_at": None},
    {"started_at": STARTED + timedelta(days=8), "ended_at": None, "deviation_reason": DeviationReason.NOT_RECORDED},
    {"started_at": STARTED - timedelta(days=5), "ended_at": None}, {"threshold": None}, {"threshold": UUID(int=7)},
    {"threshold_percent_mso": 44}, {"kit_code": "K-3127"}, {"kit_code": "K-1111"}, {"kit_code": "K" * 21},
    {"kit_code": "K-1111", "deviation_reason": DeviationReason.OTHER, "deviation_text": "swapped"},
    {"hearing_protection": False}, {"hearing_protection": False, "deviation_reason": DeviationReason.PATIENT_WISH},
    {"coil_matches_threshold": None}, {"coil_matches_threshold": False}, {"coil": "C-1"}, {"coil": "C-2"}, {"coil": "C-9"},
    {"pulse_counter": 3000}, {"pulse_counter": 2999}, {"pulse_counter": 12, "deviation_reason": DeviationReason.TECHNICAL},
    {"pain_before": None}, {"pain_before": D("4.5")}, {"pain_before": D(11)}, {"pain_after": None, "pain_after_no_answer": NoAnswer.ASLEEP},
    {"pain_after_no_answer": NoAnswer.ASLEEP}, {"pain_before_at": STARTED - timedelta(minutes=9)},
    {"pain_after_at": STARTED + timedelta(days=500)}, {"anything_new": None}, {"anything_new": frozenset({NewSinceLast.MEDICINE})},
    {"anything_new_text": "tab\tand\\back\nslash"}, {"side_effects": None}, {"guess": TreatmentGuess.SHAM, "guess_certainty": 7},
    {"guess": TreatmentGuess.REAL}, {"guess_certainty": 3}, {"guess": TreatmentGuess.SHAM, "guess_certainty": 11},
    {"note": "ein Wort\tmehr"}, {"row_id": "a\\N"}, {"row_id": "x" * 81}, {"stimulator": "none"}, {"visit": "none"},
    {"protocol_version": "1.0"}, {"protocol_version": "9"}, {"patient": "P-0002"}, {"patient": "P-0003"},
    {"as_planned": False, "blocks": (block(),)}, {"as_planned": False, "blocks": (block(trains=10), block(trains=20, gap_s=D(5)))},
    {"as_planned": False, "blocks": (block(intensity_percent=D(130)),), "deviation_reason": DeviationReason.TOLERABILITY},
    {"as_planned": False},
    {"status": SessionStatus.PARTIAL, "reason": SessionReason.TECHNICAL, "as_planned": False, "blocks": (block(trains=9),)},
    {"status": SessionStatus.PARTIAL}, {"status": SessionStatus.NOT_GIVEN, "reason": SessionReason.PATIENT_WISH, "as_planned": False},
    {"status": SessionStatus.MISSED, "reason": SessionReason.ILL, "as_planned": False},
)  # fmt: skip


def drawn_rows(scene: dict[str, list[Any]], seed: int, count: int) -> list[NewSession]:
    """Return sessions of which most differ in the ordinary: patient, day, length, threshold, pains."""
    chance = random.Random(seed)
    rows = []
    for number in range(1, count + 1):
        patient = chance.choice(list(scene))
        started = STARTED + timedelta(days=chance.randint(0, 6), minutes=chance.randint(0, 90))
        row = given(
            chance.choice(scene[patient]),
            patient=patient,
            number=number,
            for_date=started.date(),
            started_at=started,
            ended_at=started + timedelta(minutes=chance.choice((14, 15, 20)), seconds=chance.choice((0, 0, 31))),
            pain_before=D(chance.randint(0, 10)),
            pain_after=D(chance.randint(0, 10)),
        )
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
            row = replace(row, **chance.choice(ODD))
        rows.append(row)
    return rows


def line_of(row: NewSession) -> SessionLine:
    """Return a session as a line; what is left of it when its own cells are taken out is the rest."""
    own = {name: getattr(row, name) for name in SessionLine._fields if name not in ("rest", "whole")}
    neutral = {name: None for name in own if name not in ("period", "protocol_version")} | {"patient": "", "kit_code": "", "row_id": ""}
    return SessionLine(**own, rest=replace(row, **neutral), whole=lambda: row)


def stored() -> list[list[Any]]:
    """Return all rows of the tables and of their history, but for what is drawn anew."""
    found = []
    with connection.cursor() as cursor:
        for table in (f"{name}{kind}" for name in TABLES for kind in ("", "changeevent")):
            cursor.execute(f"SELECT (to_jsonb(t) - %s::text[])::text FROM registry_{table} t ORDER BY 1", [[*DRAWN, *OF_HISTORY]])
            found.append(cursor.fetchall())
    return found


def left_behind(write: Callable[[], object]) -> list[list[Any]]:
    """Return what the tables hold after a write, which is taken back."""
    with transaction.atomic():
        write()
        check_identifiers()
        found = stored()
        transaction.set_rollback(True)
    return found


def check_identifiers() -> None:
    """Check that pains and guesses are those of their sessions."""
    pains = {score.record: (score.enrolment_id, score.context) for score in PainScore.objects.all()}
    sessions = list(StimulationSession.objects.all())
    assert len({one.record for one in sessions}) == len(sessions)
    for session in sessions:
        for question, context, record in (
            (BEFORE, "pre_session", session.pain_before_record),
            (AFTER, "post_session", session.pain_after_record),
        ):
            if record is not None:
                assert record == pain_record(session.record, question)
                assert pains[record] == (session.enrolment_id, context)
    places = {session.record: session.enrolment_id for session in sessions}
    assert all(places[guess.session_record] == guess.enrolment_id for guess in MaskingGuess.objects.all())


def problems_of(write: Callable[[], object]) -> list[tuple[str, str, str]]:
    """Return what a write is refused for, as text; nothing where it is not."""
    try:
        with transaction.atomic():
            write()
            transaction.set_rollback(True)
    except InvalidInput as refused:
        return [(problem.field, problem.message, problem.code) for problem in refused.problems]
    return []


@pytest.mark.parametrize("seed", range(4))
def test_lines_are_written_and_refused_as_sessions_are(trial: Any, scene: Any, alice: Any, seed: int) -> None:
    def alone(row: NewSession) -> object:
        return record_sessions(trial=trial, rows=[row], by=alice, now=NOW)

    def together(rows: Sequence[NewSession]) -> object:
        return record_session_lines(trial=trial, lines=[line_of(row) for row in rows], by=alice, now=NOW, reason="sessions recorded")

    rows = drawn_rows(scene, seed, 150)
    refused = [problems_of(lambda row=row: alone(row)) for row in rows]
    wanted = [(f"rows[{number}].{field}", message, code) for number, found in enumerate(refused) for field, message, code in found]
    found = [one for one in problems_of(lambda: together(rows)) if one[2] != "twice"]
    assert sorted(found) == sorted(wanted)
    sound = [row for row, found in zip(rows, refused, strict=True) if not found]
    numbers = {(row.patient, row.period, row.number, row.row_id): row for row in sound}
    sound = list({(row.patient, row.row_id) if row.row_id else key: row for key, row in numbers.items()}.values())
    assert 30 < len(sound) < len(rows)
    assert left_behind(lambda: together(sound)) == left_behind(lambda: [alone(row) for row in sound])


def test_most_sessions_are_cast(trial: Any, scene: Any, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = Moulds._made

    def counted(moulds: Moulds, number: int, line: SessionLine) -> Any:
        made.append(number)
        return make(moulds, number, line)

    monkeypatch.setattr(Moulds, "_made", counted)
    rows = [
        given(
            scene["P-0001"][0],
            number=number,
            pain_before=D(number % 11),
            for_date=STARTED.date(),
            started_at=STARTED - timedelta(minutes=number),
        )
        for number in range(1, 11)
    ]
    rows += [replace(row, patient="P-0002", threshold=scene["P-0002"][0].record) for row in rows]
    record_session_lines(trial=trial, lines=[line_of(row) for row in rows], by=alice, now=NOW, reason="table")
    assert StimulationSession.objects.count() == 20
    assert made == [0]


def test_a_number_on_record_and_one_that_stands_twice_are_refused(trial: Any, scene: Any, alice: Any) -> None:
    row = given(scene["P-0001"][0])
    with pytest.raises(InvalidInput) as caught:
        record_session_lines(trial=trial, lines=[line_of(row), line_of(row)], by=alice, now=NOW, reason="table")
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [("rows[1].number", "twice")]
    record_sessions(trial=trial, rows=[row], by=alice, now=NOW)
    with pytest.raises(Conflict, match="session 1 of P-0001"):
        record_session_lines(trial=trial, lines=[line_of(row)], by=alice, now=NOW, reason="table")


def test_rights_are_asked_for_every_patient(trial: Any, scene: Any, enrolment: Any, oscar: Any, eve: Any, setup_actor: Any) -> None:
    elsewhere = make_enrolment(trial, "P-0009", site="S", by=setup_actor)
    rows = [given(scene["P-0001"][0]), given(measure(elsewhere, setup_actor), patient="P-0009", number=2)]
    for by in (oscar, eve):
        errors = []
        for write in (
            lambda by=by: record_sessions(trial=trial, rows=rows, by=by, now=NOW),
            lambda by=by: record_session_lines(trial=trial, lines=list(map(line_of, rows)), by=by, now=NOW, reason="table"),
        ):
            with pytest.raises((NotAllowed, NotFound)) as caught:
                write()
            errors.append((type(caught.value), str(caught.value)))
        assert errors[0] == errors[1]
    assert not StimulationSession.objects.exists()


def test_identifiers_are_those_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = [UUID(bytes=one) for one in new_identifiers(500)]
    assert len(set(drawn)) == 500
    assert {(one.version, one.variant) for one in drawn} == {(4, "specified in RFC 4122")}
    for one in drawn[:20]:
        for question in (BEFORE, AFTER):
            assert UUID(bytes=pain_identifier(one.bytes, question)) == pain_record(one, question)
    monkeypatch.setattr(stimulation_lines.os, "urandom", lambda count: bytes(range(16)) * (count // 16))
    assert [one.hex() for one in new_identifiers(1)] == ["000102030405460788090a0b0c0d0e0f"]
