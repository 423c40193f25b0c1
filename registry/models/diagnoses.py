"""What hurts and why: diagnoses of a person, and the pains a trial follows."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from registry.models.columns import NewUuid, word_column
from registry.models.history import tracked
from registry.models.patients import Enrolment, Patient
from registry.models.standing import StandingManager
from registry.vocabulary import DiagnosticCertainty, MechanismClass, PainCondition, Side

PARTIAL_DATE = RegexValidator(r"^\d{4}(-\d{2}(-\d{2})?)?\Z", "Use YYYY, YYYY-MM or YYYY-MM-DD.")
ICD_10 = RegexValidator(r"^[A-Z]\d[0-9A-Z](\.[0-9A-Z-]{1,4})?\Z", "Use an ICD-10 code such as G54.6.")
ICD_11 = RegexValidator(r"^[0-9A-WYZ][A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,2})?\Z", "Use an ICD-11 stem code such as MG30.01.")


@tracked()
class PainDiagnosis(models.Model):
    """A pain condition of a person. Onset may be known to the year only."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="diagnoses")
    code = models.CharField(max_length=20, default="D1")
    condition = word_column(PainCondition)
    condition_text = models.CharField(max_length=200, blank=True)
    certainty = word_column(DiagnosticCertainty, default=DiagnosticCertainty.NOT_GRADED)
    mechanism = word_column(MechanismClass, default=MechanismClass.NOT_CLASSIFIED)
    onset = models.CharField(max_length=10, blank=True, validators=[PARTIAL_DATE])
    icd10 = models.CharField(max_length=10, blank=True, validators=[ICD_10])
    icd11 = models.CharField(max_length=12, blank=True, validators=[ICD_11])
    voided_at = models.DateTimeField(null=True)

    objects = StandingManager["PainDiagnosis"]()
    with_voided = models.Manager["PainDiagnosis"]()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "code"], condition=models.Q(voided_at__isnull=True), name="diagnosis_code_unique"),
            models.CheckConstraint(
                name="diagnosis_onset_form", condition=models.Q(onset="") | models.Q(onset__regex=r"^\d{4}(-\d{2}(-\d{2})?)?$")
            ),
        ]

    @property
    def label(self) -> str:
        """Return the condition in words, with the free text where the condition is 'other'."""
        label = PainCondition(self.condition).label
        return f"{label}: {self.condition_text}" if self.condition_text else label


@tracked()
class EnrolmentPain(models.Model):
    """A pain followed in a trial; rank 1 is the primary pain, whose diagnosis forms the subgroups."""

    uuid = models.UUIDField(unique=True, editable=False, db_default=NewUuid())
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="pains")
    diagnosis = models.ForeignKey(PainDiagnosis, models.PROTECT, related_name="pains")
    rank = models.PositiveSmallIntegerField()
    body_region = models.CharField(max_length=80, blank=True)
    side = word_column(Side, default=Side.NOT_RECORDED)
    voided_at = models.DateTimeField(null=True)

    objects = StandingManager["EnrolmentPain"]()
    with_voided = models.Manager["EnrolmentPain"]()

    class Meta:
        ordering = ["rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "rank"], condition=models.Q(voided_at__isnull=True), name="enrolment_pain_rank_unique"
            ),
            models.CheckConstraint(name="enrolment_pain_rank_from_1", condition=models.Q(rank__gte=1)),
        ]

    @property
    def is_primary(self) -> bool:
        """Tell whether this is the pain that subgroups use."""
        return self.rank == 1
