"""Correcting sessions: the whole new content becomes the next version, with its pains and side effects; voiding and restoring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from django.db import IntegrityError

from registry.exceptions import Conflict, InvalidInput, NotAllowed, Problem
from registry.models import PainScore, SessionDeviation, StimulationBlock, StimulationSession, Trial, User
from registry.models.session_content import NO_PAIN, PainContent, content_of, stored_content
from registry.roles import Permission
from registry.rules.stimulation import NewSession
from registry.rules.stimulation.session_content import ChangedLine, EffectContent, SessionContent, changed_lines
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.services.reasons import Reason
from registry.services.row_sets import check_open
from registry.services.rows_together import RowsTogether
from registry.services.stimulation_answers import AFTER, BEFORE, pain_of, write_events, write_guesses, write_scores
from registry.services.stimulation_changes import (
    Changes,
    Standing,
    change_effects,
    change_pains,
    restore_answers,
    standing_answers,
    still_asked_at,
    void_answers,
    write_changes,
)
from registry.services.stimulation_recording import check_numbers, hold_patients, refusal, session_references, write_versions
from registry.services.stimulation_rows import Prepared, Writing, prepare
from registry.services.versions import CHANGED_MEANWHILE, check_voided_last, end_version, next_version
from registry.vocabulary import SEVERITY_GRADES, Relatedness

Pair = tuple[StimulationSession, NewSession]


@dataclass(frozen=True)
class Correction:
    """One version and what is to follow it."""

    before: StimulationSession
    after: Prepared
    old: SessionContent
    new: SessionContent


def correct_session(
    session: StimulationSession, *, row: NewSession, reason: Reason, by: User, now: datetime, complete: bool = False
) -> StimulationSession:
    """End this version and add the next with the whole new content; return it.

    Raises Conflict when somebody ended the version meanwhile, InvalidInput where nothing changes or a field is wrong.
    """
    sentence = reason.sentence()
    trial = session.enrolment.trial
    corrected = correct_sessions(trial=trial, pairs=[(session, row)], by=by, now=now, reason=sentence, complete=complete)
    if not corrected:
        raise InvalidInput([Problem("", "This is what is on record. Change what is wrong, or go back.", "unchanged")])
    return corrected[0]


def correct_sessions(
    *,
    trial: Trial,
    pairs: Sequence[Pair],
    by: User,
    now: datetime,
    reason: str,
    complete: bool = False,
    events_apart: bool = False,
) -> list[StimulationSession]:
    """Correct a set in a number of statements that does not depend on its size; return the new versions of what changed.

    `events_apart` leaves solicited events alone: an import brings them as rows of their own.
    """
    check_open(trial)
    writing, corrections, standing = _corrections(trial, pairs, by=by, now=now, complete=complete, events_apart=events_apart)
    wanted = [one for one in corrections if one.old != one.new or one.after.row.guess is not None]
    if not wanted:
        return []
    try:
        with audited(by=by, reason=reason):
            _write(wanted, writing, standing, events_apart=events_apart)
    except IntegrityError as error:
        raise refusal(error) from error
    return [one.after.session for one in wanted]


def preview_correction(
    session: StimulationSession, *, row: NewSession, by: User, now: datetime, complete: bool = False
) -> list[ChangedLine]:
    """Return which lines of the record a correction would change, derived ones too; nothing is written."""
    trial = session.enrolment.trial
    check_open(trial)
    _, [one], _ = _corrections(trial, [(session, row)], by=by, now=now, complete=complete, events_apart=False)
    return changed_lines(one.old, one.new, one.after.patient.zone)


def _corrections(
    trial: Trial, pairs: Sequence[Pair], *, by: User, now: datetime, complete: bool, events_apart: bool
) -> tuple[Writing, list[Correction], Standing]:
    """Check the new contents and lay them beside what is on record."""
    befores = _reread([before for before, _ in pairs])
    rows = [replace(row, record=before.record, row_id=row.row_id or before.row_id) for before, (_, row) in zip(befores, pairs, strict=True)]
    moved = [Problem("patient", "A session stays with its patient. Void it and enter it for the other one.", "moved")]
    if any(row.patient != before.enrolment.patient_code for before, row in zip(befores, rows, strict=True)):
        raise InvalidInput(moved)
    writing = Writing(session_references(trial, rows, by, Permission.SESSION_CORRECT), by, now, complete, Permission.SESSION_CORRECT)
    prepared = prepare(rows, writing, befores)
    standing = standing_answers(befores)
    _check_sees_pains(standing, by)
    corrections = []
    for before, after in zip(befores, prepared, strict=True):
        after.session.version = before.version + 1
        after.session.operator_id = before.operator_id
        old = stored_content(before, standing.pains, standing.effects.get(before.record, []))
        corrections.append(Correction(before, after, old, _new_content(before, after, old, standing, apart=events_apart)))
    return writing, corrections, standing


def _check_sees_pains(standing: Standing, by: User) -> None:
    """Raise NotAllowed where a pain is hidden from the person: a preview would show it, and their version leave it out."""
    ids = {score.pk for score in standing.pains.values()}
    if not by.is_system and PainScore.objects.visible_to(by).filter(pk__in=ids).count() < len(ids):
        raise NotAllowed(
            "Your role does not see the pain scores of this session, so it cannot correct it. Ask somebody who treats the patient."
        )


def _reread(sessions: Sequence[StimulationSession]) -> list[StimulationSession]:
    """Return the versions as they are stored, with everything they say, in a fixed number of queries."""
    related = ("enrolment", "threshold", "coil", "stimulator", "visit_type", "prescription__protocol_version")
    rows = StimulationSession.objects.filter(pk__in=[one.pk for one in sessions]).select_related(*related)
    found = {
        row.pk: row for row in cast(Iterable[StimulationSession], rows.prefetch_related("blocks", "deviations", "prescription__blocks"))
    }
    if any(one.pk not in found or found[one.pk].ended_at is not None for one in sessions):
        raise Conflict(CHANGED_MEANWHILE)
    return [found[one.pk] for one in sessions]


def _new_content(before: StimulationSession, after: Prepared, old: SessionContent, standing: Standing, *, apart: bool) -> SessionContent:
    row = after.row
    return content_of(
        after.session,
        after.blocks,
        after.deviations,
        visit=row.visit or "",
        stimulator=row.stimulator or "",
        pain_before=_new_pain(before, after, standing, BEFORE),
        pain_after=_new_pain(before, after, standing, AFTER),
        side_effects=old.side_effects if apart else _new_effects(row, old),
    )


def _new_pain(before: StimulationSession, after: Prepared, standing: Standing, question: str) -> PainContent:
    value, record = pain_of(after.row, question), getattr(before, f"{question}_record")
    score = None if record is None else standing.pains.get(record)
    return NO_PAIN if value is None else PainContent(value, still_asked_at(after, before, score, question))


def _new_effects(row: NewSession, old: SessionContent) -> tuple[EffectContent, ...] | None:
    """Return the side effects as they will stand: a relation or grade that a report has refined stays where the form agrees with it."""
    if row.side_effects is None:
        return old.side_effects
    left = list(old.side_effects or ())
    found = []
    for effect in row.side_effects:
        known = next((one for one in left if one.term == effect.term), None)
        if known is not None:
            left.remove(known)
        grade = SEVERITY_GRADES[effect.severity]
        kept = known is not None and min(known.grade, max(SEVERITY_GRADES.values())) == grade
        relation = effect.relation or (known.relation if known is not None else Relatedness.NOT_ASSESSED)
        found.append(EffectContent(effect.term, known.grade if known is not None and kept else grade, relation, effect.text))
    order = {effect: place for place, effect in reversed(list(enumerate(old.side_effects or ())))}
    return tuple(sorted(found, key=lambda effect: order.get(effect, len(order))))


def _write(wanted: Sequence[Correction], writing: Writing, standing: Standing, *, events_apart: bool) -> None:
    references, by, now = writing.references, writing.by, writing.now
    after = [one.after for one in wanted]
    hold_patients({one.patient.id for one in after})
    _end_versions([one.before.pk for one in wanted], now)
    check_numbers([one.session for one in after], correcting=[one.session.record for one in after])
    changes = Changes()
    for one in wanted:
        change_pains(one.after, one.before, standing, references, changes)
        if not events_apart:
            change_effects(one.after, one.before, standing, changes, by)
    together = RowsTogether()
    write_versions(after, together)
    together.write()
    write_guesses(after, now)
    write_changes(changes, now)
    write_scores(changes.new_scores, references, by, now)
    write_events(changes.new_events, references, by, now)
    mark_stale(references.trial, by=by, enrolment_ids={one.patient.id for one in after})


def _end_versions(ids: Sequence[int], now: datetime) -> None:
    """Compare and set, for a set: raise Conflict where somebody ended one of them meanwhile."""
    standing = StimulationSession.objects.filter(pk__in=ids, ended_at__isnull=True)
    if standing.update(ended_at=now, voided=False) != len(ids):
        raise Conflict(CHANGED_MEANWHILE)


def void_session(session: StimulationSession, *, reason: Reason, by: User, now: datetime) -> None:
    """Take a session out of use with its pains and side effects; all stay readable in the history."""
    _check_may_change(session, by)
    sentence = reason.sentence()
    with audited(by=by, reason=sentence):
        hold_patients([session.enrolment_id])
        end_version(session, now=now, voided=True)
        void_answers(session, now)
        mark_stale(session.enrolment.trial, by=by, enrolment_ids=[session.enrolment_id])


def restore_session(session: StimulationSession, *, reason: Reason, by: User, now: datetime) -> StimulationSession:
    """Bring a voided session back as its next version, with what was taken out with it.

    Raises Conflict unless it is the voided last version, or where its number has been given to another session.
    """
    _check_may_change(session, by)
    sentence = reason.sentence()
    with audited(by=by, reason=sentence):
        hold_patients([session.enrolment_id])
        check_voided_last(session)
        successor = next_version(session, by=by, now=now)
        check_numbers([successor], correcting=[])
        successor.save(force_insert=True)
        _copy_parts(session, successor)
        restore_answers(StimulationSession.objects.get(pk=session.pk), by=by, now=now)
        mark_stale(session.enrolment.trial, by=by, enrolment_ids=[session.enrolment_id])
    return successor


def _copy_parts(session: StimulationSession, successor: StimulationSession) -> None:
    """Give a restored version the blocks and deviations of the one before it."""
    blocks, deviations = list(session.blocks.all()), list(session.deviations.all())
    for block in blocks:
        block.pk, block.session = None, successor
    for deviation in deviations:
        deviation.pk, deviation.session = None, successor
    StimulationBlock.objects.bulk_create(blocks)
    SessionDeviation.objects.bulk_create(deviations)


def _check_may_change(session: StimulationSession, by: User) -> None:
    check_open(session.enrolment.trial)
    by.check_can(Permission.SESSION_CORRECT, trial=session.enrolment.trial, site=session.enrolment.site)
