"""What happened to one patient's records: who, when, what was and what is, and why. Read from the event tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q

from registry.models import (
    Allocation,
    Change,
    Disposition,
    Enrolment,
    EnrolmentPain,
    PainDiagnosis,
    PainScore,
    Patient,
    PatientIdentity,
    ScreeningAttempt,
    SiteTransfer,
    User,
)
from registry.rules.history_records import record_sentences
from registry.rules.history_sentences import RowVersion, ScoreVersion, in_one_line, row_sentences, score_sentences
from registry.selectors.history_events import events_of, names_behind, words_of
from registry.selectors.history_records import versioned_records
from registry.selectors.voidings import who_of


@dataclass(frozen=True)
class Happening:
    """One change: a person, an instant, a reason, and what it did to this patient's records."""

    at: datetime
    who: str
    reason: str
    sentences: list[str]
    request_id: str


@dataclass(frozen=True)
class HistorySentence:
    """One thing that was done; as text it reads 'Ana Rivera corrected … from 5 to 6: typing error.'"""

    at: datetime
    who: str
    sentence: str
    reason: str
    request_id: str

    def __str__(self) -> str:
        return in_one_line(self.who, self.sentence, self.reason)


@dataclass(frozen=True)
class _Subject:
    """A table of the patient's file: what a row is called, which columns are worth telling, which one tells rows apart."""

    model: type[models.Model]
    noun: str
    fields: tuple[str, ...]
    named_by: str = ""


SUBJECTS = (
    _Subject(Enrolment, "the enrolment", ("patient_code", "site", "cohort", "enrolled_on", "voided_at")),
    _Subject(Patient, "the patient's data", ("birth_year", "sex", "handedness", "time_zone")),
    _Subject(
        PainDiagnosis,
        "a diagnosis",
        ("condition", "condition_text", "certainty", "mechanism", "onset", "icd10", "icd11", "voided_at"),
        named_by="condition",
    ),
    _Subject(EnrolmentPain, "a pain", ("rank", "body_region", "side", "voided_at"), named_by="rank"),
    _Subject(Disposition, "a disposition", ("kind", "happened_on", "reason", "note", "voided_at"), named_by="kind"),
    _Subject(ScreeningAttempt, "a screening", ("number", "screened_on", "result", "reason"), named_by="number"),
    _Subject(SiteTransfer, "a transfer to another site", ("from_site", "to_site", "transferred_on")),
    # The visible half; the concealed one has its history in the closed room.
    _Subject(Allocation, "the allocation", ("treatment", "kit_code", "allocated_on")),
    # What an identity says never leaves its cipher; that it was touched is told.
    _Subject(PatientIdentity, "the identity (contents are not shown)", ()),
)


def patient_history(user: User, enrolment: Enrolment, *, limit: int | None = None, before: datetime | None = None) -> list[HistorySentence]:
    """Return what was done, the newest first: at most `limit` changes, those earlier than `before`."""
    return [
        HistorySentence(happening.at, happening.who, sentence, happening.reason, happening.request_id)
        for happening in history_of(user, enrolment, limit=limit, before=before)
        for sentence in happening.sentences
    ]


def history_of(user: User, enrolment: Enrolment, *, limit: int | None = None, before: datetime | None = None) -> list[Happening]:
    """Return the patient's changes, the newest first, without what the person may not see.

    The number of queries does not grow with the history.
    """
    told: dict[UUID, list[str]] = defaultdict(list)
    for subject in SUBJECTS:
        for change, sentence in row_sentences(subject.noun, subject.named_by, _versions(subject, enrolment)):
            told[change].append(sentence)
    for change, sentences in score_sentences(_score_versions(user, enrolment)).items():
        told[change].extend(sentences)
    for noun, versions in versioned_records(user, enrolment):
        for change, sentences in record_sentences(noun, versions).items():
            told[change].extend(sentences)
    changes = Change.objects.filter(pk__in=told).select_related("actor").order_by("-at", "-pk")
    if before is not None:
        changes = changes.filter(at__lt=before)
    return [Happening(row.at, who_of(row), row.reason, told[row.pk], row.request_id) for row in changes[:limit]]


def _versions(subject: _Subject, enrolment: Enrolment) -> Iterator[RowVersion]:
    """Yield the patient's rows of one history table, the oldest first, in words."""
    events = _events(subject.model, enrolment)
    names = names_behind(events, subject.model, subject.fields)
    for event in events:
        values = {name: words_of(event, name, names) for name in subject.fields}
        yield RowVersion(event.change_id, event.pgh_obj_id, event.pgh_label, values)


def _events(model: type[models.Model], enrolment: Enrolment) -> list[Any]:
    rows = events_of(model).objects.order_by("pgh_id")
    if model is Enrolment:
        return list(rows.filter(pgh_obj_id=enrolment.pk))
    if model is Patient:
        return list(rows.filter(pgh_obj_id=enrolment.patient_id))
    if model in (PainDiagnosis, PatientIdentity):
        return list(rows.filter(patient_id=enrolment.patient_id))
    return list(rows.filter(enrolment_id=enrolment.pk))


def _score_versions(user: User, enrolment: Enrolment) -> list[ScoreVersion]:
    """Return what was written and voided of the scores that the person may see, the oldest first."""
    visible = PainScore.objects.visible_to(user).filter(enrolment=enrolment)
    rows = events_of(PainScore).objects.filter(Q(pgh_label="insert") | Q(voided=True), pgh_obj_id__in=visible.values("pk"))
    columns = ("change_id", "record", "version", "pgh_label", "value", "for_date", "visit_type__label")
    return [
        ScoreVersion(change, record, version, label == "insert", value, for_date.isoformat() if for_date else f"visit {visit}")
        for change, record, version, label, value, for_date, visit in rows.order_by("pgh_id").values_list(*columns)
    ]
