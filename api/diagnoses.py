"""Diagnoses of patients, the pains a trial follows, and the turns of patients' ways: the rows of their three tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from rest_framework import serializers

from api.fields import RowSerializer
from api.histories import versions
from api.patients import ID_HELP, TRIAL_HELP, VERSION_HELP
from api.records import Columns, Corrected, ReasonSerializer, Row, person_of
from registry.exceptions import Conflict
from registry.models import Disposition, Enrolment, EnrolmentPain, PainDiagnosis, Trial, User
from registry.rules.tables import definitions as tables
from registry.rules.tables.columns import Table
from registry.selectors.free_text import free_text
from registry.selectors.patients import enrolment_visible_to, trial_visible_to
from registry.services import diagnoses, dispositions
from registry.services.auditing import audited
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.dispositions import NewDisposition
from registry.services.reasons import Reason
from registry.services.row_sets import Tally

EXISTS = "There is such a record already. Correct that one, or give the new one another {key}."


class RowOfPatient(RowSerializer):
    """What the three shapes share."""

    id = serializers.UUIDField(read_only=True, help_text=ID_HELP)
    version = serializers.IntegerField(read_only=True, help_text=VERSION_HELP)
    trial = serializers.CharField(max_length=40, help_text=TRIAL_HELP)


class TableRecords(Corrected):
    """Rows that are corrected in place by laying a set of rows beside them."""

    table: ClassVar[Table]
    # Columns of free text, which are null for who may not read them.
    texts: ClassVar[Sequence[str]] = ()

    def write(self, trial: Trial, row: Row, *, by: User, now: datetime, reason: str = "") -> Tally:
        """Write the row through its service and return what became of it."""
        raise NotImplementedError

    def written(self, trial: Trial, row: Row) -> UUID:
        """Return the id of the row with this key."""
        raise NotImplementedError

    def make(self, trial: Trial, data: Row, *, by: User, now: datetime) -> UUID:
        """Add a row; raise Conflict where its key is taken, NotFound for a patient the person cannot see."""
        patient = enrolment_visible_to(by, trial, data["patient"])
        by.check_can(self.right, trial=trial, site=patient.site)
        with audited(by=by, reason=f"{self.noun} recorded"):
            if self.write(trial, data, by=by, now=now).new != 1:
                raise Conflict(EXISTS.format(key=self.table.key[-1]))
        return self.written(trial, data)

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Lay the corrected row beside the one on record."""
        columns = {name: "" if record[name] is None and name in self.texts else record[name] for name in self.table.names}
        self.write(trial_visible_to(by, record["trial"]), {**columns, **data}, by=by, now=now, reason=reason.sentence())


class DiagnosisSerializer(RowOfPatient):
    """A pain condition of a patient."""

    table = tables.DIAGNOSES


class DiagnosisCorrection(RowSerializer, ReasonSerializer):
    """What of a diagnosis is corrected, and why."""

    table = tables.DIAGNOSES
    without = tables.DIAGNOSES.key
    optional = True


class Diagnoses(TableRecords):
    """Pain diagnoses of your patients."""

    noun = "diagnosis"
    detail_route = "api_diagnosis"
    serializer_class = DiagnosisSerializer
    correction_class = DiagnosisCorrection
    table = tables.DIAGNOSES
    texts = ("condition_text",)
    order = ("patient_id", "pk")

    def visible(self, user: User) -> QuerySet[PainDiagnosis]:
        """Return the diagnoses of people the person may see, each under its study number."""
        return self.of_enrolments(Enrolment.objects.visible_to(user))

    def of_enrolments(self, enrolments: QuerySet[Enrolment]) -> QuerySet[PainDiagnosis]:
        """Return the diagnoses of these; who is in two of the trials has the study number of the earlier one."""
        own = enrolments.filter(patient=OuterRef("patient")).order_by("pk")
        rows = PainDiagnosis.objects.filter(patient__in=enrolments.values("patient"))
        return rows.annotate(in_trial=Subquery(own.values("trial__slug")[:1]), study_number=Subquery(own.values("patient_code")[:1]))

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep those of the patients asked for."""
        of_patients = {name: value for name, value in asked.items() if name in ("trial", "site", "patient")}
        names = {"trial": "trial__slug", "site": "site__code", "patient": "patient_code"}
        visible = Enrolment.objects.visible_to(person_of(self.request))
        rows = self.of_enrolments(visible.filter(**{names[name]: value for name, value in of_patients.items()})) if of_patients else rows
        rows = rows.filter(condition=asked["diagnosis"]) if asked.get("diagnosis") else rows
        return self.changed(rows, asked["changed_since"]) if asked.get("changed_since") else rows

    def columns(self, user: User) -> Columns:
        """Return the columns of diagnoses.csv."""
        plain = {name: name for name in tables.DIAGNOSES.names[2:]}
        text = {"condition_text": free_text(user, "condition_text", owner="patient", by="patient")}
        ids = {"id": "uuid", "version": versions(PainDiagnosis), "trial": "in_trial", "patient": "study_number", "diagnosis": "code"}
        return {**ids, **plain, **text}

    def write(self, trial: Trial, row: Row, *, by: User, now: datetime, reason: str = "") -> Tally:
        """Write one diagnosis."""
        return diagnoses.record(trial=trial, diagnoses=[NewDiagnosis(**row)], by=by, now=now, reason=reason)[0]

    def written(self, trial: Trial, row: Row) -> UUID:
        """Return the diagnosis of that patient and code."""
        rows = PainDiagnosis.objects.filter(patient__enrolments__trial=trial, patient__enrolments__patient_code=row["patient"])
        return rows.get(code=row["diagnosis"]).uuid


class PainSerializer(RowOfPatient):
    """A pain the trial follows."""

    table = tables.PAINS


class PainCorrection(RowSerializer, ReasonSerializer):
    """What of a pain is corrected, and why."""

    table = tables.PAINS
    without = tables.PAINS.key
    optional = True


class Pains(TableRecords):
    """The pains of your patients; rank 1 is the primary one."""

    noun = "pain"
    detail_route = "api_pain"
    serializer_class = PainSerializer
    correction_class = PainCorrection
    table = tables.PAINS
    texts = ("body_region",)
    order = ("enrolment_id", "rank")

    def visible(self, user: User) -> QuerySet[EnrolmentPain]:
        """Return the pains of the person's patients."""
        return EnrolmentPain.objects.filter(enrolment__in=Enrolment.objects.visible_to(user))

    def columns(self, user: User) -> Columns:
        """Return the columns of pains.csv."""
        return {
            "id": "uuid",
            "version": versions(EnrolmentPain),
            "trial": "enrolment__trial__slug",
            "patient": "enrolment__patient_code",
            "rank": "rank",
            "diagnosis": "diagnosis__code",
            "body_region": free_text(user, "body_region"),
            "side": "side",
        }

    def write(self, trial: Trial, row: Row, *, by: User, now: datetime, reason: str = "") -> Tally:
        """Write one pain."""
        return diagnoses.record(trial=trial, pains=[NewPain(**row)], by=by, now=now, reason=reason)[1]

    def written(self, trial: Trial, row: Row) -> UUID:
        """Return the pain of that patient and rank."""
        return EnrolmentPain.objects.get(enrolment__trial=trial, enrolment__patient_code=row["patient"], rank=row["rank"]).uuid


class DispositionSerializer(RowOfPatient):
    """A dated turn of a patient's way."""

    table = tables.DISPOSITIONS


class DispositionCorrection(RowSerializer, ReasonSerializer):
    """What of a turn is corrected, and why."""

    table = tables.DISPOSITIONS
    without = tables.DISPOSITIONS.key
    optional = True


class Dispositions(TableRecords):
    """The turns of your patients' ways; a kind stands once."""

    noun = "disposition"
    detail_route = "api_disposition"
    serializer_class = DispositionSerializer
    correction_class = DispositionCorrection
    table = tables.DISPOSITIONS
    texts = ("note",)
    order = ("enrolment_id", "pk")

    def visible(self, user: User) -> QuerySet[Disposition]:
        """Return the standing turns of the person's patients."""
        return Disposition.objects.filter(enrolment__in=Enrolment.objects.visible_to(user), voided_at__isnull=True)

    def columns(self, user: User) -> Columns:
        """Return the columns of dispositions.csv."""
        return {
            "id": "uuid",
            "version": versions(Disposition),
            "trial": "enrolment__trial__slug",
            "patient": "enrolment__patient_code",
            **{name: name for name in tables.DISPOSITIONS.names[1:]},
            "note": free_text(user, "note"),
        }

    def write(self, trial: Trial, row: Row, *, by: User, now: datetime, reason: str = "") -> Tally:
        """Write one turn."""
        return dispositions.record(trial=trial, rows=[NewDisposition(**row)], by=by, now=now, reason=reason)

    def written(self, trial: Trial, row: Row) -> UUID:
        """Return the standing turn of that patient and kind."""
        rows = Disposition.objects.filter(enrolment__trial=trial, enrolment__patient_code=row["patient"], voided_at__isnull=True)
        return rows.get(kind=row["kind"]).uuid
