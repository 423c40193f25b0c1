"""Recording a table of sessions: the same rows as `record_sessions` writes, as lines of COPY that are cast from few moulds."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha1
from uuid import UUID

from django.db import IntegrityError, models

from registry.closed_room import current_alias
from registry.exceptions import InvalidInput, Problem
from registry.models import MaskingGuess, MotorThreshold, PainScore, SessionDeviation, StimulationBlock, StimulationSession, Trial, User
from registry.roles import Permission
from registry.rules.scores import value_units
from registry.rules.stimulation.timing import ZERO
from registry.services.auditing import audited
from registry.services.copy_text import NULL, KnownTexts, cell_text, escaped
from registry.services.jobs import mark_stale
from registry.services.record_sets import KnownPatient
from registry.services.row_adding import copy_lines, new_keys
from registry.services.row_sets import check_open
from registry.services.session_moulds import Cells, Mould, Moulds, SessionLine
from registry.services.stimulation_answers import AFTER, BEFORE, asked_at, keep_guesses
from registry.services.stimulation_recording import check_free, refusal
from registry.services.stimulation_references import SessionReferences
from registry.services.stimulation_rows import Writing, claimed_twice


def record_session_lines(*, trial: Trial, lines: Sequence[SessionLine], by: User, now: datetime, reason: str) -> None:
    """Write sessions that bring no identifier, in a number of statements that does not depend on them; all or nothing.

    Raises as `record_sessions`; each wrong field is named with the number of its row: rows[0].number.
    """
    check_open(trial)
    try:
        with audited(by=by, reason=reason):
            references = SessionReferences(
                trial=trial,
                by=by,
                permission=Permission.SESSION_RECORD,
                codes={line.patient for line in lines},
                thresholds={line.threshold for line in lines if line.threshold is not None},
                hold=True,
            )
            moulds = _moulds(lines, Moulds(Writing(references, by, now, complete=False, permission=Permission.SESSION_RECORD)))
            patients = [references.patients[line.patient] for line in lines]
            check_free({(one.id, line.period, line.number) for one, line in zip(patients, lines, strict=True) if line.number is not None})
            Casting(lines, moulds, patients, references, now).write()
            mark_stale(trial, by=by, enrolment_ids={patient.id for patient in patients})
    except IntegrityError as error:
        raise refusal(error) from error


def _moulds(lines: Sequence[SessionLine], moulds: Moulds) -> list[Mould]:
    """Return the mould of each line; raise InvalidInput for what is wrong with any."""
    found = [moulds.of(number, line) for number, line in enumerate(lines)]
    moulds.finish()
    problems = [*moulds.problems, *_twice(lines)]
    if problems:
        raise InvalidInput(problems)
    return [mould for mould in found if mould is not None]


def _twice(lines: Sequence[SessionLine]) -> Iterator[Problem]:
    seen: set[Hashable] = set()
    for number, line in enumerate(lines):
        key = line.patient, line.period, line.number
        if line.number is not None and key in seen:
            yield claimed_twice("number", number, len(lines))
        seen.add(key)


@dataclass
class Casting:
    """The writing of one set of sessions."""

    lines: Sequence[SessionLine]
    moulds: Sequence[Mould]
    patients: Sequence[KnownPatient]
    references: SessionReferences
    now: datetime

    def write(self) -> None:
        """Write all tables of the sessions."""
        self.records = new_identifiers(len(self.lines))
        self.keys = new_keys(StimulationSession, len(self.lines), current_alias())
        self._copy(StimulationSession, len(self.lines), lambda _: self._sessions())
        self._copy(StimulationBlock, sum(len(one.blocks) for one in self.moulds), self._blocks)
        self._copy(SessionDeviation, sum(len(one.deviations) for one in self.moulds), self._deviations)
        keep_guesses(self._guesses())
        self._copy(PainScore, sum(len(one.scores) for one in self.moulds), self._scores)

    def _copy(self, model: type[models.Model], count: int, lines: Callable[[Iterator[int]], Iterator[str]]) -> None:
        if count:
            using = current_alias()
            keys = iter(()) if model is StimulationSession else iter(new_keys(model, count, using))
            copy_lines(model, lines(keys), using)

    def _sessions(self) -> Iterator[str]:
        places, (percent_place,) = _places(StimulationSession, *SESSION_OWN), _places(StimulationSession, "threshold_percent_mso")
        days, numbers = KnownTexts(), KnownTexts()
        for line, mould, patient, record, key in zip(self.lines, self.moulds, self.patients, self.records, self.keys, strict=True):
            threshold = self._threshold(line)
            percent = mould.percent(threshold)
            own = (
                str(key),
                record.hex(),
                str(patient.id),
                numbers[line.number],
                days[_day(line, mould)],
                NULL if line.started_at is None else str(line.started_at),
                NULL if line.ended_at is None else str(line.ended_at),
                patient.zone.key,
                NULL if threshold is None else str(threshold.pk),
                mould.session[percent_place] if percent is None else numbers[percent],
                escaped(line.kit_code),
                NULL if line.pain_before is None else pain_identifier(record, BEFORE).hex(),
                NULL if line.pain_after is None else pain_identifier(record, AFTER).hex(),
                escaped(line.row_id),
            )
            yield _cast(mould.session, places, own)

    def _threshold(self, line: SessionLine) -> MotorThreshold | None:
        return None if line.threshold is None else self.references.thresholds[line.threshold]

    def _blocks(self, keys: Iterator[int]) -> Iterator[str]:
        places = _places(StimulationBlock, "id", "session_id", "setting_percent_mso")
        for line, mould, session in zip(self.lines, self.moulds, self.keys, strict=True):
            if mould.blocks:
                percent = mould.percent(self._threshold(line))
                settings = None if percent is None else mould.settings(percent)
                for cells, setting in zip(mould.blocks, settings or [cells[places[2]] for cells in mould.blocks], strict=True):
                    yield _cast(cells, places, (str(next(keys)), str(session), setting))

    def _deviations(self, keys: Iterator[int]) -> Iterator[str]:
        places = _places(SessionDeviation, "id", "session_id")
        for mould, session in zip(self.moulds, self.keys, strict=True):
            for cells in mould.deviations:
                yield _cast(cells, places, (str(next(keys)), str(session)))

    def _scores(self, keys: Iterator[int]) -> Iterator[str]:
        places, pains, days = _places(PainScore, *SCORE_OWN), _pains(self.references), KnownTexts()
        now = str(self.now)
        for line, mould, patient, record in zip(self.lines, self.moulds, self.patients, self.records, strict=True):
            for question, cells in mould.scores.items():
                asked = asked_at(line, question)
                value, units = _value((line.pain_before if question == BEFORE else line.pain_after) or ZERO)
                own = (
                    str(next(keys)),
                    pain_identifier(record, question).hex(),
                    str(patient.id),
                    pains[patient.id],
                    days[_day(line, mould)],
                    NULL if asked is None else str(asked),
                    now if asked is None else str(asked),
                    patient.zone.key,
                    value,
                    units,
                )
                yield _cast(cells, places, own)

    def _guesses(self) -> Iterator[MaskingGuess]:
        for line, patient, record in zip(self.lines, self.patients, self.records, strict=True):
            if line.guess is not None:
                yield MaskingGuess(
                    enrolment_id=patient.id,
                    session_record=UUID(bytes=record),
                    guess=line.guess,
                    certainty=line.guess_certainty,
                    recorded_at=self.now,
                )


SESSION_OWN = (
    *("id", "record", "enrolment_id", "number", "for_date", "started_at", "finished_at", "zone", "threshold_id"),
    *("threshold_percent_mso", "kit_code", "pain_before_record", "pain_after_record", "row_id"),
)
SCORE_OWN = ("id", "record", "enrolment_id", "pain_id", "for_date", "observed_at", "submitted_at", "zone", "value", "value_units")


def _pains(references: SessionReferences) -> dict[int, str]:
    """Return the pain that the pains of each patient's sessions are about, as a cell."""
    found = {}
    for patient in references.patients.values():
        rank = references.pain_rank(patient)
        found[patient.id] = NULL if rank is None else str(references.facts[patient.code].pains[rank][0])
    return found


def _day(line: SessionLine, mould: Mould) -> date:
    """Return the day of a session; one that says none shares its mould with no other."""
    return line.for_date or mould.prepared.session.for_date


@cache
def _value(value: Decimal) -> tuple[str, str]:
    """Return the cells of a pain: the value and its 10^-6 units."""
    return cell_text(value), cell_text(value_units(value))


def _cast(cells: Cells, places: Sequence[int], own: Sequence[str]) -> str:
    """Return a line with its own cells."""
    line = cells.copy()
    for place, cell in zip(places, own, strict=True):
        line[place] = cell
    return "\t".join(line)


@cache
def _places(model: type[models.Model], *names: str) -> tuple[int, ...]:
    """Return where in a line the cells of some columns stand."""
    columns = [field.attname for field in model._meta.concrete_fields]
    return tuple(columns.index(name) for name in names)


def new_identifiers(count: int) -> list[bytes]:
    """Return random identifiers (version 4 of RFC 9562), drawn at once."""
    drawn = os.urandom(16 * count)
    return [_marked(drawn[start : start + 16], 4) for start in range(0, 16 * count, 16)]


def pain_identifier(session: bytes, question: str) -> bytes:
    """Return what `pain_record` does, in bytes (version 5 of RFC 9562)."""
    return _marked(sha1(session + question.encode(), usedforsecurity=False).digest()[:16], 5)


def _marked(drawn: bytes, version: int) -> bytes:
    return drawn[:6] + bytes((drawn[6] & 0x0F | version << 4, drawn[7], drawn[8] & 0x3F | 0x80)) + drawn[9:]
