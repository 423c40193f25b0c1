"""One row of a patient's file at a time: add, correct, void and restore a diagnosis, a pain, a turn of the way.

Sets of rows come in through `diagnoses` and `dispositions`, which these verbs call; here a wrong field goes by its own name.
What may be taken out of use, and what is left of it, says docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from django.db import models

from registry.exceptions import Conflict, InvalidInput, Problem
from registry.models import Allocation, Disposition, Enrolment, EnrolmentPain, PainDiagnosis, PainScore, User
from registry.roles import Permission
from registry.services import diagnoses, dispositions
from registry.services.auditing import audited
from registry.services.diagnoses import NewDiagnosis, NewPain, mark_elsewhere
from registry.services.dispositions import NewDisposition
from registry.services.jobs import mark_stale
from registry.services.reasons import Reason
from registry.services.row_sets import RowsRefused, Tally, check_open
from registry.services.versions import CHANGED_MEANWHILE
from registry.vocabulary import Conduct

Row = TypeVar("Row", PainDiagnosis, EnrolmentPain, Disposition)
PRIMARY = 1
NOT_VOIDED = "This record is not voided any more. Open it again to see what it is now."
FROZEN = "The primary pain is frozen at allocation. Follow a pain found later under another rank."


def add_next_diagnosis(*, enrolment: Enrolment, by: User, now: datetime, **facts: Any) -> PainDiagnosis:
    """Add a diagnosis under a code that none of the patient has or had."""
    with audited(by=by, reason="diagnosis recorded"):
        _hold(enrolment)
        row = NewDiagnosis(enrolment.patient_code, diagnosis=next_code(enrolment), **facts)
        return add_diagnosis(enrolment=enrolment, row=row, by=by, now=now)


def add_next_pain(*, enrolment: Enrolment, by: User, now: datetime, **facts: Any) -> EnrolmentPain:
    """Add a pain to follow after those that stand."""
    with audited(by=by, reason="pain recorded"):
        _hold(enrolment)
        return add_pain(enrolment=enrolment, row=NewPain(enrolment.patient_code, next_rank(enrolment), **facts), by=by, now=now)


def add_diagnosis(*, enrolment: Enrolment, row: NewDiagnosis, by: User, now: datetime) -> PainDiagnosis:
    """Add a diagnosis; raise Conflict where its code is taken, InvalidInput naming each wrong field."""
    _write(_diagnosis_writer(enrolment, row, by, now), enrolment, by, "diagnosis recorded", add_key="diagnosis")
    return PainDiagnosis.objects.get(patient=enrolment.patient_id, code=row.diagnosis)


def correct_diagnosis(
    *, enrolment: Enrolment, diagnosis: PainDiagnosis, changes: Mapping[str, Any], reason: Reason, by: User, now: datetime
) -> PainDiagnosis:
    """Change the named fields of a standing diagnosis; its code stays. Raises InvalidInput naming each wrong field."""
    row = NewDiagnosis(**{**asdict(diagnosis_row(enrolment, diagnosis)), **changes})
    return _correct(diagnosis, _diagnosis_writer(enrolment, row, by, now), enrolment, by, reason)


def void_diagnosis(*, enrolment: Enrolment, diagnosis: PainDiagnosis, reason: Reason, by: User, now: datetime) -> None:
    """Take a diagnosis out of use; raise Conflict while a pain is followed under it."""
    with _changing(diagnosis, enrolment, by, reason, voided=False) as row:
        ranks = EnrolmentPain.objects.filter(diagnosis=row).order_by("rank").values_list("rank", flat=True)
        if ranks:
            named = ", ".join(map(str, ranks))
            raise Conflict(f"A pain is followed under this diagnosis (rank {named}). Void that pain, or correct its diagnosis, first.")
        _set(row, now)


def restore_diagnosis(*, enrolment: Enrolment, diagnosis: PainDiagnosis, reason: Reason, by: User, now: datetime) -> None:
    """Bring a voided diagnosis back; raise Conflict where another has its code by now."""
    with _changing(diagnosis, enrolment, by, reason, voided=True) as row:
        if PainDiagnosis.objects.filter(patient=row.patient_id, code=row.code).exists():
            raise Conflict(f"The patient has another diagnosis {row.code} by now. Correct that one, or void it first.")
        _set(row, None)


def add_pain(*, enrolment: Enrolment, row: NewPain, by: User, now: datetime) -> EnrolmentPain:
    """Add a pain to follow; raise Conflict where its rank is taken, InvalidInput naming each wrong field."""
    _write(_pain_writer(enrolment, row, by, now), enrolment, by, "pain recorded", add_key="rank")
    return EnrolmentPain.objects.get(enrolment=enrolment, rank=row.rank)


def correct_pain(
    *, enrolment: Enrolment, pain: EnrolmentPain, changes: Mapping[str, Any], reason: Reason, by: User, now: datetime
) -> EnrolmentPain:
    """Change the named fields of a standing pain; its rank stays. Raises InvalidInput naming each wrong field."""
    row = NewPain(**{**asdict(pain_row(enrolment, pain)), **changes})
    return _correct(pain, _pain_writer(enrolment, row, by, now), enrolment, by, reason)


def void_pain(*, enrolment: Enrolment, pain: EnrolmentPain, reason: Reason, by: User, now: datetime) -> None:
    """Take a pain out of use; raise Conflict for a frozen one, the primary one of several, and one that scores are about."""
    with _changing(pain, enrolment, by, reason, voided=False) as row:
        if row.rank == PRIMARY:
            _check_primary_may_go(enrolment)
        scores = PainScore.objects.filter(enrolment=enrolment, pain=row, ended_at__isnull=True).count()
        if scores:
            raise Conflict(f"{scores} scores are about this pain. Void these first.")
        _set(row, now)


def restore_pain(*, enrolment: Enrolment, pain: EnrolmentPain, reason: Reason, by: User, now: datetime) -> None:
    """Bring a voided pain back; raise Conflict where its rank is taken, its diagnosis is voided or no primary pain stands."""
    with _changing(pain, enrolment, by, reason, voided=True) as row:
        standing = EnrolmentPain.objects.filter(enrolment=enrolment)
        if standing.filter(rank=row.rank).exists():
            raise Conflict(f"The patient has another pain of rank {row.rank} by now. Correct that one, or void it first.")
        if not PainDiagnosis.objects.filter(pk=row.diagnosis_id).exists():
            raise Conflict("The diagnosis of this pain is voided. Restore that first.")
        if row.rank == PRIMARY:
            _check_not_frozen(enrolment)
        elif not standing.filter(rank=PRIMARY).exists():
            raise Conflict("The patient has no primary pain. Restore that, or add one of rank 1, first.")
        _set(row, None)


def add_disposition(*, enrolment: Enrolment, row: NewDisposition, by: User, now: datetime) -> Disposition:
    """Add a turn; raise Conflict where one of its kind stands, InvalidInput naming each wrong field."""
    _write(_disposition_writer(enrolment, row, by, now), enrolment, by, "disposition recorded", add_key="kind")
    return Disposition.objects.get(enrolment=enrolment, kind=row.kind, voided_at__isnull=True)


def correct_disposition(
    *, enrolment: Enrolment, disposition: Disposition, changes: Mapping[str, Any], reason: Reason, by: User, now: datetime
) -> Disposition:
    """Change the named fields of a standing turn; its kind stays. Raises InvalidInput naming each wrong field."""
    row = NewDisposition(**{**asdict(disposition_row(enrolment, disposition)), **changes})
    return _correct(disposition, _disposition_writer(enrolment, row, by, now), enrolment, by, reason)


def void_disposition(*, enrolment: Enrolment, disposition: Disposition, reason: Reason, by: User, now: datetime) -> None:
    """Take a turn out of use: the patient's way goes on as if it had not been."""
    with _changing(disposition, enrolment, by, reason, voided=False) as row:
        _set(row, now)


def restore_disposition(*, enrolment: Enrolment, disposition: Disposition, reason: Reason, by: User, now: datetime) -> None:
    """Bring a voided turn back; raise Conflict where another of its kind stands by now."""
    with _changing(disposition, enrolment, by, reason, voided=True) as row:
        if Disposition.objects.filter(enrolment=enrolment, kind=row.kind, voided_at__isnull=True).exists():
            raise Conflict("Another turn of this kind is on record by now. Correct that one, or void it first.")
        _set(row, None)


def next_code(enrolment: Enrolment) -> str:
    """Return a code that no diagnosis of the patient has or had."""
    taken = set(PainDiagnosis.with_voided.filter(patient=enrolment.patient_id).values_list("code", flat=True))
    return next(code for number in range(1, len(taken) + 2) if (code := f"D{number}") not in taken)


def next_rank(enrolment: Enrolment) -> int:
    """Return the rank after the last standing pain; the first is the primary one."""
    return max(EnrolmentPain.objects.filter(enrolment=enrolment).values_list("rank", flat=True), default=0) + 1


def diagnosis_row(enrolment: Enrolment, diagnosis: PainDiagnosis) -> NewDiagnosis:
    """Return a diagnosis as a row that would record it."""
    names = ("condition", "condition_text", "certainty", "mechanism", "onset", "icd10", "icd11")
    return NewDiagnosis(enrolment.patient_code, diagnosis=diagnosis.code, **{name: getattr(diagnosis, name) for name in names})


def pain_row(enrolment: Enrolment, pain: EnrolmentPain) -> NewPain:
    """Return a pain as a row that would record it."""
    return NewPain(enrolment.patient_code, pain.rank, pain.diagnosis.code, pain.body_region, pain.side)


def disposition_row(enrolment: Enrolment, disposition: Disposition) -> NewDisposition:
    """Return a turn as a row that would record it."""
    names = ("kind", "happened_on", "reason", "note")
    return NewDisposition(enrolment.patient_code, **{name: getattr(disposition, name) for name in names})


Writer = Callable[[str], Tally]


def _diagnosis_writer(enrolment: Enrolment, row: NewDiagnosis, by: User, now: datetime) -> Writer:
    return lambda reason: diagnoses.record(trial=enrolment.trial, diagnoses=[row], by=by, now=now, reason=reason)[0]


def _pain_writer(enrolment: Enrolment, row: NewPain, by: User, now: datetime) -> Writer:
    return lambda reason: diagnoses.record(trial=enrolment.trial, pains=[row], by=by, now=now, reason=reason)[1]


def _disposition_writer(enrolment: Enrolment, row: NewDisposition, by: User, now: datetime) -> Writer:
    return lambda reason: dispositions.record(trial=enrolment.trial, rows=[row], by=by, now=now, reason=reason)


def _write(writer: Writer, enrolment: Enrolment, by: User, reason: str, *, add_key: str = "") -> Tally:
    """Write one row; with `add_key` raise Conflict unless it is new. Problems name their field alone."""
    by.check_can(Permission.PATIENT_EDIT, trial=enrolment.trial, site=enrolment.site)
    with audited(by=by, reason=reason):
        _hold(enrolment)
        try:
            tally = writer(reason)
        except RowsRefused as refused:
            problems = [Problem(one.field.removeprefix("rows[0]."), one.message, one.code) for one in refused.problems]
            raise InvalidInput(problems) from refused
        if add_key and tally.voided:
            raise Conflict("There is such a record already, which was voided. Restore it.")
        if add_key and tally.new != 1:
            raise Conflict(f"There is such a record already. Correct that one, or give the new one another {add_key}.")
    return tally


def _correct(row: Row, writer: Writer, enrolment: Enrolment, by: User, reason: Reason) -> Row:
    sentence = reason.sentence()
    with audited(by=by, reason=sentence):
        _hold(enrolment)
        on_record = type(row)._base_manager.get(pk=row.pk)
        if on_record.voided_at is not None:
            raise Conflict("This record is voided. Restore it before you correct it.")
        # What is written is merged from the row as the caller read it.
        if any(getattr(on_record, field.attname) != getattr(row, field.attname) for field in row._meta.concrete_fields):
            raise Conflict(CHANGED_MEANWHILE)
        _write(writer, enrolment, by, sentence)
    row.refresh_from_db()
    return row


@contextmanager
def _changing(row: Row, enrolment: Enrolment, by: User, reason: Reason, *, voided: bool) -> Iterator[Row]:
    """Hold the patient's file and hand out the row as it is now; raise Conflict unless it is `voided` as the person thinks."""
    by.check_can(Permission.PATIENT_EDIT, trial=enrolment.trial, site=enrolment.site)
    sentence = reason.sentence()
    with audited(by=by, reason=sentence):
        check_open(enrolment.trial)
        _hold(enrolment)
        # Whoever is adding something that refers to this row holds a key on it until it can be seen.
        now_on_record = type(row)._base_manager.select_for_update().get(pk=row.pk)
        if (now_on_record.voided_at is not None) != voided:
            raise Conflict(NOT_VOIDED if voided else CHANGED_MEANWHILE)
        yield now_on_record
        row.voided_at = now_on_record.voided_at
        mark_stale(enrolment.trial, by=by, enrolment_ids=[enrolment.pk])
        if isinstance(row, PainDiagnosis):
            mark_elsewhere([enrolment.patient_id], enrolment.trial, by=by)


def _hold(enrolment: Enrolment) -> None:
    """Let one change at a time at a patient's file; raise Conflict for a patient taken out of use meanwhile."""
    if not Enrolment.objects.select_for_update(no_key=True, of=("self",)).filter(pk=enrolment.pk).values_list("pk"):
        raise Conflict("This patient is voided. Restore the patient first.")


def check_pains_stand(scores: Iterable[PainScore]) -> None:
    """Raise Conflict where a score that is brought back is about a voided pain."""
    about = {score.pain_id for score in scores if score.pain_id is not None}
    gone = EnrolmentPain.with_voided.filter(pk__in=about, voided_at__isnull=False).order_by("rank").values_list("rank", flat=True)
    if gone:
        named = ", ".join(map(str, gone))
        raise Conflict(f"The pain that this is about is voided (rank {named}). Restore that pain first.")


def _set(row: models.Model, voided_at: datetime | None) -> None:
    row.voided_at = voided_at  # type: ignore[attr-defined]  # of all three
    row.save(update_fields=["voided_at"])


def _check_primary_may_go(enrolment: Enrolment) -> None:
    """Raise Conflict where the primary pain is frozen, or others stand beside it."""
    _check_not_frozen(enrolment)
    if EnrolmentPain.objects.filter(enrolment=enrolment).exclude(rank=PRIMARY).exists():
        raise Conflict("Patients with pains have exactly one primary. Correct it, or void the other pains first.")


def _check_not_frozen(enrolment: Enrolment) -> None:
    if enrolment.trial.conduct == Conduct.PROSPECTIVE and Allocation.objects.filter(enrolment=enrolment).exists():
        raise Conflict(FROZEN)
