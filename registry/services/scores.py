"""Pain scores: record a set, correct one as a new version, void one. Nothing is ever overwritten."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.models import PainScore, User
from registry.roles import Permission
from registry.rules.scores import ScaleRange, value_problem, value_units
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.services.patient_file import check_pains_stand
from registry.services.reasons import CORRECTION_REASONS, MINIMUM_REASON, Reason
from registry.services.row_sets import check_open
from registry.services.score_recording import RecordedScores, record_scores

__all__ = [
    "CORRECTION_REASONS",
    "MINIMUM_REASON",
    "Reason",
    "RecordedScores",
    "correct_score",
    "record_scores",
    "restore_score",
    "void_score",
]


def correct_score(score: PainScore, *, value: Decimal, reason: Reason, by: User, now: datetime) -> PainScore:
    """End this version and add the next with the new value; return it.

    Raises Conflict when the trial is locked or somebody corrected or voided the version meanwhile, InvalidInput for a value off the scale.
    """
    _check_may_change(score, by)
    sentence = reason.sentence()
    problem = value_problem(value, ScaleRange(score.scale.minimum, score.scale.maximum, score.scale.step))
    if problem is None and value == score.value:
        problem = Problem("value", "This is the value on record. Enter the corrected one, or go back.", "unchanged")
    if problem is not None:
        raise InvalidInput([problem])
    with audited(by=by, reason=sentence):
        _end_version(score, now=now, voided=False)
        successor = PainScore.objects.get(pk=score.pk)
        successor.pk, successor.version, successor.ended_at = None, score.version + 1, None
        successor.value, successor.value_units, successor.recorded_at = value, value_units(value), now
        successor.save(force_insert=True)
        mark_stale(score.enrolment.trial, enrolment_ids=[score.enrolment_id], by=by)
    return successor


def void_score(score: PainScore, *, reason: Reason, by: User, now: datetime) -> None:
    """Take a score out of use; it stays readable in the history. Raises Conflict when it was ended meanwhile."""
    _check_may_change(score, by)
    sentence = reason.sentence()
    with audited(by=by, reason=sentence):
        _end_version(score, now=now, voided=True)
        mark_stale(score.enrolment.trial, enrolment_ids=[score.enrolment_id], by=by)


def restore_score(score: PainScore, *, reason: Reason, by: User, now: datetime) -> PainScore:
    """Bring a voided score back as its next version; raise Conflict unless it is the voided last version."""
    _check_may_change(score, by)
    sentence = reason.sentence()
    with audited(by=by, reason=sentence):
        latest = PainScore.objects.select_for_update().filter(record=score.record).order_by("-version").first()
        if latest is None or latest.pk != score.pk or not latest.voided:
            raise Conflict("This score is not voided any more. Open it again to see what it is now.")
        check_pains_stand([latest])
        latest.pk, latest.version, latest.ended_at, latest.voided, latest.recorded_at = None, score.version + 1, None, False, now
        latest.save(force_insert=True)
        mark_stale(score.enrolment.trial, enrolment_ids=[score.enrolment_id], by=by)
    return latest


def _check_may_change(score: PainScore, by: User) -> None:
    by.check_can(Permission.SCORE_CORRECT, trial=score.enrolment.trial, site=score.enrolment.site)
    check_open(score.enrolment.trial)


def _end_version(score: PainScore, *, now: datetime, voided: bool) -> None:
    """Compare and set: only the one who finds the version open may end it."""
    if not PainScore.objects.filter(pk=score.pk, ended_at__isnull=True).update(ended_at=now, voided=voided):
        raise Conflict("Somebody changed this score while you were looking at it. Open it again to see what it is now.")
