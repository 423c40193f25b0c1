"""People under a study number, their identity kept apart, and their way through a trial."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

from registry.models.columns import NewUuid, word_column
from registry.models.history import tracked
from registry.models.standing import StandingManager
from registry.models.trials import ProtocolVersion, Site, Trial
from registry.roles import ROLES, Permission
from registry.vocabulary import Cohort, DispositionKind, DispositionReason, Handedness, ScreeningResult, Sex

if TYPE_CHECKING:
    from registry.models.accounts import User

PATIENT_CODE = RegexValidator(r"^[A-Z0-9-]{1,20}\Z", "Use 1 to 20 capitals, digits or dashes.")


@tracked()
class Patient(models.Model):
    """A person, without anything that names them. The study number belongs to the enrolment (docs/decisions/0004)."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    birth_year = models.PositiveSmallIntegerField(null=True, blank=True)
    sex = word_column(Sex, default=Sex.UNKNOWN)
    handedness = word_column(Handedness, default=Handedness.UNKNOWN)
    time_zone = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="patient_birth_year_plausible",
                condition=models.Q(birth_year__isnull=True) | models.Q(birth_year__range=(1890, 2100)),
            )
        ]


# The key itself must have no history: a key that history keeps can never be destroyed.
@tracked(exclude=("wrapped_key",))
class PatientKey(models.Model):
    """The patient's own data key, wrapped by the registry's identity key. Destroying it erases the identity everywhere."""

    patient = models.OneToOneField(Patient, models.PROTECT, primary_key=True, related_name="key")
    wrapped_key = models.BinaryField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="patient_key_or_destroyed",
                condition=models.Q(wrapped_key__isnull=False, destroyed_at__isnull=True)
                | models.Q(wrapped_key__isnull=True, destroyed_at__isnull=False),
            )
        ]


@tracked()
class PatientIdentity(models.Model):
    """Name, initials, birth date, record number and contact, encrypted as one document under the patient's key."""

    patient = models.OneToOneField(Patient, models.PROTECT, primary_key=True, related_name="identity")
    ciphertext = models.BinaryField()


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    """Reads of patients begin here, in the words of the clinic."""

    def visible_to(self, user: User) -> Self:
        """Keep the enrolments at sites that the person's memberships with a patient's right cover."""
        allowed = models.Q(pk__in=[])
        for membership in user.current_memberships():
            if Permission.PATIENT_VIEW not in ROLES[membership.role].permissions:
                continue
            if membership.trial_id is None:
                return self
            allowed |= models.Q(site_id=membership.site_id) if membership.site_id else models.Q(trial_id=membership.trial_id)
        return self.filter(allowed)

    def in_trial(self, trial: Trial) -> Self:
        """Keep one trial's enrolments."""
        return self.filter(trial=trial)


@tracked()
class Enrolment(models.Model):
    """One patient in one trial: the unit of analysis. One entered by mistake is voided and keeps its study number (docs/decisions/0008)."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    trial = models.ForeignKey(Trial, models.PROTECT, related_name="enrolments")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="enrolments")
    patient_code = models.CharField(max_length=20, validators=[PATIENT_CODE])
    site = models.ForeignKey(Site, models.PROTECT, related_name="enrolments")
    cohort = word_column(Cohort, default=Cohort.PATIENTS)
    enrolled_on = models.DateField(null=True, blank=True)
    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, null=True, related_name="+")
    voided_at = models.DateTimeField(null=True)

    objects = StandingManager.from_queryset(EnrolmentQuerySet)()
    with_voided = EnrolmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "patient"], name="enrolment_once_per_trial"),
            models.UniqueConstraint(fields=["trial", "patient_code"], name="enrolment_code_unique"),
            models.CheckConstraint(name="enrolment_code_form", condition=models.Q(patient_code__regex=r"^[A-Z0-9-]{1,20}$")),
        ]
        indexes = [models.Index(fields=["site", "patient_code"], name="enrolment_site_code")]

    def __str__(self) -> str:
        return self.patient_code

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Return the patient's time zone, else the site's, else the trial's."""
        return zoneinfo.ZoneInfo(self.patient.time_zone) if self.patient.time_zone else self.site.zone


@tracked()
class SiteTransfer(models.Model):
    """A patient moved to another site of the trial on a date; the analysis site stays that of allocation."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="transfers")
    from_site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    to_site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    transferred_on = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="transfer_changes_site", condition=~models.Q(from_site=models.F("to_site"))),
        ]


@tracked()
class EnrolmentProtocol(models.Model):
    """From which day an enrolment follows which protocol version."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="protocols")
    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="+")
    valid_from = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "valid_from"], name="enrolment_protocol_unique")]


@tracked()
class ScreeningAttempt(models.Model):
    """One try at screening; a failed one keeps its reason for the flow chart."""

    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="screening_attempts")
    number = models.PositiveSmallIntegerField()
    screened_on = models.DateField()
    result = word_column(ScreeningResult)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "number"], name="screening_number_unique"),
            models.CheckConstraint(name="screening_failure_has_reason", condition=~models.Q(result="failed", reason="")),
        ]


@tracked()
class Disposition(models.Model):
    """A dated turn of an enrolment's way. Stopping stimulation never ends follow-up; each kind stands once."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="dispositions")
    kind = word_column(DispositionKind)
    happened_on = models.DateField(null=True, blank=True)
    reason = word_column(DispositionReason, default=DispositionReason.NOT_RECORDED)
    note = models.CharField(max_length=500, blank=True)
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrolment", "kind"], condition=models.Q(voided_at__isnull=True), name="disposition_once"),
        ]
