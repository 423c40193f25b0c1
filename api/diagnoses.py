"""Diagnoses of patients, the pains a trial follows, and the turns of patients' ways: the rows of their three tables."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from api.fields import RowSerializer
from api.file_rows import VOIDED, FileRows, RowOfPatient, without_voided
from api.histories import versions
from api.records import Columns, ReasonSerializer, Row, person_of
from registry.models import Disposition, Enrolment, EnrolmentPain, PainDiagnosis, User
from registry.rules.tables import definitions as tables
from registry.selectors.free_text import free_text
from registry.services import patient_file as file
from registry.services.diagnoses import NewDiagnosis, NewPain
from registry.services.dispositions import NewDisposition


class DiagnosisSerializer(RowOfPatient):
    """A pain condition of a patient."""

    table = tables.DIAGNOSES


class DiagnosisCorrection(RowSerializer, ReasonSerializer):
    """What of a diagnosis is corrected, and why."""

    table = tables.DIAGNOSES
    without = tables.DIAGNOSES.key
    optional = True


class Diagnoses(FileRows):
    """Pain diagnoses of your patients."""

    noun = "diagnosis"
    detail_route = "api_diagnosis"
    serializer_class = DiagnosisSerializer
    correction_class = DiagnosisCorrection
    table = tables.DIAGNOSES
    model = PainDiagnosis
    argument = "diagnosis"
    new = NewDiagnosis
    verbs = {
        "add": file.add_diagnosis,
        "correct": file.correct_diagnosis,
        "void": file.void_diagnosis,
        "restore": file.restore_diagnosis,
    }
    order = ("patient_id", "pk")

    def visible(self, user: User) -> QuerySet[PainDiagnosis]:
        """Return the diagnoses of people the person may see, each under its study number."""
        return self.of_enrolments(Enrolment.objects.visible_to(user))

    def of_enrolments(self, enrolments: QuerySet[Enrolment]) -> QuerySet[PainDiagnosis]:
        """Return the diagnoses of these; who is in two of the trials has the study number of the earlier one."""
        own = enrolments.filter(patient=OuterRef("patient")).order_by("pk")
        rows = PainDiagnosis.with_voided.filter(patient__in=enrolments.values("patient"))
        return rows.annotate(in_trial=Subquery(own.values("trial__slug")[:1]), study_number=Subquery(own.values("patient_code")[:1]))

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep those of the patients asked for."""
        of_patients = {name: value for name, value in asked.items() if name in ("trial", "site", "patient")}
        names = {"trial": "trial__slug", "site": "site__code", "patient": "patient_code"}
        visible = Enrolment.objects.visible_to(person_of(self.request))
        rows = self.of_enrolments(visible.filter(**{names[name]: value for name, value in of_patients.items()})) if of_patients else rows
        rows = without_voided(rows.filter(condition=asked["diagnosis"]) if asked.get("diagnosis") else rows, asked)
        return self.changed(rows, asked["changed_since"]) if asked.get("changed_since") else rows

    def columns(self, user: User) -> Columns:
        """Return the columns of diagnoses.csv."""
        return {
            "id": "uuid",
            "version": versions(PainDiagnosis),
            "voided": VOIDED,
            "trial": "in_trial",
            "patient": "study_number",
            "diagnosis": "code",
            **{name: name for name in tables.DIAGNOSES.names[2:]},
            "condition_text": free_text(user, "condition_text", owner="patient", by="patient"),
        }


class PainSerializer(RowOfPatient):
    """A pain the trial follows."""

    table = tables.PAINS


class PainCorrection(RowSerializer, ReasonSerializer):
    """What of a pain is corrected, and why."""

    table = tables.PAINS
    without = tables.PAINS.key
    optional = True


class Pains(FileRows):
    """The pains of your patients; rank 1 is the primary one."""

    noun = "pain"
    detail_route = "api_pain"
    serializer_class = PainSerializer
    correction_class = PainCorrection
    table = tables.PAINS
    model = EnrolmentPain
    argument = "pain"
    new = NewPain
    verbs = {
        "add": file.add_pain,
        "correct": file.correct_pain,
        "void": file.void_pain,
        "restore": file.restore_pain,
    }
    order = ("enrolment_id", "rank", "pk")

    def visible(self, user: User) -> QuerySet[EnrolmentPain]:
        """Return the pains of the person's patients."""
        return EnrolmentPain.with_voided.filter(enrolment__in=Enrolment.objects.visible_to(user))

    def columns(self, user: User) -> Columns:
        """Return the columns of pains.csv."""
        return {
            "id": "uuid",
            "version": versions(EnrolmentPain),
            "voided": VOIDED,
            "trial": "enrolment__trial__slug",
            "patient": "enrolment__patient_code",
            "rank": "rank",
            "diagnosis": "diagnosis__code",
            "body_region": free_text(user, "body_region"),
            "side": "side",
        }


class DispositionSerializer(RowOfPatient):
    """A dated turn of a patient's way."""

    table = tables.DISPOSITIONS


class DispositionCorrection(RowSerializer, ReasonSerializer):
    """What of a turn is corrected, and why."""

    table = tables.DISPOSITIONS
    without = tables.DISPOSITIONS.key
    optional = True


class Dispositions(FileRows):
    """The turns of your patients' ways; a kind stands once."""

    noun = "disposition"
    detail_route = "api_disposition"
    serializer_class = DispositionSerializer
    correction_class = DispositionCorrection
    table = tables.DISPOSITIONS
    model = Disposition
    argument = "disposition"
    new = NewDisposition
    verbs = {
        "add": file.add_disposition,
        "correct": file.correct_disposition,
        "void": file.void_disposition,
        "restore": file.restore_disposition,
    }
    order = ("enrolment_id", "pk")

    def visible(self, user: User) -> QuerySet[Disposition]:
        """Return the turns of the person's patients."""
        return Disposition.objects.filter(enrolment__in=Enrolment.objects.visible_to(user))

    def columns(self, user: User) -> Columns:
        """Return the columns of dispositions.csv."""
        return {
            "id": "uuid",
            "version": versions(Disposition),
            "voided": VOIDED,
            "trial": "enrolment__trial__slug",
            "patient": "enrolment__patient_code",
            **{name: name for name in tables.DISPOSITIONS.names[1:]},
            "note": free_text(user, "note"),
        }
