"""Patients: the pseudonymous record of one person in one trial, the row of patients.csv; and their way through the trial."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from rest_framework import serializers

from api.fields import RowSerializer
from api.file_rows import TRIAL_HELP, VOIDED, FileRowQuery, RowOfPatient, without_voided
from api.histories import versions
from api.records import Columns, ReasonSerializer, Records, Row, Voided
from registry.exceptions import Conflict
from registry.models import Allocation, Enrolment, Patient, Trial, User
from registry.rules.tables import definitions as tables
from registry.selectors.patients import STATES, state_case, trial_visible_to, with_state
from registry.services import patients
from registry.services.patient_voids import restore_patient, void_patient
from registry.services.patients import NewPatient
from registry.services.reasons import Reason


class PatientSerializer(RowOfPatient):
    """A patient of a trial. No name, no initials, no birth date."""

    table = tables.PATIENTS


class PatientCorrection(RowSerializer, ReasonSerializer):
    """What of a patient is corrected, and why."""

    table = tables.PATIENTS
    without = ("patient",)
    optional = True


class DatedPatientQuery(FileRowQuery):
    """Patients by the day of enrolment."""

    date_from = serializers.DateField(required=False, help_text="First day of enrolment.")
    date_to = serializers.DateField(required=False, help_text="Last day of enrolment.")


class Patients(Voided):
    """The patients at sites your memberships cover."""

    noun = "patient"
    detail_route = "api_patient"
    serializer_class = PatientSerializer
    correction_class = PatientCorrection
    query_class = DatedPatientQuery
    order = ("trial_id", "patient_code")
    enrolment = ""

    def visible(self, user: User) -> QuerySet[Enrolment]:
        """Return the person's patients, voided ones among them."""
        return Enrolment.with_voided.visible_to(user)

    def columns(self, user: User) -> Columns:
        """Return the columns of patients.csv."""
        person = {name: f"patient__{name}" for name in ("birth_year", "sex", "handedness", "time_zone")}
        return {
            "id": "uuid",
            "version": versions(Enrolment) + versions(Patient, "patient_id") - 1,
            "voided": VOIDED,
            "trial": "trial__slug",
            "patient": "patient_code",
            "site": "site__code",
            "cohort": "cohort",
            "enrolled_on": "enrolled_on",
            "protocol": Coalesce(F("protocol_version__version"), Value("")),
            **person,
        }

    def narrowed(self, rows: QuerySet[Any], asked: Row) -> QuerySet[Any]:
        """Keep what the query asks for."""
        bounds = {"enrolled_on__gte": asked.get("date_from"), "enrolled_on__lte": asked.get("date_to")}
        rows = without_voided(rows, asked).filter(**{name: day for name, day in bounds.items() if day is not None})
        return super().narrowed(rows, asked)

    def changed(self, rows: QuerySet[Any], since: datetime) -> QuerySet[Any]:
        """Keep patients of whom either the person's row or the enrolment's has changed."""
        return changed_people(rows, since)

    def make(self, trial: Trial, data: Row, *, by: User, now: datetime) -> UUID:
        """Enrol one patient."""
        row = NewPatient(**data)
        for site in trial.sites.filter(code=row.site):
            by.check_can(self.right, trial=trial, site=site)
        return patients.enrol(trial=trial, rows=[row], by=by, now=now)[row.patient].uuid

    def correct(self, record: Row, data: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Lay the corrected row beside the one on record."""
        if record["voided"]:
            raise Conflict("This patient is voided. Restore the patient before you correct it.")
        columns = {name: record[name] for name in tables.PATIENTS.names}
        trial = trial_visible_to(by, record["trial"])
        patients.correct(trial=trial, rows=[NewPatient(**{**columns, **data})], by=by, now=now, reason=reason.sentence())

    def take_out(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Void the patient."""
        void_patient(enrolment=self.enrolment_of(by, record), reason=reason, by=by, now=now)

    def bring_back(self, record: Row, reason: Reason, *, by: User, now: datetime) -> None:
        """Restore the patient."""
        restore_patient(enrolment=self.enrolment_of(by, record), reason=reason, by=by, now=now)

    def enrolment_of(self, user: User, record: Row) -> Enrolment:
        """Return the row of a record the person has been shown."""
        return self.visible(user).select_related("trial", "site__trial").get(uuid=record["id"])


def changed_people(rows: QuerySet[Any], since: datetime) -> QuerySet[Any]:
    """Keep enrolments whose own history or whose person's has an entry since then."""
    enrolments = Enrolment.history.rel.related_model.objects.filter(pgh_created_at__gte=since)  # type: ignore[attr-defined]
    people = Patient.history.rel.related_model.objects.filter(pgh_created_at__gte=since)  # type: ignore[attr-defined]
    return rows.filter(Q(pk__in=enrolments.values("pgh_obj_id")) | Q(patient__in=people.values("pgh_obj_id")))


class EnrolmentSerializer(serializers.Serializer[Any]):
    """A patient's way through the trial: where it stands, and the visible half of the allocation."""

    id = serializers.UUIDField(help_text="Identifier of the patient's record.")
    trial = serializers.CharField(help_text=TRIAL_HELP)
    patient = serializers.CharField(help_text="Study number.")
    state = serializers.ChoiceField(choices=list(STATES.items()), help_text="Where the way stands.")
    allocated_on = serializers.DateField(allow_null=True, help_text="Day of allocation: day 0 of the plan's windows.")
    allocated_at = serializers.DateTimeField(allow_null=True, help_text="Time of allocation, if known.")
    treatment = serializers.CharField(allow_null=True, help_text="Code of the visible treatment.")
    kit_code = serializers.CharField(allow_null=True, help_text="Code of the kit given; it tells nothing of what is concealed.")
    analysis_site = serializers.CharField(allow_null=True, help_text="Site the patient is analysed under.")


class Enrolments(Records):
    """Where patients stand; a patient is enrolled by adding it to the patients."""

    noun = "enrolment"
    serializer_class = EnrolmentSerializer
    order = ("trial_id", "patient_code")
    enrolment = ""

    def visible(self, user: User) -> QuerySet[Enrolment]:
        """Return the person's patients with what decides their state."""
        return with_state(Enrolment.objects.visible_to(user))

    def columns(self, user: User) -> Columns:
        """Return the state and the visible half of the last allocation."""
        last = Allocation.objects.filter(enrolment=OuterRef("pk")).order_by("-stage")
        sources = {"treatment": "treatment__code", "analysis_site": "analysis_site__code"}
        names = ("allocated_on", "allocated_at", "treatment", "kit_code", "analysis_site")
        visible_half = {name: Subquery(last.values(sources.get(name, name))[:1]) for name in names}
        return {"id": "uuid", "trial": "trial__slug", "patient": "patient_code", "state": state_case(), **visible_half}

    def changed(self, rows: QuerySet[Any], since: datetime) -> QuerySet[Any]:
        """Keep those whose record changed, or who were allocated or took a turn since then."""
        own = changed_people(rows, since).order_by().values("pk")
        turns = Q()
        for relation in ("allocations", "dispositions"):
            model = getattr(Enrolment, relation).rel.related_model
            events = model.history.rel.related_model.objects.filter(pgh_created_at__gte=since)
            turns |= Q(pk__in=events.values("enrolment_id"))
        return rows.filter(Q(pk__in=own) | turns)
